// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long a kind of node takes: the median time per weight.

use std::collections::BTreeMap;
use std::time::Duration;

/// Time per unit of weight, in nanoseconds with [`FRACTION`] binary places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rate(u64);

/// Binary places of a [`Rate`], so that weights in bytes keep precision.
const FRACTION: u32 = 20;
/// Bits kept below the leading one by a bucket: a width of 1/64, so the
/// middle is at most 0.8 % off.
const BITS: u32 = 6;
/// Relative move of the median that is worth a new look at what runs.
const DRIFT: f64 = 0.05;

impl Rate {
    fn of(took: Duration, weight: u32) -> Self {
        let scaled = took.as_nanos().saturating_mul(1 << FRACTION) / u128::from(weight.max(1));
        Self(u64::try_from(scaled).unwrap_or(u64::MAX))
    }

    /// Time that `weight` takes at this rate.
    pub(super) fn time(self, weight: u32) -> Duration {
        let nanos = (u128::from(self.0) * u128::from(weight.max(1))) >> FRACTION;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn bucket(self) -> u16 {
        let exponent = self.0.checked_ilog2().unwrap_or(0);
        if exponent < BITS {
            return self.0 as u16;
        }
        let shift = exponent - BITS;
        let mantissa = (self.0 >> shift) as u16; // 64..128
        ((shift as u16) << BITS) + mantissa
    }

    /// The middle of the bucket.
    fn of_bucket(bucket: u16) -> Self {
        let shift = (bucket >> BITS).saturating_sub(1);
        let mantissa = u64::from(bucket - (shift << BITS));
        Self((mantissa << shift) + ((1 << shift) >> 1))
    }
}

/// Finished and running nodes of one kind.
#[derive(Default)]
pub(super) struct Pace {
    /// Finished nodes by bucket of their rate; a few dozen buckets in use.
    finished: BTreeMap<u16, u32>,
    samples: u32,
    /// Nodes (not invocations) running.
    pub(super) running: u32,
    /// The rate that what runs was last judged by.
    basis: Option<Rate>,
}

impl Pace {
    /// Adds a finished node.
    pub(super) fn record(&mut self, took: Duration, weight: u32) {
        *self
            .finished
            .entry(Rate::of(took, weight).bucket())
            .or_default() += 1;
        self.samples += 1;
    }

    /// The median over finished and running nodes, running ones taken as the
    /// slowest; `None` while that is one of them.
    pub(super) fn median(&self, min_samples: u32) -> Option<Rate> {
        let rank = self.samples.saturating_add(self.running).div_ceil(2).max(1);
        if self.samples < min_samples.max(rank) {
            return None;
        }
        let mut seen = 0;
        for (&bucket, &count) in &self.finished {
            seen += count;
            if seen >= rank {
                return Some(Rate::of_bucket(bucket));
            }
        }
        None
    }

    /// Whether the median has moved since this was last true.
    pub(super) fn moved(&mut self, min_samples: u32) -> bool {
        let median = self.median(min_samples);
        let moved = match (self.basis, median) {
            (Some(Rate(old)), Some(Rate(new))) => old.abs_diff(new) as f64 > DRIFT * old as f64,
            (None, Some(_)) => true,
            (_, None) => {
                self.basis = None;
                false
            }
        };
        if moved {
            self.basis = median;
        }
        moved
    }

    /// Makes the next median count as moved: something runs unjudged.
    pub(super) fn unjudged(&mut self) {
        self.basis = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_and_stay_within_one_percent() {
        let mut last = 0;
        let mut rate = Rate(0);
        while rate.0 < u64::MAX / 2 {
            let bucket = rate.bucket();
            assert!(bucket >= last, "{rate:?}");
            last = bucket;
            let off = Rate::of_bucket(bucket).0.abs_diff(rate.0) as f64;
            assert!(off <= rate.0 as f64 * 0.01, "{rate:?} off by {off}");
            rate.0 += rate.0 / 300 + 1;
        }
        assert!(Rate(u64::MAX).bucket() > last);
    }

    #[test]
    fn median_waits_for_half_of_the_running() {
        let mut pace = Pace {
            running: 6,
            ..Pace::default()
        };
        for seconds in 1..=5u64 {
            pace.record(Duration::from_secs(seconds), 1);
        }
        assert_eq!(pace.median(5), None);
        pace.running = 5;
        let five = pace.median(5).map(|r| r.time(1).as_secs_f64());
        assert!(five.is_some_and(|s| (s - 5.0).abs() < 0.05), "{five:?}");
        pace.running = 0;
        assert_eq!(pace.median(6), None);
        let three = pace.median(5).map(|r| r.time(2).as_secs_f64());
        assert!(three.is_some_and(|s| (s - 6.0).abs() < 0.06), "{three:?}");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut pace = Pace::default();
        pace.record(Duration::MAX, 0);
        pace.record(Duration::ZERO, u32::MAX);
        assert!(pace.median(1).is_some());
        pace.record(Duration::MAX, 0);
        assert!(pace
            .median(1)
            .is_some_and(|r| r.time(u32::MAX) > Duration::from_secs(1)));
    }
}
