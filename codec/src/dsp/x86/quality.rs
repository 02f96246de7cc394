// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sums of SSIM, in 128 bits and in 256.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::{scalar, SsimSums};
use std::arch::x86_64::*;

at_both_levels! {
    fn ssim_sums(a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>);
}

/// The sums of neighbouring lanes of `a`, then of `b`. (`phaddd` does the same,
/// in more time.)
#[inline(always)]
unsafe fn pairs(a: __m128i, b: __m128i) -> __m128i {
    let (a, b) = (_mm_castsi128_ps(a), _mm_castsi128_ps(b));
    let even = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(a, b));
    let odd = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(a, b));
    _mm_add_epi32(even, odd)
}

/// Two blocks at a time.
#[inline(always)]
unsafe fn ssim_sums(a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>) {
    let (zero, one) = (_mm_setzero_si128(), _mm_set1_epi16(1));
    let whole = sums.a.len() & !1;
    for block in (0..whole).step_by(2) {
        let [mut sum_a, mut sum_b, mut squares, mut products] = [zero; 4];
        for (a, b) in a.iter().zip(b) {
            let a = _mm_unpacklo_epi8(load8(a.as_ptr().add(4 * block)), zero);
            let b = _mm_unpacklo_epi8(load8(b.as_ptr().add(4 * block)), zero);
            sum_a = _mm_add_epi16(sum_a, a);
            sum_b = _mm_add_epi16(sum_b, b);
            let both = _mm_add_epi32(_mm_madd_epi16(a, a), _mm_madd_epi16(b, b));
            squares = _mm_add_epi32(squares, both);
            products = _mm_add_epi32(products, _mm_madd_epi16(a, b));
        }
        let sums_ab = pairs(_mm_madd_epi16(sum_a, one), _mm_madd_epi16(sum_b, one));
        let powers = pairs(squares, products);
        let put = |to: &mut [f64], v: __m128i| {
            _mm_storeu_pd(to.as_mut_ptr().add(block), _mm_cvtepi32_pd(v));
        };
        put(sums.a, sums_ab);
        put(sums.b, _mm_unpackhi_epi64(sums_ab, sums_ab));
        put(sums.squares, powers);
        put(sums.products, _mm_unpackhi_epi64(powers, powers));
    }
    scalar::ssim_sums_from(whole, a, b, sums);
}

/// Four blocks at a time.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn ssim_sums_wide(a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>) {
    let (zero, one) = (_mm256_setzero_si256(), _mm256_set1_epi16(1));
    let whole = sums.a.len() & !3;
    for block in (0..whole).step_by(4) {
        let [mut sum_a, mut sum_b, mut squares, mut products] = [zero; 4];
        for (a, b) in a.iter().zip(b) {
            let a = _mm256_cvtepu8_epi16(load16(a.as_ptr().add(4 * block)));
            let b = _mm256_cvtepu8_epi16(load16(b.as_ptr().add(4 * block)));
            sum_a = _mm256_add_epi16(sum_a, a);
            sum_b = _mm256_add_epi16(sum_b, b);
            let both = _mm256_add_epi32(_mm256_madd_epi16(a, a), _mm256_madd_epi16(b, b));
            squares = _mm256_add_epi32(squares, both);
            products = _mm256_add_epi32(products, _mm256_madd_epi16(a, b));
        }
        let (sum_a, sum_b) = (_mm256_madd_epi16(sum_a, one), _mm256_madd_epi16(sum_b, one));
        let put = |low: &mut [f64], high: &mut [f64], first: __m256i, second: __m256i| {
            // Two blocks of each of the two in a lane; four of one in a lane.
            let v = _mm256_hadd_epi32(first, second);
            let v = _mm256_permute4x64_epi64::<0b11_01_10_00>(v);
            let (first, second) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm256_storeu_pd(low.as_mut_ptr().add(block), _mm256_cvtepi32_pd(first));
            _mm256_storeu_pd(high.as_mut_ptr().add(block), _mm256_cvtepi32_pd(second));
        };
        put(sums.a, sums.b, sum_a, sum_b);
        put(sums.squares, sums.products, squares, products);
    }
    scalar::ssim_sums_from(whole, a, b, sums);
}
