// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters: 16 lines across an edge at once, a register to each distance
//! from it. A vertical edge is transposed first and back after; U and V share
//! registers. An edge that no line of passes its limits is left at once.

#![allow(unsafe_code)]
// Plain index loops are unrolled, so that lines stay in registers; iterators
// with `skip` and `take` are not.
#![allow(clippy::needless_range_loop)]

use super::at_both_levels;
use super::memory::*;
use super::transpose::*;
use crate::dsp::EdgeLimits;
use std::arch::x86_64::*;

at_both_levels! {
    fn mb_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits);
    fn mb_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits);
    fn inner_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits);
    fn inner_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits);
    fn mb_left_chroma(buf: &mut [u8], u_at: usize, v_at: usize, stride: usize, limits: EdgeLimits);
    fn mb_top_chroma(buf: &mut [u8], u_at: usize, v_at: usize, stride: usize, limits: EdgeLimits);
    fn inner_left_chroma(buf: &mut [u8], u_at: usize, v_at: usize, stride: usize, limits: EdgeLimits);
    fn inner_top_chroma(buf: &mut [u8], u_at: usize, v_at: usize, stride: usize, limits: EdgeLimits);
    fn simple_mb_left(buf: &mut [u8], at: usize, stride: usize, edge: u8);
    fn simple_mb_top(buf: &mut [u8], at: usize, stride: usize, edge: u8);
    fn simple_inner_left(buf: &mut [u8], at: usize, stride: usize, edge: u8);
    fn simple_inner_top(buf: &mut [u8], at: usize, stride: usize, edge: u8);
}

/// Samples by distance from the edge: p3, p2, p1, p0, q0, q1, q2, q3.
type Lines = [__m128i; 8];

const P2: usize = 1;
const P1: usize = 2;
const P0: usize = 3;
const Q0: usize = 4;
const Q1: usize = 5;
const Q2: usize = 6;

/// The two normal filters and the simple one.
#[derive(Clone, Copy)]
enum Kind {
    /// Edges between macroblocks.
    Mb(EdgeLimits),
    /// Edges inside a macroblock.
    Inner(EdgeLimits),
    /// The simple filter, with its edge limit.
    Simple(u8),
}

/// Filters 16 lines; false where none passed the limits and so none changed.
#[inline(always)]
unsafe fn filter(lines: &mut Lines, kind: Kind) -> bool {
    match kind {
        Kind::Mb(limits) => filter_mb(lines, limits),
        Kind::Inner(limits) => filter_inner(lines, limits),
        Kind::Simple(edge) => filter_simple(lines, edge),
    }
}

#[inline(always)]
unsafe fn splat(byte: u8) -> __m128i {
    _mm_set1_epi8(byte as i8)
}

#[inline(always)]
unsafe fn difference(a: __m128i, b: __m128i) -> __m128i {
    _mm_or_si128(_mm_subs_epu8(a, b), _mm_subs_epu8(b, a))
}

/// Not zero where `|p0 - q0| * 2 + |p1 - q1| / 2` is over the limit.
#[inline(always)]
unsafe fn over_edge(x: &Lines, limit: u8) -> __m128i {
    let twice = difference(x[P0], x[Q0]);
    let twice = _mm_adds_epu8(twice, twice);
    // There is no shift of bytes: clear what comes in from the next one.
    let half = _mm_srli_epi16::<1>(difference(x[P1], x[Q1]));
    let half = _mm_and_si128(half, splat(0x7F));
    _mm_subs_epu8(_mm_adds_epu8(twice, half), splat(limit))
}

