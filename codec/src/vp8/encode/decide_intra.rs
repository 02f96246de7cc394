// SPDX-License-Identifier: MIT OR Apache-2.0
//! Luma predicted subblock by subblock.

use super::cost::cost_of;
use super::decide::{AllEdges, Around, Decider, Room};
use super::modes::subblock_mode;
use super::quant::DISTORTION;
use super::tokens::{Place, LUMA};
use super::trial::{Bench, Trial, CELL_AT, CELL_STRIDE};
use crate::dsp::{BlockShape, SubMode};
use crate::vp8::frame::Target;
use crate::vp8::modes::{LumaMode, Macroblock, Parts};
use crate::vp8::predict::intra::{each_subblock, Edges, SubEdges};
use crate::vp8::tables::{KEY_SUBBLOCK_MODE_PROBS, SUBBLOCK_MODE_PROBS};

/// A subblock coded in one way.
#[derive(Clone, Copy)]
struct Coded {
    mode: SubMode,
    levels: [i16; 16],
    end: usize,
    samples: [u8; 16],
    cost: i64,
    mode_rate: u32,
}

/// A subblock's surroundings.
struct Sub<'a> {
    around: &'a SubEdges,
    block: usize,
    /// In the source.
    at: usize,
    stride: usize,
    /// Context of its tokens.
    context: usize,
}

impl Decider<'_> {
    /// Tries luma by subblocks, and keeps it where it is the best so far.
    pub(super) fn subblocks(
        &self,
        around: &Around<'_>,
        edges: &AllEdges<'_>,
        bench: &Bench<'_>,
        room: &mut Room,
    ) {
        let chroma = match room.best.block.reference {
            0 if room.best.cost < i64::MAX => room.best.block.chroma,
            _ => self.best_chroma(edges, bench, room),
        };
        let trial = &mut room.trial;
        trial.block = Macroblock {
            luma: LumaMode::Subblocks,
            chroma,
            ..Macroblock::OUTSIDE
        };
        trial.parts = Parts::NONE;
        let (mut rate, mut cost) = (self.intra_rate(LumaMode::Subblocks, chroma), 0);
        let limit = room.best.cost;
        trial.each_subblock(bench, &edges.luma, |sub, own| {
            // What is too dear already need not be finished.
            if cost >= limit {
                return None;
            }
            let rates = self.mode_rates(around, own, sub.block);
            let coded = self.subblock(sub, &rates, bench);
            rate += coded.mode_rate;
            cost += coded.cost;
            Some(coded)
        });
        if cost >= limit {
            return;
        }
        self.predict(trial, around.at, edges);
        trial.code(bench, rate, self.effort.thorough);
        if trial.cost < room.best.cost {
            std::mem::swap(&mut room.best, &mut room.trial);
        }
    }

    /// Costs of a subblock's modes.
    fn mode_rates(&self, around: &Around<'_>, own: &[SubMode; 16], block: usize) -> [u32; 10] {
        let probs = if self.coding.key {
            let (above, left) = around.field.around(around.at.0, around.at.1);
            let above = match block {
                0..4 => above.modes[block + 12],
                _ => own[block - 4],
            };
            let left = match block % 4 {
                0 => left.modes[block + 3],
                _ => own[block - 1],
            };
            &KEY_SUBBLOCK_MODE_PROBS[above as usize][left as usize]
        } else {
            &SUBBLOCK_MODE_PROBS
        };
        SubMode::ALL.map(|mode| cost_of(|cost| subblock_mode(cost, probs, mode)))
    }

    /// The best way to code a subblock.
    fn subblock(&self, sub: &Sub<'_>, rates: &[u32; 10], bench: &Bench<'_>) -> Coded {
        let source = &bench.source.samples;
        let mut modes = SubMode::ALL.map(|mode| {
            let mut samples = [0; 16];
            let (above, left) = (&sub.around.above, &sub.around.left);
            let corner = sub.around.corner;
            bench
                .dsp
                .intra_4x4(mode, above, left, corner, &mut samples, 0, 4);
            let satd = bench
                .dsp
                .satd(BlockShape::S4x4, source, sub.at, sub.stride, &samples, 0, 4);
            let rate = rates[mode as usize];
            (satd + bench.lambda.sad_of(rate), mode, samples)
        });
        modes.sort_unstable_by_key(|&(estimate, mode, _)| (estimate, mode as u8));
        let tried = modes.iter().take(self.effort.sub_trials.max(1));
        let coded = tried.map(|&(_, mode, samples)| {
            sub.code(
                bench,
                (mode, rates[mode as usize]),
                samples,
                self.effort.thorough,
            )
        });
        match coded.min_by_key(|coded| coded.cost) {
            Some(coded) => coded,
            None => unreachable!("one mode at least is tried"),
        }
    }
}

