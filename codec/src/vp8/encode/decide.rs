// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of the ways to code a macroblock is best.

use super::cost::{cost_of, TokenCosts};
use super::field::Field;
use super::modes::{chroma_mode, ModeCoding};
use super::quant::{Lambda, Quantisers};
use super::search::MvCosts;
use super::trial::{Bench, Spot, Trial, CELL_AT, CELL_STRIDE};
use super::Effort;
use crate::dsp::{BlockShape, Dsp};
use crate::vp8::frame::{Frame, Target};
use crate::vp8::modes::{IntraMode, LumaMode, Macroblock, Parts};
use crate::vp8::predict::inter::Inter;
use crate::vp8::predict::intra::{self, Edges, Lines};
use crate::vp8::tables::KEY_CHROMA_MODE_PROBS;
use crate::vp8::tokens::Context;

/// What the decisions of a frame have in common.
pub(crate) struct Decider<'a> {
    pub dsp: &'static Dsp,
    pub source: &'a Frame,
    /// `None` in key frames.
    pub inter: Option<Inter<'a>>,
    /// References that may be used: no two of them are the same frame.
    pub usable: [bool; 3],
    pub quantisers: &'a Quantisers,
    pub costs: &'a TokenCosts,
    pub mv_costs: &'a MvCosts,
    pub coding: &'a ModeCoding,
    /// By macroblock.
    pub lambda: Lambda,
    pub effort: Effort,
    /// Modes of the frame before, whose vectors are worth a look.
    pub before: Option<&'a Field>,
}

/// What macroblocks before this one have left.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub field: &'a Field,
    pub lines: &'a Lines,
    pub at: (usize, usize),
    pub above: Context,
    pub left: Context,
}

/// A way to code a macroblock, not yet tried.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub block: Macroblock,
    pub parts: Parts,
    /// Of modes and vectors, in 1/256 bit.
    pub rate: u32,
    /// Transformed differences of luma, and what the rate outweighs.
    pub estimate: u32,
}

/// Room for decisions.
#[derive(Default)]
pub(crate) struct Room {
    /// The decision.
    pub best: Trial,
    pub trial: Trial,
    pub candidates: Vec<Candidate>,
}

/// The neighbours of all three planes.
pub(crate) struct AllEdges<'a> {
    pub luma: Edges<'a, 16>,
    pub chroma: [Edges<'a, 8>; 2],
}

impl<'a> AllEdges<'a> {
    pub fn new(lines: &'a Lines, at: (usize, usize), target: &Target<'_>) -> Self {
        Self {
            luma: lines.edges(0, at, target),
            chroma: [lines.edges(1, at, target), lines.edges(2, at, target)],
        }
    }
}

pub(crate) const INTRA_MODES: [IntraMode; 4] = [
    IntraMode::Dc,
    IntraMode::Vertical,
    IntraMode::Horizontal,
    IntraMode::TrueMotion,
];

