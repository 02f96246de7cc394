// SPDX-License-Identifier: MIT OR Apache-2.0
//! Six-tap prediction of 16 columns in 256 bits: [`sixtap`](super::sixtap) on
//! the left half in one lane and on the right half in the other.

#![allow(unsafe_code)]

use super::memory::*;
use super::sixtap::{PAIRS, PLACES, PLACES_FROM_5_BEFORE};
use crate::dsp::block::{Dst, Src};
use std::arch::x86_64::*;

/// Predicts 16 columns.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn sixtap16(src: Src<'_>, mut dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    let (from, to) = ((src_at(&src), src.stride), (dst_at(&mut dst), dst.stride));
    columns16(from, to, height, mx, my);
}

/// The same from one pointer and stride to another.
#[inline(always)]
pub(super) unsafe fn columns16(
    from: (*const u8, usize),
    to: (*mut u8, usize),
    height: usize,
    mx: usize,
    my: usize,
) {
    match (mx != 0, my != 0) {
        (true, true) => run::<true, true>(from, to, height, mx, my),
        (true, false) => run::<true, false>(from, to, height, mx, my),
        _ => run::<false, true>(from, to, height, mx, my),
    }
}

/// Taps and byte places, ready for use.
struct Filters {
    x: [__m256i; 3],
    y: [__m256i; 3],
    places: [__m256i; 3],
}

#[inline(always)]
unsafe fn filters(mx: usize, my: usize) -> Filters {
    let places = |i: usize| (PLACES[i].as_ptr(), PLACES_FROM_5_BEFORE[i].as_ptr());
    let [a, b, c] = [places(0), places(1), places(2)];
    Filters {
        x: splat(&PAIRS[mx % 8]),
        y: splat(&PAIRS[my % 8]),
        places: [
            load16x2(a.0.cast(), a.1.cast()),
            load16x2(b.0.cast(), b.1.cast()),
            load16x2(c.0.cast(), c.1.cast()),
        ],
    }
}

/// The three pairs of taps, each in all lanes.
#[inline(always)]
pub(super) unsafe fn splat(taps: &[i16; 3]) -> [__m256i; 3] {
    [
        _mm256_set1_epi16(taps[0]),
        _mm256_set1_epi16(taps[1]),
        _mm256_set1_epi16(taps[2]),
    ]
}

/// The sum of three paired inputs, rounded; still in 16 bits, not clamped. The
/// first is left out where there are but four `TAPS`.
#[inline(always)]
pub(super) unsafe fn weigh<const TAPS: u8>(samples: [__m256i; 3], taps: &[__m256i; 3]) -> __m256i {
    let [a, b, c] = samples;
    let mut sum = _mm256_maddubs_epi16(b, taps[1]);
    if TAPS == 6 {
        sum = _mm256_adds_epi16(sum, _mm256_maddubs_epi16(a, taps[0]));
    }
    let sum = _mm256_adds_epi16(sum, _mm256_maddubs_epi16(c, taps[2]));
    _mm256_mulhrs_epi16(sum, _mm256_set1_epi16(256))
}

/// A row after the horizontal pass, in 16 bits, a half in each lane.
#[inline(always)]
unsafe fn across(p: *const u8, filters: &Filters) -> __m256i {
    // The right half's bytes begin early, so as to end with the last needed.
    let v = load16x2(p.sub(2), p.add(3));
    let a = _mm256_shuffle_epi8(v, filters.places[0]);
    let b = _mm256_shuffle_epi8(v, filters.places[1]);
    let c = _mm256_shuffle_epi8(v, filters.places[2]);
    weigh::<6>([a, b, c], &filters.x)
}

/// Rows `p` and `q`: after the horizontal pass, a lane holds its half of the
/// first and of the second row. Without it, a lane holds a whole row.
#[inline(always)]
unsafe fn pair<const X: bool>(p: *const u8, q: *const u8, filters: &Filters) -> __m256i {
    if X {
        _mm256_packus_epi16(across(p, filters), across(q, filters))
    } else {
        load16x2(p, q)
    }
}

/// The second row of pair `a` and the first of pair `b`.
#[inline(always)]
unsafe fn between<const X: bool>(a: __m256i, b: __m256i) -> __m256i {
    if X {
        _mm256_alignr_epi8::<8>(b, a)
    } else {
        _mm256_permute2x128_si256::<0x21>(a, b)
    }
}

/// Bytes of `a` and `b` in turn, from the low and from the high halves of lanes.
#[inline(always)]
pub(super) unsafe fn zip(a: __m256i, b: __m256i) -> [__m256i; 2] {
    [_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b)]
}

/// Stores a [`pair`].
#[inline(always)]
unsafe fn put<const X: bool>(p: *mut u8, q: *mut u8, pair: __m256i) {
    if X {
        store16x2(p, q, _mm256_permute4x64_epi64::<0b11_01_10_00>(pair));
    } else {
        store16x2(p, q, pair);
    }
}

#[inline(always)]
unsafe fn run<const X: bool, const Y: bool>(
    (p, stride): (*const u8, usize),
    (to, to_stride): (*mut u8, usize),
    height: usize,
    mx: usize,
    my: usize,
) {
    let (f, pairs) = (filters(mx, my), height / 2);
    if !Y {
        for n in 0..pairs {
            let (p, to) = (p.add(2 * n * stride), to.add(2 * n * to_stride));
            put::<X>(to, to.add(to_stride), pair::<X>(p, p.add(stride), &f));
        }
        return;
    }
    // r: rows n-2, n, n+2 with the row after each. b and c: the second and
    // third pairs of rows for the outputs n and n+1; c is the next b.
    let rows = |n: usize| p.sub(2 * stride).add(2 * n * stride);
    let mut r0 = pair::<X>(rows(0), rows(0).add(stride), &f);
    let mut r2 = pair::<X>(rows(1), rows(1).add(stride), &f);
    let mut r4 = pair::<X>(rows(2), rows(2).add(stride), &f);
    let mut b = zip(between::<X>(r0, r2), r2);
    let mut c = zip(between::<X>(r2, r4), r4);
    for n in 0..pairs {
        // The last pair's second row is never looked at, and may not exist.
        let next = if n + 1 < pairs { stride } else { 0 };
        let r6 = pair::<X>(rows(n + 3), rows(n + 3).add(next), &f);
        let s5 = between::<X>(r4, r6);
        let a = zip(r0, s5);
        let low = weigh::<6>([a[0], b[0], c[0]], &f.y);
        let high = weigh::<6>([a[1], b[1], c[1]], &f.y);
        let to = to.add(2 * n * to_stride);
        put::<X>(to, to.add(to_stride), _mm256_packus_epi16(low, high));
        (b, c) = (c, zip(s5, r6));
        (r0, r2, r4) = (r2, r4, r6);
    }
}
