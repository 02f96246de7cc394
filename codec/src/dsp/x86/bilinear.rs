// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bilinear prediction and copies, a row at a time.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::block::{Dst, Src};
use crate::dsp::scalar::BILINEAR_TAPS;
use std::arch::x86_64::*;

at_both_levels! {
    fn bilinear4(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
    fn bilinear8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
    fn bilinear16(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
    fn copy4(src: Src<'_>, dst: Dst<'_>, height: usize);
    fn copy8(src: Src<'_>, dst: Dst<'_>, height: usize);
    fn copy16(src: Src<'_>, dst: Dst<'_>, height: usize);
}

#[inline(always)]
unsafe fn bilinear4(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    bilinear::<4>(src, dst, height, mx, my);
}

#[inline(always)]
unsafe fn bilinear8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    bilinear::<8>(src, dst, height, mx, my);
}

#[inline(always)]
unsafe fn bilinear16(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    bilinear::<16>(src, dst, height, mx, my);
}

#[inline(always)]
unsafe fn copy4(src: Src<'_>, dst: Dst<'_>, height: usize) {
    copy::<4>(src, dst, height);
}

#[inline(always)]
unsafe fn copy8(src: Src<'_>, dst: Dst<'_>, height: usize) {
    copy::<8>(src, dst, height);
}

#[inline(always)]
unsafe fn copy16(src: Src<'_>, dst: Dst<'_>, height: usize) {
    copy::<16>(src, dst, height);
}

#[inline(always)]
unsafe fn copy<const W: usize>(src: Src<'_>, mut dst: Dst<'_>, height: usize) {
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    for y in 0..height / 4 {
        let (p, to) = (p.add(4 * y * src.stride), to.add(4 * y * dst.stride));
        let rows = [
            load::<W>(p),
            load::<W>(p.add(src.stride)),
            load::<W>(p.add(2 * src.stride)),
            load::<W>(p.add(3 * src.stride)),
        ];
        store::<W>(to, rows[0]);
        store::<W>(to.add(dst.stride), rows[1]);
        store::<W>(to.add(2 * dst.stride), rows[2]);
        store::<W>(to.add(3 * dst.stride), rows[3]);
    }
}

#[inline(always)]
unsafe fn bilinear<const W: usize>(
    src: Src<'_>,
    dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    match (mx != 0, my != 0) {
        (true, true) => run::<W, true, true>(src, dst, height, mx, my),
        (true, false) => run::<W, true, false>(src, dst, height, mx, my),
        _ => run::<W, false, true>(src, dst, height, mx, my),
    }
}

/// Both taps in every lane.
#[inline(always)]
unsafe fn splat(taps: &[i8; 2]) -> __m128i {
    _mm_set1_epi16(i16::from_le_bytes([taps[0] as u8, taps[1] as u8]))
}

/// Weighs `W` samples of `a` with those of `b`. No sum is over 255 · 128.
#[inline(always)]
unsafe fn mix<const W: usize>(a: __m128i, b: __m128i, taps: __m128i) -> __m128i {
    // (x * 256 + 2^14) >> 15 is (x + 64) >> 7.
    let round = _mm_set1_epi16(256);
    let low = _mm_maddubs_epi16(_mm_unpacklo_epi8(a, b), taps);
    let low = _mm_mulhrs_epi16(low, round);
    if W < 16 {
        return _mm_packus_epi16(low, low);
    }
    let high = _mm_maddubs_epi16(_mm_unpackhi_epi8(a, b), taps);
    _mm_packus_epi16(low, _mm_mulhrs_epi16(high, round))
}

#[inline(always)]
unsafe fn row<const W: usize, const X: bool>(p: *const u8, taps: __m128i) -> __m128i {
    if X {
        mix::<W>(load::<W>(p), load::<W>(p.add(1)), taps)
    } else {
        load::<W>(p)
    }
}

#[inline(always)]
unsafe fn run<const W: usize, const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&BILINEAR_TAPS[mx % 8]), splat(&BILINEAR_TAPS[my % 8]));
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for y in 0..height {
            let out = row::<W, X>(p.add(y * src.stride), x_taps);
            store::<W>(to.add(y * dst.stride), out);
        }
        return;
    }
    let mut above = row::<W, X>(p, x_taps);
    for y in 0..height {
        let below = row::<W, X>(p.add((y + 1) * src.stride), x_taps);
        store::<W>(to.add(y * dst.stride), mix::<W>(above, below, y_taps));
        above = below;
    }
}
