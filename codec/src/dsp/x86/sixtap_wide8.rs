// SPDX-License-Identifier: MIT OR Apache-2.0
//! Six-tap prediction of 8 columns in 256 bits.
//!
//! A register holds four rows: the lower lane every other row of the upper
//! lane's neighbours, `k` and `k + 2` under `k + 1` and `k + 3`, since that is
//! what the horizontal pass gives when each lane takes a row. Odd fractions
//! have four taps, and chroma has many of them: their passes are shorter.

#![allow(unsafe_code)]

use super::memory::*;
use super::sixtap::{self, PAIRS, PLACES};
use super::sixtap_wide::{splat, weigh, zip};
use crate::dsp::block::{Dst, Src};
use std::arch::x86_64::*;

/// Predicts 8 columns.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn sixtap8(src: Src<'_>, dst: Dst<'_>, height: usize, mx: usize, my: usize) {
    // Rows are loaded 16 bytes at a time, which is 3 more than they need.
    let last = if my != 0 { height + 2 } else { height - 1 };
    if src.data.len() - src.at < last * src.stride + 14 {
        return sixtap::avx2::sixtap8(src, dst, height, mx, my);
    }
    match (taps(mx), taps(my)) {
        (6, 6) => run::<6, 6>(src, dst, height, mx, my),
        (6, 4) => run::<6, 4>(src, dst, height, mx, my),
        (4, 6) => run::<4, 6>(src, dst, height, mx, my),
        (4, 4) => run::<4, 4>(src, dst, height, mx, my),
        (0, 6) => run::<0, 6>(src, dst, height, mx, my),
        (0, _) => run::<0, 4>(src, dst, height, mx, my),
        (6, _) => run::<6, 0>(src, dst, height, mx, my),
        _ => run::<4, 0>(src, dst, height, mx, my),
    }
}

/// How many taps the filter of a fraction has.
#[inline(always)]
pub(super) fn taps(fraction: usize) -> u8 {
    match fraction {
        0 => 0,
        n if n % 2 == 0 => 6,
        _ => 4,
    }
}

/// Taps and byte places, ready for use.
struct Filters {
    x: [__m256i; 3],
    y: [__m256i; 3],
    places: [__m256i; 3],
}

/// A row of each lane after the horizontal pass of `TAPS` taps, in 16 bits.
#[inline(always)]
unsafe fn across<const TAPS: u8>(p: *const u8, q: *const u8, filters: &Filters) -> __m256i {
    let v = load16x2(p.sub(2), q.sub(2));
    let a = _mm256_shuffle_epi8(v, filters.places[0]);
    let b = _mm256_shuffle_epi8(v, filters.places[1]);
    let c = _mm256_shuffle_epi8(v, filters.places[2]);
    weigh::<TAPS>([a, b, c], &filters.x)
}

/// The four rows from `p`.
#[inline(always)]
unsafe fn quad<const TAPS: u8>(p: *const u8, stride: usize, filters: &Filters) -> __m256i {
    let (q, r, s) = (p.add(stride), p.add(2 * stride), p.add(3 * stride));
    if TAPS == 0 {
        let lower = _mm256_castsi128_si256(load8x2(p, r));
        return _mm256_inserti128_si256::<1>(lower, load8x2(q, s));
    }
    let upper = across::<TAPS>(p, q, filters);
    _mm256_packus_epi16(upper, across::<TAPS>(r, s, filters))
}

/// One row, at least where the first of [`quad`] is.
#[inline(always)]
unsafe fn single<const TAPS: u8>(p: *const u8, filters: &Filters) -> __m256i {
    if TAPS == 0 {
        return _mm256_castsi128_si256(load8(p));
    }
    let row = across::<TAPS>(p, p, filters);
    _mm256_packus_epi16(row, row)
}

/// The four rows 2 after those of `a`; those of `b` are 4 after.
#[inline(always)]
unsafe fn two_on(a: __m256i, b: __m256i) -> __m256i {
    _mm256_alignr_epi8::<8>(b, a)
}

