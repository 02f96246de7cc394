// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of blocks in 256 bits.

#![allow(unsafe_code)]

use super::compare::{sum32, tail, widen_sum};
use super::memory::*;
use crate::dsp::Differences;
use std::arch::x86_64::*;

/// Columns of a region that are summed before 32-bit lanes could overflow:
/// each 32 columns add at most 4 · 255² to a lane.
const RUN: usize = 1 << 17;

/// `a - b` of 16 samples.
#[inline(always)]
unsafe fn subtract(p: *const u8, q: *const u8) -> __m256i {
    _mm256_sub_epi16(
        _mm256_cvtepu8_epi16(load16(p)),
        _mm256_cvtepu8_epi16(load16(q)),
    )
}

/// The sum of the two lanes.
#[inline(always)]
unsafe fn halve(v: __m256i) -> __m128i {
    _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v))
}

/// Blocks of 16 columns: the differences' sums in 16-bit lanes, and their
/// squares' in 32-bit ones.
#[inline(always)]
unsafe fn sums<const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> [__m256i; 2] {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let (mut sum, mut squares) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for y in 0..H {
        let d = subtract(p.add(y * a_stride), q.add(y * b_stride));
        sum = _mm256_add_epi16(sum, d);
        squares = _mm256_add_epi32(squares, _mm256_madd_epi16(d, d));
    }
    [sum, squares]
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn sse16<const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let [_, squares] = sums::<H>(a, a_stride, b, b_stride);
    sum32(halve(squares)) as u32
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn differences16<const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> Differences {
    let [sum, squares] = sums::<H>(a, a_stride, b, b_stride);
    let sum = _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
    Differences {
        sum: sum32(halve(sum)),
        squares: sum32(halve(squares)) as u32,
    }
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn sse_region(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
    columns: usize,
    rows: usize,
) -> u64 {
    let signs = _mm256_set1_epi16(i16::from_le_bytes([1, 0xFF]));
    let mut total = 0;
    for y in 0..rows {
        let (p, q) = (a.as_ptr().add(y * a_stride), b.as_ptr().add(y * b_stride));
        for start in (0..columns).step_by(RUN) {
            let end = columns.min(start + RUN);
            let (mut wide, mut x) = (_mm256_setzero_si256(), start);
            while x + 32 <= end {
                let a = _mm256_loadu_si256(p.add(x).cast());
                let b = _mm256_loadu_si256(q.add(x).cast());
                let low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), signs);
                let high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), signs);
                wide = _mm256_add_epi32(wide, _mm256_madd_epi16(low, low));
                wide = _mm256_add_epi32(wide, _mm256_madd_epi16(high, high));
                x += 32;
            }
            if x + 16 <= end {
                let d = subtract(p.add(x), q.add(x));
                wide = _mm256_add_epi32(wide, _mm256_madd_epi16(d, d));
                x += 16;
            }
            let end = tail(p.add(x), q.add(x), end - x);
            total += widen_sum(_mm_add_epi32(halve(wide), end));
        }
    }
    total
}
