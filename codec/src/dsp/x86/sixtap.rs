// SPDX-License-Identifier: MIT OR Apache-2.0
//! Six-tap prediction in 128 bits.
//!
//! Samples are multiplied two at a time (`pmaddubsw`), so taps go in pairs. A
//! pair's sum must not saturate 16 bits, so no pair holds two large taps; and
//! the pair added last is the one whose sum may take the total over the top,
//! where saturation and the clamp to a byte agree.
//!
//! Two rows of 8 samples (four of 4) share a register, and the vertical pass
//! follows the horizontal one through a window of such registers: nothing goes
//! through memory.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::block::{Dst, Src};
use crate::dsp::scalar::SIX_TAPS;
use std::arch::x86_64::*;

at_both_levels! {
    fn sixtap4(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
    fn sixtap8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
    fn sixtap16(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize);
}

/// Taps in pairs. The first is zero for odd fractions, which have four taps.
pub(super) const PAIRS: [[i16; 3]; 8] = paired([[0, 5], [1, 2], [3, 4]]);
/// Taps in pairs for [`across4`].
const NARROW_PAIRS: [[i16; 3]; 8] = paired([[0, 1], [2, 4], [3, 5]]);

/// Bytes of [`PAIRS`] for outputs 0 to 7, in 16 bytes that begin 2 samples
/// before them.
pub(super) const PLACES: [[i8; 16]; 3] = places(0, 0);
/// The same in 16 bytes that begin 5 samples before the outputs.
pub(super) const PLACES_FROM_5_BEFORE: [[i8; 16]; 3] = places(3, 3);
/// The same in 8 bytes from 2 samples before and 8 bytes from 3 after.
const PLACES_SPLIT: [[i8; 16]; 3] = places(0, 3);
/// The first two of [`NARROW_PAIRS`] for outputs 0 to 3 of two rows, 8 bytes
/// each. The third is the second, one sample on.
const NARROW_PLACES: [[i8; 16]; 2] = [
    [0, 1, 1, 2, 2, 3, 3, 4, 8, 9, 9, 10, 10, 11, 11, 12],
    [2, 4, 3, 5, 4, 6, 5, 7, 10, 12, 11, 13, 12, 14, 13, 15],
];

const fn paired(taps: [[usize; 2]; 3]) -> [[i16; 3]; 8] {
    let mut out = [[0; 3]; 8];
    let mut i = 0;
    while i < 8 {
        let mut k = 0;
        while k < 3 {
            let [low, high] = taps[k];
            let bytes = [SIX_TAPS[i][low] as u8, SIX_TAPS[i][high] as u8];
            out[i][k] = i16::from_le_bytes(bytes);
            k += 1;
        }
        i += 1;
    }
    out
}

/// The places of [`PAIRS`] where byte `i` of the 16 from 2 samples before is at
/// `i + low`, or from `i` = 8 at `i + high`.
const fn places(low: i8, high: i8) -> [[i8; 16]; 3] {
    let taps = [[0, 5], [1, 2], [3, 4]];
    let mut out = [[0; 16]; 3];
    let mut k = 0;
    while k < 3 {
        let mut i = 0;
        while i < 16 {
            let place = (i / 2) as i8 + taps[k][i % 2];
            out[k][i] = place + if place < 8 { low } else { high };
            i += 1;
        }
        k += 1;
    }
    out
}

/// The three pairs of taps, each in all lanes.
#[inline(always)]
unsafe fn splat(taps: &[i16; 3]) -> [__m128i; 3] {
    [
        _mm_set1_epi16(taps[0]),
        _mm_set1_epi16(taps[1]),
        _mm_set1_epi16(taps[2]),
    ]
}

/// The sum of three paired inputs, rounded; still in 16 bits, not clamped.
#[inline(always)]
unsafe fn weigh(samples: [__m128i; 3], taps: &[__m128i; 3]) -> __m128i {
    let [a, b, c] = samples;
    let sum = _mm_adds_epi16(_mm_maddubs_epi16(a, taps[0]), _mm_maddubs_epi16(b, taps[1]));
    let sum = _mm_adds_epi16(sum, _mm_maddubs_epi16(c, taps[2]));
    // (x * 256 + 2^14) >> 15 is (x + 64) >> 7.
    _mm_mulhrs_epi16(sum, _mm_set1_epi16(256))
}

/// The vertical pass: `rows[i]` holds the samples that tap `i` meets.
#[inline(always)]
unsafe fn down(rows: [__m128i; 6], taps: &[__m128i; 3]) -> __m128i {
    let [a, b, c, d, e, f] = rows;
    let low = [
        _mm_unpacklo_epi8(a, f),
        _mm_unpacklo_epi8(b, c),
        _mm_unpacklo_epi8(d, e),
    ];
    let high = [
        _mm_unpackhi_epi8(a, f),
        _mm_unpackhi_epi8(b, c),
        _mm_unpackhi_epi8(d, e),
    ];
    _mm_packus_epi16(weigh(low, taps), weigh(high, taps))
}

#[inline(always)]
unsafe fn sixtap16(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    let half = Dst {
        data: &mut *dst.data,
        ..dst
    };
    sixtap8(src, half, height, mx, my);
    let src = Src {
        at: src.at + 8,
        ..src
    };
    let dst = Dst {
        at: dst.at + 8,
        ..dst
    };
    sixtap8(src, dst, height, mx, my);
}

#[inline(always)]
unsafe fn sixtap8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    match (mx != 0, my != 0) {
        (true, true) => run8::<true, true>(src, dst, height, mx, my),
        (true, false) => run8::<true, false>(src, dst, height, mx, my),
        _ => run8::<false, true>(src, dst, height, mx, my),
    }
}

