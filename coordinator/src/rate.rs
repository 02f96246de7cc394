// SPDX-License-Identifier: MIT OR Apache-2.0
//! Meeting a bit rate over all chunks.
//!
//! A rate for the whole video is met by choosing quality, not by giving each
//! chunk the same share: at one quality for all, hard chunks get the bits they
//! need. Chunks are encoded, their bits measured, and the quality moved until
//! the total fits, between values that gave too much and too little once there
//! are both; the last correction re-encodes only as many chunks as it takes, one
//! step apart from the others.

mod limit;

pub use limit::Limit;

use crate::plan::encoder::EncoderChoice;
use framemill_worker::encode::VP8_BY_FRAMEMILL;

/// Deviation of the total that is good enough.
pub const TOLERANCE: f64 = 0.012;
/// Rounds of encoding after which the best so far is taken.
pub const MAX_ROUNDS: usize = 8;
/// Furthest step of the mean quality in a round.
const LEAP: f64 = 14.0;

/// The quality of every chunk, and what is known of their bits.
#[derive(Clone, Debug)]
pub struct RateSearch {
    target_bytes: f64,
    step: f64,
    range: (f64, f64),
    per_doubling: f64,
    /// Whether chunks of two qualities are mixed evenly, where two are needed.
    mixed: bool,
    limit: Option<Limit>,
    /// Quality of each chunk in the current round.
    pub quality: Vec<f64>,
    /// Mean of the current round, before the limit.
    mean: f64,
    rounds: usize,
    /// Means tried with the limit as it stands, and the totals they gave.
    history: Vec<(f64, f64)>,
    /// Whether the best so far is over its limit, how far off it is, and its
    /// qualities.
    best: Option<((bool, f64), Vec<f64>)>,
}

impl RateSearch {
    /// Starts a search for `chunks` chunks that add up to `target_bytes`.
    #[must_use]
    pub fn new(encoder: &EncoderChoice, chunks: usize, target_bytes: f64) -> Self {
        let (low, start, high) = encoder.quality;
        Self {
            target_bytes,
            step: if encoder.fine { 0.25 } else { 1.0 },
            range: (low, high),
            per_doubling: encoder.steps_per_doubling,
            // Chunks that continue from one another are one scene to the eye.
            mixed: encoder.libav != VP8_BY_FRAMEMILL,
            limit: None,
            quality: vec![start; chunks],
            mean: start,
            rounds: 0,
            history: Vec::new(),
            best: None,
        }
    }

    /// Has the search keep to a limit as well.
    #[must_use]
    pub fn within(self, limit: Limit) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    /// Takes in the bytes of every chunk at the current qualities. `true` when
    /// the total fits or no better one can be had: [`quality`](Self::quality)
    /// is then the answer.
    pub fn measured(&mut self, bytes: &[u64]) -> bool {
        let total: f64 = bytes.iter().map(|&b| b as f64).sum::<f64>().max(1.0);
        let limit = self.limit.as_mut();
        let over = limit.is_some_and(|l| l.hold(bytes, &self.quality, self.per_doubling));
        let off = (total / self.target_bytes).ln().abs();
        tracing::debug!(
            mean = self.mean,
            total,
            over,
            off,
            "a round of the rate search"
        );
        let better = |best: &(bool, f64)| (over, off) < *best;
        if self.best.as_ref().is_none_or(|(best, _)| better(best)) {
            self.best = Some(((over, off), self.quality.clone()));
        }
        if off <= TOLERANCE && !over {
            return true;
        }
        if over {
            // What means gave counts no longer, now that the limit is stricter.
            self.history.clear();
        } else {
            self.history.push((self.mean, total));
        }
        self.rounds += 1;
        if self.rounds >= self.most_rounds() {
            return self.take_best();
        }
        if off > TOLERANCE {
            self.mean = self.next_mean(self.mean, total);
        }
        let next = self.spread(self.mean);
        if next == self.quality {
            return self.take_best();
        }
        self.quality = next;
        false
    }

    fn most_rounds(&self) -> usize {
        // A limit takes a few more to settle.
        MAX_ROUNDS * (1 + usize::from(self.limit.is_some()))
    }

