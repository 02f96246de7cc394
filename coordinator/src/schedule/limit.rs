// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many invocations may be in flight: configured, ramp, throttling.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::{Config, Ramp, Throttling};

/// What sets the in-flight limit at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitedBy {
    /// `max_in_flight`.
    Config,
    /// The slow start.
    Ramp,
    /// Throttling by the platform.
    Throttling,
    /// What other jobs leave of the workers.
    Share,
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "configuration",
            Self::Ramp => "slow start",
            Self::Throttling => "throttling",
            Self::Share => "other jobs",
        })
    }
}

/// The limit lowered by throttling, and when it last moved.
#[derive(Clone, Copy)]
struct Lowered {
    limit: f64,
    moved: Duration,
}

/// The in-flight limit over time.
pub(super) struct Limit {
    most: u32,
    ramp: Option<Ramp>,
    began: Duration,
    rules: Throttling,
    lowered: Option<Lowered>,
    last_decrease: Option<Duration>,
    share: u32,
}

impl Limit {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            most: config.max_in_flight,
            ramp: config.ramp,
            began: Duration::ZERO,
            rules: config.throttling,
            lowered: None,
            last_decrease: None,
            share: u32::MAX,
        }
    }

    /// Starts the ramp.
    pub(super) fn start(&mut self, now: Duration) {
        self.began = now;
    }

    /// Sets what other jobs leave; it may be 0.
    pub(super) fn set_share(&mut self, share: u32) {
        self.share = share;
    }

    /// Applies the raises due by `now`.
    pub(super) fn advance(&mut self, now: Duration) {
        let Some(mut low) = self.lowered else { return };
        while low.limit < f64::from(self.most) {
            let next = low.moved.saturating_add(self.rules.raise_every);
            if next > now {
                self.lowered = Some(low);
                return;
            }
            let added = low.limit + f64::from(self.rules.raise_by);
            low.limit = added.max(low.limit * self.rules.raise_factor);
            low.moved = next;
        }
        self.lowered = None;
    }

    /// Lowers the limit for an invocation of time `launched` that was
    /// throttled with `in_flight` invocations out, itself included.
    ///
    /// It falls to at most what is left in flight, so a burst of reports
    /// brings it down to what the platform has taken in. The multiplicative
    /// decrease comes on top, but not for news from before the last one.
    pub(super) fn throttled(&mut self, launched: Duration, in_flight: u32, now: Duration) {
        self.advance(now);
        let taken = in_flight.saturating_sub(1).min(self.at(now).0);
        let mut limit = f64::from(taken);
        let old = self
            .last_decrease
            .is_some_and(|last| launched < last || now < last.saturating_add(self.rules.window));
        if !old {
            limit = (limit * self.rules.decrease).floor();
            self.last_decrease = Some(now);
        }
        let limit = limit.max(1.0);
        self.lowered = Some(Lowered { limit, moved: now });
    }

    /// The limit, and what sets it; it is 0 only where other jobs leave nothing.
    pub(super) fn at(&self, now: Duration) -> (u32, LimitedBy) {
        let limit = self.own(now);
        match self.share < limit.0 {
            true => (self.share, LimitedBy::Share),
            false => limit,
        }
    }

    /// The limit without regard to other jobs, at least 1.
    pub(super) fn own(&self, now: Duration) -> (u32, LimitedBy) {
        let mut limit = (self.most, LimitedBy::Config);
        if let Some(ramp) = &self.ramp {
            let steps = self.steps(ramp, now);
            let more = u128::from(ramp.step).saturating_mul(steps);
            let ramped = u128::from(ramp.initial).saturating_add(more);
            if ramped < u128::from(limit.0) {
                limit = (ramped as u32, LimitedBy::Ramp);
            }
        }
        if let Some(low) = &self.lowered {
            if low.limit < f64::from(limit.0) {
                limit = (low.limit as u32, LimitedBy::Throttling);
            }
        }
        (limit.0.max(1), limit.1)
    }

    /// When the limit may next rise by itself; `None` if it will not.
    pub(super) fn next_raise(&self, now: Duration) -> Option<Duration> {
        match self.at(now).1 {
            LimitedBy::Config | LimitedBy::Share => None,
            LimitedBy::Ramp => {
                let ramp = self.ramp.as_ref().filter(|r| r.step > 0)?;
                let next = (self.steps(ramp, now) + 1).saturating_mul(ramp.every.as_nanos());
                let next = Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX));
                Some(self.began.saturating_add(next))
            }
            LimitedBy::Throttling => {
                let low = self.lowered.as_ref()?;
                Some(low.moved.saturating_add(self.rules.raise_every))
            }
        }
    }

    fn steps(&self, ramp: &Ramp, now: Duration) -> u128 {
        let since = now.saturating_sub(self.began).as_nanos();
        since / ramp.every.as_nanos().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn ramp_steps_up_to_the_limit() {
        let mut limit = Limit::new(&Config {
            max_in_flight: 2500,
            ramp: Some(Ramp::default()),
            ..Config::default()
        });
        limit.start(secs(5));
        assert_eq!(limit.at(secs(14)), (1000, LimitedBy::Ramp));
        assert_eq!(limit.next_raise(secs(14)), Some(secs(15)));
        assert_eq!(limit.at(secs(15)), (2000, LimitedBy::Ramp));
        assert_eq!(limit.at(secs(25)), (2500, LimitedBy::Config));
        assert_eq!(limit.next_raise(Duration::MAX), None);
    }

    #[test]
    fn throttling_lowers_once_per_window_and_recovers() {
        let mut limit = Limit::new(&Config::default());
        limit.throttled(secs(0), 1001, secs(1));
        assert_eq!(limit.at(secs(1)), (700, LimitedBy::Throttling));
        // Same burst: no second decrease, but down to what is in flight.
        limit.throttled(secs(0), 900, secs(1));
        assert_eq!(limit.at(secs(1)).0, 700);
        limit.throttled(secs(0), 601, secs(3));
        assert_eq!(limit.at(secs(3)).0, 600);
        limit.advance(secs(4));
        assert_eq!(limit.at(secs(4)).0, 660);
        limit.throttled(secs(4), 661, secs(4));
        assert_eq!(limit.at(secs(4)).0, 461);
        // Within the window.
        limit.throttled(secs(4), 462, secs(4) + Duration::from_millis(999));
        assert_eq!(limit.at(secs(4)).0, 461);
        limit.advance(secs(60));
        assert_eq!(limit.at(secs(60)), (1000, LimitedBy::Config));
    }

    #[test]
    fn never_below_one() {
        let mut limit = Limit::new(&Config::default());
        for s in 0..100 {
            limit.throttled(secs(2 * s), 1, secs(2 * s));
            assert_eq!(limit.at(secs(2 * s)).0, 1);
        }
    }
}
