// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scheduler on a virtual clock: seeded, no threads, no real time.

mod chains;
mod control;
mod faults;
mod limits;
mod random;
mod sim;
mod stragglers;

use std::time::Duration;

use super::*;

pub(super) const ENCODE: Kind = Kind(1);
pub(super) const STITCH: Kind = Kind(2);
pub(super) const REBASE: Kind = Kind(9);

pub(super) fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A scheduler driven by hand, which keeps its own clock.
pub(super) struct Hand {
    pub(super) scheduler: Scheduler,
    pub(super) now: Duration,
}

impl Hand {
    pub(super) fn new(config: Config) -> Self {
        Self {
            scheduler: Scheduler::new(config).expect("a valid configuration"),
            now: Duration::ZERO,
        }
    }

    /// Adds `count` nodes of weight 10 after `deps`.
    pub(super) fn add(&mut self, count: u32, deps: &[NodeId]) -> Vec<NodeId> {
        let spec = NodeSpec::new(ENCODE, 10).after(deps.iter().copied());
        (0..count)
            .map(|_| self.scheduler.add(spec.clone()).expect("an open graph"))
            .collect()
    }

    pub(super) fn send(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.scheduler.handle(event, self.now, &mut out);
        out
    }

    /// Sends the event after `seconds`.
    pub(super) fn later(&mut self, seconds: f64, event: Event) -> Vec<Action> {
        self.now += secs(seconds);
        self.send(event)
    }

    pub(super) fn finish(&mut self, invocation: u64) -> Vec<Action> {
        self.send(Event::Finished {
            invocation: InvocationId(invocation),
            cost: 1.0,
        })
    }

    pub(super) fn fail(&mut self, invocation: u64, class: FailureClass) -> Vec<Action> {
        self.send(Event::Failed {
            invocation: InvocationId(invocation),
            class,
            cost: 1.0,
        })
    }

    /// Sends ticks until something is launched, at most ten minutes on.
    pub(super) fn until_launch(&mut self) -> Vec<(u64, NodeId)> {
        for _ in 0..6000 {
            let launched = launches(&self.later(0.1, Event::Tick));
            if !launched.is_empty() {
                return launched;
            }
        }
        Vec::new()
    }
}

/// The launches among the actions, as invocation and node.
pub(super) fn launches(actions: &[Action]) -> Vec<(u64, NodeId)> {
    let launch = |action: &Action| match action {
        Action::Launch {
            invocation, node, ..
        } => Some((invocation.0, *node)),
        _ => None,
    };
    actions.iter().filter_map(launch).collect()
}

/// The aborted invocations among the actions.
pub(super) fn aborts(actions: &[Action]) -> Vec<u64> {
    let abort = |action: &Action| match action {
        Action::Abort { invocation } => Some(invocation.0),
        _ => None,
    };
    actions.iter().filter_map(abort).collect()
}
