// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job waited for: from its end back to its start, without a gap.
//!
//! An invocation that had to wait for what it follows leads to that. One that did not
//! was launched when the last task it comes after was done, or when a worker became
//! free, and leads to that; where neither was the case, the scheduler held it back (its
//! slow start, a pause after a failure), or launched it early beside what it follows.

use super::model::{TaskKind, Workload};
use super::run::{Ended, Own, Run};
use std::time::Duration;

/// What the job waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An invocation, by its place in the run.
    Invocation(usize),
    /// The coordinator's own work.
    Own(Own),
    /// Nothing that runs: no more could be launched yet.
    Held,
}

/// A stretch of the critical path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// What the job waited for.
    pub what: What,
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
}

struct Walk<'a> {
    workload: &'a Workload,
    run: &'a Run,
    /// Ends of all invocations that came to a worker, and of those that did their task.
    ends: Vec<(Duration, usize)>,
    done: Vec<(Duration, usize)>,
    by_task: Vec<Option<usize>>,
    /// How long after its cause a launch may come.
    tolerance: Duration,
    path: Vec<Stretch>,
    at: Duration,
}

/// The critical path of a run, from its start to its end. Launches that come up to
/// `tolerance` after what made them possible count as made possible by it: 0 for
/// simulated runs, what a coordinator takes to answer for real ones.
#[must_use]
pub fn critical_path(workload: &Workload, run: &Run, tolerance: Duration) -> Vec<Stretch> {
    let ends = |only_done: bool| {
        let all = run.invocations.iter().enumerate();
        let ended = all.filter(|(_, i)| match only_done {
            true => i.ended == Ended::Ok,
            false => i.ran(),
        });
        let mut ends: Vec<_> = ended.map(|(n, i)| (i.end, n)).collect();
        ends.sort_unstable();
        ends
    };
    let mut walk = Walk {
        workload,
        run,
        ends: ends(false),
        done: ends(true),
        by_task: run.done_by(workload.tasks.len()),
        tolerance,
        path: Vec::new(),
        at: run.wall,
    };
    walk.back();
    walk.path.reverse();
    walk.path
}

impl Walk<'_> {
    /// Notes what the job waited for from `from` until what is noted already.
    fn note(&mut self, what: What, from: Duration) {
        let to = self.at;
        let from = from.min(to);
        if from < to {
            self.path.push(Stretch { what, from, to });
        }
        self.at = from;
    }

    fn back(&mut self) {
        for own in self.run.own.iter().rev() {
            if own.what == Own::Stitch {
                self.note(What::Own(Own::Stitch), own.from);
            }
        }
        // The time from the last task to the stitch, if any, is not accounted for.
        let mut next = latest(&self.done, self.at);
        // Each round goes to an earlier invocation, or to one that ended as it began.
        for _ in 0..=2 * self.run.invocations.len() {
            let Some(n) = next else { break };
            self.settle_gap(self.run.invocations[n].end);
            next = self.before(n);
        }
        self.note(What::Held, Duration::ZERO);
    }

    /// Notes the time in which nothing of interest ran.
    fn settle_gap(&mut self, end: Duration) {
        if end.saturating_add(self.tolerance) < self.at {
            self.note(What::Held, end);
        }
    }

    /// Notes an invocation up to now, and gives the one that it waited for.
    fn before(&mut self, n: usize) -> Option<usize> {
        let invocation = self.run.invocations[n];
        let task = &self.workload.tasks[invocation.task as usize];
        let leader = task.follows.and_then(|t| self.by_task[t as usize]);
        if let Some(leader) = leader.filter(|_| !invocation.waited().is_zero()) {
            if invocation.go <= self.at {
                self.note(What::Invocation(n), invocation.go);
                return Some(leader);
            }
        }
        let launch = invocation.launch;
        self.note(What::Invocation(n), launch);
        let follows = leader.filter(|&l| self.run.invocations[l].end <= launch);
        let after = task.after.iter().filter_map(|&t| self.by_task[t as usize]);
        let dep = after
            .chain(follows)
            .max_by_key(|&i| self.run.invocations[i].end);
        let stage = self.stage_of(invocation.task);
        let began = self.run.stages.get(stage).copied().unwrap_or_default();
        let dep_end = dep.map_or(Duration::ZERO, |i| self.run.invocations[i].end);
        let ready = began.max(dep_end);
        if launch > ready.saturating_add(self.tolerance) {
            let freed = latest(&self.ends, launch)
                .filter(|&i| self.run.invocations[i].end + self.tolerance >= launch && i != n);
            if freed.is_some() {
                return freed;
            }
            if let Some(leader) = leader.filter(|_| follows.is_none()) {
                return Some(leader);
            }
            self.note(What::Held, ready);
        }
        if dep_end >= began && dep.is_some() {
            return dep;
        }
        self.stage_before(began)
    }

    fn stage_of(&self, task: u32) -> usize {
        let stages = &self.workload.stages;
        stages.partition_point(|stage| stage.tasks.end <= task)
    }

    /// Notes the planning that ended at `began`, and gives what was done last before it.
    fn stage_before(&mut self, began: Duration) -> Option<usize> {
        let plan = self.run.own.iter().find(|own| own.to == began);
        if let Some(plan) = plan {
            self.note(What::Own(plan.what), plan.from);
        }
        if self.at.is_zero() {
            return None;
        }
        latest(&self.done, self.at)
    }
}

/// The last to have ended by `time`.
fn latest(ends: &[(Duration, usize)], time: Duration) -> Option<usize> {
    let upto = ends.partition_point(|end| end.0 <= time);
    upto.checked_sub(1).map(|n| ends[n].1)
}

/// Seconds of a path by what the job waited for, in the order in which jobs meet it:
/// `plan`, kinds of tasks, `stitch`, and `held` where nothing could be launched.
#[must_use]
pub fn by_kind(workload: &Workload, run: &Run, path: &[Stretch]) -> Vec<(&'static str, f64)> {
    let name = |what: What| match what {
        What::Invocation(n) => workload.tasks[run.invocations[n].task as usize].kind.name(),
        What::Own(Own::Plan) => "plan",
        What::Own(Own::Stitch) => TaskKind::Stitch.name(),
        What::Held => "held",
    };
    let kinds = TaskKind::ALL.iter().map(|kind| kind.name());
    let names = ["plan"].into_iter().chain(kinds).chain(["held"]);
    let sum = |wanted: &'static str| {
        let stretches = path.iter().filter(|s| name(s.what) == wanted);
        let time: Duration = stretches.map(|s| s.to - s.from).sum();
        (wanted, time.as_secs_f64())
    };
    names.map(sum).filter(|entry| entry.1 > 0.0).collect()
}
