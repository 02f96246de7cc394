// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prediction from a reference frame (RFC 6386 §18).

use crate::dsp::{Dsp, Motion, Width};
use crate::vp8::frame::{Frame, Layout, Target, BORDER};
use crate::vp8::modes::{LumaMode, Macroblock, Parts, Split};
use crate::vp8::mv::Mv;

/// Samples that a six-tap filter reads to the left of and above a block.
const BEFORE: i32 = 2;
/// Samples that it reads to the right of and below it.
const AFTER: i32 = 3;
/// Samples from a macroblock's reference to what is fetched in advance.
const AHEAD: isize = 64;
/// Row length of a patch.
const PATCH: usize = 32;

/// Which filters a frame is predicted with, by its version (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filters {
    /// Bilinear instead of six taps.
    pub bilinear: bool,
    /// Whole samples only in chroma.
    pub full_pixel: bool,
}

impl Filters {
    pub const fn of_version(version: u8) -> Self {
        Self {
            bilinear: matches!(version, 1..=3),
            full_pixel: version == 3,
        }
    }
}

/// Predicts blocks of one frame.
pub(crate) struct Inter<'a> {
    pub dsp: &'static Dsp,
    pub filters: Filters,
    /// Last, golden, altref.
    pub references: [&'a Frame; 3],
}

/// A block to predict.
#[derive(Clone, Copy)]
struct Block {
    plane: usize,
    /// Position of the macroblock in the frame, in macroblocks.
    macroblock: (usize, usize),
    /// Position in the macroblock's plane, in samples.
    x: usize,
    y: usize,
    width: Width,
    height: usize,
}

