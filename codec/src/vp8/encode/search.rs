// SPDX-License-Identifier: MIT OR Apache-2.0
//! Motion search.

use super::cost::bool_cost;
use super::quant::Lambda;
use super::trial::CELL_STRIDE;
use crate::dsp::{BlockShape, Dsp, Width};
use crate::vp8::frame::{Frame, Layout};
use crate::vp8::mv::{component, Mv, MAX_DIFFERENCE};

/// Samples past the frame's edges that blocks may reach; with a filter's taps
/// they stay inside of the borders.
const PAST: i32 = 24;

/// What components of differences cost.
#[derive(Clone, Debug)]
pub(crate) struct MvCosts(Vec<[u16; 2]>);

impl MvCosts {
    pub fn new(probs: &[[u8; 19]; 2]) -> Self {
        let cost = |probs: &[u8; 19], value: i32| {
            let mut cost = 0;
            component(value as i16, |n, bit| cost += bool_cost(probs[n], bit));
            cost as u16
        };
        let values = -MAX_DIFFERENCE..=MAX_DIFFERENCE;
        Self(
            values
                .map(|value| [cost(&probs[0], value), cost(&probs[1], value)])
                .collect(),
        )
    }

    /// Of coding `mv` as its difference from `best`; `None` where that cannot
    /// be coded.
    #[inline(always)]
    pub fn of(&self, mv: Mv, best: Mv) -> Option<u32> {
        let at = |value: i16, best: i16| i32::from(value) - i32::from(best) + MAX_DIFFERENCE;
        let row = self.0.get(usize::try_from(at(mv.row, best.row)).ok()?)?;
        let col = self.0.get(usize::try_from(at(mv.col, best.col)).ok()?)?;
        Some(u32::from(row[0]) + u32::from(col[1]))
    }
}

/// A block to find in a reference.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub dsp: &'static Dsp,
    pub source: &'a Frame,
    pub reference: &'a Frame,
    pub costs: &'a MvCosts,
    pub lambda: Lambda,
    /// Position of the block in luma.
    pub at: (usize, usize),
    pub shape: BlockShape,
    /// What vectors are coded as differences from.
    pub best: Mv,
}

/// A vector, and differences of samples plus what the vector costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub mv: Mv,
    pub cost: u32,
}

const NONE: u32 = u32::MAX;

/// How far and how finely to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Samples of the first step.
    pub reach: i16,
    /// Whether to look at quarter samples in all eight directions.
    pub fine: bool,
}

impl Search<'_> {
    fn layout(&self) -> Layout {
        self.source.geometry.plane(0)
    }

    /// Whether a block at `mv` stays inside of what a reference has.
    fn is_legal(&self, mv: Mv) -> bool {
        let layout = self.layout();
        let inside = |at: usize, mv: i16, size: usize, count: usize| {
            let first = at as i32 + (i32::from(mv) >> 2);
            first >= -PAST && first + size as i32 <= count as i32 + PAST
        };
        inside(self.at.0, mv.col, self.shape.columns(), layout.width)
            && inside(self.at.1, mv.row, self.shape.rows(), layout.height)
    }

    /// Cost of a vector of whole samples.
    fn whole(&self, mv: Mv) -> u32 {
        let Some(rate) = self.costs.of(mv, self.best).filter(|_| self.is_legal(mv)) else {
            return NONE;
        };
        let layout = self.layout();
        let at = layout.row(self.at.1) + self.at.0;
        let to = (at as isize
            + isize::from(mv.row >> 2) * layout.stride as isize
            + isize::from(mv.col >> 2)) as usize;
        let (source, reference) = (&self.source.samples, &self.reference.samples);
        let stride = layout.stride;
        self.dsp
            .sad(self.shape, source, at, stride, reference, to, stride)
            + self.lambda.sad_of(rate)
    }

    /// Cost of any vector, as the encoder will see it.
    pub fn fine(&self, mv: Mv) -> u32 {
        match self.costs.of(mv, self.best) {
            Some(rate) if self.is_legal(mv) => self.difference(mv) + self.lambda.sad_of(rate),
            _ => NONE,
        }
    }

    /// Transformed differences at a vector, which must not point too far out.
    pub fn difference(&self, mv: Mv) -> u32 {
        let layout = self.layout();
        let stride = layout.stride;
        let at = layout.row(self.at.1) + self.at.0;
        let from = (at as isize
            + isize::from(mv.row >> 2) * stride as isize
            + isize::from(mv.col >> 2)) as usize;
        let (source, reference) = (&self.source.samples, &self.reference.samples);
        let (x, y) = ((mv.col & 3) as usize * 2, (mv.row & 3) as usize * 2);
        if x | y == 0 {
            return self
                .dsp
                .satd(self.shape, source, at, stride, reference, from, stride);
        }
        let width = match self.shape.columns() {
            16 => Width::W16,
            8 => Width::W8,
            _ => Width::W4,
        };
        let mut block = [0; 256];
        let rows = self.shape.rows();
        self.dsp.sixtap(
            width,
            reference,
            from,
            stride,
            &mut block,
            0,
            CELL_STRIDE,
            rows,
            x,
            y,
        );
        self.dsp
            .satd(self.shape, source, at, stride, &block, 0, CELL_STRIDE)
    }

    /// Whether a vector may be used where it need not be coded.
    pub fn may_use(&self, mv: Mv) -> bool {
        self.is_legal(mv)
    }

    /// The best vector near any of `starts`.
    pub fn run(&self, starts: &[Mv], effort: Effort) -> Found {
        let mut best = Found {
            mv: Mv::ZERO,
            cost: NONE,
        };
        let consider = |best: &mut Found, mv: Mv| {
            let cost = self.whole(mv);
            let better = cost < best.cost;
            if better {
                *best = Found { mv, cost };
            }
            better
        };
        for start in starts {
            let round = |value: i16| ((value + 2) >> 2) << 2;
            let mv = Mv {
                row: round(start.row),
                col: round(start.col),
            };
            if mv != best.mv || best.cost == NONE {
                consider(&mut best, mv);
            }
        }
        let mut reach = effort.reach * 4;
        while reach >= 4 {
            let center = best.mv;
            for (row, col) in AROUND {
                let step = Mv {
                    row: row * reach,
                    col: col * reach,
                };
                consider(&mut best, center.plus(step));
            }
            if best.mv == center {
                reach /= 2;
            }
        }
        self.refine(best.mv, effort)
    }

    /// The best vector around one of whole samples.
    pub fn refine(&self, mv: Mv, effort: Effort) -> Found {
        let mut best = Found {
            mv,
            cost: self.fine(mv),
        };
        for reach in [2, 1] {
            let center = best.mv;
            let around = if effort.fine || reach == 2 {
                &AROUND[..]
            } else {
                &AROUND[..4]
            };
            for (row, col) in around {
                let mv = center.plus(Mv {
                    row: row * reach,
                    col: col * reach,
                });
                let cost = self.fine(mv);
                if cost < best.cost {
                    best = Found { mv, cost };
                }
            }
        }
        best
    }
}

/// The places around one, the nearest first.
const AROUND: [(i16, i16); 8] = [
    (-1, 0),
    (0, -1),
    (0, 1),
    (1, 0),
    (-1, -1),
    (-1, 1),
    (1, -1),
    (1, 1),
];
