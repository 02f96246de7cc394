// SPDX-License-Identifier: MIT OR Apache-2.0
//! Intra prediction (RFC 6386 §12).

use crate::dsp::block::Dst;
use crate::dsp::SubMode;

/// Fills an `N`×`N` block.
pub(in crate::dsp) fn fill<const N: usize>(value: u8, mut dst: Dst<'_>) {
    for y in 0..N {
        dst.row(y, N).fill(value);
    }
}

/// Copies the row above down an `N`×`N` block.
pub(in crate::dsp) fn vertical<const N: usize>(above: &[u8], mut dst: Dst<'_>) {
    for y in 0..N {
        dst.row(y, N).copy_from_slice(&above[..N]);
    }
}

/// Copies the column to the left across an `N`×`N` block.
pub(in crate::dsp) fn horizontal<const N: usize>(left: &[u8], mut dst: Dst<'_>) {
    for (y, &value) in left[..N].iter().enumerate() {
        dst.row(y, N).fill(value);
    }
}

/// True motion over an `N`×`N` block.
pub(in crate::dsp) fn true_motion<const N: usize>(
    above: &[u8],
    left: &[u8],
    corner: u8,
    mut dst: Dst<'_>,
) {
    for (y, &left) in left[..N].iter().enumerate() {
        let step = i16::from(left) - i16::from(corner);
        for (out, &above) in dst.row(y, N).iter_mut().zip(above) {
            *out = (i16::from(above) + step).clamp(0, 255) as u8;
        }
    }
}

/// Predicts a 4×4 subblock (§12.3).
pub(in crate::dsp) fn sub(
    mode: SubMode,
    above: &[u8; 8],
    left: &[u8; 4],
    corner: u8,
    mut dst: Dst<'_>,
) {
    match mode {
        SubMode::Dc => {
            let sum: u32 = above[..4].iter().chain(left).map(|&s| u32::from(s)).sum();
            for y in 0..4 {
                dst.row(y, 4).fill(((sum + 4) >> 3) as u8);
            }
        }
        SubMode::Tm => true_motion::<4>(above, left, corner, dst),
        _ => {
            let edge = edge(above, left, corner);
            for y in 0..4 {
                for (x, out) in dst.row(y, 4).iter_mut().enumerate() {
                    *out = directional(mode, &edge, x, y);
                }
            }
        }
    }
}

/// The samples around a subblock in one line, from the bottom left up to the
/// corner (at 5) and on to the top right; the first and last stand twice.
fn edge(above: &[u8; 8], left: &[u8; 4], corner: u8) -> [u8; 15] {
    let [a, b, c, d, e, f, g, h] = *above;
    let [i, j, k, l] = *left;
    [l, l, k, j, i, corner, a, b, c, d, e, f, g, h, h]
}

/// The sample at column `x`, row `y` of a mode that follows a direction. Each
/// is the rounded mean of two neighbours on the edge, or of three with the
/// middle one counted twice.
fn directional(mode: SubMode, edge: &[u8; 15], x: usize, y: usize) -> u8 {
    let mean2 = |i: usize| {
        let sum = u16::from(edge[i]) + u16::from(edge[i + 1]);
        ((sum + 1) >> 1) as u8
    };
    // Named by the middle one.
    let mean3 = |i: usize| {
        let sum = u16::from(edge[i - 1]) + 2 * u16::from(edge[i]) + u16::from(edge[i + 1]);
        ((sum + 2) >> 2) as u8
    };
    match mode {
        SubMode::Ve => mean3(6 + x),
        SubMode::He => mean3(4 - y),
        SubMode::Ld => mean3(7 + x + y),
        SubMode::Rd => mean3(5 + x - y),
        SubMode::Vr => match (2 * x + 8 - y) as isize - 8 {
            -3 => mean3(3),
            -2 => mean3(4),
            -1 => mean3(5),
            n if n % 2 == 0 => mean2(5 + n as usize / 2),
            n => mean3(6 + n as usize / 2),
        },
        // The last two of the last column break the pattern (RFC 6386 §12.3).
        SubMode::Vl => match (x, y) {
            (3, 2) => mean3(11),
            (3, 3) => mean3(12),
            _ if y.is_multiple_of(2) => mean2(6 + x + y / 2),
            _ => mean3(7 + x + y / 2),
        },
        SubMode::Hd => match (2 * y + 8 - x) as isize - 8 {
            -3 => mean3(7),
            -2 => mean3(6),
            -1 => mean3(5),
            n if n % 2 == 0 => mean2(4 - n as usize / 2),
            n => mean3(4 - n as usize / 2),
        },
        SubMode::Hu => match x + 2 * y {
            n if n > 5 => edge[0],
            n if n % 2 == 0 => mean2(3 - n / 2),
            n => mean3(3 - n / 2),
        },
        SubMode::Dc | SubMode::Tm => 0,
    }
}
