// SPDX-License-Identifier: MIT OR Apache-2.0
//! Registers of bytes of either width, so that what works lane by lane is
//! written once.
//!
//! # Safety
//! The CPU has SSSE3, and AVX2 for 256 bits.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// Defines the trait, and implements it for both widths by the intrinsics named.
macro_rules! bytes {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident),*) = $narrow:ident, $wide:ident $(::<$n:literal>)?;)*) => {
        /// 16 or 32 bytes.
        pub(super) trait Bytes: Copy {
            /// One byte everywhere.
            unsafe fn splat(byte: u8) -> Self;
            /// One number of 16 bits everywhere.
            unsafe fn splat16(number: i16) -> Self;
            /// Whether no byte has its top bit.
            unsafe fn none(self) -> bool;
            $($(#[$doc])* unsafe fn $name($($arg: Self),*) -> Self;)*
        }

        impl Bytes for __m128i {
            #[inline(always)]
            unsafe fn splat(byte: u8) -> Self {
                _mm_set1_epi8(byte as i8)
            }
            #[inline(always)]
            unsafe fn splat16(number: i16) -> Self {
                _mm_set1_epi16(number)
            }
            #[inline(always)]
            unsafe fn none(self) -> bool {
                _mm_movemask_epi8(self) == 0
            }
            $(#[inline(always)]
            unsafe fn $name($($arg: Self),*) -> Self {
                $narrow $(::<$n>)? ($($arg),*)
            })*
        }

        impl Bytes for __m256i {
            #[inline(always)]
            unsafe fn splat(byte: u8) -> Self {
                _mm256_set1_epi8(byte as i8)
            }
            #[inline(always)]
            unsafe fn splat16(number: i16) -> Self {
                _mm256_set1_epi16(number)
            }
            #[inline(always)]
            unsafe fn none(self) -> bool {
                _mm256_movemask_epi8(self) == 0
            }
            $(#[inline(always)]
            unsafe fn $name($($arg: Self),*) -> Self {
                $wide $(::<$n>)? ($($arg),*)
            })*
        }
    };
}

bytes! {
    fn and(a, b) = _mm_and_si128, _mm256_and_si256;
    /// `b` where `a` has no bits.
    fn and_not(a, b) = _mm_andnot_si128, _mm256_andnot_si256;
    fn or(a, b) = _mm_or_si128, _mm256_or_si256;
    fn xor(a, b) = _mm_xor_si128, _mm256_xor_si256;
    /// All ones where equal.
    fn equal(a, b) = _mm_cmpeq_epi8, _mm256_cmpeq_epi8;
    /// Of unsigned bytes.
    fn max(a, b) = _mm_max_epu8, _mm256_max_epu8;
    /// The mean of unsigned bytes, rounded up.
    fn mean(a, b) = _mm_avg_epu8, _mm256_avg_epu8;
    fn sub(a, b) = _mm_sub_epi8, _mm256_sub_epi8;
    /// Of unsigned bytes, saturated.
    fn adds_u(a, b) = _mm_adds_epu8, _mm256_adds_epu8;
    /// Of unsigned bytes, saturated.
    fn subs_u(a, b) = _mm_subs_epu8, _mm256_subs_epu8;
    /// Of signed bytes, saturated.
    fn adds(a, b) = _mm_adds_epi8, _mm256_adds_epi8;
    /// Of signed bytes, saturated.
    fn subs(a, b) = _mm_subs_epi8, _mm256_subs_epi8;
    /// By one bit, each 16 bits.
    fn half16(a) = _mm_srli_epi16, _mm256_srli_epi16::<1>;
    /// By three bits, each 16 bits.
    fn eighth16(a) = _mm_srli_epi16, _mm256_srli_epi16::<3>;
    /// By seven bits, each signed 16 bits.
    fn by_128(a) = _mm_srai_epi16, _mm256_srai_epi16::<7>;
    /// Unsigned bytes by signed ones, each two products added.
    fn weigh(a, b) = _mm_maddubs_epi16, _mm256_maddubs_epi16;
    /// Signed 16 bits to bytes, saturated, lane by lane.
    fn pack(a, b) = _mm_packs_epi16, _mm256_packs_epi16;
    /// Bytes in turn, of the low halves of lanes.
    fn zip_low(a, b) = _mm_unpacklo_epi8, _mm256_unpacklo_epi8;
    /// Bytes in turn, of the high halves of lanes.
    fn zip_high(a, b) = _mm_unpackhi_epi8, _mm256_unpackhi_epi8;
}
