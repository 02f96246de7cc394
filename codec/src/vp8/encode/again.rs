// SPDX-License-Identifier: MIT OR Apache-2.0
//! A second look at a draft's vectors, with the references that they now refer to.

use super::cost::cost_of;
use super::draft::DraftFrame;
use super::frame::distinct;
use super::modes::{ModeCoding, Predicted};
use super::search::{MvCosts, Search};
use super::trial::{Bench, Trial};
use crate::dsp::BlockShape;
use crate::vp8::bool_coder::BoolSink;
use crate::vp8::modes::{Macroblock, Parts};
use crate::vp8::mv::{Mv, MAX_DIFFERENCE};
use crate::vp8::predict::inter::Inter;
use crate::vp8::state::References;

/// Components of vectors, in quarter samples, up to which any two differ by no
/// more than can be coded.
const FARTHEST: u16 = (MAX_DIFFERENCE / 2) as u16;

/// What a second look at a frame's macroblocks has in common.
pub(crate) struct Again<'a> {
    draft: &'a DraftFrame,
    coding: ModeCoding,
    costs: MvCosts,
    /// Last and golden, and the alternate reference while it holds a picture that is
    /// still to come, unless they are one frame. A key frame's picture is too old to be
    /// worth the time.
    usable: [bool; 3],
}

/// Another way to predict a macroblock.
struct Other {
    block: Macroblock,
    parts: Parts,
    /// Of modes and vectors, in 1/256 bit.
    rate: u32,
}

impl<'a> Again<'a> {
    /// For frames of which `coding` tells what modes and vectors cost; `None`
    /// where vectors reach so far that one that changes could make its
    /// neighbours' impossible to code. The alternate reference is looked at where its
    /// picture is `ahead`.
    pub fn new(
        draft: &'a DraftFrame,
        references: &References,
        coding: &ModeCoding,
        ahead: bool,
    ) -> Option<Self> {
        (draft.field.farthest() <= FARTHEST).then(|| Self {
            draft,
            coding: coding.clone(),
            costs: MvCosts::new(&coding.probabilities.mv),
            usable: distinct(
                [&references.last, &references.golden, &references.altref],
                [true, true, ahead],
            ),
        })
    }

    /// Codes inter macroblock `at` in the better of two ways: the draft's, as
    /// which `trial` is predicted, and the most promising of those near it. By
    /// differences alone the choice would be worse than none: what levels leave
    /// out counts, too (docs/results.md).
    ///
    /// Vectors around are those of the draft, so that rows do not depend on how
    /// far others are; rates are right but where those have changed.
    pub fn look(
        &self,
        inter: &Inter<'_>,
        bench: &Bench<'_>,
        at: (usize, usize),
        (trial, spare): (&mut Trial, &mut Trial),
    ) -> Looked {
        let (block, parts) = (trial.block, trial.parts);
        let predicted = Predicted::at(&self.draft.field, at, block.reference);
        let rate = self.rate(at, &predicted, &block, &parts);
        let difference = bench.satd(BlockShape::S16x16, 0, &trial.cell);
        let limit = difference.saturating_add(bench.lambda.sad_of(rate));
        let Some(other) = self.promising(inter, bench, at, &block, limit) else {
            return Looked::AsDrafted;
        };
        trial.code(bench, rate, true);
        (spare.block, spare.parts) = (other.block, other.parts);
        inter.macroblock(&other.block, &other.parts, at, &mut spare.target());
        spare.code(bench, other.rate, true);
        if spare.cost >= trial.cost {
            return Looked::Coded;
        }
        std::mem::swap(trial, spare);
        Looked::Changed
    }

    /// The way to predict with the least transformed differences and rate, if
    /// that is below `limit`.
    fn promising(
        &self,
        inter: &Inter<'_>,
        bench: &Bench<'_>,
        at: (usize, usize),
        block: &Macroblock,
        mut limit: u32,
    ) -> Option<Other> {
        let mut best = None;
        for reference in 1..=3 {
            if !self.usable[usize::from(reference) - 1] {
                continue;
            }
            let predicted = Predicted::at(&self.draft.field, at, reference);
            let search = Search {
                dsp: bench.dsp,
                source: bench.source,
                reference: inter.references[usize::from(reference) - 1],
                costs: &self.costs,
                lambda: bench.lambda,
                at: (16 * at.0, 16 * at.1),
                shape: BlockShape::S16x16,
                best: predicted.best,
            };
            let vectors = around(block, &predicted);
            for (n, &mv) in vectors.iter().enumerate() {
                let drafted = !block.is_split() && (reference, mv) == (block.reference, block.mv);
                let known = drafted || vectors[..n].contains(&mv);
                if known || mv.farthest() > FARTHEST || !search.may_use(mv) {
                    continue;
                }
                let difference = search.difference(mv);
                if difference >= limit {
                    continue;
                }
                let (block, parts) = Macroblock::by_vector(reference, mv);
                let rate = self.rate(at, &predicted, &block, &parts);
                let estimate = difference.saturating_add(bench.lambda.sad_of(rate));
                if estimate < limit {
                    limit = estimate;
                    best = Some(Other { block, parts, rate });
                }
            }
        }
        best
    }

    fn rate(
        &self,
        at: (usize, usize),
        predicted: &Predicted,
        block: &Macroblock,
        parts: &Parts,
    ) -> u32 {
        cost_of(|cost| {
            cost.bool(self.coding.intra_prob, true);
            self.coding.reference(cost, block.reference);
            let field = &self.draft.field;
            self.coding
                .vectors(cost, field, at, predicted, block, parts);
        })
    }
}

/// What came of a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Nothing is promising; the draft's way is predicted, not coded.
    AsDrafted,
    /// The draft's way is the better one, and coded.
    Coded,
    /// Another way is better, and coded.
    Changed,
}

/// Vectors that are worth a look: those that cost least, the draft's own, and a
/// quarter of a sample around it.
fn around(block: &Macroblock, predicted: &Predicted) -> [Mv; 8] {
    let own = block.mv;
    let beside = |row, col| match block.is_split() {
        true => own,
        false => own.plus(Mv { row, col }),
    };
    [
        Mv::ZERO,
        own,
        predicted.nearest,
        predicted.near,
        beside(-1, 0),
        beside(1, 0),
        beside(0, -1),
        beside(0, 1),
    ]
}
