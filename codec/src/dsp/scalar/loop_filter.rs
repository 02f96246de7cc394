// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop filters (RFC 6386 §15), one line across the edge at a time.

use crate::dsp::EdgeLimits;

/// An edge: the first sample after it, the step across it, and the step and
/// the number of lines along it.
#[derive(Clone, Copy)]
struct Edge {
    at: usize,
    across: usize,
    along: usize,
    lines: usize,
}

impl Edge {
    fn each_line(self, mut filter: impl FnMut(usize)) {
        (0..self.lines).for_each(|line| filter(self.at + line * self.along));
    }
}

/// The samples across an edge as signed values: `p[i]` is i + 1 steps before
/// the edge, `q[i]` i steps after it (the RFC's p0.. and q0..).
struct Line<const N: usize> {
    p: [i32; N],
    q: [i32; N],
}

impl<const N: usize> Line<N> {
    fn load(buf: &[u8], at: usize, across: usize) -> Self {
        let signed = |i: usize| i32::from(buf[i]) - 128;
        Self {
            p: std::array::from_fn(|i| signed(at - (i + 1) * across)),
            q: std::array::from_fn(|i| signed(at + i * across)),
        }
    }

    fn store(&self, buf: &mut [u8], at: usize, across: usize) {
        for i in 0..N {
            buf[at - (i + 1) * across] = (self.p[i] + 128) as u8;
            buf[at + i * across] = (self.q[i] + 128) as u8;
        }
    }

    /// Whether the step over the edge is small enough to be an artefact.
    fn within_edge(&self, limit: u8) -> bool {
        let (step0, step1) = (self.p[0] - self.q[0], self.p[1] - self.q[1]);
        let sum = step0.abs() * 2 + step1.abs() / 2;
        sum.min(255) <= i32::from(limit)
    }

    /// Moves the two samples at the edge towards each other by the value
    /// `filter`, and returns what `q0` lost (the common adjustment, §15.2).
    fn adjust(&mut self, filter: i32) -> i32 {
        let a = clamp(filter + 4) >> 3;
        let b = clamp(filter + 3) >> 3;
        self.q[0] = clamp(self.q[0] - a);
        self.p[0] = clamp(self.p[0] + b);
        a
    }

    /// The filter value, with the outer samples counted or not.
    fn value(&self, outer: bool) -> i32 {
        let outer = if outer {
            clamp(self.p[1] - self.q[1])
        } else {
            0
        };
        clamp(outer + 3 * (self.q[0] - self.p[0]))
    }
}

impl Line<4> {
    fn passes(&self, limits: EdgeLimits) -> bool {
        let flat = |side: &[i32; 4]| {
            let mut steps = side.windows(2).map(|w| (w[0] - w[1]).abs());
            steps.all(|step| step <= i32::from(limits.interior))
        };
        self.within_edge(limits.edge) && flat(&self.p) && flat(&self.q)
    }

    fn high_variance(&self, limit: u8) -> bool {
        let over = |side: &[i32; 4]| (side[1] - side[0]).abs() > i32::from(limit);
        over(&self.p) || over(&self.q)
    }
}

fn clamp(value: i32) -> i32 {
    value.clamp(-128, 127)
}

/// The simple filter (§15.2).
fn simple(buf: &mut [u8], edge: Edge, limit: u8) {
    edge.each_line(|at| {
        let mut line = Line::<2>::load(buf, at, edge.across);
        if line.within_edge(limit) {
            line.adjust(line.value(true));
            line.store(buf, at, edge.across);
        }
    });
}

/// The normal filter for edges inside a macroblock (§15.3).
fn inner(buf: &mut [u8], edge: Edge, limits: EdgeLimits) {
    edge.each_line(|at| {
        let mut line = Line::<4>::load(buf, at, edge.across);
        if !line.passes(limits) {
            return;
        }
        let hev = line.high_variance(limits.hev);
        let moved = line.adjust(line.value(hev));
        if !hev {
            let half = (moved + 1) >> 1;
            line.q[1] = clamp(line.q[1] - half);
            line.p[1] = clamp(line.p[1] + half);
        }
        line.store(buf, at, edge.across);
    });
}

/// The normal filter for edges between macroblocks (§15.3).
fn outer(buf: &mut [u8], edge: Edge, limits: EdgeLimits) {
    edge.each_line(|at| {
        let mut line = Line::<4>::load(buf, at, edge.across);
        if !line.passes(limits) {
            return;
        }
        let value = line.value(true);
        if line.high_variance(limits.hev) {
            line.adjust(value);
        } else {
            // About 3/7, 2/7 and 1/7 of the step.
            for (i, weight) in [27, 18, 9].into_iter().enumerate() {
                let a = clamp((weight * value + 63) >> 7);
                line.q[i] = clamp(line.q[i] - a);
                line.p[i] = clamp(line.p[i] + a);
            }
        }
        line.store(buf, at, edge.across);
    });
}

/// The vertical edge before `at`.
fn left(at: usize, stride: usize, lines: usize) -> Edge {
    Edge {
        at,
        across: 1,
        along: stride,
        lines,
    }
}

/// The horizontal edge over `at`.
fn top(at: usize, stride: usize, lines: usize) -> Edge {
    Edge {
        at,
        across: stride,
        along: 1,
        lines,
    }
}

pub(in crate::dsp) fn mb_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    outer(buf, left(at, stride, 16), limits);
}

pub(in crate::dsp) fn mb_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    outer(buf, top(at, stride, 16), limits);
}

pub(in crate::dsp) fn inner_left(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    for x in [4, 8, 12] {
        inner(buf, left(at + x, stride, 16), limits);
    }
}

pub(in crate::dsp) fn inner_top(buf: &mut [u8], at: usize, stride: usize, limits: EdgeLimits) {
    for y in [4, 8, 12] {
        inner(buf, top(at + y * stride, stride, 16), limits);
    }
}

pub(in crate::dsp) fn mb_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    for at in [u_at, v_at] {
        outer(buf, left(at, stride, 8), limits);
    }
}

pub(in crate::dsp) fn mb_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    for at in [u_at, v_at] {
        outer(buf, top(at, stride, 8), limits);
    }
}

pub(in crate::dsp) fn inner_left_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    for at in [u_at, v_at] {
        inner(buf, left(at + 4, stride, 8), limits);
    }
}

pub(in crate::dsp) fn inner_top_chroma(
    buf: &mut [u8],
    u_at: usize,
    v_at: usize,
    stride: usize,
    limits: EdgeLimits,
) {
    for at in [u_at, v_at] {
        inner(buf, top(at + 4 * stride, stride, 8), limits);
    }
}

pub(in crate::dsp) fn simple_mb_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    simple(buf, left(at, stride, 16), edge);
}

pub(in crate::dsp) fn simple_mb_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    simple(buf, top(at, stride, 16), edge);
}

pub(in crate::dsp) fn simple_inner_left(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    for x in [4, 8, 12] {
        simple(buf, left(at + x, stride, 16), edge);
    }
}

pub(in crate::dsp) fn simple_inner_top(buf: &mut [u8], at: usize, stride: usize, edge: u8) {
    for y in [4, 8, 12] {
        simple(buf, top(at + y * stride, stride, 16), edge);
    }
}