impl Inter<'_> {
    /// Predicts all three planes of the macroblock at column `x`, row `y` of the
    /// frame into `to`, which may lie elsewhere.
    #[inline(always)]
    pub fn macroblock(
        &self,
        block: &Macroblock,
        parts: &Parts,
        (x, y): (usize, usize),
        to: &mut Target<'_>,
    ) {
        let from = self.references[usize::from(block.reference - 1)];
        self.prefetch(from, block.mv, (x, y));
        match block.luma {
            LumaMode::Split(split) => self.split(from, split, &parts.mvs, (x, y), to),
            _ => self.whole(from, block.mv, (x, y), to),
        }
    }

    /// Asks for a part of what macroblocks further right will likely refer to:
    /// they mostly move as this one does, and cache lines are four of them wide.
    #[inline(always)]
    fn prefetch(&self, from: &Frame, mv: Mv, (x, y): (usize, usize)) {
        let line = |plane: usize, size: isize, row: isize, shift: i32| {
            let layout = from.geometry.plane(plane);
            let (dx, dy) = (isize::from(mv.col) >> shift, isize::from(mv.row) >> shift);
            let (x, y) = (size * x as isize + dx + AHEAD, size * y as isize + dy + row);
            let at = layout.at as isize + y * layout.stride as isize + x;
            self.dsp.prefetch(&from.samples, at);
        };
        for row in 0..5 {
            line(0, 16, (x as isize & 3) * 5 + row - 2, 2);
        }
        for row in 0..2 {
            line(1, 8, (x as isize & 7) * 2 + row - 2, 3);
            line(2, 8, (x as isize & 7) * 2 + row - 2, 3);
        }
    }

    /// A macroblock of one vector.
    #[inline(always)]
    fn whole(&self, from: &Frame, mv: Mv, (x, y): (usize, usize), to: &mut Target<'_>) {
        let (luma, u, v) = (
            from.geometry.plane(0),
            from.geometry.plane(1),
            from.geometry.plane(2),
        );
        let (row, col) = (i32::from(mv.row), i32::from(mv.col));
        let (left, top) = (16 * x as i32 + (col >> 2), 16 * y as i32 + (row >> 2));
        // Then chroma is, too: its border is as wide.
        if self.filters.bilinear || !is_inside(luma, (left, top), (16, 16)) {
            return self.part(from, mv, (x, y), (0, 0), (16, 16), to);
        }
        let at = |layout: Layout, side: usize, shift: i32| {
            let moved = (row >> shift) as isize * layout.stride as isize + (col >> shift) as isize;
            ((layout.row(side * y) + side * x) as isize + moved) as usize
        };
        let motion = Motion {
            from: [at(luma, 16, 2), at(u, 8, 3), at(v, 8, 3)],
            from_stride: [luma.stride, u.stride],
            to: to.at,
            to_stride: [to.stride[0], to.stride[1]],
            luma: ((col & 3) as usize * 2, (row & 3) as usize * 2),
            chroma: ((col & 7) as usize, (row & 7) as usize),
        };
        self.dsp
            .sixtap_macroblock(&from.samples, to.samples, &motion);
    }

    fn split(
        &self,
        from: &Frame,
        split: Split,
        mvs: &[Mv; 16],
        at: (usize, usize),
        to: &mut Target<'_>,
    ) {
        let size = match split {
            Split::TopBottom => (16, 8),
            Split::LeftRight => (8, 16),
            Split::Quarters => (8, 8),
            Split::Sixteenths => return self.sixteenths(from, mvs, at, to),
        };
        for dy in (0..16).step_by(size.1) {
            for dx in (0..16).step_by(size.0) {
                self.part(from, mvs[dy + dx / 4], at, (dx, dy), size, to);
            }
        }
    }

    /// A part of one vector, at least 8 by 8, in all planes.
    #[inline(always)]
    fn part(
        &self,
        from: &Frame,
        mv: Mv,
        macroblock: (usize, usize),
        (x, y): (usize, usize),
        (width, height): (usize, usize),
        to: &mut Target<'_>,
    ) {
        let (luma, chroma) = match width {
            16 => (Width::W16, Width::W8),
            _ => (Width::W8, Width::W4),
        };
        let block = Block {
            plane: 0,
            macroblock,
            x,
            y,
            width: luma,
            height,
        };
        self.luma(from, block, mv, to);
        for plane in 1..3 {
            let block = Block {
                plane,
                macroblock,
                x: x / 2,
                y: y / 2,
                width: chroma,
                height: height / 2,
            };
            self.chroma(from, block, mv, to);
        }
    }

    /// Sixteen vectors; chroma has the mean of each four.
    fn sixteenths(
        &self,
        from: &Frame,
        mvs: &[Mv; 16],
        macroblock: (usize, usize),
        to: &mut Target<'_>,
    ) {
        for (n, pair) in mvs.chunks_exact(2).enumerate() {
            let (dx, dy) = (n % 2 * 8, n / 2 * 4);
            let mut block = Block {
                plane: 0,
                macroblock,
                x: dx,
                y: dy,
                width: Width::W8,
                height: 4,
            };
            if pair[0] == pair[1] {
                self.luma(from, block, pair[0], to);
                continue;
            }
            block.width = Width::W4;
            self.luma(from, block, pair[0], to);
            block.x += 4;
            self.luma(from, block, pair[1], to);
        }
        for n in 0..4 {
            let (dx, dy) = (n % 2, n / 2);
            let first = 8 * dy + 2 * dx;
            let four = [first, first + 1, first + 4, first + 5].map(|i| mvs[i]);
            let mv = mean(four);
            for plane in 1..3 {
                let block = Block {
                    plane,
                    macroblock,
                    x: 4 * dx,
                    y: 4 * dy,
                    width: Width::W4,
                    height: 4,
                };
                self.chroma(from, block, mv, to);
            }
        }
    }

    #[inline(always)]
    fn luma(&self, from: &Frame, block: Block, mv: Mv, to: &mut Target<'_>) {
        let (row, col) = (i32::from(mv.row), i32::from(mv.col));
        let fractions = ((col & 3) as usize * 2, (row & 3) as usize * 2);
        self.block(from, block, (col >> 2, row >> 2), fractions, to);
    }

    #[inline(always)]
    fn chroma(&self, from: &Frame, block: Block, mv: Mv, to: &mut Target<'_>) {
        let (mut row, mut col) = (i32::from(mv.row), i32::from(mv.col));
        if self.filters.full_pixel {
            (row, col) = (row & !7, col & !7);
        }
        let fractions = ((col & 7) as usize, (row & 7) as usize);
        self.block(from, block, (col >> 3, row >> 3), fractions, to);
    }

    #[inline(always)]
    fn block(
        &self,
        from: &Frame,
        block: Block,
        (dx, dy): (i32, i32),
        fractions: (usize, usize),
        to: &mut Target<'_>,
    ) {
        let layout = from.geometry.plane(block.plane);
        let size = if block.plane == 0 { 16 } else { 8 };
        let (in_x, in_y) = (
            size * block.macroblock.0 + block.x,
            size * block.macroblock.1 + block.y,
        );
        let (x, y) = (in_x as i32 + dx, in_y as i32 + dy);
        let (width, height) = (block.width.samples() as i32, block.height as i32);
        let inside = is_inside(layout, (x, y), (width, height));
        let stride = to.stride[block.plane];
        let to_at = to.at[block.plane] + block.y * stride + block.x;
        let to = (&mut *to.samples, to_at, stride);
        if inside {
            let at = layout.row(in_y) + in_x;
            let from_at =
                (at as isize + dy as isize * layout.stride as isize + dx as isize) as usize;
            let from = (&from.samples[..], from_at, layout.stride);
            self.filter(from, to, block, fractions);
        } else {
            let patch = patch(from, layout, (x, y), (width, height));
            let from = (&patch[..], BEFORE as usize * (PATCH + 1), PATCH);
            self.filter(from, to, block, fractions);
        }
    }

    #[inline(always)]
    fn filter(
        &self,
        (from, from_at, from_stride): (&[u8], usize, usize),
        (to, at, stride): (&mut [u8], usize, usize),
        Block { width, height, .. }: Block,
        (mx, my): (usize, usize),
    ) {
        let dsp = self.dsp;
        if mx | my == 0 {
            dsp.copy(width, from, from_at, from_stride, to, at, stride, height);
        } else if self.filters.bilinear {
            dsp.bilinear(
                width,
                from,
                from_at,
                from_stride,
                to,
                at,
                stride,
                height,
                mx,
                my,
            );
        } else {
            dsp.sixtap(
                width,
                from,
                from_at,
                from_stride,
                to,
                at,
                stride,
                height,
                mx,
                my,
            );
        }
    }
}

