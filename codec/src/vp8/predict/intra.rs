// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prediction from what lies above and to the left in the same frame, before
//! its loop filter (RFC 6386 §12).

use crate::dsp::{BlockSize, Dsp, SubMode};
use crate::vp8::frame::{Frame, Geometry, Target};
use crate::vp8::modes::IntraMode;

/// What lies above the frame.
const ABOVE_FRAME: u8 = 127;
/// What lies to the left of the frame.
pub(crate) const LEFT_OF_FRAME: u8 = 129;
/// Samples in front of a line: the corner, and room.
const FRONT: usize = 16;
/// Samples past a line's end that subblocks look at.
const BACK: usize = 16;

/// The lowest line of the row of macroblocks above, before its loop filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines([Vec<u8>; 3]);

impl Lines {
    /// Above the frame.
    pub fn start(&mut self, geometry: Geometry) {
        for (plane, line) in self.0.iter_mut().enumerate() {
            line.clear();
            line.resize(FRONT + geometry.plane(plane).width + BACK, ABOVE_FRAME);
        }
    }

    /// Takes the lowest line of row `y` of macroblocks.
    pub fn keep(&mut self, frame: &Frame, y: usize) {
        for (plane, line) in self.0.iter_mut().enumerate() {
            let layout = frame.geometry.plane(plane);
            let block = if plane == 0 { 16 } else { 8 };
            let at = layout.row(block * (y + 1) - 1);
            let (front, rest) = line.split_at_mut(FRONT);
            let (samples, back) = rest.split_at_mut(layout.width);
            front.fill(LEFT_OF_FRAME);
            samples.copy_from_slice(&frame.samples[at..at + layout.width]);
            // The last subblocks look past the end of the line.
            back.fill(samples[layout.width - 1]);
        }
    }

    /// What prediction looks at around plane `plane` of the macroblock at column
    /// `x`, row `y`, whose place is `target`: what is left of it lies in front.
    #[inline(always)]
    pub fn edges<const N: usize>(
        &self,
        plane: usize,
        (x, y): (usize, usize),
        target: &Target<'_>,
    ) -> Edges<'_, N> {
        let line = &self.0[plane][FRONT + N * x - 1..];
        Edges {
            corner: line[0],
            above: &line[1..],
            left: if x == 0 {
                [LEFT_OF_FRAME; N]
            } else {
                let (at, stride) = (target.at[plane] - 1, target.stride[plane]);
                std::array::from_fn(|row| target.samples[at + row * stride])
            },
            inside: (y > 0, x > 0),
        }
    }
}

/// The line above a block of `N` columns, by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Above<const N: usize> {
    corner: u8,
    /// As [`Edges::above`].
    line: [u8; 20],
}

impl<const N: usize> Above<N> {
    /// Above the frame.
    pub const OUTSIDE: Self = Self {
        corner: ABOVE_FRAME,
        line: [ABOVE_FRAME; 20],
    };

    /// Below another row: the sample above and to the left, the line above, and
    /// what goes on to the right of it; `None` where the frame ends.
    pub fn new(corner: Option<u8>, line: &[u8; N], right: Option<&[u8; 4]>) -> Self {
        let mut above = [line[N - 1]; 20];
        above[..N].copy_from_slice(line);
        if let Some(right) = right {
            above[N..N + 4].copy_from_slice(right);
        }
        Self {
            corner: corner.unwrap_or(LEFT_OF_FRAME),
            line: above,
        }
    }

    /// With the column to the left, and whether both lie in the frame.
    pub fn edges(&self, left: [u8; N], inside: (bool, bool)) -> Edges<'_, N> {
        Edges {
            corner: self.corner,
            above: &self.line,
            left,
            inside,
        }
    }
}

/// What lies around a block of `N` rows, before the loop filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edges<'a, const N: usize> {
    /// Above and to the left.
    pub corner: u8,
    /// The line above: `N` samples at least, and 4 more for subblocks.
    pub above: &'a [u8],
    /// The column to the left, from the top down.
    pub left: [u8; N],
    /// Whether what is above, and what is to the left, lies in the frame.
    pub inside: (bool, bool),
}

