// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes wrong on the host on purpose, drawn from a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// How much goes wrong. Shares are of all invocations, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// What fates are drawn from, with the number of the invocation.
    pub seed: u64,
    /// Added to every start of a worker.
    pub cold_start: Duration,
    /// Added to every invocation.
    pub latency: Duration,
    /// Share that is throttled.
    pub throttles: f64,
    /// Share whose worker is ended on the way.
    pub crashes: f64,
    /// Share that is given up as too slow.
    pub time_outs: f64,
    /// Share that takes `slowness` times as long as it would.
    pub stragglers: f64,
    /// How many times as long.
    pub slowness: f64,
    /// Share that reaches two workers, as platforms that deliver at least once do.
    pub duplicates: f64,
}

/// What becomes of one invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Run,
    Throttle,
    /// Its worker is ended after so long.
    Crash(Duration),
    TimeOut(Duration),
    /// Its answer takes so many times as long.
    Slow(f64),
    /// A second worker gets it too.
    Twice,
}

impl Faults {
    /// The fate of the invocation of that number.
    pub(super) fn fate(&self, number: u64) -> Fate {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        let draw: f64 = rng.random();
        let after = Duration::from_millis(rng.random_range(0..400));
        let fates = [
            (self.throttles, Fate::Throttle),
            (self.crashes, Fate::Crash(after)),
            (self.time_outs, Fate::TimeOut(after)),
            (self.stragglers, Fate::Slow(self.slowness)),
            (self.duplicates, Fate::Twice),
        ];
        let mut sum = 0.0;
        for (share, fate) in fates {
            sum += share;
            if draw < sum {
                return fate;
            }
        }
        Fate::Run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_come_in_their_shares_and_again_from_the_same_seed() {
        let faults = Faults {
            seed: 7,
            throttles: 0.2,
            crashes: 0.05,
            time_outs: 0.05,
            ..Faults::default()
        };
        let fates: Vec<Fate> = (0..4000).map(|n| faults.fate(n)).collect();
        let count = |like: fn(&Fate) -> bool| fates.iter().filter(|f| like(f)).count();
        let throttles = count(|f| *f == Fate::Throttle);
        let crashes = count(|f| matches!(f, Fate::Crash(_)));
        assert!((700..900).contains(&throttles), "{throttles}");
        assert!((130..270).contains(&crashes), "{crashes}");
        assert!((0..4000).all(|n| faults.fate(n) == fates[n as usize]));
        let none = Faults::default();
        assert!((0..100).all(|n| none.fate(n) == Fate::Run));
    }
}
