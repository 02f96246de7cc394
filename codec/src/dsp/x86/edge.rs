// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arithmetic of the loop filters: as many lines across an edge as a
//! register has bytes, a register to each distance from it.

#![allow(unsafe_code)]

use super::bytes::Bytes;
use crate::dsp::edge::*;
use crate::dsp::EdgeLimits;

/// Filters all lines; false where none passed the limits and so none changed.
#[inline(always)]
pub(super) unsafe fn filter<V: Bytes>(lines: &mut Lines<V>, kind: Kind) -> bool {
    match kind {
        Kind::Mb(limits) => filter_mb(lines, limits),
        Kind::Inner(limits) => filter_inner(lines, limits),
        Kind::Simple(edge) => filter_simple(lines, edge),
    }
}

#[inline(always)]
unsafe fn difference<V: Bytes>(a: V, b: V) -> V {
    V::or(V::subs_u(a, b), V::subs_u(b, a))
}

/// Not zero where `|p0 - q0| * 2 + |p1 - q1| / 2` is over the limit.
#[inline(always)]
unsafe fn over_edge<V: Bytes>(x: &Lines<V>, limit: u8) -> V {
    let twice = difference(x[P0], x[Q0]);
    let twice = V::adds_u(twice, twice);
    // There is no shift of bytes: clear what comes in from the next one.
    let half = V::half16(difference(x[P1], x[Q1]));
    let half = V::and(half, V::splat(0x7F));
    V::subs_u(V::adds_u(twice, half), V::splat(limit))
}

/// All ones where a line passes the limits, and where its variance at the edge
/// is not high.
#[inline(always)]
unsafe fn masks<V: Bytes>(x: &Lines<V>, limits: EdgeLimits) -> (V, V) {
    let near = V::max(difference(x[P1], x[P0]), difference(x[Q1], x[Q0]));
    let p = V::max(difference(x[0], x[P2]), difference(x[P2], x[P1]));
    let q = V::max(difference(x[7], x[Q2]), difference(x[Q2], x[Q1]));
    let all = V::max(near, V::max(p, q));
    let over = V::subs_u(all, V::splat(limits.interior));
    let over = V::or(over, over_edge(x, limits.edge));
    let zero = V::splat(0);
    let low = V::subs_u(near, V::splat(limits.hev));
    (V::equal(over, zero), V::equal(low, zero))
}

/// Samples to signed values and back.
#[inline(always)]
unsafe fn flip<V: Bytes>(x: V) -> V {
    V::xor(x, V::splat(0x80))
}

/// `outer + 3 * (q0 - p0)`, saturated; each partial sum saturates on the same
/// side as the whole does.
#[inline(always)]
unsafe fn value<V: Bytes>(outer: V, p0: V, q0: V) -> V {
    let step = V::subs(q0, p0);
    let sum = V::adds(outer, step);
    V::adds(V::adds(sum, step), step)
}

/// `x >> 3` of signed bytes, plus 16.
#[inline(always)]
unsafe fn eighth_plus_16<V: Bytes>(x: V) -> V {
    V::and(V::eighth16(flip(x)), V::splat(0x1F))
}

/// The common adjustment of p0 and q0 by `value`; also what q0 lost, plus 16.
#[inline(always)]
unsafe fn adjust<V: Bytes>(value: V, p0: &mut V, q0: &mut V) -> V {
    let sixteen = V::splat(16);
    let a = eighth_plus_16(V::adds(value, V::splat(4)));
    let b = eighth_plus_16(V::adds(value, V::splat(3)));
    *q0 = V::subs(*q0, V::sub(a, sixteen));
    *p0 = V::adds(*p0, V::sub(b, sixteen));
    a
}

#[inline(always)]
unsafe fn filter_simple<V: Bytes>(x: &mut Lines<V>, edge: u8) -> bool {
    let pass = V::equal(over_edge(x, edge), V::splat(0));
    if pass.none() {
        return false;
    }
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let outer = V::subs(flip(x[P1]), flip(x[Q1]));
    let value = V::and(value(outer, p0, q0), pass);
    adjust(value, &mut p0, &mut q0);
    (x[P0], x[Q0]) = (flip(p0), flip(q0));
    true
}

#[inline(always)]
unsafe fn filter_inner<V: Bytes>(x: &mut Lines<V>, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if pass.none() {
        return false;
    }
    let (p1, q1) = (flip(x[P1]), flip(x[Q1]));
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let outer = V::and_not(low, V::subs(p1, q1));
    let value = V::and(value(outer, p0, q0), pass);
    let moved = adjust(value, &mut p0, &mut q0);
    // An average of bytes rounds up, so this is (moved + 1) >> 1, plus 16.
    let half = V::sub(V::mean(moved, V::splat(16)), V::splat(16));
    let half = V::and(half, low);
    x[P1] = flip(V::adds(p1, half));
    x[P0] = flip(p0);
    x[Q0] = flip(q0);
    x[Q1] = flip(V::subs(q1, half));
    true
}

#[inline(always)]
unsafe fn filter_mb<V: Bytes>(x: &mut Lines<V>, limits: EdgeLimits) -> bool {
    let (pass, low) = masks(x, limits);
    if pass.none() {
        return false;
    }
    let (mut p0, mut q0) = (flip(x[P0]), flip(x[Q0]));
    let (p1, q1) = (flip(x[P1]), flip(x[Q1]));
    let value = value(V::subs(p1, q1), p0, q0);
    let value = V::and(value, pass);
    adjust(V::and_not(low, value), &mut p0, &mut q0);

    // (weight * value + 63) >> 7: the weight and 63 as unsigned bytes, the
    // value and 1 as signed ones.
    let value = V::and(value, low);
    let one = V::splat(1);
    let halves = [V::zip_low(value, one), V::zip_high(value, one)];
    for (i, weight) in [27, 18, 9].into_iter().enumerate() {
        let weight = V::splat16(63 << 8 | weight);
        let a = V::by_128(V::weigh(weight, halves[0]));
        let b = V::by_128(V::weigh(weight, halves[1]));
        let step = V::pack(a, b);
        let (p, q) = match i {
            0 => (p0, q0),
            1 => (p1, q1),
            _ => (flip(x[P2]), flip(x[Q2])),
        };
        x[P0 - i] = flip(V::adds(p, step));
        x[Q0 + i] = flip(V::subs(q, step));
    }
    true
}