/// All ones where a line passes the limits, and where its variance at the edge
/// is not high.
#[inline(always)]
unsafe fn masks(x: &Lines, limits: EdgeLimits) -> (__m128i, __m128i) {
    let near = _mm_max_epu8(difference(x[P1], x[P0]), difference(x[Q1], x[Q0]));
    let p = _mm_max_epu8(difference(x[0], x[P2]), difference(x[P2], x[P1]));
    let q = _mm_max_epu8(difference(x[7], x[Q2]), difference(x[Q2], x[Q1]));
    let all = _mm_max_epu8(near, _mm_max_epu8(p, q));
    let over = _mm_subs_epu8(all, splat(limits.interior));
    let over = _mm_or_si128(over, over_edge(x, limits.edge));
    let zero = _mm_setzero_si128();
    let low = _mm_subs_epu8(near, splat(limits.hev));
    (_mm_cmpeq_epi8(over, zero), _mm_cmpeq_epi8(low, zero))
}

#[inline(always)]
unsafe fn none(mask: __m128i) -> bool {
    _mm_movemask_epi8(mask) == 0
}

/// Samples to signed values and back.
#[inline(always)]
unsafe fn flip(x: __m128i) -> __m128i {
    _mm_xor_si128(x, splat(0x80))
}

/// `outer + 3 * (q0 - p0)`, saturated; each partial sum saturates on the same
/// side as the whole does.
#[inline(always)]
unsafe fn value(outer: __m128i, p0: __m128i, q0: __m128i) -> __m128i {
    let step = _mm_subs_epi8(q0, p0);
    let sum = _mm_adds_epi8(outer, step);
    _mm_adds_epi8(_mm_adds_epi8(sum, step), step)
}

/// `x >> 3` of signed bytes, plus 16.
#[inline(always)]
unsafe fn eighth_plus_16(x: __m128i) -> __m128i {
    _mm_and_si128(_mm_srli_epi16::<3>(flip(x)), splat(0x1F))
}

/// The common adjustment of p0 and q0 by `value`; also what q0 lost, plus 16.
#[inline(always)]
unsafe fn adjust(value: __m128i, p0: &mut __m128i, q0: &mut __m128i) -> __m128i {
    let sixteen = splat(16);
    let a = eighth_plus_16(_mm_adds_epi8(value, splat(4)));
    let b = eighth_plus_16(_mm_adds_epi8(value, splat(3)));
    *q0 = _mm_subs_epi8(*q0, _mm_sub_epi8(a, sixteen));
    *p0 = _mm_adds_epi8(*p0, _mm_sub_epi8(b, sixteen));
    a
}

#[inline(always)]
unsafe fn filter_simple(x: &mut Lines, edge: u8) -> bool {
    let pass = _mm_cmpeq_epi8(over_edge(x, edge), _mm_setzero_si128());
    if none(pass) {
        return false;
    }
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let outer = _mm_subs_epi8(flip(x[P1]), flip(x[Q1]));
    let value = _mm_and_si128(value(outer, p0, q0), pass);
    adjust(value, &mut p0, &mut q0);
    (x[P0], x[Q0]) = (flip(p0), flip(q0));
    true
}

#[inline(always)]
unsafe fn filter_inner(x: &mut Lines, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if none(pass) {
        return false;
    }
    let (p1, q1) = (flip(x[P1]), flip(x[Q1]));
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let outer = _mm_andnot_si128(low, _mm_subs_epi8(p1, q1));
    let value = _mm_and_si128(value(outer, p0, q0), pass);
    let moved = adjust(value, &mut p0, &mut q0);
    // An average of bytes rounds up, so this is (moved + 1) >> 1, plus 16.
    let half = _mm_sub_epi8(_mm_avg_epu8(moved, splat(16)), splat(16));
    let half = _mm_and_si128(half, low);
    x[P1] = flip(_mm_adds_epi8(p1, half));
    x[P0] = flip(p0);
    x[Q0] = flip(q0);
    x[Q1] = flip(_mm_subs_epi8(q1, half));
    true
}

