// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters: 16 lines across an edge at once, a register to each distance
//! from it. A vertical edge is transposed first and back after; U and V share
//! registers. An edge that no line of passes its limits is left at once.

#![allow(unsafe_code)]
// Plain index loops are unrolled, so that lines stay in registers; iterators
// with `skip` and `take` are not.
#![allow(clippy::needless_range_loop)]

use super::memory::*;
use super::transpose::*;
use crate::dsp::edge::{self, Kind, P0, P1, P2, Q0, Q1, Q2};
use crate::dsp::EdgeLimits;
use std::arch::aarch64::*;

type Lines = edge::Lines<uint8x16_t>;

/// Filters 16 lines; false where none passed the limits and so none changed.
#[inline(always)]
unsafe fn filter(lines: &mut Lines, kind: Kind) -> bool {
    match kind {
        Kind::Mb(limits) => filter_mb(lines, limits),
        Kind::Inner(limits) => filter_inner(lines, limits),
        Kind::Simple(edge) => filter_simple(lines, edge),
    }
}

/// All ones where `|p0 - q0| * 2 + |p1 - q1| / 2` is at most the limit.
#[inline(always)]
unsafe fn within_edge(x: &Lines, limit: u8) -> uint8x16_t {
    let twice = vabdq_u8(x[P0], x[Q0]);
    let twice = vqaddq_u8(twice, twice);
    let half = vshrq_n_u8::<1>(vabdq_u8(x[P1], x[Q1]));
    vcleq_u8(vqaddq_u8(twice, half), vdupq_n_u8(limit))
}

/// All ones where a line passes the limits, and where its variance at the edge
/// is not high.
#[inline(always)]
unsafe fn masks(x: &Lines, limits: EdgeLimits) -> (uint8x16_t, uint8x16_t) {
    let near = vmaxq_u8(vabdq_u8(x[P1], x[P0]), vabdq_u8(x[Q1], x[Q0]));
    let p = vmaxq_u8(vabdq_u8(x[0], x[P2]), vabdq_u8(x[P2], x[P1]));
    let q = vmaxq_u8(vabdq_u8(x[7], x[Q2]), vabdq_u8(x[Q2], x[Q1]));
    let all = vmaxq_u8(near, vmaxq_u8(p, q));
    let flat = vcleq_u8(all, vdupq_n_u8(limits.interior));
    let pass = vandq_u8(flat, within_edge(x, limits.edge));
    (pass, vcleq_u8(near, vdupq_n_u8(limits.hev)))
}

#[inline(always)]
unsafe fn none(mask: uint8x16_t) -> bool {
    vmaxvq_u8(mask) == 0
}

/// Samples to signed values.
#[inline(always)]
unsafe fn signed(x: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80)))
}

/// Signed values to samples.
#[inline(always)]
unsafe fn unsigned(x: int8x16_t) -> uint8x16_t {
    veorq_u8(vreinterpretq_u8_s8(x), vdupq_n_u8(0x80))
}

/// The value where the mask is all ones, else zero.
#[inline(always)]
unsafe fn only(value: int8x16_t, mask: uint8x16_t) -> int8x16_t {
    vandq_s8(value, vreinterpretq_s8_u8(mask))
}

/// Zero where the mask is all ones, else the value.
#[inline(always)]
unsafe fn except(value: int8x16_t, mask: uint8x16_t) -> int8x16_t {
    vbicq_s8(value, vreinterpretq_s8_u8(mask))
}

/// `outer + 3 * (q0 - p0)`, saturated; each partial sum saturates on the same
/// side as the whole does.
#[inline(always)]
unsafe fn value(outer: int8x16_t, p0: int8x16_t, q0: int8x16_t) -> int8x16_t {
    let step = vqsubq_s8(q0, p0);
    let sum = vqaddq_s8(outer, step);
    vqaddq_s8(vqaddq_s8(sum, step), step)
}

/// The common adjustment of p0 and q0 by `value`; also what q0 lost.
#[inline(always)]
unsafe fn adjust(value: int8x16_t, p0: &mut int8x16_t, q0: &mut int8x16_t) -> int8x16_t {
    let a = vshrq_n_s8::<3>(vqaddq_s8(value, vdupq_n_s8(4)));
    let b = vshrq_n_s8::<3>(vqaddq_s8(value, vdupq_n_s8(3)));
    *q0 = vqsubq_s8(*q0, a);
    *p0 = vqaddq_s8(*p0, b);
    a
}

#[inline(always)]
unsafe fn filter_simple(x: &mut Lines, edge: u8) -> bool {
    let pass = within_edge(x, edge);
    if none(pass) {
        return false;
    }
    let (mut p0, mut q0) = (signed(x[P0]), signed(x[Q0]));
    let outer = vqsubq_s8(signed(x[P1]), signed(x[Q1]));
    adjust(only(value(outer, p0, q0), pass), &mut p0, &mut q0);
    (x[P0], x[Q0]) = (unsigned(p0), unsigned(q0));
    true
}

#[inline(always)]
unsafe fn filter_inner(x: &mut Lines, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if none(pass) {
        return false;
    }
    let (p1, q1) = (signed(x[P1]), signed(x[Q1]));
    let (mut p0, mut q0) = (signed(x[P0]), signed(x[Q0]));
    let outer = except(vqsubq_s8(p1, q1), low);
    let moved = adjust(only(value(outer, p0, q0), pass), &mut p0, &mut q0);
    let half = only(vrshrq_n_s8::<1>(moved), low);
    x[P1] = unsigned(vqaddq_s8(p1, half));
    (x[P0], x[Q0]) = (unsigned(p0), unsigned(q0));
    x[Q1] = unsigned(vqsubq_s8(q1, half));
    true
}

