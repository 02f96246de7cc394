// SPDX-License-Identifier: MIT OR Apache-2.0
//! The probabilities that fit a frame's modes and vectors, where sending them
//! costs less than they save.

use super::field::Field;
use super::modes::{chroma_path, intra_luma_path, ModeCoding, Predicted, SubVectors};
use super::tokens::{better_prob, counts_cost, fitting_prob};
use crate::vp8::modes::{LumaMode, Macroblock};
use crate::vp8::mv::{component, Mv};
use crate::vp8::tables::MV_UPDATE_PROBS;

/// How often each boolean of modes and vectors went either way.
#[derive(Clone, Debug, Default)]
struct Counts {
    skip: [u32; 2],
    intra: [u32; 2],
    last: [u32; 2],
    golden: [u32; 2],
    luma: [[u32; 2]; 4],
    chroma: [[u32; 2]; 3],
    mv: [[[u32; 2]; 19]; 2],
}

impl Counts {
    fn of(field: &Field, key: bool) -> Self {
        let mut counts = Self::default();
        let geometry = field.geometry();
        for y in 0..geometry.mb_rows {
            for x in 0..geometry.mb_cols {
                let (block, _) = field.block(x, y);
                counts.skip[usize::from(block.skip)] += 1;
                if !key {
                    counts.macroblock(field, (x, y), block);
                }
            }
        }
        counts
    }

    fn macroblock(&mut self, field: &Field, at: (usize, usize), block: &Macroblock) {
        self.intra[usize::from(block.reference > 0)] += 1;
        if block.reference == 0 {
            for (node, bit) in intra_luma_path(block.luma) {
                self.luma[node][usize::from(bit)] += 1;
            }
            for (node, bit) in chroma_path(block.chroma) {
                self.chroma[node][usize::from(bit)] += 1;
            }
            return;
        }
        self.last[usize::from(block.reference > 1)] += 1;
        if block.reference > 1 {
            self.golden[usize::from(block.reference == 3)] += 1;
        }
        let predicted = Predicted::at(field, at, block.reference);
        match block.luma {
            LumaMode::Split(split) => {
                let (_, parts) = field.block(at.0, at.1);
                let new = SubVectors::of(field, at, split, parts).filter(|part| part.is_new());
                for part in new {
                    self.vector(part.mv.minus(predicted.best));
                }
            }
            LumaMode::Whole if block.mv != predicted.nearest && block.mv != predicted.near => {
                self.vector(block.mv.minus(predicted.best));
            }
            _ => {}
        }
    }

    fn vector(&mut self, difference: Mv) {
        component(difference.row, |n, bit| {
            self.mv[0][n][usize::from(bit)] += 1
        });
        component(difference.col, |n, bit| {
            self.mv[1][n][usize::from(bit)] += 1
        });
    }
}

/// Fits what codes modes and vectors to `field`.
pub(crate) fn fit(coding: &mut ModeCoding, field: &Field) {
    let counts = Counts::of(field, coding.key);
    coding.skip_prob = skip_prob(counts.skip);
    if coding.key {
        return;
    }
    coding.intra_prob = fitting_prob(counts.intra);
    coding.last_prob = fitting_prob(counts.last);
    coding.golden_prob = fitting_prob(counts.golden);
    let probabilities = &mut coding.probabilities;
    fit_table(&mut probabilities.luma_modes, &counts.luma);
    fit_table(&mut probabilities.chroma_modes, &counts.chroma);
    for (component, (probs, updates)) in probabilities
        .mv
        .iter_mut()
        .zip(&MV_UPDATE_PROBS)
        .enumerate()
    {
        for (n, (prob, &update)) in probs.iter_mut().zip(updates).enumerate() {
            // Sent in 7 bits, without the lowest.
            let counts = counts.mv[component][n];
            let new = (fitting_prob(counts) & !1).max(1);
            *prob = better_prob(*prob, new, counts, update, 7);
        }
    }
}

/// The flag is left out where all macroblocks have coefficients.
fn skip_prob(counts: [u32; 2]) -> Option<u8> {
    (counts[1] > 0).then(|| fitting_prob(counts))
}

/// Probabilities that are sent all together or not at all.
fn fit_table<const N: usize>(probs: &mut [u8; N], counts: &[[u32; 2]; N]) {
    let fitting: [u8; N] = std::array::from_fn(|n| match counts[n] {
        [0, 0] => probs[n],
        counts => fitting_prob(counts),
    });
    let cost = |probs: &[u8; N]| -> u64 {
        let pairs = probs.iter().zip(counts);
        pairs
            .map(|(&prob, &counts)| counts_cost(prob, counts))
            .sum()
    };
    if cost(&fitting) + 256 * 8 * (N as u64) < cost(probs) {
        *probs = fitting;
    }
}
