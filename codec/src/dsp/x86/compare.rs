// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of blocks in 128 bits.
//!
//! Signed differences come of one multiplication (`pmaddubsw`): samples of the
//! two blocks alternate, and are weighed by 1 and -1. Rows of 8 samples go two
//! to a register, rows of 4 go four.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::Differences;
use std::arch::x86_64::*;

at_both_levels! {
    fn sad<const W: usize, const H: usize>(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32;
    fn sad_16x16_x4(a: &[u8], a_stride: usize, b: &[u8], b_at: &[usize; 4], b_stride: usize) -> [u32; 4];
    fn sse<const W: usize, const H: usize>(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32;
    fn sse_region(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize, columns: usize, rows: usize) -> u64;
    fn differences<const W: usize, const H: usize>(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> Differences;
}

/// Columns of a region that are summed before 32-bit lanes could overflow:
/// each 16 columns add at most 4 · 255² to a lane.
const RUN: usize = 1 << 16;

/// 16 samples of a block of `W` columns from row `y` on: one row, two, or four.
#[inline(always)]
pub(super) unsafe fn load_rows<const W: usize>(p: *const u8, stride: usize, y: usize) -> __m128i {
    let p = p.add(y * stride);
    match W {
        16 => load16(p),
        8 => load8x2(p, p.add(stride)),
        _ => {
            let r01 = _mm_unpacklo_epi32(load4(p), load4(p.add(stride)));
            let (p2, p3) = (p.add(2 * stride), p.add(3 * stride));
            _mm_unpacklo_epi64(r01, _mm_unpacklo_epi32(load4(p2), load4(p3)))
        }
    }
}

/// `a - b` in 16 bits: of the first 8 samples, and of the others.
#[inline(always)]
pub(super) unsafe fn subtract(a: __m128i, b: __m128i) -> [__m128i; 2] {
    let signs = _mm_set1_epi16(i16::from_le_bytes([1, 0xFF]));
    let (low, high) = (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
    [
        _mm_maddubs_epi16(low, signs),
        _mm_maddubs_epi16(high, signs),
    ]
}

/// The squares of 16 differences, added up in four lanes.
#[inline(always)]
unsafe fn squares([low, high]: [__m128i; 2]) -> __m128i {
    _mm_add_epi32(_mm_madd_epi16(low, low), _mm_madd_epi16(high, high))
}

/// The sum of four 32-bit lanes.
#[inline(always)]
pub(super) unsafe fn sum32(v: __m128i) -> i32 {
    let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b11_10_11_10>(v));
    _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32::<0b01>(v)))
}

/// The sums of the two halves of each of four registers; 64-bit lanes whose
/// upper halves are zero.
#[inline(always)]
unsafe fn sum64_x4([a, b, c, d]: [__m128i; 4]) -> [u32; 4] {
    let ab = _mm_or_si128(a, _mm_slli_epi64::<32>(b));
    let cd = _mm_or_si128(c, _mm_slli_epi64::<32>(d));
    let (low, high) = (_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
    let mut out = [0; 4];
    store16(out.as_mut_ptr().cast(), _mm_add_epi32(low, high));
    out
}

#[inline(always)]
unsafe fn sad<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sums = [_mm_setzero_si128(); 2];
    for (i, y) in (0..H).step_by(16 / W).enumerate() {
        let (a, b) = (
            load_rows::<W>(p, a_stride, y),
            load_rows::<W>(q, b_stride, y),
        );
        sums[i % 2] = _mm_add_epi32(sums[i % 2], _mm_sad_epu8(a, b));
    }
    let sum = _mm_add_epi32(sums[0], sums[1]);
    _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum))) as u32
}

#[inline(always)]
unsafe fn sad_16x16_x4(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_at: &[usize; 4],
    b_stride: usize,
) -> [u32; 4] {
    let (p, q) = (a.as_ptr(), b_at.map(|at| b.as_ptr().wrapping_add(at)));
    let mut sums = [_mm_setzero_si128(); 4];
    for y in 0..16 {
        let a = load16(p.add(y * a_stride));
        for i in 0..4 {
            let b = load16(q[i].add(y * b_stride));
            sums[i] = _mm_add_epi32(sums[i], _mm_sad_epu8(a, b));
        }
    }
    sum64_x4(sums)
}

#[inline(always)]
unsafe fn sse<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sum = _mm_setzero_si128();
    for y in (0..H).step_by(16 / W) {
        let (a, b) = (
            load_rows::<W>(p, a_stride, y),
            load_rows::<W>(q, b_stride, y),
        );
        sum = _mm_add_epi32(sum, squares(subtract(a, b)));
    }
    sum32(sum) as u32
}

#[inline(always)]
unsafe fn differences<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> Differences {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let (mut sum, mut squared) = (_mm_setzero_si128(), _mm_setzero_si128());
    for y in (0..H).step_by(16 / W) {
        let (a, b) = (
            load_rows::<W>(p, a_stride, y),
            load_rows::<W>(q, b_stride, y),
        );
        let [low, high] = subtract(a, b);
        // At most 32 differences to a lane.
        sum = _mm_add_epi16(sum, _mm_add_epi16(low, high));
        squared = _mm_add_epi32(squared, squares([low, high]));
    }
    Differences {
        sum: sum32(_mm_madd_epi16(sum, _mm_set1_epi16(1))),
        squares: sum32(squared) as u32,
    }
}

/// The sum of four 32-bit lanes without sign, which may be over 32 bits.
#[inline(always)]
pub(super) unsafe fn widen_sum(v: __m128i) -> u64 {
    let mut lanes = [0u32; 4];
    store16(lanes.as_mut_ptr().cast(), v);
    lanes.into_iter().map(u64::from).sum()
}

/// The squared differences of the under 16 samples at the end of a row.
#[inline(always)]
pub(super) unsafe fn tail(p: *const u8, q: *const u8, columns: usize) -> __m128i {
    let (mut sum, mut x) = (_mm_setzero_si128(), 0);
    if columns & 8 != 0 {
        let [low, _] = subtract(load8(p), load8(q));
        (sum, x) = (_mm_madd_epi16(low, low), 8);
    }
    if columns & 4 != 0 {
        let [low, _] = subtract(load4(p.add(x)), load4(q.add(x)));
        sum = _mm_add_epi32(sum, _mm_madd_epi16(low, low));
        x += 4;
    }
    for x in x..columns {
        let d = i32::from(*p.add(x)) - i32::from(*q.add(x));
        sum = _mm_add_epi32(sum, _mm_cvtsi32_si128(d * d));
    }
    sum
}

#[inline(always)]
unsafe fn sse_region(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
    columns: usize,
    rows: usize,
) -> u64 {
    let mut total = 0;
    for y in 0..rows {
        let (p, q) = (a.as_ptr().add(y * a_stride), b.as_ptr().add(y * b_stride));
        for start in (0..columns).step_by(RUN) {
            let end = columns.min(start + RUN);
            let (mut sum, mut x) = (_mm_setzero_si128(), start);
            while x + 16 <= end {
                let differences = subtract(load16(p.add(x)), load16(q.add(x)));
                sum = _mm_add_epi32(sum, squares(differences));
                x += 16;
            }
            sum = _mm_add_epi32(sum, tail(p.add(x), q.add(x), end - x));
            total += widen_sum(sum);
        }
    }
    total
}
