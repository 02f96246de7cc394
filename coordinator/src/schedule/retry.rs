// SPDX-License-Identifier: MIT OR Apache-2.0
//! What went wrong with a node so far, and how long to wait after it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::config::{Attempts, Backoff, Config, Throttling};
use super::event::{FailureClass, NodeId};

/// Failures of one node since it was last replanned.
#[derive(Clone, Copy, Default)]
pub(super) struct Trouble {
    transient: u8,
    timed_out: u8,
    crashed: u8,
    /// Throttled launches since anything else was heard of the node.
    pub(super) throttles: u32,
    throttled_since: Duration,
}

impl Trouble {
    /// Failures that count.
    pub(super) fn failures(&self) -> u32 {
        u32::from(self.transient) + u32::from(self.timed_out) + u32::from(self.crashed)
    }

    /// Whether one cap is reached.
    pub(super) fn exhausted(&self, caps: &Attempts) -> bool {
        self.transient >= caps.transient
            || self.timed_out >= caps.timed_out
            || self.crashed >= caps.crashed
            || self.failures() >= u32::from(caps.total)
    }

    fn count(&mut self, class: FailureClass) {
        self.throttles = 0;
        let counter = match class {
            FailureClass::TimedOut => &mut self.timed_out,
            FailureClass::Crashed => &mut self.crashed,
            _ => &mut self.transient,
        };
        *counter = counter.saturating_add(1);
    }
}

/// What to do about a failure.
pub(super) enum Verdict {
    /// Launch again after this delay.
    Again(Duration),
    /// A cap is reached.
    GiveUp,
}

/// The troubled nodes (few), and the jitter.
pub(super) struct Retries {
    caps: Attempts,
    backoff: Backoff,
    throttling: Throttling,
    rng: ChaCha8Rng,
    troubled: BTreeMap<NodeId, Trouble>,
}

impl Retries {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            caps: config.attempts,
            backoff: config.backoff,
            throttling: config.throttling,
            rng: ChaCha8Rng::seed_from_u64(config.seed),
            troubled: BTreeMap::new(),
        }
    }

    /// What went wrong with the node so far.
    pub(super) fn trouble(&self, node: NodeId) -> Trouble {
        self.troubled.get(&node).copied().unwrap_or_default()
    }

    /// Whether the node may not fail again.
    pub(super) fn exhausted(&self, node: NodeId) -> bool {
        self.trouble(node).exhausted(&self.caps)
    }

    /// Forgets the node's failures.
    pub(super) fn clear(&mut self, node: NodeId) {
        self.troubled.remove(&node);
    }

    /// Counts a failure that may be retried.
    pub(super) fn failed(&mut self, node: NodeId, class: FailureClass) -> Verdict {
        let trouble = self.troubled.entry(node).or_default();
        trouble.count(class);
        if trouble.exhausted(&self.caps) {
            return Verdict::GiveUp;
        }
        let failures = trouble.failures();
        Verdict::Again(self.delay(self.backoff, failures))
    }

    /// Counts a throttled launch.
    pub(super) fn throttled(&mut self, node: NodeId, now: Duration) -> Verdict {
        let rules = self.throttling;
        let trouble = self.troubled.entry(node).or_default();
        if trouble.throttles == 0 {
            trouble.throttled_since = now;
        }
        trouble.throttles = trouble.throttles.saturating_add(1);
        let lasted = now.saturating_sub(trouble.throttled_since);
        if trouble.throttles >= rules.max_throttles || lasted >= rules.give_up {
            return Verdict::GiveUp;
        }
        let throttles = trouble.throttles;
        Verdict::Again(self.delay(rules.backoff, throttles))
    }

    fn delay(&mut self, backoff: Backoff, retry: u32) -> Duration {
        let factor = 1u32
            .checked_shl(retry.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let most = backoff.base.saturating_mul(factor).min(backoff.cap);
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.random_range(0..=most))
    }
}
