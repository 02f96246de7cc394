// SPDX-License-Identifier: MIT OR Apache-2.0
//! One way to code a macroblock: its prediction, levels, reconstruction and
//! what they cost.

use super::cost::TokenCosts;
use super::quant::{trellis, Lambda, Quantisers, Weighed, DISTORTION};
use super::tokens::{order, Levels, Place, CHROMA};
use crate::dsp::{BlockShape, Dsp};
use crate::vp8::frame::{Frame, Target};
use crate::vp8::modes::{LumaMode, Macroblock, Parts};
use crate::vp8::residual;
use crate::vp8::tokens::{Context, Residual, Y2};

/// Samples of a macroblock: luma, then U and V side by side, 16 to a row.
pub(crate) const CELL: usize = 16 * 24;
/// Where each plane begins.
pub(crate) const CELL_AT: [usize; 3] = [0, 256, 264];
/// From one row to the next.
pub(crate) const CELL_STRIDE: usize = 16;
/// Sum of the ends of blocks up to which a macroblock may be better off
/// without levels.
const FEW_LEVELS: u32 = 12;

/// One way to code a macroblock.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub block: Macroblock,
    pub parts: Parts,
    pub levels: Levels,
    /// Prediction, then reconstruction.
    pub cell: [u8; CELL],
    /// Sum of distortion and rate.
    pub cost: i64,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            block: Macroblock::OUTSIDE,
            parts: Parts::NONE,
            levels: Levels::default(),
            cell: [0; CELL],
            cost: i64::MAX,
        }
    }
}

/// Where a macroblock lies in a frame's planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub at: [usize; 3],
    pub stride: [usize; 3],
}

impl Spot {
    pub fn new(frame: &Frame, (x, y): (usize, usize)) -> Self {
        let layouts = [0, 1, 2].map(|plane| frame.geometry.plane(plane));
        Self {
            at: [
                layouts[0].row(16 * y) + 16 * x,
                layouts[1].row(8 * y) + 8 * x,
                layouts[2].row(8 * y) + 8 * x,
            ],
            stride: layouts.map(|layout| layout.stride),
        }
    }
}

/// What trials of a macroblock have in common.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub dsp: &'static Dsp,
    pub source: &'a Frame,
    pub spot: Spot,
    pub quantisers: &'a Quantisers,
    pub costs: &'a TokenCosts,
    pub lambda: Lambda,
    /// Contexts above and to the left.
    pub above: Context,
    pub left: Context,
    /// Costs of the flag that there are coefficients, and that there are none.
    pub skip: [u32; 2],
}

/// Coefficients of a macroblock, block by block.
pub(crate) type Coefficients = [i16; 400];

impl Bench<'_> {
    /// The levels of a block, each weighed against its bits; gives their end.
    #[inline(always)]
    pub fn weigh(
        &self,
        coeffs: &[i16; 16],
        place: Place,
        context: usize,
        levels: &mut [i16; 16],
    ) -> usize {
        let quantiser = self.quantisers.nearest(place.kind);
        let end = self.dsp.quantise(coeffs, quantiser, levels);
        let block = Weighed {
            coeffs,
            place,
            context,
            quantiser,
            costs: self.costs,
            lambda: match place.kind {
                CHROMA => self.lambda.of_chroma(),
                _ => self.lambda,
            },
        };
        trellis(&block, levels, end)
    }
}

