// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came of a run, real or simulated.

use crate::limits::Price;
use std::time::Duration;

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its task is done.
    Ok,
    /// It failed, and may be retried.
    Failed,
    /// The platform had no room: it never came to a worker.
    Throttled,
    /// Another did its task first, or what it waited for had gone.
    Aborted,
}

/// One attempt at a task. Times are since the job's start and never fall in the order
/// of the fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Invocation {
    /// Place of its task in the workload.
    pub task: u32,
    /// Attempt at this task, from 1.
    pub attempt: u16,
    /// The worker that had it, from 0.
    pub slot: u32,
    /// Whether that worker had to start first.
    pub cold: bool,
    /// When it was launched.
    pub launch: Duration,
    /// When it came to the worker; it is paid from here.
    pub begin: Duration,
    /// When the worker had started.
    pub work: Duration,
    /// When it lacked nothing but what it follows, where it follows a task.
    pub ready: Duration,
    /// When that was done; as `ready` where it did not wait.
    pub go: Duration,
    /// When it ended; it is paid until then.
    pub end: Duration,
    /// How.
    pub ended: Ended,
}

impl Invocation {
    /// An invocation that has just been launched.
    #[must_use]
    pub const fn launched(task: u32, attempt: u16, slot: u32, at: Duration) -> Self {
        Self {
            task,
            attempt,
            slot,
            cold: false,
            launch: at,
            begin: at,
            work: at,
            ready: at,
            go: at,
            end: at,
            ended: Ended::Ok,
        }
    }

    /// Time that is paid.
    #[must_use]
    pub fn paid(&self) -> Duration {
        self.end.saturating_sub(self.begin)
    }

    /// Time spent waiting for what it follows.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.go.saturating_sub(self.ready)
    }

    /// Whether it came to a worker at all.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.ended != Ended::Throttled
    }
}

/// What the coordinator does while the job waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Planning, between stages.
    Plan,
    /// Stitching and checking the output.
    Stitch,
}

/// A stretch of the coordinator's own work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnWork {
    /// What.
    pub what: Own,
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
}

/// A run of a workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Every invocation, in the order of launch.
    pub invocations: Vec<Invocation>,
    /// When each stage began.
    pub stages: Vec<Duration>,
    /// The coordinator's own work, in order.
    pub own: Vec<OwnWork>,
    /// From the start to the finished output.
    pub wall: Duration,
}

/// A run in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Seconds from the start to the finished output.
    pub wall_s: f64,
    /// Seconds of workers that are paid: from when an invocation comes to a worker, its
    /// start if it is cold, to its end, each in whole milliseconds begun.
    pub function_s: f64,
    /// Invocations that came to a worker.
    pub requests: u64,
    /// US dollars for them, where they are paid.
    pub usd: Option<f64>,
    /// Most workers busy at a time.
    pub peak: u32,
    /// Workers that had an invocation.
    pub workers: u32,
    /// Invocations whose worker had to start first.
    pub cold: u64,
    /// Invocations that failed.
    pub failed: u64,
    /// Invocations that were turned away.
    pub throttled: u64,
    /// Invocations that were given up for another's result.
    pub aborted: u64,
    /// Seconds that invocations waited for what they follow.
    pub waited_s: f64,
    /// Share of the workers' time, from the start to the end, in which they worked.
    pub utilisation: f64,
}

impl Run {
    /// The run in numbers; `price` is that of an invocation.
    #[must_use]
    pub fn totals(&self, price: Option<Price>) -> Totals {
        let mut totals = Totals {
            wall_s: self.wall.as_secs_f64(),
            usd: price.map(|_| 0.0),
            ..Totals::default()
        };
        for invocation in &self.invocations {
            match invocation.ended {
                Ended::Ok => {}
                Ended::Failed => totals.failed += 1,
                Ended::Throttled => totals.throttled += 1,
                Ended::Aborted => totals.aborted += 1,
            }
            if !invocation.ran() {
                continue;
            }
            let paid = invocation.paid();
            totals.requests += 1;
            totals.function_s += whole_ms(paid);
            totals.waited_s += invocation.waited().as_secs_f64();
            totals.cold += u64::from(invocation.cold);
            totals.workers = totals.workers.max(invocation.slot.saturating_add(1));
            if let (Some(usd), Some(price)) = (&mut totals.usd, price) {
                *usd += price.of(paid);
            }
        }
        totals.peak = self.peak();
        let busy = totals.function_s - totals.waited_s;
        let time = f64::from(totals.workers) * totals.wall_s;
        totals.utilisation = if time > 0.0 {
            (busy / time).min(1.0)
        } else {
            0.0
        };
        totals
    }

    fn peak(&self) -> u32 {
        let ran = self.invocations.iter().filter(|i| i.ran());
        let both = ran.flat_map(|i| [(i.begin, true), (i.end, false)]);
        let mut changes: Vec<_> = both.collect();
        // What ends makes room for what begins at the same time.
        changes.sort_unstable();
        let (mut busy, mut peak) = (0i64, 0);
        for (_, begins) in changes {
            busy += if begins { 1 } else { -1 };
            peak = peak.max(busy);
        }
        peak as u32
    }

    /// When each task was done and by which invocation; `None` for those that were not.
    #[must_use]
    pub fn done_by(&self, tasks: usize) -> Vec<Option<usize>> {
        let mut done: Vec<Option<usize>> = vec![None; tasks];
        for (n, invocation) in self.invocations.iter().enumerate() {
            let place = done.get_mut(invocation.task as usize);
            if let (Some(place), Ended::Ok) = (place, invocation.ended) {
                *place = Some(n);
            }
        }
        done
    }
}

/// Seconds, in whole milliseconds begun.
fn whole_ms(time: Duration) -> f64 {
    time.as_micros().div_ceil(1000) as f64 / 1e3
}
