// SPDX-License-Identifier: MIT OR Apache-2.0
//! The inverse DCT of four blocks in 256 bits: two blocks to a lane.

#![allow(unsafe_code)]

use super::memory::*;
use super::residual::{COS, SIN};
use crate::dsp::block::Dst;
use std::arch::x86_64::*;

/// One dimension, a row of four blocks to a register.
#[inline(always)]
unsafe fn idct_1d(r: [__m256i; 4]) -> [__m256i; 4] {
    let (cos, sin) = (_mm256_set1_epi16(COS), _mm256_set1_epi16(SIN));
    let (a, b) = (_mm256_add_epi16(r[0], r[2]), _mm256_sub_epi16(r[0], r[2]));
    let cos1 = _mm256_add_epi16(r[1], _mm256_mulhi_epi16(r[1], cos));
    let sin1 = _mm256_add_epi16(r[1], _mm256_mulhi_epi16(r[1], sin));
    let cos3 = _mm256_add_epi16(r[3], _mm256_mulhi_epi16(r[3], cos));
    let sin3 = _mm256_add_epi16(r[3], _mm256_mulhi_epi16(r[3], sin));
    let (c, d) = (_mm256_sub_epi16(sin1, cos3), _mm256_add_epi16(cos1, sin3));
    [
        _mm256_add_epi16(a, d),
        _mm256_add_epi16(b, c),
        _mm256_sub_epi16(b, c),
        _mm256_sub_epi16(a, d),
    ]
}

/// Transposes four 4×4 blocks side by side.
#[inline(always)]
pub(super) unsafe fn transpose(r: [__m256i; 4]) -> [__m256i; 4] {
    let (low01, high01) = (
        _mm256_unpacklo_epi16(r[0], r[1]),
        _mm256_unpackhi_epi16(r[0], r[1]),
    );
    let (low23, high23) = (
        _mm256_unpacklo_epi16(r[2], r[3]),
        _mm256_unpackhi_epi16(r[2], r[3]),
    );
    let first01 = _mm256_unpacklo_epi32(low01, low23);
    let first23 = _mm256_unpackhi_epi32(low01, low23);
    let second01 = _mm256_unpacklo_epi32(high01, high23);
    let second23 = _mm256_unpackhi_epi32(high01, high23);
    [
        _mm256_unpacklo_epi64(first01, second01),
        _mm256_unpackhi_epi64(first01, second01),
        _mm256_unpacklo_epi64(first23, second23),
        _mm256_unpackhi_epi64(first23, second23),
    ]
}

/// Adds four blocks to 16×4 samples.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn idct_add_x4(coeffs: &[i16; 64], mut dst: Dst<'_>) {
    let p: *const u8 = coeffs.as_ptr().cast();
    // Blocks 0 and 2 in the lanes, and blocks 1 and 3.
    let (a01, a23) = (load16x2(p, p.add(64)), load16x2(p.add(16), p.add(80)));
    let (b01, b23) = (
        load16x2(p.add(32), p.add(96)),
        load16x2(p.add(48), p.add(112)),
    );
    let rows = idct_1d([
        _mm256_unpacklo_epi64(a01, b01),
        _mm256_unpackhi_epi64(a01, b01),
        _mm256_unpacklo_epi64(a23, b23),
        _mm256_unpackhi_epi64(a23, b23),
    ]);
    let mut columns = transpose(rows);
    columns[0] = _mm256_add_epi16(columns[0], _mm256_set1_epi16(4));
    let rows = transpose(idct_1d(columns));
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    for y in [0, 2] {
        let (p, q) = (to.add(y * stride), to.add((y + 1) * stride));
        let above = _mm256_cvtepu8_epi16(load16(p));
        let below = _mm256_cvtepu8_epi16(load16(q));
        let above = _mm256_add_epi16(above, _mm256_srai_epi16::<3>(rows[y]));
        let below = _mm256_add_epi16(below, _mm256_srai_epi16::<3>(rows[y + 1]));
        let both = _mm256_packus_epi16(above, below);
        store16x2(p, q, _mm256_permute4x64_epi64::<0b11_01_10_00>(both));
    }
}
