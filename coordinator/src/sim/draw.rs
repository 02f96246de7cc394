// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random draws. Each invocation has a stream of its own, by its task and attempt, so
//! that it takes the same time however many workers there are.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// The normal quantile of 0.99.
const Z99: f64 = 2.326_347_874;

/// Times whose logarithm is normally distributed: most are short, some are long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    p50: f64,
    p99: f64,
}

impl LogNormal {
    /// By the seconds that half of all, and 99 of 100, take at most; `None` unless
    /// `0 < p50 <= p99` and both are finite.
    #[must_use]
    pub fn new(p50: f64, p99: f64) -> Option<Self> {
        let right = p50 > 0.0 && p50 <= p99 && p99.is_finite();
        right.then_some(Self { p50, p99 })
    }

    fn draw(self, normal: f64) -> Duration {
        let sigma = (self.p99 / self.p50).ln() / Z99;
        seconds(self.p50 * (sigma * normal).exp())
    }
}

/// Seconds as a duration; what is none is 0, what is too long is about 30 years.
pub(super) fn seconds(seconds: f64) -> Duration {
    const MOST: f64 = 1e9;
    Duration::from_secs_f64(if seconds.is_nan() {
        0.0
    } else {
        seconds.clamp(0.0, MOST)
    })
}

/// The draws of one invocation.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    pub(super) fn new(seed: u64, task: u32, attempt: u16) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(task) << 16 | u64::from(attempt));
        Self(rng)
    }

    /// From 0 up to, not including, 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// A factor of mean 1 and this standard deviation.
    pub(super) fn factor(&mut self, deviation: f64) -> f64 {
        let normal = self.normal();
        if deviation <= 0.0 {
            return 1.0;
        }
        let variance = (1.0 + deviation * deviation).ln();
        (variance.sqrt() * normal - variance / 2.0).exp()
    }

    /// A time of this distribution.
    pub(super) fn time(&mut self, of: LogNormal) -> Duration {
        let normal = self.normal();
        of.draw(normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_quantiles_that_were_asked_for() {
        let start = LogNormal::new(0.5, 3.0).unwrap();
        let mut times: Vec<f64> = (0..20_000)
            .map(|n| Draws::new(1, n, 1).time(start).as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        let (p50, p99) = (times[10_000], times[19_800]);
        assert!((p50 - 0.5).abs() < 0.02, "{p50}");
        assert!((p99 - 3.0).abs() < 0.25, "{p99}");
        for (p50, p99) in [
            (0.0, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
        ] {
            assert_eq!(LogNormal::new(p50, p99), None, "{p50} {p99}");
        }
    }

    #[test]
    fn jitter_keeps_the_mean() {
        let factors: Vec<f64> = (0..20_000)
            .map(|n| Draws::new(1, n, 1).factor(0.2))
            .collect();
        let mean = factors.iter().sum::<f64>() / 20_000.0;
        let square = |f: &f64| (f - mean) * (f - mean);
        let deviation = (factors.iter().map(square).sum::<f64>() / 20_000.0).sqrt();
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((deviation - 0.2).abs() < 0.01, "{deviation}");
        assert_eq!(Draws::new(1, 0, 1).factor(0.0), 1.0);
    }

    #[test]
    fn seconds_of_any_number() {
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
        assert_eq!(seconds(-1.0), Duration::ZERO);
        assert_eq!(seconds(f64::INFINITY), Duration::from_secs(1_000_000_000));
        assert_eq!(seconds(1.5), Duration::from_millis(1500));
    }
}
