// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a frame is cut into halves, a plane's half into strips of 16 rows, and a
//! strip into blocks of 16 steps (`predict`).

// Plain index loops over lanes become vectors.
#![allow(clippy::needless_range_loop)]

use super::predict::{transposed, Above, Edge, Tile};
use crate::vp8::frame::{Geometry, Layout, BORDER};
use std::ops::Range;

/// What stands around the first strip of a half.
const NOTHING: u8 = 128;

/// A half's samples of each plane, borders included. The halves of a frame know
/// nothing of each other, so that each can have a thread.
pub(super) type Half<T> = [T; 3];

/// Rows of a plane in its upper half: whole strips.
const fn upper_rows(layout: &Layout) -> usize {
    (layout.height / 2).next_multiple_of(16)
}

/// Samples of a plane's half among a frame's, with borders. A row's left border
/// belongs to it, so that blocks may be written whole.
pub(super) fn region(geometry: Geometry, plane: usize, half: usize) -> Range<usize> {
    let layout = geometry.plane(plane);
    let start = |half: usize| match half {
        0 => layout.row(0) - BORDER * layout.stride - BORDER,
        1 => layout.row(upper_rows(&layout)) - BORDER,
        _ => start_behind(&layout),
    };
    start(half)..start(half + 1)
}

/// Where the plane's last border row ends.
const fn start_behind(layout: &Layout) -> usize {
    layout.row(layout.height + BORDER) - BORDER
}

/// A strip of 16 rows of a plane; the last may have fewer.
pub(super) struct Strip {
    /// The half of the plane, in its region.
    layout: Layout,
    /// Which plane.
    pub plane: usize,
    /// First row in the half.
    y: usize,
    /// Blocks of the strip.
    pub blocks: usize,
}

impl Strip {
    /// All strips of a frame's half, plane by plane.
    pub fn all(geometry: Geometry, half: usize) -> impl Iterator<Item = Self> {
        (0..3).flat_map(move |plane| {
            let layout = geometry.plane(plane);
            let upper = upper_rows(&layout);
            let (first, rows) = match half {
                0 => (0, upper.min(layout.height)),
                _ => (upper, layout.height.saturating_sub(upper)),
            };
            let layout = Layout {
                at: layout.row(first) - region(geometry, plane, half).start,
                height: rows,
                ..layout
            };
            (0..rows).step_by(16).map(move |y| Self {
                layout,
                plane,
                y,
                // The last row is 30 samples behind the first.
                blocks: (layout.width + 30).div_ceil(16),
            })
        })
    }

    /// Index of row `r` of a block's 16 columns among a frame's samples. Those
    /// that are not the plane's own are in its borders.
    #[inline(always)]
    fn start(&self, r: usize, block: usize) -> usize {
        self.layout.row(self.y + r) + 16 * block - 2 * r
    }

    /// What stands left and right of the strip, from the row above it.
    #[inline(always)]
    pub fn outside(&self, samples: &[u8]) -> [u8; 2] {
        if self.y == 0 {
            return [NOTHING; 2];
        }
        let start = self.layout.row(self.y - 1);
        [samples[start], samples[start + self.layout.width - 1]]
    }

    /// Where a block leaves the plane, if it does.
    #[inline(always)]
    pub fn edge(&self, block: usize, outside: [u8; 2]) -> Option<Edge> {
        let edge = Edge {
            width: self.layout.width,
            rows: self.layout.height - self.y,
            start: 16 * block,
            outside,
        };
        let inner = block >= 2 && edge.start + 16 <= edge.width && edge.rows >= 16;
        (!inner).then_some(edge)
    }

    /// The rows above a block.
    #[inline(always)]
    pub fn above(&self, samples: &[u8], block: usize, outside: [u8; 2]) -> Above {
        let mut above = [[outside[1]; 16]; 2];
        if self.y > 0 {
            let first = 16 * block + 1;
            let inside = self.layout.width.saturating_sub(first).min(16);
            for (k, above) in above.iter_mut().enumerate() {
                let start = self.layout.row(self.y - 1 - k) + first;
                match inside {
                    16 => above.copy_from_slice(&samples[start..start + 16]),
                    n => above[..n].copy_from_slice(&samples[start..start + n]),
                }
            }
        }
        above
    }

    /// The steps of a block.
    #[inline(always)]
    pub fn steps(&self, samples: &[u8], block: usize, edge: Option<Edge>) -> Tile {
        let mut rows = [[0; 16]; 16];
        for (r, row) in rows.iter_mut().enumerate() {
            let start = self.start(r, block);
            row.copy_from_slice(&samples[start..start + 16]);
        }
        let mut steps = transposed(&rows);
        if let Some(edge) = edge {
            for (t, step) in steps.iter_mut().enumerate() {
                edge.mend(t, step);
            }
        }
        steps
    }

    /// The sum of differences between two frames in every fourth row of a block,
    /// sign aside.
    #[inline(always)]
    pub fn distance(&self, a: &[u8], b: &[u8], block: usize, edge: Option<Edge>) -> u32 {
        let mut sums = [0u16; 16];
        for r in (2..16).step_by(4) {
            let start = self.start(r, block);
            let (mut own, mut other) = ([0; 16], [0; 16]);
            own.copy_from_slice(&a[start..start + 16]);
            other.copy_from_slice(&b[start..start + 16]);
            if let Some(edge) = edge {
                for x in 0..16 {
                    if !edge.holds(x, r) {
                        own[x] = other[x];
                    }
                }
            }
            for x in 0..16 {
                sums[x] += u16::from(own[x].abs_diff(other[x]));
            }
        }
        sums.iter().copied().map(u32::from).sum()
    }

    /// Writes the steps of a block.
    #[inline(always)]
    pub fn put(&self, samples: &mut [u8], block: usize, steps: &Tile) {
        for (r, row) in transposed(steps).iter().enumerate() {
            let start = self.start(r, block);
            samples[start..start + 16].copy_from_slice(row);
        }
    }
}