/// Two rows of 8 samples at `p` and `q`, after the horizontal pass.
#[inline(always)]
unsafe fn pair<const X: bool>(p: *const u8, q: *const u8, taps: &[__m128i; 3]) -> __m128i {
    if X {
        _mm_packus_epi16(across8(p, taps), across8(q, taps))
    } else {
        load8x2(p, q)
    }
}

#[inline(always)]
unsafe fn across8(p: *const u8, taps: &[__m128i; 3]) -> __m128i {
    let v = load8x2(p.sub(2), p.add(3));
    let [a, b, c] = [
        load16(PLACES_SPLIT[0].as_ptr().cast()),
        load16(PLACES_SPLIT[1].as_ptr().cast()),
        load16(PLACES_SPLIT[2].as_ptr().cast()),
    ];
    let samples = [
        _mm_shuffle_epi8(v, a),
        _mm_shuffle_epi8(v, b),
        _mm_shuffle_epi8(v, c),
    ];
    weigh(samples, taps)
}

#[inline(always)]
unsafe fn run8<const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&PAIRS[mx % 8]), splat(&PAIRS[my % 8]));
    let (stride, to_stride) = (src.stride, dst.stride);
    let (mut p, mut to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for _ in 0..height / 2 {
            let out = pair::<X>(p, p.add(stride), &x_taps);
            store8x2(to, to.add(to_stride), out);
            p = p.add(2 * stride);
            to = to.add(2 * to_stride);
        }
        return;
    }
    // r: rows n-2, n, n+2 with the row after each; s: rows n-1, n+1 likewise.
    p = p.sub(2 * stride);
    let mut r0 = pair::<X>(p, p.add(stride), &x_taps);
    p = p.add(2 * stride);
    let mut r2 = pair::<X>(p, p.add(stride), &x_taps);
    p = p.add(2 * stride);
    let mut r4 = pair::<X>(p, p.add(stride), &x_taps);
    let mut s1 = _mm_alignr_epi8::<8>(r2, r0);
    let mut s3 = _mm_alignr_epi8::<8>(r4, r2);
    for n in 0..height / 2 {
        p = p.add(2 * stride);
        // The last pair's second row is never looked at, and may not exist.
        let next = if n + 1 < height / 2 { stride } else { 0 };
        let r6 = pair::<X>(p, p.wrapping_add(next), &x_taps);
        let s5 = _mm_alignr_epi8::<8>(r6, r4);
        let out = down([r0, s1, r2, s3, r4, s5], &y_taps);
        store8x2(to, to.add(to_stride), out);
        to = to.wrapping_add(2 * to_stride);
        (r0, r2, r4, s1, s3) = (r2, r4, r6, s3, s5);
    }
}

