// SPDX-License-Identifier: MIT OR Apache-2.0
//! Residuals and forward transforms in 128 bits.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::compare::{load_rows, subtract};
use super::memory::*;
use super::residual::{transpose, transpose_x2};
use std::arch::x86_64::*;

at_both_levels! {
    fn residual_4x4(src: &[u8], src_stride: usize, pred: &[u8], pred_stride: usize, out: &mut [i16; 16]);
    fn residual_8x8(src: &[u8], src_stride: usize, pred: &[u8], pred_stride: usize, out: &mut [i16; 64]);
    fn residual_16x16(src: &[u8], src_stride: usize, pred: &[u8], pred_stride: usize, out: &mut [i16; 256]);
    fn fdct(residual: &[i16; 16], coeffs: &mut [i16; 16]);
    fn fdct_x2(residual: &[i16; 32], coeffs: &mut [i16; 32]);
    fn fdct_x4(residual: &[i16; 64], coeffs: &mut [i16; 64]);
    fn fwht(dcs: &[i16; 16]) -> [i16; 16];
}

/// √2·cos(3π/8) and √2·cos(π/8), times 4,096.
pub(super) const COS3: i16 = 2217;
pub(super) const COS1: i16 = 5352;

#[inline(always)]
unsafe fn residual_4x4(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; 16],
) {
    let a = load_rows::<4>(src.as_ptr(), src_stride, 0);
    let b = load_rows::<4>(pred.as_ptr(), pred_stride, 0);
    let [r01, r23] = subtract(a, b);
    let to: *mut u8 = out.as_mut_ptr().cast();
    store16(to, r01);
    store16(to.add(16), r23);
}

#[inline(always)]
unsafe fn residual_8x8(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; 64],
) {
    let (p, q) = (src.as_ptr(), pred.as_ptr());
    let to: *mut u8 = out.as_mut_ptr().cast();
    for y in [0, 2, 4, 6] {
        let a = load_rows::<8>(p, src_stride, y);
        let b = load_rows::<8>(q, pred_stride, y);
        let [above, below] = subtract(a, b);
        // A block is 32 bytes, half of them from these rows.
        let to = to.add(y / 4 * 64 + y % 4 * 8);
        store16(to, _mm_unpacklo_epi64(above, below));
        store16(to.add(32), _mm_unpackhi_epi64(above, below));
    }
}

#[inline(always)]
unsafe fn residual_16x16(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; 256],
) {
    let (p, q) = (src.as_ptr(), pred.as_ptr());
    let to: *mut u8 = out.as_mut_ptr().cast();
    for y in (0..16).step_by(2) {
        let (p, q) = (p.add(y * src_stride), q.add(y * pred_stride));
        let above = subtract(load16(p), load16(q));
        let below = subtract(load16(p.add(src_stride)), load16(q.add(pred_stride)));
        let to = to.add(y / 4 * 128 + y % 4 * 8);
        for i in 0..2 {
            store16(to.add(64 * i), _mm_unpacklo_epi64(above[i], below[i]));
            store16(to.add(64 * i + 32), _mm_unpackhi_epi64(above[i], below[i]));
        }
    }
}

/// Two 16-bit values in all lanes.
#[inline(always)]
unsafe fn both(low: i16, high: i16) -> __m128i {
    _mm_set1_epi32((i32::from(low) & 0xFFFF) | (i32::from(high) << 16))
}

/// Outputs 1 and 3 of one dimension of the DCT before their rounding shift,
/// from pairs of the inner and the outer difference.
#[inline(always)]
unsafe fn rotate(pairs: __m128i, round1: i32, round3: i32) -> [__m128i; 2] {
    let odd1 = _mm_madd_epi16(pairs, both(COS3, COS1));
    let odd3 = _mm_madd_epi16(pairs, both(-COS1, COS3));
    [
        _mm_add_epi32(odd1, _mm_set1_epi32(round1)),
        _mm_add_epi32(odd3, _mm_set1_epi32(round3)),
    ]
}

/// The sums of the outer and the inner rows, and the inner and the outer
/// difference in pairs; rows go two to a register.
#[inline(always)]
unsafe fn butterfly(r01: __m128i, r23: __m128i) -> [__m128i; 2] {
    let r32 = _mm_shuffle_epi32::<0b01_00_11_10>(r23);
    [_mm_add_epi16(r01, r32), _mm_sub_epi16(r01, r32)]
}