/// The four rows 1 after those of `a`; those of `b` are 2 after.
#[inline(always)]
unsafe fn one_on(a: __m256i, b: __m256i) -> __m256i {
    _mm256_permute2x128_si256::<0x21>(a, b)
}

#[inline(always)]
unsafe fn put(to: *mut u8, stride: usize, rows: __m256i) {
    store8x2(to, to.add(2 * stride), _mm256_castsi256_si128(rows));
    let odd = _mm256_extracti128_si256::<1>(rows);
    store8x2(to.add(stride), to.add(3 * stride), odd);
}

#[inline(always)]
unsafe fn run<const X: u8, const Y: u8>(
    src: Src<'_>,
    mut dst: Dst<'_>,
    height: usize,
    mx: usize,
    my: usize,
) {
    let filters = Filters {
        x: splat(&PAIRS[mx % 8]),
        y: splat(&PAIRS[my % 8]),
        places: [
            _mm256_broadcastsi128_si256(load16(PLACES[0].as_ptr().cast())),
            _mm256_broadcastsi128_si256(load16(PLACES[1].as_ptr().cast())),
            _mm256_broadcastsi128_si256(load16(PLACES[2].as_ptr().cast())),
        ],
    };
    let (p, to) = (src_at(&src), dst_at(&mut dst));
    let (stride, to_stride, quads) = (src.stride, dst.stride, height / 4);
    match Y {
        0 => {
            for n in 0..quads {
                let rows = quad::<X>(p.add(4 * n * stride), stride, &filters);
                put(to.add(4 * n * to_stride), to_stride, rows);
            }
        }
        4 => down4::<X>(p.sub(stride), stride, to, to_stride, quads, &filters),
        _ => down6::<X>(p.sub(2 * stride), stride, to, to_stride, quads, &filters),
    }
}

/// Both passes, the vertical one of four taps; `p` is 1 row above the block.
#[inline(always)]
unsafe fn down4<const X: u8>(
    p: *const u8,
    stride: usize,
    to: *mut u8,
    to_stride: usize,
    quads: usize,
    filters: &Filters,
) {
    let mut before = quad::<X>(p, stride, filters);
    for n in 0..quads {
        let after = quad::<X>(p.add(4 * (n + 1) * stride), stride, filters);
        let below = two_on(before, after);
        let here = one_on(before, below);
        let (a, b) = (zip(before, here), zip(below, one_on(below, after)));
        let low = weigh::<4>([a[0], a[0], b[0]], &filters.y);
        let high = weigh::<4>([a[1], a[1], b[1]], &filters.y);
        let rows = _mm256_packus_epi16(low, high);
        put(to.add(4 * n * to_stride), to_stride, rows);
        before = after;
    }
}

/// Both passes, the vertical one of six taps; `p` is 2 rows above the block.
#[inline(always)]
unsafe fn down6<const X: u8>(
    p: *const u8,
    stride: usize,
    to: *mut u8,
    to_stride: usize,
    quads: usize,
    filters: &Filters,
) {
    // The rows that tap i of the next four outputs meets.
    let mut r0 = quad::<X>(p, stride, filters);
    let mut r4 = quad::<X>(p.add(4 * stride), stride, filters);
    let mut r2 = two_on(r0, r4);
    let mut r1 = one_on(r0, r2);
    for n in 0..quads {
        let next = p.add(4 * (n + 2) * stride);
        // Of the last four rows only the first is needed, or may exist.
        let r8 = if n + 1 < quads {
            quad::<X>(next, stride, filters)
        } else {
            single::<X>(next, filters)
        };
        let r3 = one_on(r2, r4);
        let r6 = two_on(r4, r8);
        let r5 = one_on(r4, r6);
        let (a, b, c) = (zip(r0, r5), zip(r1, r2), zip(r3, r4));
        let low = weigh::<6>([a[0], b[0], c[0]], &filters.y);
        let high = weigh::<6>([a[1], b[1], c[1]], &filters.y);
        let rows = _mm256_packus_epi16(low, high);
        put(to.add(4 * n * to_stride), to_stride, rows);
        (r0, r1, r2, r4) = (r4, r5, r6, r8);
    }
}
