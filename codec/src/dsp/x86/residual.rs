// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inverse transforms in 128 bits.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::block::Dst;
use std::arch::x86_64::*;

at_both_levels! {
    fn iwht(input: &[i16; 16]) -> [i16; 16];
    fn idct_add(coeffs: &[i16; 16], dst: Dst<'_>);
    fn idct_add_x2(coeffs: &[i16; 32], dst: Dst<'_>);
    fn idct_add_x4(coeffs: &[i16; 64], dst: Dst<'_>);
    fn idct_dc_add(dc: i16, dst: Dst<'_>);
    fn idct_dc_add_x4(dcs: [i16; 4], dst: Dst<'_>);
}

/// √2·cos(π/8) - 1 and √2·sin(π/8) - 1, times 65,536. Both leave out the one,
/// so that they fit 16 bits and `x + (x * c >> 16)` is exact.
pub(super) const COS: i16 = 20_091;
pub(super) const SIN: i16 = (35_468 - 65_536) as i16;

/// One dimension of the inverse Walsh-Hadamard transform: rows 0 and 1 in one
/// register, 2 and 3 in the other; out the same.
#[inline(always)]
unsafe fn iwht_1d(r01: __m128i, r23: __m128i) -> [__m128i; 2] {
    let r32 = _mm_shuffle_epi32::<0b01_00_11_10>(r23);
    let (ab, dc) = (_mm_add_epi16(r01, r32), _mm_sub_epi16(r01, r32));
    let (ad, bc) = (_mm_unpacklo_epi64(ab, dc), _mm_unpackhi_epi64(ab, dc));
    [_mm_add_epi16(ad, bc), _mm_sub_epi16(ad, bc)]
}

/// Transposes 4×4 values, two rows to a register.
#[inline(always)]
pub(super) unsafe fn transpose(r01: __m128i, r23: __m128i) -> [__m128i; 2] {
    let even = _mm_unpacklo_epi16(r01, r23);
    let odd = _mm_unpackhi_epi16(r01, r23);
    [_mm_unpacklo_epi16(even, odd), _mm_unpackhi_epi16(even, odd)]
}

#[inline(always)]
unsafe fn iwht(input: &[i16; 16]) -> [i16; 16] {
    let p: *const u8 = input.as_ptr().cast();
    let [a, b] = iwht_1d(load16(p), load16(p.add(16)));
    let [a, b] = transpose(a, b);
    let [a, b] = iwht_1d(a, b);
    let [a, b] = transpose(a, b);
    let three = _mm_set1_epi16(3);
    let mut output = [0i16; 16];
    let to: *mut u8 = output.as_mut_ptr().cast();
    store16(to, _mm_srai_epi16::<3>(_mm_add_epi16(a, three)));
    store16(to.add(16), _mm_srai_epi16::<3>(_mm_add_epi16(b, three)));
    output
}

/// One dimension of the inverse DCT of one block, from rows 0 twice, 2 twice,
/// and 1 and 3, to rows 0 and 1 and rows 3 and 2.
#[inline(always)]
unsafe fn idct_1d(r00: __m128i, r22: __m128i, r13: __m128i) -> [__m128i; 2] {
    // Negates the upper half.
    let sign = _mm_setr_epi16(1, 1, 1, 1, -1, -1, -1, -1);
    let cos_sin = _mm_setr_epi16(COS, COS, COS, COS, SIN, SIN, SIN, SIN);
    let sin_cos = _mm_setr_epi16(SIN, SIN, SIN, SIN, COS, COS, COS, COS);
    let ab = _mm_add_epi16(r00, _mm_sign_epi16(r22, sign));
    let x = _mm_add_epi16(r13, _mm_mulhi_epi16(r13, cos_sin));
    let y = _mm_add_epi16(r13, _mm_mulhi_epi16(r13, sin_cos));
    let from1 = _mm_unpacklo_epi64(x, y);
    let from3 = _mm_unpackhi_epi64(x, y);
    let dc = _mm_add_epi16(from1, _mm_sign_epi16(from3, sign));
    [_mm_add_epi16(ab, dc), _mm_sub_epi16(ab, dc)]
}

/// Transposes rows 0 and 1 and rows 3 and 2 to columns 0 and 1 and columns 2
/// and 3, each with its values in the order 0, 3, 1, 2.
#[inline(always)]
unsafe fn mix(r01: __m128i, r32: __m128i) -> [__m128i; 2] {
    let r03 = _mm_unpacklo_epi16(r01, r32);
    let r12 = _mm_unpackhi_epi16(r01, r32);
    [_mm_unpacklo_epi32(r03, r12), _mm_unpackhi_epi32(r03, r12)]
}

#[inline(always)]
unsafe fn idct_add(coeffs: &[i16; 16], mut dst: Dst<'_>) {
    let p: *const u8 = coeffs.as_ptr().cast();
    let (r01, r23) = (load16(p), load16(p.add(16)));
    let [r01, r32] = idct_1d(
        _mm_unpacklo_epi64(r01, r01),
        _mm_unpacklo_epi64(r23, r23),
        _mm_unpackhi_epi64(r01, r23),
    );
    let [c01, c23] = mix(r01, r32);
    let c0 = _mm_add_epi16(_mm_unpacklo_epi64(c01, c01), _mm_set1_epi16(4));
    let [c01, c32] = idct_1d(
        c0,
        _mm_unpacklo_epi64(c23, c23),
        _mm_unpackhi_epi64(c01, c23),
    );
    // Rows 0 and 3 (the rows were in the order 0, 3, 1, 2), then 1 and 2; in
    // each the columns are in the order 0, 3, 1, 2.
    let [r03, r12] = mix(_mm_srai_epi16::<3>(c01), _mm_srai_epi16::<3>(c32));

    let (to, stride) = (dst_at(&mut dst), dst.stride);
    let rows = [to, to.add(stride), to.add(2 * stride), to.add(3 * stride)];
    let s03 = _mm_unpacklo_epi32(load4(rows[0]), load4(rows[3]));
    let s12 = _mm_unpacklo_epi32(load4(rows[1]), load4(rows[2]));
    // Widens samples and puts the columns in that order.
    let widen = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 2, -1, 4, -1, 7, -1, 5, -1, 6, -1);
    let s03 = _mm_add_epi16(_mm_shuffle_epi8(s03, widen), r03);
    let s12 = _mm_add_epi16(_mm_shuffle_epi8(s12, widen), r12);
    // Rows 0, 1, 2, 3 with their columns in order again.
    let order = _mm_setr_epi8(0, 2, 3, 1, 8, 10, 11, 9, 12, 14, 15, 13, 4, 6, 7, 5);
    let out = _mm_shuffle_epi8(_mm_packus_epi16(s03, s12), order);
    store4x4(to, stride, out);
}

/// One dimension of the inverse DCT, a row of two blocks to a register.
#[inline(always)]
unsafe fn idct_1d_x2(r: [__m128i; 4]) -> [__m128i; 4] {
    let (cos, sin) = (_mm_set1_epi16(COS), _mm_set1_epi16(SIN));
    let (a, b) = (_mm_add_epi16(r[0], r[2]), _mm_sub_epi16(r[0], r[2]));
    let cos1 = _mm_add_epi16(r[1], _mm_mulhi_epi16(r[1], cos));
    let sin1 = _mm_add_epi16(r[1], _mm_mulhi_epi16(r[1], sin));
    let cos3 = _mm_add_epi16(r[3], _mm_mulhi_epi16(r[3], cos));
    let sin3 = _mm_add_epi16(r[3], _mm_mulhi_epi16(r[3], sin));
    let (c, d) = (_mm_sub_epi16(sin1, cos3), _mm_add_epi16(cos1, sin3));
    [
        _mm_add_epi16(a, d),
        _mm_add_epi16(b, c),
        _mm_sub_epi16(b, c),
        _mm_sub_epi16(a, d),
    ]
}

/// Transposes two 4×4 blocks side by side.
#[inline(always)]
pub(super) unsafe fn transpose_x2(r: [__m128i; 4]) -> [__m128i; 4] {
    let (low01, high01) = (
        _mm_unpacklo_epi16(r[0], r[1]),
        _mm_unpackhi_epi16(r[0], r[1]),
    );
    let (low23, high23) = (
        _mm_unpacklo_epi16(r[2], r[3]),
        _mm_unpackhi_epi16(r[2], r[3]),
    );
    let first01 = _mm_unpacklo_epi32(low01, low23);
    let first23 = _mm_unpackhi_epi32(low01, low23);
    let second01 = _mm_unpacklo_epi32(high01, high23);
    let second23 = _mm_unpackhi_epi32(high01, high23);
    [
        _mm_unpacklo_epi64(first01, second01),
        _mm_unpackhi_epi64(first01, second01),
        _mm_unpacklo_epi64(first23, second23),
        _mm_unpackhi_epi64(first23, second23),
    ]
}

/// Adds the two blocks at `p` to 8×4 samples at `to`.
#[inline(always)]
unsafe fn add_two(p: *const u8, to: *mut u8, stride: usize) {
    let [a01, a23] = [load16(p), load16(p.add(16))];
    let [b01, b23] = [load16(p.add(32)), load16(p.add(48))];
    let rows = idct_1d_x2([
        _mm_unpacklo_epi64(a01, b01),
        _mm_unpackhi_epi64(a01, b01),
        _mm_unpacklo_epi64(a23, b23),
        _mm_unpackhi_epi64(a23, b23),
    ]);
    let mut columns = transpose_x2(rows);
    columns[0] = _mm_add_epi16(columns[0], _mm_set1_epi16(4));
    let rows = transpose_x2(idct_1d_x2(columns));
    let zero = _mm_setzero_si128();
    for y in [0, 2] {
        let (p, q) = (to.add(y * stride), to.add((y + 1) * stride));
        let above = _mm_unpacklo_epi8(load8(p), zero);
        let below = _mm_unpacklo_epi8(load8(q), zero);
        let above = _mm_add_epi16(above, _mm_srai_epi16::<3>(rows[y]));
        let below = _mm_add_epi16(below, _mm_srai_epi16::<3>(rows[y + 1]));
        store8x2(p, q, _mm_packus_epi16(above, below));
    }
}

#[inline(always)]
unsafe fn idct_add_x2(coeffs: &[i16; 32], mut dst: Dst<'_>) {
    add_two(coeffs.as_ptr().cast(), dst_at(&mut dst), dst.stride);
}

#[inline(always)]
unsafe fn idct_add_x4(coeffs: &[i16; 64], mut dst: Dst<'_>) {
    let (p, to): (*const u8, _) = (coeffs.as_ptr().cast(), dst_at(&mut dst));
    add_two(p, to, dst.stride);
    add_two(p.add(64), to.add(8), dst.stride);
}

/// What to add to samples and then to take from them, in saturating bytes, for
/// the residual of 16-bit DCs.
#[inline(always)]
unsafe fn dc_steps(dcs: __m128i) -> (__m128i, __m128i) {
    let dcs = _mm_srai_epi16::<3>(_mm_add_epi16(dcs, _mm_set1_epi16(4)));
    let minus = _mm_sub_epi16(_mm_setzero_si128(), dcs);
    (_mm_packus_epi16(dcs, dcs), _mm_packus_epi16(minus, minus))
}

#[inline(always)]
unsafe fn idct_dc_add(dc: i16, mut dst: Dst<'_>) {
    let (plus, minus) = dc_steps(_mm_set1_epi16(dc));
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    for y in 0..4 {
        let p = to.add(y * stride);
        store4(p, _mm_subs_epu8(_mm_adds_epu8(load4(p), plus), minus));
    }
}

#[inline(always)]
unsafe fn idct_dc_add_x4(dcs: [i16; 4], mut dst: Dst<'_>) {
    let (plus, minus) = dc_steps(load8(dcs.as_ptr().cast()));
    let spread = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    let plus = _mm_shuffle_epi8(plus, spread);
    let minus = _mm_shuffle_epi8(minus, spread);
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    for y in 0..4 {
        let p = to.add(y * stride);
        store16(p, _mm_subs_epu8(_mm_adds_epu8(load16(p), plus), minus));
    }
}