/// Swaps the halves.
#[inline(always)]
unsafe fn swap(v: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0b01_00_11_10>(v)
}

/// Outputs 0 and 2 of one dimension.
#[inline(always)]
unsafe fn even(ab: __m128i) -> __m128i {
    let ba = swap(ab);
    _mm_unpacklo_epi64(_mm_add_epi16(ab, ba), _mm_sub_epi16(ab, ba))
}

#[inline(always)]
unsafe fn fdct(residual: &[i16; 16], coeffs: &mut [i16; 16]) {
    let p: *const u8 = residual.as_ptr().cast();
    let [c01, c23] = transpose(load16(p), load16(p.add(16)));
    let [ab, dc] = butterfly(c01, c23);
    let (ab, dc) = (_mm_slli_epi16::<3>(ab), _mm_slli_epi16::<3>(dc));
    let [odd1, odd3] = rotate(_mm_unpacklo_epi16(swap(dc), dc), 14_500, 7_500);
    let odd = _mm_packs_epi32(_mm_srai_epi32::<12>(odd1), _mm_srai_epi32::<12>(odd3));
    // Columns 0 and 2, and 1 and 3, back to rows.
    let even01 = even(ab);
    let (low, high) = (
        _mm_unpacklo_epi16(even01, odd),
        _mm_unpackhi_epi16(even01, odd),
    );
    let (r01, r23) = (_mm_unpacklo_epi32(low, high), _mm_unpackhi_epi32(low, high));

    let [ab, dc] = butterfly(r01, r23);
    let [odd1, odd3] = rotate(_mm_unpacklo_epi16(swap(dc), dc), 12_000, 51_000);
    let odd = _mm_packs_epi32(_mm_srai_epi32::<16>(odd1), _mm_srai_epi32::<16>(odd3));
    // Output 1 is one more where the outer difference is not zero.
    let zero = _mm_cmpeq_epi16(dc, _mm_setzero_si128());
    let one = _mm_setr_epi16(1, 1, 1, 1, 0, 0, 0, 0);
    let odd = _mm_add_epi16(odd, _mm_andnot_si128(zero, one));
    let even02 = _mm_srai_epi16::<4>(_mm_add_epi16(even(ab), _mm_set1_epi16(7)));
    let to: *mut u8 = coeffs.as_mut_ptr().cast();
    store16(to, _mm_unpacklo_epi64(even02, odd));
    store16(to.add(16), _mm_unpackhi_epi64(even02, odd));
}

/// Outputs 1 and 3 of one dimension of two blocks, in 16 bits.
#[inline(always)]
unsafe fn rotate_x2<const SHIFT: i32>(
    c: __m128i,
    d: __m128i,
    round1: i32,
    round3: i32,
) -> [__m128i; 2] {
    let [low1, low3] = rotate(_mm_unpacklo_epi16(c, d), round1, round3);
    let [high1, high3] = rotate(_mm_unpackhi_epi16(c, d), round1, round3);
    [
        _mm_packs_epi32(
            _mm_srai_epi32::<SHIFT>(low1),
            _mm_srai_epi32::<SHIFT>(high1),
        ),
        _mm_packs_epi32(
            _mm_srai_epi32::<SHIFT>(low3),
            _mm_srai_epi32::<SHIFT>(high3),
        ),
    ]
}

/// The sums of the outer and the inner rows, the inner and the outer
/// difference.
#[inline(always)]
unsafe fn butterfly_x2(r: [__m128i; 4]) -> [__m128i; 4] {
    [
        _mm_add_epi16(r[0], r[3]),
        _mm_add_epi16(r[1], r[2]),
        _mm_sub_epi16(r[1], r[2]),
        _mm_sub_epi16(r[0], r[3]),
    ]
}