impl Sub<'_> {
    /// Codes the subblock by a mode of that rate, whose prediction is `samples`.
    fn code(
        &self,
        bench: &Bench<'_>,
        (mode, mode_rate): (SubMode, u32),
        mut samples: [u8; 16],
        thorough: bool,
    ) -> Coded {
        let (dsp, source) = (bench.dsp, &bench.source.samples);
        let (mut residual, mut coeffs, mut levels) = ([0; 16], [0; 16], [0; 16]);
        dsp.residual_4x4(source, self.at, self.stride, &samples, 0, 4, &mut residual);
        dsp.fdct(&residual, &mut coeffs);
        let place = Place {
            block: self.block,
            kind: LUMA,
            first: 0,
            above: 0,
            left: 0,
        };
        let quantiser = bench.quantisers.kind(LUMA);
        let end = if thorough {
            bench.weigh(&coeffs, place, self.context, &mut levels)
        } else {
            dsp.quantise(&coeffs, quantiser, &mut levels)
        };
        let tokens = bench.costs.block(LUMA, 0, self.context, &levels, end);
        // As the decoder does it: a lone first coefficient has its own way.
        let decoded = dsp.dequantise(&levels, quantiser.step());
        match end {
            0 => {}
            1 => dsp.idct_dc_add(decoded[0], &mut samples, 0, 4),
            _ => dsp.idct_add(&decoded, &mut samples, 0, 4),
        }
        let squares = dsp.sse(
            BlockShape::S4x4,
            source,
            self.at,
            self.stride,
            &samples,
            0,
            4,
        );
        Coded {
            mode,
            levels,
            end,
            samples,
            cost: DISTORTION * i64::from(squares) + bench.lambda.of(mode_rate + tokens),
            mode_rate,
        }
    }
}

impl Coded {
    /// Puts the samples where they belong in a cell.
    fn put(&self, cell: &mut [u8], at: usize) {
        for (row, line) in self.samples.chunks_exact(4).enumerate() {
            let at = at + row * CELL_STRIDE;
            cell[at..at + 4].copy_from_slice(line);
        }
    }
}

impl Trial {
    /// Predicts and codes luma by the modes that its subblocks have.
    pub fn code_subblocks(&mut self, bench: &Bench<'_>, edges: &Edges<'_, 16>) {
        self.each_subblock(bench, edges, |sub, own| {
            let mode = own[sub.block];
            let mut predicted = [0; 16];
            let (above, left, corner) = (&sub.around.above, &sub.around.left, sub.around.corner);
            bench
                .dsp
                .intra_4x4(mode, above, left, corner, &mut predicted, 0, 4);
            Some(sub.code(bench, (mode, 0), predicted, true))
        });
    }

    /// Codes subblock after subblock as `code` says, given each and the modes so
    /// far; what it leaves out is left as it is.
    fn each_subblock(
        &mut self,
        bench: &Bench<'_>,
        edges: &Edges<'_, 16>,
        mut code: impl FnMut(&Sub<'_>, &[SubMode; 16]) -> Option<Coded>,
    ) {
        let (mut above, mut left) = (bench.above, bench.left);
        let (parts, levels) = (&mut self.parts, &mut self.levels);
        let mut target = Target {
            samples: &mut self.cell,
            at: CELL_AT,
            stride: [CELL_STRIDE; 3],
        };
        each_subblock(edges, &mut target, |around, samples, block, at| {
            let (row, col) = (block / 4, block % 4);
            let sub = Sub {
                around,
                block,
                at: bench.spot.at[0] + 4 * row * bench.spot.stride[0] + 4 * col,
                stride: bench.spot.stride[0],
                context: usize::from(above[col] + left[row]),
            };
            let Some(coded) = code(&sub, &parts.modes) else {
                return;
            };
            coded.put(samples, at);
            parts.modes[block] = coded.mode;
            levels.blocks[block] = coded.levels;
            levels.ends[block] = coded.end as u8;
            let any = u8::from(coded.end > 0);
            (above[col], left[row]) = (any, any);
        });
    }
}
