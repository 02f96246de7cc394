// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sums of absolute Hadamard-transformed differences, in 128 bits and 256.
//!
//! Samples are multiplied by rows of the transform as they are widened
//! (`pmaddubsw`): a row of 8 becomes the sums and the differences of its pairs.
//! The last step is left out: of two values that it would add and subtract, the
//! absolute values of sum and difference add up to twice the greater absolute
//! value, and the halving is asked for.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::compare::sum32;
use super::memory::*;
use std::arch::x86_64::*;

at_both_levels! {
    fn satd<const W: usize, const H: usize>(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32;
    fn satd_4x4(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32;
}

/// The first butterflies of two 4-column rows, or one of 8 columns, which
/// stands in both halves: pair sums in the low half, differences in the high.
#[inline(always)]
unsafe fn pairs(a: __m128i, b: __m128i) -> __m128i {
    let weights = _mm_setr_epi8(1, 1, 1, 1, 1, 1, 1, 1, 1, -1, 1, -1, 1, -1, 1, -1);
    // Weights come second as they are the signed ones.
    _mm_sub_epi16(_mm_maddubs_epi16(a, weights), _mm_maddubs_epi16(b, weights))
}

/// 8 samples in both halves.
#[inline(always)]
unsafe fn load8_twice(p: *const u8) -> __m128i {
    let v = load8(p);
    _mm_unpacklo_epi64(v, v)
}

/// In the even lanes: the greater absolute value of each two neighbours.
#[inline(always)]
unsafe fn greater(v: __m128i) -> __m128i {
    let v = _mm_abs_epi16(v);
    _mm_max_epi16(v, _mm_srli_epi32::<16>(v))
}

/// The sum of the even lanes, of 16 bits each, without sign.
#[inline(always)]
unsafe fn sum_even(v: __m128i) -> u32 {
    sum32(_mm_and_si128(v, _mm_set1_epi32(0xFFFF))) as u32
}

/// Two 4×4 blocks side by side; results are in even lanes.
#[inline(always)]
unsafe fn two_blocks(p: *const u8, p_stride: usize, q: *const u8, q_stride: usize) -> __m128i {
    let mut r = [_mm_setzero_si128(); 4];
    for (y, r) in r.iter_mut().enumerate() {
        let (a, b) = (p.add(y * p_stride), q.add(y * q_stride));
        *r = pairs(load8_twice(a), load8_twice(b));
    }
    let (a, b) = (_mm_add_epi16(r[0], r[1]), _mm_sub_epi16(r[0], r[1]));
    let (c, d) = (_mm_add_epi16(r[2], r[3]), _mm_sub_epi16(r[2], r[3]));
    let (e, f) = (greater(_mm_add_epi16(a, c)), greater(_mm_sub_epi16(a, c)));
    let (g, h) = (greater(_mm_add_epi16(b, d)), greater(_mm_sub_epi16(b, d)));
    _mm_add_epi16(_mm_add_epi16(e, f), _mm_add_epi16(g, h))
}

/// `W` is 8 or 16.
#[inline(always)]
unsafe fn satd<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sum = _mm_setzero_si128();
    for y in (0..H).step_by(4) {
        for x in (0..W).step_by(8) {
            let (p, q) = (p.add(y * a_stride + x), q.add(y * b_stride + x));
            // At most 8 times 4 values of 2,040 to a lane: they fit 16 bits
            // without sign.
            sum = _mm_add_epi16(sum, two_blocks(p, a_stride, q, b_stride));
        }
    }
    sum_even(sum)
}

/// Two rows of 4 samples, in both halves.
#[inline(always)]
unsafe fn load4x2_twice(p: *const u8, stride: usize) -> __m128i {
    let v = _mm_unpacklo_epi32(load4(p), load4(p.add(stride)));
    _mm_unpacklo_epi64(v, v)
}

#[inline(always)]
unsafe fn satd_4x4(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let r01 = pairs(load4x2_twice(p, a_stride), load4x2_twice(q, b_stride));
    let (p, q) = (p.add(2 * a_stride), q.add(2 * b_stride));
    let r23 = pairs(load4x2_twice(p, a_stride), load4x2_twice(q, b_stride));
    // Rows 0 and 2, and 1 and 3, alternate in each.
    let (sum, difference) = (
        _mm_castsi128_ps(_mm_add_epi16(r01, r23)),
        _mm_castsi128_ps(_mm_sub_epi16(r01, r23)),
    );
    let even = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(sum, difference));
    let odd = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(sum, difference));
    let low = greater(_mm_add_epi16(even, odd));
    let high = greater(_mm_sub_epi16(even, odd));
    sum_even(_mm_add_epi16(low, high))
}

/// In the even lanes: the greater absolute value of each two neighbours.
#[inline(always)]
unsafe fn greater_wide(v: __m256i) -> __m256i {
    let v = _mm256_abs_epi16(v);
    _mm256_max_epi16(v, _mm256_srli_epi32::<16>(v))
}

/// Blocks of 16 columns: a row to a register.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn satd16_wide<const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let weights = _mm256_setr_m128i(
        _mm_set1_epi8(1),
        _mm_set1_epi16(i16::from_le_bytes([1, 0xFF])),
    );
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sum = _mm256_setzero_si256();
    for top in (0..H).step_by(4) {
        let mut r = [sum; 4];
        for (y, r) in r.iter_mut().enumerate() {
            let a = _mm256_broadcastsi128_si256(load16(p.add((top + y) * a_stride)));
            let b = _mm256_broadcastsi128_si256(load16(q.add((top + y) * b_stride)));
            *r = _mm256_sub_epi16(
                _mm256_maddubs_epi16(a, weights),
                _mm256_maddubs_epi16(b, weights),
            );
        }
        let (a, b) = (_mm256_add_epi16(r[0], r[1]), _mm256_sub_epi16(r[0], r[1]));
        let (c, d) = (_mm256_add_epi16(r[2], r[3]), _mm256_sub_epi16(r[2], r[3]));
        let four = [
            _mm256_add_epi16(a, c),
            _mm256_sub_epi16(a, c),
            _mm256_add_epi16(b, d),
            _mm256_sub_epi16(b, d),
        ];
        for v in four {
            // At most 16 values of 2,040 to a lane.
            sum = _mm256_add_epi16(sum, greater_wide(v));
        }
    }
    let (low, high) = (
        _mm256_castsi256_si128(sum),
        _mm256_extracti128_si256::<1>(sum),
    );
    sum_even(_mm_add_epi16(low, high))
}