impl Trial {
    /// The macroblock's planes.
    pub fn target(&mut self) -> Target<'_> {
        Target {
            samples: &mut self.cell,
            at: CELL_AT,
            stride: [CELL_STRIDE; 3],
        }
    }

    /// Squared differences from the source, in sixteenths.
    pub fn distortion(&self, bench: &Bench<'_>) -> i64 {
        let (dsp, source, spot) = (bench.dsp, &bench.source.samples, bench.spot);
        let sse = |shape, plane: usize| {
            let (a, at) = (spot.at[plane], CELL_AT[plane]);
            let stride = spot.stride[plane];
            i64::from(dsp.sse(shape, source, a, stride, &self.cell, at, CELL_STRIDE))
        };
        DISTORTION
            * (sse(BlockShape::S16x16, 0) + sse(BlockShape::S8x8, 1) + sse(BlockShape::S8x8, 2))
    }

    /// Transforms the difference of source and prediction.
    fn transform(&self, bench: &Bench<'_>) -> Coefficients {
        let (dsp, source, spot) = (bench.dsp, &bench.source.samples, bench.spot);
        let mut coeffs = [0; 400];
        let (to, _) = coeffs.as_chunks_mut::<64>();
        if self.block.luma != LumaMode::Subblocks {
            let (at, stride) = (spot.at[0], spot.stride[0]);
            let mut luma = [0; 256];
            dsp.residual_16x16(source, at, stride, &self.cell, 0, CELL_STRIDE, &mut luma);
            let (from, _) = luma.as_chunks::<64>();
            for (from, to) in from.iter().zip(&mut *to) {
                dsp.fdct_x4(from, to);
            }
        }
        for plane in 1..3 {
            let mut chroma = [0; 64];
            dsp.residual_8x8(
                source,
                spot.at[plane],
                spot.stride[plane],
                &self.cell,
                CELL_AT[plane],
                CELL_STRIDE,
                &mut chroma,
            );
            dsp.fdct_x4(&chroma, &mut to[3 + plane]);
        }
        if self.block.has_y2() {
            let (blocks, _) = coeffs.as_chunks_mut::<16>();
            let dcs = std::array::from_fn(|n| std::mem::take(&mut blocks[n][0]));
            blocks[Y2] = dsp.fwht(&dcs);
        }
        coeffs
    }

    /// Finds the levels and the cost; `mode_rate` is what modes and vectors
    /// cost. With `thorough`, levels are weighed against their bits one by one.
    ///
    /// Luma that is predicted subblock by subblock is coded already.
    pub fn code(&mut self, bench: &Bench<'_>, mode_rate: u32, thorough: bool) {
        self.quantise(bench, thorough);
        let plain = self.distortion(bench);
        self.cost = plain + bench.lambda.of(mode_rate + bench.skip[1]);
        if self.block.skip {
            return;
        }
        let rate = mode_rate + self.token_rate(bench) + bench.skip[0];
        self.reconstruct_or_skip(bench, rate);
    }

    /// Finds the levels of a macroblock whose modes are given.
    pub fn settle(&mut self, bench: &Bench<'_>) {
        self.quantise(bench, true);
        if self.block.skip {
            return;
        }
        // Only few levels may be worth less than what they cost together.
        let ends = self.levels.ends.iter();
        if ends.map(|&end| u32::from(end)).sum::<u32>() > FEW_LEVELS {
            return self.reconstruct(bench);
        }
        self.cost = self.distortion(bench) + bench.lambda.of(bench.skip[1]);
        let rate = self.token_rate(bench) + bench.skip[0];
        self.reconstruct_or_skip(bench, rate);
    }

    /// Reconstructs, unless going without levels, at `self.cost`, is better.
    fn reconstruct_or_skip(&mut self, bench: &Bench<'_>, rate: u32) {
        let prediction = self.cell;
        self.reconstruct(bench);
        let coded = self.distortion(bench) + bench.lambda.of(rate);
        if coded <= self.cost || self.block.luma == LumaMode::Subblocks {
            self.cost = coded;
            return;
        }
        self.cell = prediction;
        self.levels.ends = [0; 25];
        self.block.skip = true;
    }

    /// Levels of all coefficients, and whether there are none.
    fn quantise(&mut self, bench: &Bench<'_>, thorough: bool) {
        let coeffs = self.transform(bench);
        let (mut above, mut left) = (bench.above, bench.left);
        let (blocks, _) = coeffs.as_chunks::<16>();
        let mut any = 0;
        self.levels.ends[Y2] = 0;
        for place in order(self.block.has_y2()) {
            let context = usize::from(above[place.above] + left[place.left]);
            let levels = &mut self.levels.blocks[place.block];
            let coeffs = &blocks[place.block];
            let end = if self.block.luma == LumaMode::Subblocks && place.block < 16 {
                usize::from(self.levels.ends[place.block])
            } else if thorough {
                bench.weigh(coeffs, place, context, levels)
            } else {
                let quantiser = bench.quantisers.kind(place.kind);
                bench.dsp.quantise(coeffs, quantiser, levels)
            };
            self.levels.ends[place.block] = end as u8;
            let own = u8::from(end > 0);
            (above[place.above], left[place.left]) = (own, own);
            any |= end;
        }
        self.block.skip = any == 0;
    }

    /// What the tokens cost.
    fn token_rate(&self, bench: &Bench<'_>) -> u32 {
        let (mut above, mut left) = (bench.above, bench.left);
        let mut rate = 0;
        for place in order(self.block.has_y2()) {
            let context = usize::from(above[place.above] + left[place.left]);
            let levels = &self.levels.blocks[place.block];
            let end = usize::from(self.levels.ends[place.block]);
            let (kind, first) = (place.kind, place.first);
            rate += bench.costs.block(kind, first, context, levels, end);
            let own = u8::from(end > 0);
            (above[place.above], left[place.left]) = (own, own);
        }
        rate
    }

    /// Adds what a decoder makes of the levels to the prediction.
    fn reconstruct(&mut self, bench: &Bench<'_>) {
        let mut decoded = Residual::default();
        for place in order(self.block.has_y2()) {
            let end = self.levels.ends[place.block];
            if end > 0 {
                let step = bench.quantisers.kind(place.kind).step();
                let levels = &self.levels.blocks[place.block];
                *decoded.block(place.block) = bench.dsp.dequantise(levels, step);
                decoded.ends[place.block] = end;
            }
        }
        let mut target = Target {
            samples: &mut self.cell,
            at: CELL_AT,
            stride: [CELL_STRIDE; 3],
        };
        residual::add(bench.dsp, &mut decoded, self.block.luma, &mut target);
    }

    /// Puts the reconstruction where it belongs.
    pub fn store(&self, frame: &mut Frame, at: (usize, usize)) {
        let spot = Spot::new(frame, at);
        for (plane, cell) in CELL_AT.into_iter().enumerate() {
            let size = if plane == 0 { 16 } else { 8 };
            for row in 0..size {
                let from = cell + row * CELL_STRIDE;
                let to = spot.at[plane] + row * spot.stride[plane];
                frame.samples[to..to + size].copy_from_slice(&self.cell[from..from + size]);
            }
        }
    }
}
