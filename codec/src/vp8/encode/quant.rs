// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation with an eye on the bits that levels cost.

use super::cost::{token_of, TokenCosts, END};
use super::tokens::{Place, SECOND_ORDER};
use crate::dsp::Quantiser;
use crate::vp8::quant::{Quantizer, Steps};
use crate::vp8::tables::ZIGZAG;

/// Distortion is counted in sixteenths of a squared sample difference.
pub(crate) const DISTORTION: i64 = 16;

/// How much more bits weigh against absolute differences than the root of what
/// they weigh against squared ones: differences that vectors and modes save are
/// in part such that levels would not have coded. Without it the candidates that
/// are coded in full are those with the least differences and costly vectors;
/// tears-of-steel took 7 % more bits (docs/results.md).
const SAD_SCALE: f64 = 2.0;

/// What a bit is worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lambda {
    /// Distortion, in sixteenths, that one bit outweighs.
    pub rate: i64,
    /// Absolute differences that one bit outweighs, in 1/256.
    pub sad: u32,
}

impl Lambda {
    /// For coefficients with an AC step of `step` (in VP8's scale, in which
    /// steps are twice as wide as differences of samples).
    pub fn new(step: i32, scale: f64) -> Self {
        let squares = scale * f64::from(step * step);
        Self {
            rate: ((squares * DISTORTION as f64) as i64).max(1),
            sad: (SAD_SCALE * squares.sqrt() * 256.0) as u32,
        }
    }

    /// For levels of chroma: bits weigh half as much. Else bits that are saved
    /// there, where four blocks in a macroblock have few levels each, cost more
    /// of SSIM than the same bits give luma (docs/results.md).
    pub fn of_chroma(self) -> Self {
        Self {
            rate: (self.rate / 2).max(1),
            ..self
        }
    }

    /// One that weighs rates `scale` times as much.
    pub fn scaled(self, scale: f64) -> Self {
        Self {
            rate: ((self.rate as f64 * scale) as i64).max(1),
            sad: (f64::from(self.sad) * scale.sqrt()) as u32,
        }
    }

    /// Distortion that a rate outweighs, in 1/256 bit.
    #[inline(always)]
    pub const fn of(&self, rate: u32) -> i64 {
        (rate as i64 * self.rate) >> 8
    }

    /// Absolute differences that a rate outweighs, in 1/256 bit.
    #[inline(always)]
    pub const fn sad_of(&self, rate: u32) -> u32 {
        ((rate as u64 * self.sad as u64) >> 16) as u32
    }
}

/// The quantisers of one segment of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Quantisers {
    /// By kind: luma without DC, second-order luma, chroma, luma.
    kinds: [Quantiser; 4],
    /// To the nearest level.
    nearest: [Quantiser; 4],
    pub steps: Quantizer,
}

impl Quantisers {
    /// `round` is what is added before a division, `dead` the size below which
    /// a coefficient counts as none, both in 1/128 of a step.
    pub fn new(steps: Quantizer, round: i32, dead: i32) -> Self {
        let make = |steps: Steps, round: i32, dead: i32| {
            let table = |f: &dyn Fn(i32) -> i32| {
                std::array::from_fn(|i| f(if i == 0 { steps.dc } else { steps.ac }) as i16)
            };
            Quantiser::new(
                table(&|step| step),
                table(&|step| (step * round) >> 7),
                table(&|step| (step * dead) >> 7),
            )
        };
        Self {
            kinds: [
                make(steps.y, round, dead),
                make(steps.y2, round + 8, dead - 8),
                make(steps.uv, round, dead),
                make(steps.y, round, dead),
            ],
            nearest: [steps.y, steps.y2, steps.uv, steps.y].map(|steps| make(steps, 64, 0)),
            steps,
        }
    }

    #[inline(always)]
    pub fn kind(&self, kind: usize) -> &Quantiser {
        &self.kinds[kind]
    }

    #[inline(always)]
    pub fn nearest(&self, kind: usize) -> &Quantiser {
        &self.nearest[kind]
    }
}

/// Candidates of one position.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Context before it.
    from: u8,
    level: u16,
}

