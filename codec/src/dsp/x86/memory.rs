// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unaligned loads and stores. Each reads or writes exactly the bytes that its
//! name counts.
//!
//! # Safety
//! The bytes lie in one live allocation, and for a store it is ours to write.

#![allow(unsafe_code)]

use crate::dsp::block::{Dst, Src};
use std::arch::x86_64::*;

/// The address of sample (0, 0).
#[inline(always)]
pub(super) unsafe fn src_at(src: &Src<'_>) -> *const u8 {
    src.data.as_ptr().add(src.at)
}

/// The address of sample (0, 0).
#[inline(always)]
pub(super) unsafe fn dst_at(dst: &mut Dst<'_>) -> *mut u8 {
    dst.data.as_mut_ptr().add(dst.at)
}

#[inline(always)]
pub(super) unsafe fn load4(p: *const u8) -> __m128i {
    _mm_cvtsi32_si128(p.cast::<i32>().read_unaligned())
}

#[inline(always)]
pub(super) unsafe fn load8(p: *const u8) -> __m128i {
    _mm_loadl_epi64(p.cast())
}

/// 8 bytes of `low`, then 8 of `high`.
#[inline(always)]
pub(super) unsafe fn load8x2(low: *const u8, high: *const u8) -> __m128i {
    let low = _mm_castsi128_pd(load8(low));
    _mm_castpd_si128(_mm_loadh_pd(low, high.cast()))
}

#[inline(always)]
pub(super) unsafe fn load16(p: *const u8) -> __m128i {
    _mm_loadu_si128(p.cast())
}

/// 16 bytes of `low`, then 16 of `high`. AVX2.
#[inline(always)]
pub(super) unsafe fn load16x2(low: *const u8, high: *const u8) -> __m256i {
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load16(low)), load16(high))
}

/// `N` bytes, 4, 8 or 16, the rest zero.
#[inline(always)]
pub(super) unsafe fn load<const N: usize>(p: *const u8) -> __m128i {
    match N {
        4 => load4(p),
        8 => load8(p),
        _ => load16(p),
    }
}

#[inline(always)]
pub(super) unsafe fn store4(p: *mut u8, v: __m128i) {
    p.cast::<i32>().write_unaligned(_mm_cvtsi128_si32(v));
}

#[inline(always)]
pub(super) unsafe fn store8(p: *mut u8, v: __m128i) {
    _mm_storel_epi64(p.cast(), v);
}

/// The low 8 bytes of `v` to `low`, the others to `high`.
#[inline(always)]
pub(super) unsafe fn store8x2(low: *mut u8, high: *mut u8, v: __m128i) {
    store8(low, v);
    _mm_storeh_pd(high.cast(), _mm_castsi128_pd(v));
}

#[inline(always)]
pub(super) unsafe fn store16(p: *mut u8, v: __m128i) {
    _mm_storeu_si128(p.cast(), v);
}

/// The low 16 bytes of `v` to `low`, the others to `high`. AVX2.
#[inline(always)]
pub(super) unsafe fn store16x2(low: *mut u8, high: *mut u8, v: __m256i) {
    store16(low, _mm256_castsi256_si128(v));
    store16(high, _mm256_extracti128_si256::<1>(v));
}

/// The low `N` bytes, 4, 8 or 16.
#[inline(always)]
pub(super) unsafe fn store<const N: usize>(p: *mut u8, v: __m128i) {
    match N {
        4 => store4(p, v),
        8 => store8(p, v),
        _ => store16(p, v),
    }
}

/// Four rows of 4 bytes, the first one lowest in `v`.
#[inline(always)]
pub(super) unsafe fn store4x4(p: *mut u8, stride: usize, v: __m128i) {
    store4(p, v);
    store4(p.add(stride), _mm_shuffle_epi32::<0b01>(v));
    store4(p.add(2 * stride), _mm_shuffle_epi32::<0b10>(v));
    store4(p.add(3 * stride), _mm_shuffle_epi32::<0b11>(v));
}
