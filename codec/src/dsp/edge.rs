// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the loop filters of both architectures have in common.

use super::EdgeLimits;

/// Samples by distance from the edge, a register to each: p3, p2, p1, p0, q0,
/// q1, q2, q3.
pub(super) type Lines<V> = [V; 8];

pub(super) const P2: usize = 1;
pub(super) const P1: usize = 2;
pub(super) const P0: usize = 3;
pub(super) const Q0: usize = 4;
pub(super) const Q1: usize = 5;
pub(super) const Q2: usize = 6;

/// The two normal filters and the simple one.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Edges between macroblocks.
    Mb(EdgeLimits),
    /// Edges inside a macroblock.
    Inner(EdgeLimits),
    /// The simple filter, with its edge limit.
    Simple(u8),
}
