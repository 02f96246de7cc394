// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prediction from what lies above and to the left in the same frame, before
//! its loop filter (RFC 6386 §12).

use crate::dsp::{BlockSize, Dsp, SubMode};
use crate::vp8::frame::{Frame, Geometry, Layout};
use crate::vp8::modes::IntraMode;

/// What lies above the frame.
const ABOVE_FRAME: u8 = 127;
/// What lies to the left of the frame.
const LEFT_OF_FRAME: u8 = 129;
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

    /// The line above a block at `x`, from its corner on.
    #[inline(always)]
    fn above(&self, plane: usize, x: usize) -> (u8, &[u8]) {
        let line = &self.0[plane][FRONT + x - 1..];
        (line[0], &line[1..])
    }
}

/// Samples to the left of a block of `N` rows.
#[inline(always)]
fn left<const N: usize>(frame: &Frame, layout: Layout, x: usize, y: usize) -> [u8; N] {
    if x == 0 {
        return [LEFT_OF_FRAME; N];
    }
    let at = layout.row(y) + x - 1;
    std::array::from_fn(|row| frame.samples[at + row * layout.stride])
}

/// Predicts a whole block of `N` by `N`: luma of 16 or chroma of 8.
#[inline(always)]
fn whole<const N: usize>(
    dsp: &Dsp,
    mode: IntraMode,
    lines: &Lines,
    plane: usize,
    (mb_x, mb_y): (usize, usize),
    frame: &mut Frame,
) {
    let layout = frame.geometry.plane(plane);
    let (x, y) = (N * mb_x, N * mb_y);
    let (corner, above) = lines.above(plane, x);
    let above = &above[..N];
    let size = if N == 16 {
        BlockSize::B16
    } else {
        BlockSize::B8
    };
    let (at, stride) = (layout.row(y) + x, layout.stride);
    match mode {
        IntraMode::Dc => {
            let left = left::<N>(frame, layout, x, y);
            let value = mean((mb_y > 0).then_some(above), (mb_x > 0).then_some(&left));
            dsp.intra_fill(size, value, &mut frame.samples, at, stride);
        }
        IntraMode::Vertical => dsp.intra_vertical(size, above, &mut frame.samples, at, stride),
        IntraMode::Horizontal => {
            let left = left::<N>(frame, layout, x, y);
            dsp.intra_horizontal(size, &left, &mut frame.samples, at, stride);
        }
        IntraMode::TrueMotion => {
            let left = left::<N>(frame, layout, x, y);
            let samples = &mut frame.samples;
            dsp.intra_true_motion(size, above, &left, corner, samples, at, stride);
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
pub(crate) fn luma(
    dsp: &Dsp,
    mode: IntraMode,
    lines: &Lines,
    at: (usize, usize),
    frame: &mut Frame,
) {
    whole::<16>(dsp, mode, lines, 0, at, frame);
}

/// Predicts both chroma planes.
#[inline(always)]
pub(crate) fn chroma(
    dsp: &Dsp,
    mode: IntraMode,
    lines: &Lines,
    at: (usize, usize),
    frame: &mut Frame,
) {
    whole::<8>(dsp, mode, lines, 1, at, frame);
    whole::<8>(dsp, mode, lines, 2, at, frame);
}

/// Predicts luma subblock by subblock; `finish` adds the residual of each, given
/// the samples, the subblock and its place, before the next one is predicted.
#[inline(always)]
pub(crate) fn subblocks(
    dsp: &Dsp,
    modes: &[SubMode; 16],
    lines: &Lines,
    (mb_x, mb_y): (usize, usize),
    frame: &mut Frame,
    mut finish: impl FnMut(&mut [u8], usize, usize),
) {
    let layout = frame.geometry.plane(0);
    let (x, y, stride) = (16 * mb_x, 16 * mb_y, layout.stride);
    let (corner, line) = lines.above(0, x);
    // The edges: above, from the corner to four past the macroblock, and to the left.
    let mut above = [0; 21];
    above[0] = corner;
    above[1..].copy_from_slice(&line[..20]);
    // Below the first row, too, the last column looks at the macroblock above right.
    let far: [u8; 4] = std::array::from_fn(|i| line[16 + i]);
    let all_left = left::<16>(frame, layout, x, y);
    for row in 0..4 {
        let row_at = layout.row(y + 4 * row) + x;
        if row > 0 {
            above[0] = all_left[4 * row - 1];
            let start = row_at - stride;
            above[1..17].copy_from_slice(&frame.samples[start..start + 16]);
            above[17..].copy_from_slice(&far);
        }
        let mut left: [u8; 4] = std::array::from_fn(|i| all_left[4 * row + i]);
        for col in 0..4 {
            let at = row_at + 4 * col;
            let over: &[u8; 8] = above[4 * col + 1..].first_chunk().unwrap_or(&[0; 8]);
            let corner = above[4 * col];
            let mode = modes[4 * row + col];
            dsp.intra_4x4(mode, over, &left, corner, &mut frame.samples, at, stride);
            finish(&mut frame.samples, 4 * row + col, at);
            left = std::array::from_fn(|i| frame.samples[at + i * stride + 3]);
        }
    }
}
