// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inter prediction (RFC 6386 §18.3).

use crate::dsp::block::{Dst, Src, MAX_HEIGHT};

/// The six-tap filters by eighths of a sample. Taps meet samples -2 to 3.
pub(in crate::dsp) const SIX_TAPS: [[i8; 6]; 8] = [
    // The identity is 128, which no i8 holds; its pass is left out instead.
    [0; 6],
    [0, -6, 123, 12, -1, 0],
    [2, -11, 108, 36, -8, 1],
    [0, -9, 93, 50, -6, 0],
    [3, -16, 77, 77, -16, 3],
    [0, -6, 50, 93, -9, 0],
    [1, -8, 36, 108, -11, 2],
    [0, -1, 12, 123, -6, 0],
];

/// The bilinear filters by eighths of a sample. Taps meet samples 0 and 1.
pub(in crate::dsp) const BILINEAR_TAPS: [[i8; 2]; 8] = [
    [0; 2],
    [112, 16],
    [96, 32],
    [80, 48],
    [64, 64],
    [48, 80],
    [32, 96],
    [16, 112],
];

/// Predicts `height` rows of `W` samples by the six-tap filters.
pub(in crate::dsp) fn sixtap<const W: usize>(
    src: Src<'_>,
    dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    two_passes::<W, 6>(src, dst, height, [&SIX_TAPS[mx], &SIX_TAPS[my]], 2);
}

/// Predicts `height` rows of `W` samples by the bilinear filters.
pub(in crate::dsp) fn bilinear<const W: usize>(
    src: Src<'_>,
    dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let taps = [&BILINEAR_TAPS[mx], &BILINEAR_TAPS[my]];
    two_passes::<W, 2>(src, dst, height, taps, 0);
}

/// Copies `height` rows of `W` samples.
pub(in crate::dsp) fn copy<const W: usize>(src: Src<'_>, mut dst: Dst<'_>, height: usize) {
    for y in 0..height {
        dst.row(y, W).copy_from_slice(src.row(y as isize, 0, W));
    }
}

/// Filters rows, then columns; taps of zero leave their pass out. The first
/// tap meets the sample `before` places before the one predicted.
fn two_passes<const W: usize, const TAPS: usize>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    [across, down]: [&[i8; TAPS]; 2],
    before: usize,
) {
    let (x, y) = (*across != [0; TAPS], *down != [0; TAPS]);
    let above = if y { before } else { 0 };
    let rows = if y { height + TAPS - 1 } else { height };
    let mut middle = [[0u8; W]; MAX_HEIGHT + 5];
    for (row, out) in middle[..rows].iter_mut().enumerate() {
        let row = row as isize - above as isize;
        if x {
            let samples = src.row(row, -(before as isize), W + TAPS - 1);
            for (i, out) in out.iter_mut().enumerate() {
                *out = weigh(across, samples[i..i + TAPS].iter().copied());
            }
        } else {
            out.copy_from_slice(src.row(row, 0, W));
        }
    }
    for row in 0..height {
        let out = dst.row(row, W);
        if y {
            for (i, out) in out.iter_mut().enumerate() {
                *out = weigh(down, middle[row..row + TAPS].iter().map(|line| line[i]));
            }
        } else {
            out.copy_from_slice(&middle[row]);
        }
    }
}

/// The weighted sum of samples, rounded and clamped to a byte. Taps add to 128.
fn weigh(taps: &[i8], samples: impl Iterator<Item = u8>) -> u8 {
    let products = taps.iter().zip(samples);
    let sum: i32 = products.map(|(&t, s)| i32::from(t) * i32::from(s)).sum();
    ((sum + 64) >> 7).clamp(0, 255) as u8
}
