// SPDX-License-Identifier: MIT OR Apache-2.0
//! Residuals and the forward DCT of four blocks in 256 bits: two blocks to a
//! lane.

#![allow(unsafe_code)]

use super::forward::{COS1, COS3};
use super::memory::*;
use super::residual_wide::transpose;
use std::arch::x86_64::*;

/// Source minus prediction, 16 samples.
#[inline(always)]
unsafe fn subtract(p: *const u8, q: *const u8) -> __m256i {
    _mm256_sub_epi16(
        _mm256_cvtepu8_epi16(load16(p)),
        _mm256_cvtepu8_epi16(load16(q)),
    )
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn residual_16x16(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; 256],
) {
    let (p, q) = (src.as_ptr(), pred.as_ptr());
    let to: *mut __m256i = out.as_mut_ptr().cast();
    for top in [0, 4, 8, 12] {
        let mut r = [_mm256_setzero_si256(); 4];
        for (i, r) in r.iter_mut().enumerate() {
            let y = top + i;
            *r = subtract(p.add(y * src_stride), q.add(y * pred_stride));
        }
        // Blocks 0 and 2 in the lanes, and blocks 1 and 3.
        let (a01, b01) = (
            _mm256_unpacklo_epi64(r[0], r[1]),
            _mm256_unpackhi_epi64(r[0], r[1]),
        );
        let (a23, b23) = (
            _mm256_unpacklo_epi64(r[2], r[3]),
            _mm256_unpackhi_epi64(r[2], r[3]),
        );
        let blocks = [
            _mm256_permute2x128_si256::<0x20>(a01, a23),
            _mm256_permute2x128_si256::<0x20>(b01, b23),
            _mm256_permute2x128_si256::<0x31>(a01, a23),
            _mm256_permute2x128_si256::<0x31>(b01, b23),
        ];
        for (i, block) in blocks.into_iter().enumerate() {
            _mm256_storeu_si256(to.add(top + i), block);
        }
    }
}

/// Two 16-bit values in all lanes.
#[inline(always)]
unsafe fn both(low: i16, high: i16) -> __m256i {
    _mm256_set1_epi32((i32::from(low) & 0xFFFF) | (i32::from(high) << 16))
}

/// Outputs 1 and 3 of one dimension, from the inner and the outer difference.
#[inline(always)]
unsafe fn rotate<const SHIFT: i32>(
    c: __m256i,
    d: __m256i,
    round1: i32,
    round3: i32,
) -> [__m256i; 2] {
    let (low, high) = (_mm256_unpacklo_epi16(c, d), _mm256_unpackhi_epi16(c, d));
    let weigh = |pairs: __m256i, weights: __m256i, round: i32| {
        let sum = _mm256_add_epi32(_mm256_madd_epi16(pairs, weights), _mm256_set1_epi32(round));
        _mm256_srai_epi32::<SHIFT>(sum)
    };
    let (one, three) = (both(COS3, COS1), both(-COS1, COS3));
    [
        _mm256_packs_epi32(weigh(low, one, round1), weigh(high, one, round1)),
        _mm256_packs_epi32(weigh(low, three, round3), weigh(high, three, round3)),
    ]
}

/// The sums of the outer and the inner rows, the inner and the outer
/// difference.
#[inline(always)]
unsafe fn butterfly(r: [__m256i; 4]) -> [__m256i; 4] {
    [
        _mm256_add_epi16(r[0], r[3]),
        _mm256_add_epi16(r[1], r[2]),
        _mm256_sub_epi16(r[1], r[2]),
        _mm256_sub_epi16(r[0], r[3]),
    ]
}

#[target_feature(enable = "avx2")]
pub(super) unsafe fn fdct_x4(residual: &[i16; 64], coeffs: &mut [i16; 64]) {
    let p: *const u8 = residual.as_ptr().cast();
    // Blocks 0 and 2 in the lanes, and blocks 1 and 3.
    let (a01, a23) = (load16x2(p, p.add(64)), load16x2(p.add(16), p.add(80)));
    let (b01, b23) = (
        load16x2(p.add(32), p.add(96)),
        load16x2(p.add(48), p.add(112)),
    );
    let columns = transpose([
        _mm256_unpacklo_epi64(a01, b01),
        _mm256_unpackhi_epi64(a01, b01),
        _mm256_unpacklo_epi64(a23, b23),
        _mm256_unpackhi_epi64(a23, b23),
    ]);
    let [a, b, c, d] = butterfly(columns);
    let (a, b) = (_mm256_slli_epi16::<3>(a), _mm256_slli_epi16::<3>(b));
    let (c, d) = (_mm256_slli_epi16::<3>(c), _mm256_slli_epi16::<3>(d));
    let [odd1, odd3] = rotate::<12>(c, d, 14_500, 7_500);
    let (even0, even2) = (_mm256_add_epi16(a, b), _mm256_sub_epi16(a, b));
    let rows = transpose([even0, odd1, even2, odd3]);

    let [a, b, c, d] = butterfly(rows);
    let [odd1, odd3] = rotate::<16>(c, d, 12_000, 51_000);
    let zero = _mm256_cmpeq_epi16(d, _mm256_setzero_si256());
    let odd1 = _mm256_add_epi16(odd1, _mm256_add_epi16(zero, _mm256_set1_epi16(1)));
    let a = _mm256_add_epi16(a, _mm256_set1_epi16(7));
    let even0 = _mm256_srai_epi16::<4>(_mm256_add_epi16(a, b));
    let even2 = _mm256_srai_epi16::<4>(_mm256_sub_epi16(a, b));
    let to: *mut u8 = coeffs.as_mut_ptr().cast();
    store16x2(to, to.add(64), _mm256_unpacklo_epi64(even0, odd1));
    store16x2(to.add(16), to.add(80), _mm256_unpacklo_epi64(even2, odd3));
    store16x2(to.add(32), to.add(96), _mm256_unpackhi_epi64(even0, odd1));
    store16x2(to.add(48), to.add(112), _mm256_unpackhi_epi64(even2, odd3));
}