    /// What to tell the user when the total is beyond 3 % off, or the limit is
    /// not kept.
    #[must_use]
    pub fn shortfall(&self, bytes: &[u64]) -> Vec<String> {
        let ratio = bytes.iter().sum::<u64>() as f64 / self.target_bytes;
        let off = (ratio - 1.0).abs() > 0.03;
        let off = off.then(|| {
            format!(
                "the bit rate is {:.0} % of the target: the encoder goes no nearer",
                ratio * 100.0
            )
        });
        let limit = self.limit.as_ref();
        let over = limit.and_then(|limit| limit.first_broken(bytes));
        let over = over.map(|at| {
            format!("the bit rate is above --maxrate at {at:.1} s: the encoder goes no lower")
        });
        off.into_iter().chain(over).collect()
    }

    fn take_best(&mut self) -> bool {
        if let Some((_, quality)) = self.best.take() {
            self.quality = quality;
        }
        true
    }

    /// Between the nearest means that are known to give too much and too little,
    /// on a logarithmic scale; else a secant step.
    fn next_mean(&self, mean: f64, total: f64) -> f64 {
        let known = self.history.iter().copied();
        let (over, under): (Vec<_>, Vec<_>) = known.partition(|&(_, t)| t > self.target_bytes);
        let over = over.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let under = under.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some((better, more)), Some((worse, less))) = (over, under) {
            let share = (more / self.target_bytes).ln() / (more / less).ln();
            return better + share * (worse - better);
        }
        let wanted = (self.target_bytes / total).log2();
        let earlier = self.history.iter().rev().nth(1);
        let mut slope = -1.0 / self.per_doubling;
        if let Some((q, t)) = earlier {
            let measured = (total / t).log2() / (mean - q);
            // Noise must not turn the search round.
            if measured < 0.0 {
                slope = measured.max(slope * 4.0);
            }
        }
        // Where the curve is flat, its slope would lead far past the target.
        let step = (wanted / slope).clamp(-LEAP, LEAP);
        (mean + step).clamp(self.range.0, self.range.1)
    }

    /// Qualities on the encoder's grid with the given mean: two neighbouring
    /// steps, the lesser one spread evenly over the chunks, or all at the end.
    fn spread(&self, mean: f64) -> Vec<f64> {
        let low = (mean / self.step).floor();
        let share = mean / self.step - low;
        let chunks = self.quality.len();
        let from = chunks - (share * chunks as f64).round() as usize;
        let mut carry = 0.5;
        let mut up = |n: usize| {
            carry += share;
            let up = carry >= 1.0;
            if up {
                carry -= 1.0;
            }
            if self.mixed {
                up
            } else {
                n >= from
            }
        };
        let grid = |n: usize| (low + f64::from(u8::from(up(n)))) * self.step;
        let qualities = (0..chunks).map(grid).collect();
        let held = match &self.limit {
            Some(limit) => limit.held(qualities, self.step),
            None => qualities,
        };
        let (least, most) = self.range;
        held.into_iter().map(|q| q.clamp(least, most)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::encoder::choice_of;
    use proptest::prelude::*;

    /// An encoder whose bits halve every `doubling` steps, unevenly by chunk.
    fn bytes(quality: &[f64], weights: &[f64], doubling: f64) -> Vec<u64> {
        quality
            .iter()
            .zip(weights)
            .map(|(q, w)| (w * 2f64.powf(-q / doubling)) as u64)
            .collect()
    }

    proptest! {
        #[test]
        fn any_reachable_rate_is_met_within_3_percent(
            weights in prop::collection::vec(1e9f64..1e10, 5..60),
            doubling in 4.0f64..14.0,
            at in 15.0f64..45.0,
            fine in any::<bool>(),
        ) {
            let encoder = choice_of(if fine { "libx264" } else { "libsvtav1" }).unwrap();
            let target: f64 = bytes(&vec![at; weights.len()], &weights, doubling).iter().map(|&b| b as f64).sum();
            let mut search = RateSearch::new(&encoder, weights.len(), target);
            let mut rounds = 1;
            while !search.measured(&bytes(&search.quality.clone(), &weights, doubling)) {
                rounds += 1;
            }
            let total: u64 = bytes(&search.quality, &weights, doubling).iter().sum();
            prop_assert!((total as f64 / target - 1.0).abs() < 0.03, "{total} for {target} after {rounds}");
            prop_assert!(rounds <= MAX_ROUNDS);
        }
    }
}