/// Far more than anything costs, and far from overflowing.
const NEVER: i64 = i64::MAX / 4;

/// A block whose levels are to be found.
#[derive(Clone, Copy)]
pub(crate) struct Weighed<'a> {
    pub coeffs: &'a [i16; 16],
    pub place: Place,
    pub context: usize,
    pub quantiser: &'a Quantiser,
    pub costs: &'a TokenCosts,
    pub lambda: Lambda,
}

/// The levels of a block with the least sum of distortion and rate, by
/// dynamic programming over the contexts of tokens; returns their end.
///
/// Each coefficient may have the level nearest to it, the one below, or none.
/// `levels` are the nearest ones, and end at `nearest_end`.
#[inline(always)]
pub(crate) fn trellis(block: &Weighed<'_>, levels: &mut [i16; 16], nearest_end: usize) -> usize {
    if nearest_end <= block.place.first {
        return 0;
    }
    weigh(block, levels, nearest_end - 1)
}

fn weigh(block: &Weighed<'_>, levels: &mut [i16; 16], last: usize) -> usize {
    let first = block.place.first;
    let nearest = std::mem::take(levels);
    let mut steps = [[Step::default(); 3]; 16];
    let mut now = [NEVER; 3];
    now[block.context] = 0;
    let mut best = block.end_cost(first, block.context);
    let mut end = None;
    for position in first..=last {
        let top = nearest[usize::from(ZIGZAG[position])].unsigned_abs();
        now = block.advance(position, u32::from(top), &now, &mut steps[position]);
        for (context, &cost) in now.iter().enumerate().skip(1) {
            let cost = cost + block.end_cost(position + 1, context);
            if cost < best {
                (best, end) = (cost, Some((position, context)));
            }
        }
    }
    let Some((position, mut context)) = end else {
        return 0;
    };
    for p in (first..=position).rev() {
        let Step { from, level } = steps[p][context];
        let at = usize::from(ZIGZAG[p]);
        let level = level as i16;
        levels[at] = if block.coeffs[at] < 0 { -level } else { level };
        context = usize::from(from);
    }
    position + 1
}

impl Weighed<'_> {
    /// Cost of ending the block in front of `position`.
    #[inline(always)]
    fn end_cost(&self, position: usize, context: usize) -> i64 {
        match position {
            16.. => 0,
            _ => {
                let tokens = self.costs.tokens(self.place.kind);
                self.lambda.of(u32::from(tokens[position][context][END]))
            }
        }
    }

    /// Least costs up to `position`, by the context that each leaves, from those
    /// up to the one before. `top` is the nearest level.
    #[inline(always)]
    fn advance(
        &self,
        position: usize,
        top: u32,
        now: &[i64; 3],
        steps: &mut [Step; 3],
    ) -> [i64; 3] {
        let (kind, first) = (self.place.kind, self.place.first);
        let (tokens, more) = (self.costs.tokens(kind), self.costs.more(kind));
        // A difference of samples is half as large as one of coefficients, and a
        // quarter of one of second-order coefficients.
        let weight = if kind == SECOND_ORDER { 1 } else { 4 };
        let at = usize::from(ZIGZAG[position]);
        let size = i64::from(self.coeffs[at].unsigned_abs());
        let width = i64::from(self.quantiser.step()[at]);
        let mut next = [NEVER; 3];
        let mut level = top;
        loop {
            let left = size - i64::from(level) * width;
            let distortion = weight * (left * left - size * size);
            let (token, _) = token_of(level);
            let (to, extra) = (token.min(2), self.costs.extra(level));
            for (from, &cost) in now.iter().enumerate() {
                let mut rate = u32::from(tokens[position][from][token]) + extra;
                if from == 0 && position > first {
                    rate -= u32::from(more[position][0]);
                }
                let cost = cost + distortion + self.lambda.of(rate);
                if cost < next[to] {
                    next[to] = cost;
                    steps[to] = Step {
                        from: from as u8,
                        level: level as u16,
                    };
                }
            }
            match level {
                0 => return next,
                _ if level == top => level -= 1,
                _ => level = 0,
            }
        }
    }
}
