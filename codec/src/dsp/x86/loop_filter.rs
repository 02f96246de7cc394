// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters in 128 bits: 16 lines across an edge at once. A vertical edge
//! is transposed first and back after; U and V share registers. An edge that no
//! line of passes its limits is left at once.

#![allow(unsafe_code)]
// Plain index loops are unrolled, so that lines stay in registers; iterators
// with `skip` and `take` are not.
#![allow(clippy::needless_range_loop)]

use super::at_both_levels;
use super::edge::filter;
use super::memory::*;
use super::transpose::*;
use crate::dsp::edge::Kind;
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

/// Filters a vertical edge: lines 0 to 7 are the rows from `upper`, the others
/// those from `lower`; both point to the sample after the edge.
#[inline(always)]
pub(super) unsafe fn left(upper: *mut u8, lower: *mut u8, stride: usize, kind: Kind) {
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
pub(super) unsafe fn three_edges(x: &mut [__m128i; 16], kind: Kind) -> bool {
    let at_4 = one_edge(x, 0, kind);
    let at_8 = one_edge(x, 4, kind);
    let at_12 = one_edge(x, 8, kind);
    at_4 | at_8 | at_12
}

/// [`inner_left`] with the transposes in 256 bits.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn inner_left_wide(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    all_left_wide(buf.as_mut_ptr().add(at), stride, limits);
}

/// The vertical edges at columns 4, 8 and 12. AVX2.
#[inline(always)]
pub(super) unsafe fn all_left_wide(p: *mut u8, stride: usize, limits: EdgeLimits) {
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
pub(super) unsafe fn next_top(lines: &mut [__m128i; 4], p: *mut u8, stride: usize, kind: Kind) {
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
