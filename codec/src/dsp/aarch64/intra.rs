// SPDX-License-Identifier: MIT OR Apache-2.0
//! Intra prediction.

#![allow(unsafe_code)]

use super::memory::*;
use crate::dsp::block::Dst;
use crate::dsp::SubMode;
use std::arch::aarch64::*;

/// Stores one row in all `N` rows.
#[inline(always)]
unsafe fn repeat<const N: usize>(row: uint8x16_t, mut dst: Dst<'_>) {
    let to = dst_at(&mut dst);
    for y in 0..N {
        store::<N>(to.add(y * dst.stride), row);
    }
}

pub(super) unsafe fn fill<const N: usize>(value: u8, dst: Dst<'_>) {
    repeat::<N>(vdupq_n_u8(value), dst);
}

pub(super) unsafe fn vertical<const N: usize>(above: &[u8], dst: Dst<'_>) {
    repeat::<N>(load::<N>(above.as_ptr()), dst);
}

pub(super) unsafe fn horizontal<const N: usize>(left: &[u8], mut dst: Dst<'_>) {
    let to = dst_at(&mut dst);
    for (y, &value) in left[..N].iter().enumerate() {
        store::<N>(to.add(y * dst.stride), vdupq_n_u8(value));
    }
}

/// Samples less the corner.
#[inline(always)]
unsafe fn steps(samples: uint8x8_t, corner: u8) -> int16x8_t {
    vreinterpretq_s16_u16(vsubl_u8(samples, vdup_n_u8(corner)))
}

pub(super) unsafe fn true_motion<const N: usize>(
    above: &[u8],
    left: &[u8],
    corner: u8,
    mut dst: Dst<'_>,
) {
    let above = load::<N>(above.as_ptr());
    let low = steps(vget_low_u8(above), corner);
    let high = steps(vget_high_u8(above), corner);
    let to = dst_at(&mut dst);
    for (y, &left) in left[..N].iter().enumerate() {
        let left = vdupq_n_s16(i16::from(left));
        let low = vqmovun_s16(vaddq_s16(low, left));
        let high = vqmovun_s16(vaddq_s16(high, left));
        store::<N>(to.add(y * dst.stride), vcombine_u8(low, high));
    }
}

pub(super) unsafe fn sub(
    mode: SubMode,
    above: &[u8; 8],
    left: &[u8; 4],
    corner: u8,
    mut dst: Dst<'_>,
) {
    let out = match mode {
        SubMode::Dc => {
            let sum = vaddlv_u8(load4x2(above.as_ptr(), left.as_ptr()));
            vdupq_n_u8(((sum + 4) >> 3) as u8)
        }
        SubMode::Tm => return true_motion::<4>(above, left, corner, dst),
        _ => directional(mode, above, left, corner),
    };
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    store4x2(to, to.add(stride), vget_low_u8(out));
    let to = to.add(2 * stride);
    store4x2(to, to.add(stride), vget_high_u8(out));
}

/// Where a mode that follows a direction takes its 16 samples from, in raster
/// order: means of three neighbours on the edge at 0 to 15, and of two at 16
/// to 31, each named by its first (see [`directional`]). From `Ve` on.
#[rustfmt::skip]
const SOURCES: [[u8; 16]; 8] = [
    [5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8],
    [3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0],
    [6, 7, 8, 9, 7, 8, 9, 10, 8, 9, 10, 11, 9, 10, 11, 12],
    [4, 5, 6, 7, 3, 4, 5, 6, 2, 3, 4, 5, 1, 2, 3, 4],
    [21, 22, 23, 24, 4, 5, 6, 7, 3, 21, 22, 23, 2, 4, 5, 6],
    [22, 23, 24, 25, 6, 7, 8, 9, 23, 24, 25, 10, 7, 8, 9, 11],
    [20, 4, 5, 6, 19, 3, 20, 4, 18, 2, 19, 3, 17, 1, 18, 2],
    [19, 2, 18, 1, 18, 1, 17, 0, 17, 0, 16, 16, 16, 16, 16, 16],
];

#[inline(always)]
unsafe fn directional(mode: SubMode, above: &[u8; 8], left: &[u8; 4], corner: u8) -> uint8x16_t {
    // From the bottom left up to the corner and on to the top right; the first
    // and the last stand twice.
    let [a, b, c, d, e, f, g, h] = *above;
    let [i, j, k, l] = *left;
    let edge = [l, l, k, j, i, corner, a, b, c, d, e, f, g, h, h, 0];
    let a = load16(edge.as_ptr());
    let (b, c) = (vextq_u8::<1>(a, a), vextq_u8::<2>(a, a));
    let mean2 = vrhaddq_u8(a, b);
    // The mean of a and c rounded down, then that with b rounded up.
    let mean3 = vrhaddq_u8(b, vhaddq_u8(a, c));
    let sources = &SOURCES[mode as usize - SubMode::Ve as usize];
    vqtbl2q_u8(uint8x16x2_t(mean3, mean2), load16(sources.as_ptr()))
}