#[inline(always)]
unsafe fn filter_mb(x: &mut Lines, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if none(pass) {
        return false;
    }
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let (p1, q1) = (flip(x[P1]), flip(x[Q1]));
    let value = value(_mm_subs_epi8(p1, q1), p0, q0);
    let value = _mm_and_si128(value, pass);
    adjust(_mm_andnot_si128(low, value), &mut p0, &mut q0);

    // (weight * value + 63) >> 7: the weight and 63 as unsigned bytes, the
    // value and 1 as signed ones.
    let value = _mm_and_si128(value, low);
    let one = splat(1);
    let halves = [_mm_unpacklo_epi8(value, one), _mm_unpackhi_epi8(value, one)];
    for (i, weight) in [27, 18, 9].into_iter().enumerate() {
        let weight = _mm_set1_epi16(63 << 8 | weight);
        let a = _mm_srai_epi16::<7>(_mm_maddubs_epi16(weight, halves[0]));
        let b = _mm_srai_epi16::<7>(_mm_maddubs_epi16(weight, halves[1]));
        let step = _mm_packs_epi16(a, b);
        let (p, q) = match i {
            0 => (p0, q0),
            1 => (p1, q1),
            _ => (flip(x[P2]), flip(x[Q2])),
        };
        x[P0 - i] = flip(_mm_adds_epi8(p, step));
        x[Q0 + i] = flip(_mm_subs_epi8(q, step));
    }
    true
}

/// Filters a vertical edge: lines 0 to 7 are the rows from `upper`, the others
/// those from `lower`; both point to the sample after the edge.
#[inline(always)]
unsafe fn left(upper: *mut u8, lower: *mut u8, stride: usize, kind: Kind) {
    let (upper, lower) = (upper.sub(4), lower.sub(4));
    let mut rows = [_mm_setzero_si128(); 16];
    for y in 0..8 {
        rows[y] = load8(upper.add(y * stride));
        rows[y + 8] = load8(lower.add(y * stride));
    }
    let mut lines = rows_to_columns8(rows);
    if !filter(&mut lines, kind) {
        return;
    }
    for (i, two) in columns8_to_rows(lines).into_iter().enumerate() {
        let base = if i < 4 { upper } else { lower };
        let p = base.add(i % 4 * 2 * stride);
        store8x2(p, p.add(stride), two);
    }
}

/// Filters the horizontal edge over 16 samples at `q`.
#[inline(always)]
unsafe fn top(q: *mut u8, stride: usize, kind: Kind) {
    let base = q.sub(4 * stride);
    let mut lines = [_mm_setzero_si128(); 8];
    for i in 0..8 {
        lines[i] = load16(base.add(i * stride));
    }
    if filter(&mut lines, kind) {
        for i in 1..7 {
            store16(base.add(i * stride), lines[i]);
        }
    }
}

/// Filters the horizontal edges over 8 samples at `u` and at `v`.
#[inline(always)]
unsafe fn top_chroma(u: *mut u8, v: *mut u8, stride: usize, kind: Kind) {
    let (u, v) = (u.sub(4 * stride), v.sub(4 * stride));
    let mut lines = [_mm_setzero_si128(); 8];
    for i in 0..8 {
        lines[i] = load8x2(u.add(i * stride), v.add(i * stride));
    }
    if filter(&mut lines, kind) {
        for i in 1..7 {
            store8x2(u.add(i * stride), v.add(i * stride), lines[i]);
        }
    }
}

/// Filters the edge at `first + 4` of 16 columns.
#[inline(always)]
unsafe fn one_edge(x: &mut [__m128i; 16], first: usize, kind: Kind) -> bool {
    let mut lines = [x[0]; 8];
    lines.copy_from_slice(&x[first..first + 8]);
    let changed = filter(&mut lines, kind);
    x[first + 2..first + 6].copy_from_slice(&lines[2..6]);
    changed
}

/// Filters the edges at 4, 8 and 12 of 16 columns.
#[inline(always)]
unsafe fn three_edges(x: &mut [__m128i; 16], kind: Kind) -> bool {
    let at_4 = one_edge(x, 0, kind);
    let at_8 = one_edge(x, 4, kind);
    let at_12 = one_edge(x, 8, kind);
    at_4 | at_8 | at_12
}

