// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers that share the cores of one machine: what works at a time goes on at equal
//! speed, a core each at most.

use std::collections::BTreeSet;
use std::time::Duration;

/// Work under way on a number of cores.
///
/// Progress is counted once for all: the seconds of work that each has had which was
/// there all along. What enters is done when that has grown by its own work.
pub(super) struct Cores {
    cores: f64,
    now: Duration,
    progress: f64,
    /// Ends by progress, as bits of numbers that are never negative.
    ends: BTreeSet<(u64, u64)>,
}

impl Cores {
    pub(super) fn new(cores: u32) -> Self {
        Self {
            cores: f64::from(cores.max(1)),
            now: Duration::ZERO,
            progress: 0.0,
            ends: BTreeSet::new(),
        }
    }

    /// Work done in a second by each that works.
    fn rate(&self) -> f64 {
        (self.cores / self.ends.len().max(1) as f64).min(1.0)
    }

    fn advance(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.now).as_secs_f64();
        self.progress += passed * self.rate();
        self.now = self.now.max(now);
    }

    /// Begins work at `now`, under a name that is not in use.
    pub(super) fn enter(&mut self, name: u64, work: Duration, now: Duration) {
        self.advance(now);
        let end = self.progress + work.as_secs_f64();
        self.ends.insert((end.to_bits(), name));
    }

    /// Gives up work at `now`.
    pub(super) fn leave(&mut self, name: u64, now: Duration) {
        self.advance(now);
        self.ends.retain(|end| end.1 != name);
    }

    /// When the first is done, if nothing enters or leaves before.
    pub(super) fn first_end(&self) -> Option<Duration> {
        let (end, _) = *self.ends.first()?;
        let left = (f64::from_bits(end) - self.progress).max(0.0) / self.rate();
        // Rounded up, so that it is done by then.
        Some(self.now + Duration::from_nanos((left * 1e9).ceil() as u64))
    }

    /// Takes out what is done at [`first_end`](Self::first_end).
    pub(super) fn take(&mut self, now: Duration) -> Option<u64> {
        self.advance(now);
        self.ends.pop_first().map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_of_two_cores() {
        let at = |s: f64| Duration::from_secs_f64(s);
        let mut cores = Cores::new(2);
        cores.enter(1, at(1.0), at(0.0));
        assert_eq!(cores.first_end(), Some(at(1.0)));
        // Four on two cores: half speed.
        for name in 2..=4 {
            cores.enter(name, at(1.0), at(0.5));
        }
        assert_eq!(cores.first_end(), Some(at(1.5)));
        assert_eq!(cores.take(at(1.5)), Some(1));
        // Three have half of theirs left, at two thirds.
        let end = cores.first_end().unwrap();
        assert!(end.abs_diff(at(2.25)) < Duration::from_micros(1), "{end:?}");
        cores.leave(2, at(1.5));
        assert_eq!(cores.first_end(), Some(at(2.0)));
    }
}
