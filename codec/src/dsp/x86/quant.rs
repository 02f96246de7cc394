// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation, in 128 bits and in 256.
//!
//! A division by a step is two multiplications whose upper halves are kept:
//! first by what the reciprocal has over one (signed, so that it fits 16 bits),
//! then by a power of two. It is exact for every dividend up to 32,767.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::table::ZIGZAG;
use crate::dsp::Quantiser;
use std::arch::x86_64::*;

at_both_levels! {
    fn quantise(coeffs: &[i16; 16], by: &Quantiser, levels: &mut [i16; 16]) -> usize;
    fn dequantise(levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16];
}

/// 8 values from `i` on.
#[inline(always)]
unsafe fn half<T>(values: &[T; 16], i: usize) -> __m128i {
    load16(values.as_ptr().add(i).cast())
}

/// The 8 levels from `i` on.
#[inline(always)]
unsafe fn levels_of(coeffs: &[i16; 16], by: &Quantiser, i: usize) -> __m128i {
    let c = half(coeffs, i);
    let minus = _mm_subs_epi16(_mm_setzero_si128(), c);
    let size = _mm_max_epi16(c, minus);
    let dead = _mm_cmpgt_epi16(half(by.zero_bin(), i), size);
    let x = _mm_adds_epi16(size, half(by.round(), i));
    let x = _mm_add_epi16(x, _mm_mulhi_epi16(x, half(&by.reciprocal, i)));
    let x = _mm_mulhi_epu16(x, half(&by.scale, i));
    _mm_sign_epi16(_mm_andnot_si128(dead, x), c)
}

/// The end in zigzag order, from bytes in raster order that are -1 where the
/// level is zero.
#[inline(always)]
unsafe fn end(zero: __m128i) -> usize {
    let zero = _mm_shuffle_epi8(zero, load16(ZIGZAG.as_ptr()));
    let levels = !(_mm_movemask_epi8(zero) as u32) & 0xFFFF;
    (u32::BITS - levels.leading_zeros()) as usize
}

#[inline(always)]
unsafe fn quantise(coeffs: &[i16; 16], by: &Quantiser, levels: &mut [i16; 16]) -> usize {
    let (low, high) = (levels_of(coeffs, by, 0), levels_of(coeffs, by, 8));
    let to: *mut u8 = levels.as_mut_ptr().cast();
    store16(to, low);
    store16(to.add(16), high);
    let zero = _mm_setzero_si128();
    end(_mm_packs_epi16(
        _mm_cmpeq_epi16(low, zero),
        _mm_cmpeq_epi16(high, zero),
    ))
}

#[inline(always)]
unsafe fn dequantise(levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16] {
    let mut out = [0i16; 16];
    let to: *mut u8 = out.as_mut_ptr().cast();
    store16(to, _mm_mullo_epi16(half(levels, 0), half(step, 0)));
    store16(to.add(16), _mm_mullo_epi16(half(levels, 8), half(step, 8)));
    out
}

/// All 16 values.
#[inline(always)]
unsafe fn whole<T>(values: &[T; 16]) -> __m256i {
    _mm256_loadu_si256(values.as_ptr().cast())
}

#[target_feature(enable = "avx2,lzcnt")]
pub(super) unsafe fn quantise_wide(
    coeffs: &[i16; 16],
    by: &Quantiser,
    levels: &mut [i16; 16],
) -> usize {
    let c = whole(coeffs);
    let size = _mm256_max_epi16(c, _mm256_subs_epi16(_mm256_setzero_si256(), c));
    let dead = _mm256_cmpgt_epi16(whole(by.zero_bin()), size);
    let x = _mm256_adds_epi16(size, whole(by.round()));
    let x = _mm256_add_epi16(x, _mm256_mulhi_epi16(x, whole(&by.reciprocal)));
    let x = _mm256_mulhi_epu16(x, whole(&by.scale));
    let level = _mm256_sign_epi16(_mm256_andnot_si256(dead, x), c);
    _mm256_storeu_si256(levels.as_mut_ptr().cast(), level);
    let zero = _mm256_cmpeq_epi16(level, _mm256_setzero_si256());
    let (low, high) = (
        _mm256_castsi256_si128(zero),
        _mm256_extracti128_si256::<1>(zero),
    );
    end(_mm_packs_epi16(low, high))
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn dequantise_wide(levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16] {
    let mut out = [0i16; 16];
    let product = _mm256_mullo_epi16(whole(levels), whole(step));
    _mm256_storeu_si256(out.as_mut_ptr().cast(), product);
    out
}