/// Whether all that a filter may read around a block lies in the plane and its
/// borders.
#[inline(always)]
fn is_inside(layout: Layout, (x, y): (i32, i32), (width, height): (i32, i32)) -> bool {
    let border = BORDER as i32;
    x >= BEFORE - border
        && y >= BEFORE - border
        && x + width + AFTER <= layout.width as i32 + border
        && y + height + AFTER <= layout.height as i32 + border
}

/// Mean of four vectors, halves away from zero; in eighths of chroma as they are.
fn mean(mvs: [Mv; 4]) -> Mv {
    let mean = |part: fn(&Mv) -> i16| {
        let sum: i32 = mvs.iter().map(|mv| i32::from(part(mv))).sum();
        ((sum + if sum < 0 { -2 } else { 2 }) / 4) as i16
    };
    Mv {
        row: mean(|mv| mv.row),
        col: mean(|mv| mv.col),
    }
}

/// A block and what filters read around it, from a plane that goes on for ever
/// with its outermost samples.
#[cold]
fn patch(
    from: &Frame,
    layout: Layout,
    (x, y): (i32, i32),
    (width, height): (i32, i32),
) -> [u8; PATCH * PATCH] {
    let mut patch = [0; PATCH * PATCH];
    let clamp = |value: i32, count: usize| value.clamp(0, count as i32 - 1) as usize;
    let rows = patch.chunks_exact_mut(PATCH);
    for (row, line) in (0..height + BEFORE + AFTER).zip(rows) {
        let start = layout.row(clamp(y - BEFORE + row, layout.height));
        for (col, sample) in (0..width + BEFORE + AFTER).zip(line) {
            *sample = from.samples[start + clamp(x - BEFORE + col, layout.width)];
        }
    }
    patch
}
