// SPDX-License-Identifier: MIT OR Apache-2.0
//! Meeting a bit rate over all chunks.
//!
//! A rate for the whole video is met by choosing quality, not by giving each
//! chunk the same share: at one quality for all, hard chunks get the bits they
//! need. Chunks are encoded, their bits measured, and the quality moved by
//! secant steps until the total fits; the last correction re-encodes only as
//! many chunks as it takes, spread evenly, one step apart from the others.

use crate::plan::encoder::EncoderChoice;

/// Deviation of the total that is good enough.
pub const TOLERANCE: f64 = 0.012;
/// Rounds of encoding after which the best so far is taken.
pub const MAX_ROUNDS: usize = 6;

/// The quality of every chunk, and what is known of their bits.
#[derive(Clone, Debug)]
pub struct RateSearch {
    target_bytes: f64,
    step: f64,
    range: (f64, f64),
    per_doubling: f64,
    /// Quality of each chunk in the current round.
    pub quality: Vec<f64>,
    /// The last uniform quality tried, and the total it gave.
    history: Vec<(f64, f64)>,
    best: Option<(f64, Vec<f64>)>,
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
            quality: vec![start; chunks],
            history: Vec::new(),
            best: None,
        }
    }

    /// Takes in the bytes of every chunk at the current qualities. `true` when
    /// the total fits or no better one can be had: [`quality`](Self::quality)
    /// is then the answer.
    pub fn measured(&mut self, bytes: &[u64]) -> bool {
        let total: f64 = bytes.iter().map(|&b| b as f64).sum::<f64>().max(1.0);
        let off = (total / self.target_bytes).ln().abs();
        if self.best.as_ref().is_none_or(|(best, _)| off < *best) {
            self.best = Some((off, self.quality.clone()));
        }
        if off <= TOLERANCE {
            return true;
        }
        let mean = self.quality.iter().sum::<f64>() / self.quality.len() as f64;
        self.history.push((mean, total));
        if self.history.len() >= MAX_ROUNDS {
            return self.take_best();
        }
        let next = self.spread(self.next_mean(mean, total));
        if next == self.quality {
            return self.take_best();
        }
        self.quality = next;
        false
    }

    /// What to tell the user when the total is beyond 3 % off.
    #[must_use]
    pub fn shortfall(&self, total: u64) -> Option<String> {
        let ratio = total as f64 / self.target_bytes;
        let off = (ratio - 1.0).abs() > 0.03;
        off.then(|| {
            format!(
                "the bit rate is {:.0} % of the target: the encoder goes no nearer",
                ratio * 100.0
            )
        })
    }

    fn take_best(&mut self) -> bool {
        if let Some((_, quality)) = self.best.take() {
            self.quality = quality;
        }
        true
    }

    /// Secant step on the logarithm of the bits, which quality changes evenly.
    fn next_mean(&self, mean: f64, total: f64) -> f64 {
        let wanted = (self.target_bytes / total).log2();
        let earlier = self
            .history
            .iter()
            .rev()
            .skip(1)
            .find(|(q, _)| (q - mean).abs() > 1e-9);
        let mut slope = -1.0 / self.per_doubling;
        if let Some((q, t)) = earlier {
            let measured = (total / t).log2() / (mean - q);
            // Noise must not turn the search round or make it leap.
            if measured < 0.0 {
                slope = measured.clamp(slope * 4.0, slope / 4.0);
            }
        }
        (mean + wanted / slope).clamp(self.range.0, self.range.1)
    }

    /// Qualities on the encoder's grid with the given mean: two neighbouring
    /// steps, the lesser one spread evenly over the chunks.
    fn spread(&self, mean: f64) -> Vec<f64> {
        let low = (mean / self.step).floor();
        let share = mean / self.step - low;
        let mut carry = 0.5;
        self.quality
            .iter()
            .map(|_| {
                carry += share;
                let up = carry >= 1.0;
                if up {
                    carry -= 1.0;
                }
                ((low + f64::from(u8::from(up))) * self.step).clamp(self.range.0, self.range.1)
            })
            .collect()
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