/// Predicts a whole block of `N` by `N`: luma of 16 or chroma of 8.
#[inline(always)]
fn whole<const N: usize>(
    dsp: &Dsp,
    mode: IntraMode,
    edges: &Edges<'_, N>,
    plane: usize,
    target: &mut Target<'_>,
) {
    let (above, left) = (&edges.above[..N], &edges.left[..]);
    let size = if N == 16 {
        BlockSize::B16
    } else {
        BlockSize::B8
    };
    let (at, stride) = (target.at[plane], target.stride[plane]);
    let samples = &mut *target.samples;
    match mode {
        IntraMode::Dc => {
            let (over, before) = edges.inside;
            let value = mean(over.then_some(above), before.then_some(left));
            dsp.intra_fill(size, value, samples, at, stride);
        }
        IntraMode::Vertical => dsp.intra_vertical(size, above, samples, at, stride),
        IntraMode::Horizontal => dsp.intra_horizontal(size, left, samples, at, stride),
        IntraMode::TrueMotion => {
            dsp.intra_true_motion(size, above, left, edges.corner, samples, at, stride);
        }
    }
}

/// Rounded mean of the edges that lie in the frame; 128 without any.
fn mean(above: Option<&[u8]>, left: Option<&[u8]>) -> u8 {
    let edges = [above, left];
    let sum: u32 = edges
        .iter()
        .flatten()
        .flat_map(|e| *e)
        .map(|&s| u32::from(s))
        .sum();
    let count = edges.iter().flatten().map(|e| e.len() as u32).sum::<u32>();
    match count {
        0 => 128,
        _ => ((sum + count / 2) / count) as u8,
    }
}

/// Predicts luma by one mode.
#[inline(always)]
pub(crate) fn luma(dsp: &Dsp, mode: IntraMode, edges: &Edges<'_, 16>, target: &mut Target<'_>) {
    whole(dsp, mode, edges, 0, target);
}

/// Predicts both chroma planes.
#[inline(always)]
pub(crate) fn chroma(
    dsp: &Dsp,
    mode: IntraMode,
    edges: [&Edges<'_, 8>; 2],
    target: &mut Target<'_>,
) {
    whole(dsp, mode, edges[0], 1, target);
    whole(dsp, mode, edges[1], 2, target);
}

/// What lies around a subblock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubEdges {
    /// The line above, and four samples more.
    pub above: [u8; 8],
    /// The column to the left.
    pub left: [u8; 4],
    pub corner: u8,
}

/// Predicts luma subblock by subblock; `finish` adds the residual of each, given
/// the samples, the subblock and its place, before the next one is predicted.
#[inline(always)]
pub(crate) fn subblocks(
    dsp: &Dsp,
    modes: &[SubMode; 16],
    edges: &Edges<'_, 16>,
    target: &mut Target<'_>,
    mut finish: impl FnMut(&mut [u8], usize, usize),
) {
    let stride = target.stride[0];
    each_subblock(edges, target, |around, samples, block, at| {
        let (above, left, corner) = (&around.above, &around.left, around.corner);
        dsp.intra_4x4(modes[block], above, left, corner, samples, at, stride);
        finish(samples, block, at);
    });
}

/// Visits the subblocks of luma in coding order: `visit` is given what lies
/// around each, the samples, the subblock and its place, and leaves it as the
/// next ones shall see it.
#[inline(always)]
pub(crate) fn each_subblock(
    edges: &Edges<'_, 16>,
    target: &mut Target<'_>,
    mut visit: impl FnMut(&SubEdges, &mut [u8], usize, usize),
) {
    let (start, stride) = (target.at[0], target.stride[0]);
    let samples = &mut *target.samples;
    // The edges: above, from the corner to four past the macroblock, and to the left.
    let mut above = [0; 21];
    above[0] = edges.corner;
    above[1..].copy_from_slice(&edges.above[..20]);
    // Below the first row, too, the last column looks at the macroblock above right.
    let far: [u8; 4] = std::array::from_fn(|i| edges.above[16 + i]);
    for row in 0..4 {
        let row_at = start + 4 * row * stride;
        if row > 0 {
            above[0] = edges.left[4 * row - 1];
            let over = row_at - stride;
            above[1..17].copy_from_slice(&samples[over..over + 16]);
            above[17..].copy_from_slice(&far);
        }
        let mut left: [u8; 4] = std::array::from_fn(|i| edges.left[4 * row + i]);
        for col in 0..4 {
            let at = row_at + 4 * col;
            let around = SubEdges {
                above: *above[4 * col + 1..].first_chunk().unwrap_or(&[0; 8]),
                left,
                corner: above[4 * col],
            };
            visit(&around, samples, 4 * row + col, at);
            left = std::array::from_fn(|i| samples[at + i * stride + 3]);
        }
    }
}
