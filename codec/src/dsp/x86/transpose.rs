// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows to columns and back.
//!
//! All are the same network: a perfect shuffle (register `i` interleaved with
//! register `i + half`) rotates the bits of a byte's address, register number
//! first, by one. As many shuffles as bring the row bits down transpose.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// One perfect shuffle of 8 registers.
#[inline(always)]
unsafe fn shuffle8(x: [__m128i; 8]) -> [__m128i; 8] {
    let mut out = x;
    for i in 0..4 {
        out[2 * i] = _mm_unpacklo_epi8(x[i], x[i + 4]);
        out[2 * i + 1] = _mm_unpackhi_epi8(x[i], x[i + 4]);
    }
    out
}

/// 16 rows of 8 bytes (in the low halves) to 8 columns.
#[inline(always)]
pub(super) unsafe fn rows_to_columns8(rows: [__m128i; 16]) -> [__m128i; 8] {
    let mut x = [rows[0]; 8];
    for i in 0..8 {
        x[i] = _mm_unpacklo_epi8(rows[i], rows[i + 8]);
    }
    shuffle8(shuffle8(shuffle8(x)))
}

/// 8 columns to 16 rows of 8 bytes, two to a register.
#[inline(always)]
pub(super) unsafe fn columns8_to_rows(columns: [__m128i; 8]) -> [__m128i; 8] {
    shuffle8(shuffle8(shuffle8(columns)))
}

/// Transposes 16×16 bytes.
#[inline(always)]
pub(super) unsafe fn transpose16(rows: [__m128i; 16]) -> [__m128i; 16] {
    let mut x = rows;
    for _ in 0..4 {
        let from = x;
        for i in 0..8 {
            x[2 * i] = _mm_unpacklo_epi8(from[i], from[i + 8]);
            x[2 * i + 1] = _mm_unpackhi_epi8(from[i], from[i + 8]);
        }
    }
    x
}

/// One perfect shuffle of 8 registers, in each lane.
#[inline(always)]
unsafe fn shuffle8_wide(x: [__m256i; 8]) -> [__m256i; 8] {
    let mut out = x;
    for i in 0..4 {
        out[2 * i] = _mm256_unpacklo_epi8(x[i], x[i + 4]);
        out[2 * i + 1] = _mm256_unpackhi_epi8(x[i], x[i + 4]);
    }
    out
}

/// [`rows_to_columns8`] in each lane. AVX2.
#[inline(always)]
pub(super) unsafe fn rows_to_columns8_wide(rows: [__m256i; 16]) -> [__m256i; 8] {
    let mut x = [rows[0]; 8];
    for i in 0..8 {
        x[i] = _mm256_unpacklo_epi8(rows[i], rows[i + 8]);
    }
    shuffle8_wide(shuffle8_wide(shuffle8_wide(x)))
}

/// [`columns8_to_rows`] in each lane. AVX2.
#[inline(always)]
pub(super) unsafe fn columns8_to_rows_wide(columns: [__m256i; 8]) -> [__m256i; 8] {
    shuffle8_wide(shuffle8_wide(shuffle8_wide(columns)))
}

/// Transposes 16×16 bytes: from rows `i` and `i + 8` in the lanes of register
/// `i`, to columns. AVX2.
#[inline(always)]
pub(super) unsafe fn rows_to_columns16_wide(rows: [__m256i; 8]) -> [__m128i; 16] {
    // Two columns of 8 rows to a lane.
    let halves = shuffle8_wide(shuffle8_wide(shuffle8_wide(rows)));
    let mut out = [_mm_setzero_si128(); 16];
    for (i, half) in halves.into_iter().enumerate() {
        let two = _mm256_permute4x64_epi64::<0b11_01_10_00>(half);
        out[2 * i] = _mm256_castsi256_si128(two);
        out[2 * i + 1] = _mm256_extracti128_si256::<1>(two);
    }
    out
}

/// The way back of [`rows_to_columns16_wide`]. AVX2.
#[inline(always)]
pub(super) unsafe fn columns16_to_rows_wide(columns: [__m128i; 16]) -> [__m256i; 8] {
    let mut halves = [_mm256_setzero_si256(); 8];
    for (i, half) in halves.iter_mut().enumerate() {
        let low = _mm256_castsi128_si256(columns[2 * i]);
        let two = _mm256_inserti128_si256::<1>(low, columns[2 * i + 1]);
        *half = _mm256_permute4x64_epi64::<0b11_01_10_00>(two);
    }
    shuffle8_wide(shuffle8_wide(shuffle8_wide(shuffle8_wide(halves))))
}
