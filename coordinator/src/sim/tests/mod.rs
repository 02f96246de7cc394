// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs whose length is known, and what holds for all.

mod any;
mod known;

use super::critical::{critical_path, Stretch};
use super::model::{Platform, SimTask, TaskKind, Workload};
use super::run::Run;
use super::simulate;
use std::time::Duration;

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// Chunks of these many seconds that come after nothing; a second weighs 1000 frames.
fn independent(times: &[f64]) -> Workload {
    let mut workload = Workload::default();
    let task = |(n, &s): (usize, &f64)| {
        SimTask::new(TaskKind::Encode, Some(n as u32), (s * 1e3) as u32, secs(s))
    };
    workload.push_stage(Duration::ZERO, times.iter().enumerate().map(task));
    workload
}

/// Batches of `length` chunks: drafts of `draft` seconds, rebases of `head` and `rest`.
fn batches(count: u32, length: u32, draft: f64, (head, rest): (f64, f64)) -> Workload {
    let mut tasks: Vec<SimTask> = (0..count * length)
        .map(|n| SimTask::new(TaskKind::Encode, Some(n), 6, secs(draft)))
        .collect();
    for n in (0..count * length).filter(|n| n % length != 0) {
        let before = match n % length {
            1 => n - 1,
            _ => tasks.len() as u32 - 1,
        };
        tasks.push(SimTask {
            head: secs(head),
            after: vec![n],
            follows: Some(before),
            ..SimTask::new(TaskKind::Rebase, Some(n), 6, secs(rest))
        });
    }
    let mut workload = Workload::default();
    workload.push_stage(Duration::ZERO, tasks);
    workload
}

fn run(workload: &Workload, platform: &Platform) -> Run {
    simulate(workload, platform).expect("a run")
}

fn path(workload: &Workload, run: &Run) -> Vec<Stretch> {
    critical_path(workload, run, Duration::ZERO)
}