/// Transforms the two blocks at `p`.
#[inline(always)]
unsafe fn two(p: *const u8, to: *mut u8) {
    let [a01, a23] = [load16(p), load16(p.add(16))];
    let [b01, b23] = [load16(p.add(32)), load16(p.add(48))];
    let columns = transpose_x2([
        _mm_unpacklo_epi64(a01, b01),
        _mm_unpackhi_epi64(a01, b01),
        _mm_unpacklo_epi64(a23, b23),
        _mm_unpackhi_epi64(a23, b23),
    ]);
    let [a, b, c, d] = butterfly_x2(columns);
    let (a, b) = (_mm_slli_epi16::<3>(a), _mm_slli_epi16::<3>(b));
    let (c, d) = (_mm_slli_epi16::<3>(c), _mm_slli_epi16::<3>(d));
    let [odd1, odd3] = rotate_x2::<12>(c, d, 14_500, 7_500);
    let (even0, even2) = (_mm_add_epi16(a, b), _mm_sub_epi16(a, b));
    let rows = transpose_x2([even0, odd1, even2, odd3]);

    let [a, b, c, d] = butterfly_x2(rows);
    let [odd1, odd3] = rotate_x2::<16>(c, d, 12_000, 51_000);
    let zero = _mm_cmpeq_epi16(d, _mm_setzero_si128());
    let odd1 = _mm_add_epi16(odd1, _mm_add_epi16(zero, _mm_set1_epi16(1)));
    let a = _mm_add_epi16(a, _mm_set1_epi16(7));
    let even0 = _mm_srai_epi16::<4>(_mm_add_epi16(a, b));
    let even2 = _mm_srai_epi16::<4>(_mm_sub_epi16(a, b));
    store16(to, _mm_unpacklo_epi64(even0, odd1));
    store16(to.add(16), _mm_unpacklo_epi64(even2, odd3));
    store16(to.add(32), _mm_unpackhi_epi64(even0, odd1));
    store16(to.add(48), _mm_unpackhi_epi64(even2, odd3));
}

#[inline(always)]
unsafe fn fdct_x2(residual: &[i16; 32], coeffs: &mut [i16; 32]) {
    two(residual.as_ptr().cast(), coeffs.as_mut_ptr().cast());
}

#[inline(always)]
unsafe fn fdct_x4(residual: &[i16; 64], coeffs: &mut [i16; 64]) {
    let (p, to): (*const u8, *mut u8) = (residual.as_ptr().cast(), coeffs.as_mut_ptr().cast());
    two(p, to);
    two(p.add(64), to.add(64));
}

#[inline(always)]
unsafe fn fwht(dcs: &[i16; 16]) -> [i16; 16] {
    let p: *const u8 = dcs.as_ptr().cast();
    let [c01, c23] = transpose(load16(p), load16(p.add(16)));
    let ad = _mm_slli_epi16::<2>(_mm_add_epi16(c01, c23));
    let bc = _mm_slli_epi16::<2>(_mm_sub_epi16(c01, c23));
    let (ab, dc) = (_mm_unpacklo_epi64(ad, bc), _mm_unpackhi_epi64(ad, bc));
    // Output 0 is one more where the first sum is not zero.
    let zero = _mm_cmpeq_epi16(ab, _mm_setzero_si128());
    let one = _mm_setr_epi16(1, 1, 1, 1, 0, 0, 0, 0);
    let c01 = _mm_add_epi16(_mm_add_epi16(ab, dc), _mm_andnot_si128(zero, one));
    let c32 = _mm_sub_epi16(ab, dc);

    // Columns hold their values side by side: sums and differences of rows 0
    // and 1, and of 2 and 3, alternate.
    let (ones, signs) = (_mm_set1_epi16(1), both(1, -1));
    let gather = |a: __m128i, b: __m128i| {
        let (a, b) = (_mm_castsi128_ps(a), _mm_castsi128_ps(b));
        // Columns 0, 1, 2, 3 from columns 0, 1 and 3, 2.
        let first = _mm_shuffle_ps::<0b00_10_10_00>(a, b);
        let second = _mm_shuffle_ps::<0b01_11_11_01>(a, b);
        (_mm_castps_si128(first), _mm_castps_si128(second))
    };
    let (p, q) = gather(_mm_madd_epi16(c01, ones), _mm_madd_epi16(c32, ones));
    let (r, s) = gather(_mm_madd_epi16(c01, signs), _mm_madd_epi16(c32, signs));
    let divide = |x: __m128i| {
        let x = _mm_sub_epi32(x, _mm_srai_epi32::<31>(x));
        _mm_srai_epi32::<3>(_mm_add_epi32(x, _mm_set1_epi32(3)))
    };
    let r01 = _mm_packs_epi32(divide(_mm_add_epi32(p, q)), divide(_mm_sub_epi32(p, q)));
    let r23 = _mm_packs_epi32(divide(_mm_sub_epi32(r, s)), divide(_mm_add_epi32(r, s)));
    let mut output = [0i16; 16];
    let to: *mut u8 = output.as_mut_ptr().cast();
    store16(to, r01);
    store16(to.add(16), r23);
    output
}
