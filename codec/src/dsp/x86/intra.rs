// SPDX-License-Identifier: MIT OR Apache-2.0
//! Intra prediction.

#![allow(unsafe_code)]

use super::at_both_levels;
use super::memory::*;
use crate::dsp::block::Dst;
use crate::dsp::SubMode;
use std::arch::x86_64::*;

at_both_levels! {
    fn fill8(value: u8, dst: Dst<'_>);
    fn fill16(value: u8, dst: Dst<'_>);
    fn vertical8(above: &[u8], dst: Dst<'_>);
    fn vertical16(above: &[u8], dst: Dst<'_>);
    fn horizontal8(left: &[u8], dst: Dst<'_>);
    fn horizontal16(left: &[u8], dst: Dst<'_>);
    fn true_motion8(above: &[u8], left: &[u8], corner: u8, dst: Dst<'_>);
    fn true_motion16(above: &[u8], left: &[u8], corner: u8, dst: Dst<'_>);
    fn sub(mode: SubMode, above: &[u8; 8], left: &[u8; 4], corner: u8, dst: Dst<'_>);
}

/// Stores one row in all `N` rows.
#[inline(always)]
unsafe fn repeat<const N: usize>(row: __m128i, mut dst: Dst<'_>) {
    let to = dst_at(&mut dst);
    for y in 0..N {
        store::<N>(to.add(y * dst.stride), row);
    }
}

#[inline(always)]
unsafe fn fill8(value: u8, dst: Dst<'_>) {
    repeat::<8>(_mm_set1_epi8(value as i8), dst);
}

#[inline(always)]
unsafe fn fill16(value: u8, dst: Dst<'_>) {
    repeat::<16>(_mm_set1_epi8(value as i8), dst);
}

#[inline(always)]
unsafe fn vertical8(above: &[u8], dst: Dst<'_>) {
    repeat::<8>(load8(above.as_ptr()), dst);
}

#[inline(always)]
unsafe fn vertical16(above: &[u8], dst: Dst<'_>) {
    repeat::<16>(load16(above.as_ptr()), dst);
}

#[inline(always)]
unsafe fn horizontal<const N: usize>(left: &[u8], mut dst: Dst<'_>) {
    let (left, to) = (load::<N>(left.as_ptr()), dst_at(&mut dst));
    for y in 0..N {
        let row = _mm_shuffle_epi8(left, _mm_set1_epi8(y as i8));
        store::<N>(to.add(y * dst.stride), row);
    }
}

#[inline(always)]
unsafe fn horizontal8(left: &[u8], dst: Dst<'_>) {
    horizontal::<8>(left, dst);
}

#[inline(always)]
unsafe fn horizontal16(left: &[u8], dst: Dst<'_>) {
    horizontal::<16>(left, dst);
}

/// What true motion adds to the row above, and then takes from it, for each
/// row, in saturating bytes: one of the two is zero.
#[inline(always)]
unsafe fn steps(left: __m128i, corner: u8) -> (__m128i, __m128i) {
    let corner = _mm_set1_epi8(corner as i8);
    (_mm_subs_epu8(left, corner), _mm_subs_epu8(corner, left))
}

/// `above` moved by the steps of the rows that `rows` picks.
#[inline(always)]
unsafe fn moved(above: __m128i, (plus, minus): (__m128i, __m128i), rows: __m128i) -> __m128i {
    let up = _mm_adds_epu8(above, _mm_shuffle_epi8(plus, rows));
    _mm_subs_epu8(up, _mm_shuffle_epi8(minus, rows))
}

#[inline(always)]
unsafe fn true_motion8(above: &[u8], left: &[u8], corner: u8, mut dst: Dst<'_>) {
    let above = load8x2(above.as_ptr(), above.as_ptr());
    let steps = steps(load8(left.as_ptr()), corner);
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    let mut rows = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    for y in 0..4 {
        let p = to.add(2 * y * stride);
        store8x2(p, p.add(stride), moved(above, steps, rows));
        rows = _mm_add_epi8(rows, _mm_set1_epi8(2));
    }
}

#[inline(always)]
unsafe fn true_motion16(above: &[u8], left: &[u8], corner: u8, mut dst: Dst<'_>) {
    let above = load16(above.as_ptr());
    let steps = steps(load16(left.as_ptr()), corner);
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    for y in 0..16 {
        let rows = _mm_set1_epi8(y as i8);
        store16(to.add(y * stride), moved(above, steps, rows));
    }
}

#[inline(always)]
unsafe fn sub(mode: SubMode, above: &[u8; 8], left: &[u8; 4], corner: u8, mut dst: Dst<'_>) {
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    let out = match mode {
        SubMode::Dc => {
            let both = _mm_unpacklo_epi32(load4(above.as_ptr()), load4(left.as_ptr()));
            let sum = _mm_cvtsi128_si32(_mm_sad_epu8(both, _mm_setzero_si128()));
            _mm_set1_epi8(((sum + 4) >> 3) as i8)
        }
        SubMode::Tm => {
            let above = _mm_shuffle_epi32::<0>(load4(above.as_ptr()));
            let rows = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
            moved(above, steps(load4(left.as_ptr()), corner), rows)
        }
        _ => directional(mode, above, left, corner),
    };
    store4x4(to, stride, out);
}

/// Where a mode that follows a direction takes its 16 samples from, in raster
/// order: means of three neighbours on the edge at 0 to 15, and of two at 16
/// to 31, each named by its first (see [`directional`]). From `Ve` on.
const SOURCES: [[u8; 16]; 8] = {
    const T: u8 = 16;
    [
        [5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8],
        [3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0],
        [6, 7, 8, 9, 7, 8, 9, 10, 8, 9, 10, 11, 9, 10, 11, 12],
        [4, 5, 6, 7, 3, 4, 5, 6, 2, 3, 4, 5, 1, 2, 3, 4],
        [
            T + 5,
            T + 6,
            T + 7,
            T + 8,
            4,
            5,
            6,
            7, //
            3,
            T + 5,
            T + 6,
            T + 7,
            2,
            4,
            5,
            6,
        ],
        [
            T + 6,
            T + 7,
            T + 8,
            T + 9,
            6,
            7,
            8,
            9, //
            T + 7,
            T + 8,
            T + 9,
            10,
            7,
            8,
            9,
            11,
        ],
        [
            T + 4,
            4,
            5,
            6,
            T + 3,
            3,
            T + 4,
            4, //
            T + 2,
            2,
            T + 3,
            3,
            T + 1,
            1,
            T + 2,
            2,
        ],
        [
            T + 3,
            2,
            T + 2,
            1,
            T + 2,
            1,
            T + 1,
            0, //
            T + 1,
            0,
            T,
            T,
            T,
            T,
            T,
            T,
        ],
    ]
};

/// [`SOURCES`] as two byte shuffles; a place of the other kind gives zero.
const SHUFFLES: [[[u8; 16]; 2]; 8] = {
    let mut out = [[[0x80; 16]; 2]; 8];
    let mut i = 0;
    while i < 8 * 16 {
        let source = SOURCES[i / 16][i % 16];
        out[i / 16][(source / 16) as usize][i % 16] = source % 16;
        i += 1;
    }
    out
};

#[inline(always)]
unsafe fn directional(mode: SubMode, above: &[u8; 8], left: &[u8; 4], corner: u8) -> __m128i {
    // From the bottom left up to the corner and on to the top right; the first
    // and the last stand twice.
    let low = i64::from(u32::from_le_bytes(*left)) | i64::from(corner) << 32;
    let around = _mm_set_epi64x(i64::from_le_bytes(*above), low);
    let order = _mm_setr_epi8(3, 3, 2, 1, 0, 4, 8, 9, 10, 11, 12, 13, 14, 15, 15, -1);
    let a = _mm_shuffle_epi8(around, order);
    let (b, c) = (_mm_srli_si128::<1>(a), _mm_srli_si128::<2>(a));
    let mean2 = _mm_avg_epu8(a, b);
    // The mean of a and c rounded down, then that with b rounded up.
    let odd = _mm_and_si128(_mm_xor_si128(a, c), _mm_set1_epi8(1));
    let mean3 = _mm_avg_epu8(b, _mm_sub_epi8(_mm_avg_epu8(a, c), odd));

    let [from3, from2] = &SHUFFLES[mode as usize - SubMode::Ve as usize];
    let mean3 = _mm_shuffle_epi8(mean3, load16(from3.as_ptr()));
    let mean2 = _mm_shuffle_epi8(mean2, load16(from2.as_ptr()));
    _mm_or_si128(mean3, mean2)
}
