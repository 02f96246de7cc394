// SPDX-License-Identifier: MIT OR Apache-2.0
//! Candidates that are predicted from other frames.

use super::cost::cost_of;
use super::decide::{Around, Candidate, Decider, Room};
use super::modes::{part_size, sub_vector, Predicted};
use super::search::{Found, Search};
use crate::dsp::BlockShape;
use crate::vp8::bool_coder::BoolSink;
use crate::vp8::modes::{LumaMode, Macroblock, Parts, Split};
use crate::vp8::mv::Mv;

/// A found vector of a whole macroblock, and how its reference predicts.
#[derive(Clone, Copy)]
struct Whole {
    reference: u8,
    predicted: Predicted,
    found: Found,
}

impl<'a> Decider<'a> {
    /// Adds inter candidates of every usable reference.
    pub(super) fn inter_candidates(&self, around: &Around<'_>, room: &mut Room) {
        let mut best: Option<Whole> = None;
        for reference in 1..=3 {
            if !self.usable[usize::from(reference) - 1] {
                continue;
            }
            let whole = self.whole(around, reference, room);
            if best.is_none_or(|best| whole.found.cost < best.found.cost) {
                best = Some(whole);
            }
        }
        if let Some(best) = best {
            self.splits(around, &best, room);
        }
    }