/// [`inner_left`] with the transposes in 256 bits.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn inner_left_wide(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    let p = buf.as_mut_ptr().add(at);
    let mut rows = [_mm256_setzero_si256(); 8];
    for y in 0..8 {
        rows[y] = load16x2(p.add(y * stride), p.add((y + 8) * stride));
    }
    let mut columns = rows_to_columns16_wide(rows);
    if three_edges(&mut columns, Kind::Inner(limits)) {
        let rows = columns16_to_rows_wide(columns);
        for y in 0..8 {
            store16x2(p.add(y * stride), p.add((y + 8) * stride), rows[y]);
        }
    }
}

/// The vertical edges at columns 4, 8 and 12.
#[inline(always)]
unsafe fn all_left(p: *mut u8, stride: usize, kind: Kind) {
    let mut rows = [_mm_setzero_si128(); 16];
    for y in 0..16 {
        rows[y] = load16(p.add(y * stride));
    }
    let mut columns = transpose16(rows);
    if three_edges(&mut columns, kind) {
        let rows = transpose16(columns);
        for y in 0..16 {
            store16(p.add(y * stride), rows[y]);
        }
    }
}

/// Filters the horizontal edge over row 4 from `p`; `lines` holds rows 0 to 3
/// before, and rows 4 to 7 after.
#[inline(always)]
unsafe fn next_top(lines: &mut [__m128i; 4], p: *mut u8, stride: usize, kind: Kind) {
    let mut x = [_mm_setzero_si128(); 8];
    for i in 0..4 {
        x[i] = lines[i];
        x[i + 4] = load16(p.add((i + 4) * stride));
    }
    if filter(&mut x, kind) {
        for i in 2..6 {
            store16(p.add(i * stride), x[i]);
        }
    }
    *lines = [x[4], x[5], x[6], x[7]];
}

/// The horizontal edges at rows 4, 8 and 12.
#[inline(always)]
unsafe fn all_top(p: *mut u8, stride: usize, kind: Kind) {
    let mut lines = [_mm_setzero_si128(); 4];
    for i in 0..4 {
        lines[i] = load16(p.add(i * stride));
    }
    next_top(&mut lines, p, stride, kind);
    next_top(&mut lines, p.add(4 * stride), stride, kind);
    next_top(&mut lines, p.add(8 * stride), stride, kind);
}

#[inline(always)]
unsafe fn mb_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    let p = buf.as_mut_ptr().add(at);
    left(p, p.add(8 * stride), stride, Kind::Mb(limits));
}

#[inline(always)]
unsafe fn mb_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    top(buf.as_mut_ptr().add(at), stride, Kind::Mb(limits));
}

#[inline(always)]
unsafe fn inner_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    all_left(buf.as_mut_ptr().add(at), stride, Kind::Inner(limits));
}

#[inline(always)]
unsafe fn inner_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    all_top(buf.as_mut_ptr().add(at), stride, Kind::Inner(limits));
}

#[inline(always)]
unsafe fn mb_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr();
    left(p.add(u_at), p.add(v_at), stride, Kind::Mb(limits));
}

#[inline(always)]
unsafe fn mb_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr();
    top_chroma(p.add(u_at), p.add(v_at), stride, Kind::Mb(limits));
}

#[inline(always)]
unsafe fn inner_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr().add(4);
    left(p.add(u_at), p.add(v_at), stride, Kind::Inner(limits));
}

#[inline(always)]
unsafe fn inner_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr().add(4 * stride);
    top_chroma(p.add(u_at), p.add(v_at), stride, Kind::Inner(limits));
}

#[inline(always)]
unsafe fn simple_mb_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    let p = buf.as_mut_ptr().add(at);
    left(p, p.add(8 * stride), stride, Kind::Simple(edge));
}

#[inline(always)]
unsafe fn simple_mb_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    top(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}

#[inline(always)]
unsafe fn simple_inner_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    all_left(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}

#[inline(always)]
unsafe fn simple_inner_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    all_top(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}
