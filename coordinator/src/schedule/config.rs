// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that can be set, with its unit, default and range.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::ScheduleError;

/// Settings of one job's scheduler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most invocations in flight at any time, duplicates included; at least
    /// 1. Default 1000.
    pub max_in_flight: u32,
    /// Slow start; `None` (the default) launches up to the limit at once.
    pub ramp: Option<Ramp>,
    /// How throttling lowers the limit, and how it recovers.
    pub throttling: Throttling,
    /// How often a node may fail.
    pub attempts: Attempts,
    /// Delay before a failed node is launched again.
    pub backoff: Backoff,
    /// How often one node may be invalidated or replaced. Default 8.
    pub max_replans: u8,
    /// Duplicates of stragglers; `None` for never. On by default.
    pub speculation: Option<Speculation>,
    /// The job fails when it is not done by then, counted as `now` is.
    pub deadline: Option<Duration>,
    /// The job fails when the reported costs exceed this.
    pub budget: Option<f64>,
    /// A node that cannot be done is [lost](super::Action::NodeLost) and the job goes on,
    /// where it would fail otherwise. For nodes that nothing comes after: what does would run.
    /// Off by default.
    pub keep_going: bool,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_in_flight: 1000,
            ramp: None,
            throttling: Throttling::default(),
            attempts: Attempts::default(),
            backoff: Backoff::default(),
            max_replans: 8,
            speculation: Some(Speculation::default()),
            deadline: None,
            budget: None,
            keep_going: false,
            seed: 0,
        }
    }
}

/// Slow start: the limit is `initial`, then `step` more after each `every`.
/// The default is AWS Lambda's scaling rate, 1000 more per 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ramp {
    /// Limit at the start of the job; at least 1.
    pub initial: u32,
    /// Added at each step.
    pub step: u32,
    /// Time between steps; more than zero.
    pub every: Duration,
}

impl Default for Ramp {
    fn default() -> Self {
        Self {
            initial: 1000,
            step: 1000,
            every: Duration::from_secs(10),
        }
    }
}

/// Additive or exponential increase, multiplicative decrease.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttling {
    /// On throttling the limit becomes this share of what is left in flight;
    /// in (0, 1). Default 0.7.
    pub decrease: f64,
    /// At most one such decrease in this time; reports within it lower the
    /// limit to what is left in flight. Default 1 s.
    pub window: Duration,
    /// Time without throttling until each raise; more than zero. Default 1 s.
    pub raise_every: Duration,
    /// A raise adds at least this; at least 1. Default 1.
    pub raise_by: u32,
    /// A raise multiplies by at least this; at least 1 (which makes recovery
    /// additive). Default 1.1.
    pub raise_factor: f64,
    /// A node throttled this many times in a row fails the job; at least 1.
    /// Default 1000.
    pub max_throttles: u32,
    /// So does one that has met nothing but throttling for this long.
    /// Default 15 min.
    pub give_up: Duration,
    /// Delay before a throttled node is launched again.
    pub backoff: Backoff,
}

impl Default for Throttling {
    fn default() -> Self {
        Self {
            decrease: 0.7,
            window: Duration::from_secs(1),
            raise_every: Duration::from_secs(1),
            raise_by: 1,
            raise_factor: 1.1,
            max_throttles: 1000,
            give_up: Duration::from_secs(15 * 60),
            backoff: Backoff {
                base: Duration::from_millis(200),
                cap: Duration::from_secs(10),
            },
        }
    }
}

/// Failures of one node that fail the job, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attempts {
    /// Transient failures, and invocations given up by the engine. Default 4.
    pub transient: u8,
    /// Time-outs. Default 4.
    pub timed_out: u8,
    /// Crashes. Default 4.
    pub crashed: u8,
    /// All of these together. Default 6.
    pub total: u8,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            transient: 4,
            timed_out: 4,
            crashed: 4,
            total: 6,
        }
    }
}