#[inline(always)]
unsafe fn filter_mb(x: &mut Lines, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if none(pass) {
        return false;
    }
    let (mut p0, mut q0) = (signed(x[P0]), signed(x[Q0]));
    let (p1, q1) = (signed(x[P1]), signed(x[Q1]));
    let value = only(value(vqsubq_s8(p1, q1), p0, q0), pass);
    adjust(except(value, low), &mut p0, &mut q0);

    // (weight * value + 63) >> 7 is inside -27..=27.
    let value = only(value, low);
    let round = vdupq_n_s16(63);
    for (i, weight) in [27, 18, 9].into_iter().enumerate() {
        let weight = vdup_n_s8(weight);
        let a = vmlal_s8(round, vget_low_s8(value), weight);
        let b = vmlal_s8(round, vget_high_s8(value), weight);
        let step = vcombine_s8(vshrn_n_s16::<7>(a), vshrn_n_s16::<7>(b));
        let (p, q) = match i {
            0 => (p0, q0),
            1 => (p1, q1),
            _ => (signed(x[P2]), signed(x[Q2])),
        };
        x[P0 - i] = unsigned(vqaddq_s8(p, step));
        x[Q0 + i] = unsigned(vqsubq_s8(q, step));
    }
    true
}

/// Filters a vertical edge: lines 0 to 7 are the rows from `upper`, the others
/// those from `lower`; both point to the sample after the edge.
#[inline(always)]
unsafe fn left(upper: *mut u8, lower: *mut u8, stride: usize, kind: Kind) {
    let (upper, lower) = (upper.sub(4), lower.sub(4));
    let mut rows = [vdupq_n_u8(0); 8];
    for y in 0..8 {
        rows[y] = load8x2(upper.add(y * stride), lower.add(y * stride));
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
    let mut lines = [vdupq_n_u8(0); 8];
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
    let mut lines = [vdupq_n_u8(0); 8];
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
unsafe fn one_edge(x: &mut [uint8x16_t; 16], first: usize, kind: Kind) -> bool {
    let mut lines = [x[0]; 8];
    lines.copy_from_slice(&x[first..first + 8]);
    let changed = filter(&mut lines, kind);
    x[first + 2..first + 6].copy_from_slice(&lines[2..6]);
    changed
}

/// The vertical edges at columns 4, 8 and 12.
#[inline(always)]
unsafe fn all_left(p: *mut u8, stride: usize, kind: Kind) {
    let mut rows = [vdupq_n_u8(0); 16];
    for y in 0..16 {
        rows[y] = load16(p.add(y * stride));
    }
    let mut columns = transpose16(rows);
    let at_4 = one_edge(&mut columns, 0, kind);
    let at_8 = one_edge(&mut columns, 4, kind);
    let at_12 = one_edge(&mut columns, 8, kind);
    if at_4 | at_8 | at_12 {
        let rows = transpose16(columns);
        for y in 0..16 {
            store16(p.add(y * stride), rows[y]);
        }
    }
}

/// Filters the horizontal edge over row 4 from `p`; `lines` holds rows 0 to 3
/// before, and rows 4 to 7 after.
#[inline(always)]
unsafe fn next_top(lines: &mut [uint8x16_t; 4], p: *mut u8, stride: usize, kind: Kind) {
    let mut x = [vdupq_n_u8(0); 8];
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
    let mut lines = [vdupq_n_u8(0); 4];
    for i in 0..4 {
        lines[i] = load16(p.add(i * stride));
    }
    next_top(&mut lines, p, stride, kind);
    next_top(&mut lines, p.add(4 * stride), stride, kind);
    next_top(&mut lines, p.add(8 * stride), stride, kind);
}

pub(super) unsafe fn mb_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    let p = buf.as_mut_ptr().add(at);
    left(p, p.add(8 * stride), stride, Kind::Mb(limits));
}

pub(super) unsafe fn mb_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    top(buf.as_mut_ptr().add(at), stride, Kind::Mb(limits));
}

pub(super) unsafe fn inner_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    all_left(buf.as_mut_ptr().add(at), stride, Kind::Inner(limits));
}

pub(super) unsafe fn inner_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    all_top(buf.as_mut_ptr().add(at), stride, Kind::Inner(limits));
}

pub(super) unsafe fn mb_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr();
    left(p.add(u_at), p.add(v_at), stride, Kind::Mb(limits));
}

pub(super) unsafe fn mb_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr();
    top_chroma(p.add(u_at), p.add(v_at), stride, Kind::Mb(limits));
}

pub(super) unsafe fn inner_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr();
    left(
        p.add(u_at + 4),
        p.add(v_at + 4),
        stride,
        Kind::Inner(limits),
    );
}

pub(super) unsafe fn inner_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    let p = buf.as_mut_ptr().add(4 * stride);
    top_chroma(p.add(u_at), p.add(v_at), stride, Kind::Inner(limits));
}

pub(super) unsafe fn simple_mb_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    let p = buf.as_mut_ptr().add(at);
    left(p, p.add(8 * stride), stride, Kind::Simple(edge));
}

pub(super) unsafe fn simple_mb_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    top(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}

pub(super) unsafe fn simple_inner_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    all_left(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}

pub(super) unsafe fn simple_inner_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    all_top(buf.as_mut_ptr().add(at), stride, Kind::Simple(edge));
}