impl<'a> Decider<'a> {
    pub fn bench(&self, around: &Around<'_>) -> Bench<'_> {
        Bench {
            dsp: self.dsp,
            source: self.source,
            spot: Spot::new(self.source, around.at),
            quantisers: self.quantisers,
            costs: self.costs,
            lambda: self.lambda,
            above: around.above,
            left: around.left,
            skip: match self.coding.skip_prob {
                Some(prob) => [false, true].map(|skip| super::cost::bool_cost(prob, skip)),
                None => [0; 2],
            },
        }
    }

    /// Decides macroblock `around.at`; the decision, reconstructed, is
    /// `room.best`. `frame` is what has been reconstructed so far.
    pub fn decide(&self, around: &Around<'_>, frame: &mut Frame, room: &mut Room) {
        let bench = self.bench(around);
        let edges = AllEdges::new(around.lines, around.at, &frame.target(around.at));
        room.candidates.clear();
        room.best.cost = i64::MAX;
        if self.inter.is_some() {
            self.inter_candidates(around, room);
        }
        let inter = room.candidates.iter().map(|c| c.estimate).min();
        let intra = self.intra_candidates(&edges, &bench, room);
        room.candidates.sort_by_key(|candidate| candidate.estimate);
        room.candidates.truncate(self.effort.trials);
        let candidates = std::mem::take(&mut room.candidates);
        let last_thorough = self.effort.thorough_trials;
        for candidate in &candidates {
            self.attempt(candidate, around, &edges, &bench, last_thorough, room);
        }
        let near = inter.is_none_or(|inter| intra < inter + inter / 4);
        if near {
            self.subblocks(around, &edges, &bench, room);
        }
        room.candidates = candidates;
        if !last_thorough && self.effort.thorough && !room.best.block.skip {
            self.polish(around, &edges, &bench, room);
        }
    }

    /// Tries a candidate, and keeps it where it is the best so far.
    fn attempt(
        &self,
        candidate: &Candidate,
        around: &Around<'_>,
        edges: &AllEdges<'_>,
        bench: &Bench<'_>,
        thorough: bool,
        room: &mut Room,
    ) {
        let trial = &mut room.trial;
        trial.block = candidate.block;
        trial.parts = candidate.parts;
        self.predict(trial, around.at, edges);
        trial.code(bench, candidate.rate, thorough);
        if trial.cost < room.best.cost {
            std::mem::swap(&mut room.best, &mut room.trial);
        }
    }

    /// Codes the decision again, its levels weighed one by one.
    fn polish(
        &self,
        around: &Around<'_>,
        edges: &AllEdges<'_>,
        bench: &Bench<'_>,
        room: &mut Room,
    ) {
        if room.best.block.luma == LumaMode::Subblocks {
            return;
        }
        room.trial.block = room.best.block;
        room.trial.parts = room.best.parts;
        self.predict(&mut room.trial, around.at, edges);
        room.trial.code(bench, 0, true);
        std::mem::swap(&mut room.best, &mut room.trial);
    }

    /// Predicts all planes of a trial; subblocks' luma is left out.
    pub fn predict(&self, trial: &mut Trial, at: (usize, usize), edges: &AllEdges<'_>) {
        let (block, parts) = (trial.block, trial.parts);
        let mut target = trial.target();
        match (block.luma, &self.inter) {
            (LumaMode::Intra(mode), _) => {
                intra::luma(self.dsp, mode, &edges.luma, &mut target);
                self.predict_chroma(block.chroma, edges, &mut target);
            }
            (LumaMode::Subblocks, _) | (_, None) => {
                self.predict_chroma(block.chroma, edges, &mut target);
            }
            (_, Some(inter)) => inter.macroblock(&block, &parts, at, &mut target),
        }
    }

    fn predict_chroma(&self, mode: IntraMode, edges: &AllEdges<'_>, target: &mut Target<'_>) {
        let [u, v] = &edges.chroma;
        intra::chroma(self.dsp, mode, [u, v], target);
    }

    /// Cost of an intra macroblock's modes but those of subblocks.
    pub fn intra_rate(&self, luma: LumaMode, chroma: IntraMode) -> u32 {
        cost_of(|cost| {
            if self.coding.key {
                self.coding.key_luma(cost, luma);
                chroma_mode(cost, &KEY_CHROMA_MODE_PROBS, chroma);
            } else {
                use crate::vp8::bool_coder::BoolSink;
                cost.bool(self.coding.intra_prob, false);
                self.coding.intra_luma(cost, luma);
                chroma_mode(cost, &self.coding.probabilities.chroma_modes, chroma);
            }
        })
    }

    /// Adds whole-block intra modes; gives the least estimate of them.
    fn intra_candidates(&self, edges: &AllEdges<'_>, bench: &Bench<'_>, room: &mut Room) -> u32 {
        let chroma = self.best_chroma(edges, bench, room);
        let mut least = u32::MAX;
        for mode in INTRA_MODES {
            let luma = LumaMode::Intra(mode);
            let mut target = room.trial.target();
            intra::luma(self.dsp, mode, &edges.luma, &mut target);
            let difference = bench.satd(BlockShape::S16x16, 0, &room.trial.cell);
            let rate = self.intra_rate(luma, chroma);
            let estimate = difference + self.lambda.sad_of(rate);
            least = least.min(estimate);
            room.candidates.push(Candidate {
                block: Macroblock {
                    luma,
                    chroma,
                    ..Macroblock::OUTSIDE
                },
                parts: Parts::NONE,
                rate,
                estimate,
            });
        }
        least
    }

    /// The chroma mode with the least difference and rate.
    pub(super) fn best_chroma(
        &self,
        edges: &AllEdges<'_>,
        bench: &Bench<'_>,
        room: &mut Room,
    ) -> IntraMode {
        let cost = |mode: &IntraMode| {
            let mut target = room.trial.target();
            self.predict_chroma(*mode, edges, &mut target);
            let satd = |plane| bench.satd(BlockShape::S8x8, plane, &room.trial.cell);
            let rate = self.intra_rate(LumaMode::Intra(IntraMode::Dc), *mode);
            satd(1) + satd(2) + self.lambda.sad_of(rate)
        };
        let modes = INTRA_MODES.into_iter();
        modes.min_by_key(cost).unwrap_or(IntraMode::Dc)
    }
}

impl Bench<'_> {
    /// Transformed differences of a plane of a cell from the source.
    pub fn satd(&self, shape: BlockShape, plane: usize, cell: &[u8]) -> u32 {
        let (at, stride) = (self.spot.at[plane], self.spot.stride[plane]);
        let to = CELL_AT[plane];
        self.dsp.satd(
            shape,
            &self.source.samples,
            at,
            stride,
            cell,
            to,
            CELL_STRIDE,
        )
    }
}