/// Exponential backoff with full jitter: before retry `n` (from 1) a delay
/// drawn evenly from zero to `min(cap, base * 2^(n - 1))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// Longest delay before the first retry. Default 100 ms.
    pub base: Duration,
    /// Longest delay of all. Default 10 s.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(100),
            cap: Duration::from_secs(10),
        }
    }
}

/// When to duplicate an invocation that takes too long.
///
/// The yardstick is the median time per weight of the node's kind, where
/// running nodes count as slower than all finished ones: the first finishers
/// of a wave are its fastest and would make all others look late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speculation {
    /// Late is what takes longer than this many medians; more than 1.
    /// Default 1.3: in a single wave a hung worker costs this many medians.
    pub multiplier: f64,
    /// Finished nodes of the kind before anything counts as late; at least 1.
    /// Default 5.
    pub min_samples: u32,
    /// Most duplicates of one node; at least 1. Default 2.
    pub max_duplicates: u8,
    /// Most duplicates as a share of what is in flight, rounded up; in
    /// (0, 1]. Default 0.1.
    pub max_fraction: f64,
}

impl Default for Speculation {
    fn default() -> Self {
        Self {
            multiplier: 1.3,
            min_samples: 5,
            max_duplicates: 2,
            max_fraction: 0.1,
        }
    }
}

impl Config {
    /// Checks every range.
    ///
    /// # Errors
    /// [`ScheduleError::Config`] for the first value out of its range.
    pub fn check(&self) -> Result<(), ScheduleError> {
        at_least_1("max_in_flight", self.max_in_flight)?;
        if let Some(ramp) = &self.ramp {
            at_least_1("ramp.initial", ramp.initial)?;
            above_zero("ramp.every", ramp.every)?;
        }
        self.check_throttling()?;
        at_least_1("attempts.transient", self.attempts.transient)?;
        at_least_1("attempts.timed_out", self.attempts.timed_out)?;
        at_least_1("attempts.crashed", self.attempts.crashed)?;
        at_least_1("attempts.total", self.attempts.total)?;
        if let Some(s) = &self.speculation {
            let m = s.multiplier;
            let right = m.is_finite() && m > 1.0;
            check(right, "speculation.multiplier", m, "more than 1")?;
            at_least_1("speculation.min_samples", s.min_samples)?;
            at_least_1("speculation.max_duplicates", s.max_duplicates)?;
            let f = s.max_fraction;
            let right = f > 0.0 && f <= 1.0;
            check(right, "speculation.max_fraction", f, "in (0, 1]")?;
        }
        if let Some(b) = self.budget {
            check(b >= 0.0, "budget", b, "at least 0")?;
        }
        Ok(())
    }

    fn check_throttling(&self) -> Result<(), ScheduleError> {
        let t = &self.throttling;
        let right = t.decrease > 0.0 && t.decrease < 1.0;
        check(right, "throttling.decrease", t.decrease, "in (0, 1)")?;
        above_zero("throttling.raise_every", t.raise_every)?;
        at_least_1("throttling.raise_by", t.raise_by)?;
        let right = t.raise_factor.is_finite() && t.raise_factor >= 1.0;
        let range = "at least 1 and finite";
        check(right, "throttling.raise_factor", t.raise_factor, range)?;
        at_least_1("throttling.max_throttles", t.max_throttles)
    }
}

fn check(
    right: bool,
    field: &'static str,
    value: impl ToString,
    range: &'static str,
) -> Result<(), ScheduleError> {
    if right {
        return Ok(());
    }
    let value = value.to_string();
    Err(ScheduleError::Config {
        field,
        value,
        range,
    })
}

fn at_least_1(field: &'static str, value: impl Into<u32>) -> Result<(), ScheduleError> {
    let value = value.into();
    check(value >= 1, field, value, "at least 1")
}

fn above_zero(field: &'static str, value: Duration) -> Result<(), ScheduleError> {
    let shown = format!("{value:?}");
    check(value > Duration::ZERO, field, shown, "more than 0 s")
}