    fn search(&self, around: &Around<'_>, reference: u8, best: Mv) -> Option<Search<'_>> {
        let (x, y) = around.at;
        Some(Search {
            dsp: self.dsp,
            source: self.source,
            reference: self.inter.as_ref()?.references[usize::from(reference) - 1],
            costs: self.mv_costs,
            lambda: self.lambda,
            at: (16 * x, 16 * y),
            shape: BlockShape::S16x16,
            best,
        })
    }

    /// Adds the candidates of one vector; gives the best vector.
    fn whole(&self, around: &Around<'_>, reference: u8, room: &mut Room) -> Whole {
        let predicted = Predicted::at(around.field, around.at, reference);
        let mut whole = Whole {
            reference,
            predicted,
            found: Found {
                mv: Mv::ZERO,
                cost: u32::MAX,
            },
        };
        let Some(search) = self.search(around, reference, predicted.best) else {
            return whole;
        };
        let found = search.run(&self.starts(around, &predicted), self.effort.search);
        let mut tried: [Option<Mv>; 4] = [None; 4];
        let list = [Mv::ZERO, predicted.nearest, predicted.near, found.mv];
        for (n, mv) in list.into_iter().enumerate() {
            if tried.contains(&Some(mv)) || !search.may_use(mv) {
                continue;
            }
            tried[n] = Some(mv);
            if n == 3 && found.cost == u32::MAX {
                continue;
            }
            let (block, parts) = Macroblock::by_vector(reference, mv);
            let rate = self.inter_rate(around, &predicted, &block, &parts);
            let estimate = search.difference(mv) + self.lambda.sad_of(rate);
            if estimate < whole.found.cost {
                whole.found = Found { mv, cost: estimate };
            }
            room.candidates.push(Candidate {
                block,
                parts,
                rate,
                estimate,
            });
        }
        whole
    }

    /// Vectors to start a search from.
    fn starts(&self, around: &Around<'_>, predicted: &Predicted) -> Vec<Mv> {
        let (x, y) = around.at;
        let mut starts = vec![predicted.best, Mv::ZERO, predicted.nearest, predicted.near];
        if let Some(before) = self.before {
            let geometry = before.geometry();
            starts.push(before.block(x, y).0.mv);
            if x + 1 < geometry.mb_cols {
                starts.push(before.block(x + 1, y).0.mv);
            }
            if y + 1 < geometry.mb_rows {
                starts.push(before.block(x, y + 1).0.mv);
            }
        }
        starts
    }

    /// Cost of coding that a macroblock is inter, its reference and vectors.
    pub(super) fn inter_rate(
        &self,
        around: &Around<'_>,
        predicted: &Predicted,
        block: &Macroblock,
        parts: &Parts,
    ) -> u32 {
        cost_of(|cost| {
            cost.bool(self.coding.intra_prob, true);
            self.coding.reference(cost, block.reference);
            self.coding
                .vectors(cost, around.field, around.at, predicted, block, parts);
        })
    }

    /// Adds the best of the ways to split a macroblock.
    fn splits(&self, around: &Around<'_>, whole: &Whole, room: &mut Room) {
        let limit = whole.found.cost;
        let mut seeds = [whole.found.mv; 4];
        let mut least = u32::MAX;
        for &split in self.effort.splits {
            if split == Split::Sixteenths && least > limit + limit / 8 {
                continue;
            }
            let candidate = self.split(around, whole, split, &seeds);
            let Some(candidate) = candidate else {
                continue;
            };
            if split == Split::Quarters {
                seeds = [0, 2, 8, 10].map(|n| candidate.parts.mvs[n]);
            }
            least = least.min(candidate.estimate);
            room.candidates.push(candidate);
        }
    }

    /// Vectors for the parts of a split, one after the other.
    fn split(
        &self,
        around: &Around<'_>,
        whole: &Whole,
        split: Split,
        seeds: &[Mv; 4],
    ) -> Option<Candidate> {
        let (width, height) = part_size(split);
        let best = whole.predicted.best;
        let mut search = self.search(around, whole.reference, best)?;
        search.shape = match split {
            Split::TopBottom => BlockShape::S16x8,
            Split::LeftRight => BlockShape::S8x16,
            Split::Quarters => BlockShape::S8x8,
            Split::Sixteenths => BlockShape::S4x4,
        };
        let (x, y) = around.at;
        let (above, left) = around.field.around(x, y);
        let mut parts = Parts::NONE;
        let mut differences = 0;
        for row in (0..4).step_by(height) {
            for col in (0..4).step_by(width) {
                search.at = (16 * x + 4 * col, 16 * y + 4 * row);
                let around = sub_vector(&above.mvs, &left.mvs, &parts.mvs, row, col);
                let seed = seeds[row / 2 * 2 + col / 2];
                let part = self.part(&search, around.left, around.above, seed, best)?;
                differences += part.1;
                for row in row..row + height {
                    parts.mvs[4 * row + col..4 * row + col + width].fill(part.0);
                }
            }
        }
        // All alike, it is no split.
        if parts.mvs[1..].iter().all(|mv| *mv == parts.mvs[0]) {
            return None;
        }
        let block = Macroblock {
            luma: LumaMode::Split(split),
            reference: whole.reference,
            mv: parts.mvs[15],
            ..Macroblock::OUTSIDE
        };
        let rate = self.inter_rate(around, &whole.predicted, &block, &parts);
        Some(Candidate {
            block,
            parts,
            rate,
            estimate: differences + self.lambda.sad_of(rate),
        })
    }

    /// The best vector of a part, and its differences alone.
    fn part(
        &self,
        search: &Search<'_>,
        left: Mv,
        above: Mv,
        seed: Mv,
        best: Mv,
    ) -> Option<(Mv, u32)> {
        let probs = &self.coding.probabilities.mv;
        let mut found: Option<(Mv, u32, u32)> = None;
        let consider = |found: &mut Option<(Mv, u32, u32)>, mv: Mv| {
            let difference = search.difference(mv);
            let vector = super::modes::SubVector { mv, left, above };
            let rate = cost_of(|cost| vector.write(cost, probs, best));
            let cost = difference + self.lambda.sad_of(rate);
            if found.is_none_or(|(_, _, least)| cost < least) {
                *found = Some((mv, difference, cost));
            }
        };
        let mut known = [left, above, Mv::ZERO]
            .into_iter()
            .filter(|mv| search.may_use(*mv));
        let mut tried = [None; 3];
        for (n, mv) in known.by_ref().enumerate() {
            if !tried.contains(&Some(mv)) {
                tried[n] = Some(mv);
                consider(&mut found, mv);
            }
        }
        let effort = super::search::Effort {
            reach: 2,
            ..self.effort.search
        };
        let new = search.run(&[seed, left, above], effort);
        if new.cost < u32::MAX && !tried.contains(&Some(new.mv)) {
            consider(&mut found, new.mv);
        }
        found.map(|(mv, difference, _)| (mv, difference))
    }
}