#[inline(always)]
unsafe fn sixtap4(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    match (mx != 0, my != 0) {
        (true, true) => run4::<true, true>(src, dst, height, mx, my),
        (true, false) => run4::<true, false>(src, dst, height, mx, my),
        _ => run4::<false, true>(src, dst, height, mx, my),
    }
}

/// Two rows of 4 samples at `p` and `q` after the horizontal pass, in 16 bits.
#[inline(always)]
unsafe fn across4(p: *const u8, q: *const u8, taps: &[__m128i; 3]) -> __m128i {
    // 9 samples a row are needed: 8, and 8 from the next one on.
    let v = load8x2(p.sub(2), q.sub(2));
    let w = load8x2(p.sub(1), q.sub(1));
    let places = [
        load16(NARROW_PLACES[0].as_ptr().cast()),
        load16(NARROW_PLACES[1].as_ptr().cast()),
    ];
    let samples = [
        _mm_shuffle_epi8(v, places[0]),
        _mm_shuffle_epi8(v, places[1]),
        _mm_shuffle_epi8(w, places[1]),
    ];
    weigh(samples, taps)
}

/// Four rows of 4 samples from `p`, after the horizontal pass.
#[inline(always)]
unsafe fn quad<const X: bool>(p: *const u8, stride: usize, taps: &[__m128i; 3]) -> __m128i {
    let (q, r, s) = (p.add(stride), p.add(2 * stride), p.add(3 * stride));
    if X {
        _mm_packus_epi16(across4(p, q, taps), across4(r, s, taps))
    } else {
        let low = _mm_unpacklo_epi32(load4(p), load4(q));
        let high = _mm_unpacklo_epi32(load4(r), load4(s));
        _mm_unpacklo_epi64(low, high)
    }
}

/// One row of 4 samples at `p`, after the horizontal pass.
#[inline(always)]
unsafe fn single<const X: bool>(p: *const u8, taps: &[__m128i; 3]) -> __m128i {
    if X {
        let row = across4(p, p, taps);
        _mm_packus_epi16(row, row)
    } else {
        load4(p)
    }
}

#[inline(always)]
unsafe fn run4<const X: bool, const Y: bool>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let (x_taps, y_taps) = (splat(&NARROW_PAIRS[mx % 8]), splat(&PAIRS[my % 8]));
    let (stride, to_stride) = (src.stride, dst.stride);
    let (mut p, mut to) = (src_at(&src), dst_at(&mut dst));
    if !Y {
        for _ in 0..height / 4 {
            store4x4(to, to_stride, quad::<X>(p, stride, &x_taps));
            p = p.wrapping_add(4 * stride);
            to = to.wrapping_add(4 * to_stride);
        }
        return;
    }
    // Rows n-2 to n+1, n+2 to n+5, and n+6 on.
    p = p.sub(2 * stride);
    let mut r0 = quad::<X>(p, stride, &x_taps);
    p = p.add(4 * stride);
    let mut r4 = quad::<X>(p, stride, &x_taps);
    for n in 0..height / 4 {
        p = p.add(4 * stride);
        let last = n + 1 == height / 4;
        let r8 = if last {
            single::<X>(p, &x_taps)
        } else {
            quad::<X>(p, stride, &x_taps)
        };
        let rows = [
            r0,
            _mm_alignr_epi8::<4>(r4, r0),
            _mm_alignr_epi8::<8>(r4, r0),
            _mm_alignr_epi8::<12>(r4, r0),
            r4,
            _mm_alignr_epi8::<4>(r8, r4),
        ];
        store4x4(to, to_stride, down(rows, &y_taps));
        to = to.wrapping_add(4 * to_stride);
        (r0, r4) = (r4, r8);
    }
}
