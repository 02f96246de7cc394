// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps of one invocation, and how long each takes.

use super::draw::{seconds, Draws};
use super::model::{Platform, SimTask};
use crate::schedule::FailureClass;
use std::collections::VecDeque;
use std::time::Duration;

/// A step of an invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// On its way to a worker.
    Arrive(Duration),
    /// The worker starts.
    Init(Duration),
    /// Requests to a store.
    Store(Duration),
    /// Work that takes a core.
    Work(Duration),
    /// Waits for what it follows.
    Join,
}

/// A task, and what else tells how long it takes.
pub(super) struct Of<'a> {
    task: &'a SimTask,
    /// Whether it leaves its state behind.
    keeps_state: bool,
    /// Bytes of what it fetches from the task that it follows.
    state: u64,
}

impl<'a> Of<'a> {
    pub(super) fn new(tasks: &'a [SimTask], task: u32, keeps_state: bool) -> Self {
        let task = &tasks[task as usize];
        // Nearly all that a leader writes is its state.
        let leader = task.follows.map_or(0, |n| tasks[n as usize].bytes_written);
        Self {
            task,
            keeps_state,
            state: leader.min(task.bytes_read),
        }
    }

    /// Bytes that it waits for: before its work, for the state that it continues from, and
    /// at its end.
    fn bytes(&self) -> [u64; 3] {
        let before = self.task.bytes_read - self.state;
        [before, self.state, self.task.bytes_written]
    }
}

/// An invocation in flight.
pub(super) struct Live {
    /// Its place among all invocations.
    pub(super) number: usize,
    /// The step it is at.
    pub(super) at: Option<Step>,
    /// Those to come.
    pub(super) steps: VecDeque<Step>,
    /// How it ends, if not well.
    pub(super) fails: Option<FailureClass>,
    /// It was given up, and goes on unheard.
    pub(super) unheard: bool,
}

impl Live {
    /// One that is turned away.
    pub(super) fn throttled(number: usize, platform: &Platform) -> Self {
        Self {
            number,
            at: None,
            steps: VecDeque::from([Step::Arrive(platform.dispatch)]),
            fails: Some(FailureClass::Throttled),
            unheard: false,
        }
    }

    /// One that does its task.
    pub(super) fn new(
        number: usize,
        of: Of<'_>,
        (platform, cold): (&Platform, bool),
        draws: &mut Draws,
    ) -> Self {
        let faults = &platform.faults;
        let mut factor = platform.slowness * draws.factor(platform.jitter);
        if draws.share() < faults.slow {
            factor *= faults.slowness.max(1.0);
        }
        let draw = draws.share();
        let fails = if draw < faults.crashed {
            Some(FailureClass::Crashed)
        } else if draw < faults.crashed + faults.transient {
            Some(FailureClass::Transient)
        } else {
            None
        };
        let how_far = draws.share();
        let init = platform.cold_start.map(|start| draws.time(start));
        let mut steps = VecDeque::from([Step::Arrive(platform.dispatch)]);
        if let Some(init) = init.filter(|_| cold) {
            steps.push_back(Step::Init(init));
        }
        let (task, bytes) = (of.task, of.bytes());
        let trips = task.trips(of.keeps_state);
        let mut store = |n: usize| {
            let latency = platform.store.as_secs_f64() * f64::from(trips[n]);
            let transfer = platform
                .store_rate
                .map_or(0.0, |rate| bytes[n] as f64 / rate);
            Step::Store(seconds(
                (latency + transfer) * draws.factor(platform.jitter),
            ))
        };
        let [before, join, end] = [0, 1, 2].map(&mut store);
        let work = |time: Duration| Step::Work(seconds(time.as_secs_f64() * factor));
        steps.push_back(before);
        if task.follows.is_some() {
            steps.extend([work(task.head), Step::Join, join, work(task.rest)]);
        } else {
            steps.push_back(work(task.work()));
        }
        match fails {
            None => steps.push_back(end),
            Some(_) => cut_short(&mut steps, how_far),
        }
        Self {
            number,
            at: None,
            steps,
            fails,
            unheard: false,
        }
    }
}

/// Leaves this share of all that an invocation does, from its start.
fn cut_short(steps: &mut VecDeque<Step>, share: f64) {
    let time = |step: &Step| match step {
        Step::Arrive(_) | Step::Join => Duration::ZERO,
        Step::Init(time) | Step::Store(time) | Step::Work(time) => *time,
    };
    let all: Duration = steps.iter().map(time).sum();
    let mut left = seconds(all.as_secs_f64() * share);
    let mut kept = VecDeque::new();
    for step in steps.drain(..) {
        let least = left.min(time(&step));
        left -= least;
        kept.push_back(match step {
            Step::Arrive(_) | Step::Join => step,
            Step::Init(_) => Step::Init(least),
            Step::Store(_) => Step::Store(least),
            Step::Work(_) => Step::Work(least),
        });
        if left.is_zero() && kept.len() > 1 {
            break;
        }
    }
    *steps = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dies_on_the_way_has_done_a_part() {
        let s = Duration::from_secs;
        let all = [
            Step::Arrive(s(5)),
            Step::Init(s(1)),
            Step::Store(s(1)),
            Step::Work(s(2)),
            Step::Join,
            Step::Work(s(4)),
        ];
        let cut = |share| {
            let mut steps = VecDeque::from(all);
            cut_short(&mut steps, share);
            Vec::from(steps)
        };
        assert_eq!(cut(0.0), [Step::Arrive(s(5)), Step::Init(s(0))]);
        assert_eq!(cut(0.25), [all[0], all[1], Step::Store(s(1))]);
        assert_eq!(cut(0.75)[3..], [all[3], Step::Join, Step::Work(s(2))]);
        assert_eq!(cut(1.0), all);
    }
}
