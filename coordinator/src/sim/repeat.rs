// SPDX-License-Identifier: MIT OR Apache-2.0
//! A workload as if its source were several times as long.

use super::model::{SimTask, Stage, TaskKind, Workload, MAX_TASKS};
use std::time::Duration;

impl Workload {
    /// The same with its chunks `times` over, each time with batches of their own. Tracks
    /// and the stitch take as many times as long; the index, which is read from tables
    /// where the container has them, and planning take as long as before.
    ///
    /// # Errors
    /// A line that says so where it would have too many tasks.
    pub fn repeated(&self, times: u32) -> Result<Self, String> {
        let times = times.max(1);
        if self.tasks.len().saturating_mul(times as usize) > MAX_TASKS {
            return Err(format!("more than {MAX_TASKS} tasks"));
        }
        let chunks = self.chunks();
        let mut all = Self {
            stitch: long(self.stitch, times),
            besides: self.besides,
            ..Self::default()
        };
        // Where each task is in the new list, time after time.
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); self.tasks.len()];
        for stage in &self.stages {
            let first = all.tasks.len() as u32;
            for kind in TaskKind::ALL {
                let of_kind = |n: &u32| self.tasks[*n as usize].kind == kind;
                for time in 0..times {
                    for n in stage.tasks.clone().filter(of_kind) {
                        let task = &self.tasks[n as usize];
                        if task.chunk.is_none() && time > 0 {
                            continue;
                        }
                        places[n as usize].push(all.tasks.len() as u32);
                        let again = match task.chunk {
                            Some(chunk) => chunk_again(task, &places, (chunk, chunks), time),
                            None => whole(task, &places, times),
                        };
                        all.tasks.push(again);
                    }
                }
            }
            all.stages.push(Stage {
                before: stage.before,
                tasks: first..all.tasks.len() as u32,
            });
        }
        Ok(all)
    }
}

fn long(time: Duration, times: u32) -> Duration {
    time.saturating_mul(times)
}

/// The place of a task in the same time; its only one where it is done once for all.
fn place(places: &[Vec<u32>], task: u32, time: u32) -> Option<u32> {
    let of_task = &places[task as usize];
    of_task.get(time as usize).or(of_task.first()).copied()
}

fn chunk_again(
    task: &SimTask,
    places: &[Vec<u32>],
    (chunk, chunks): (u32, u32),
    time: u32,
) -> SimTask {
    let here = |n: u32| place(places, n, time);
    SimTask {
        chunk: Some(chunk.saturating_add(chunks.saturating_mul(time))),
        after: task.after.iter().filter_map(|&n| here(n)).collect(),
        follows: task.follows.and_then(here),
        ..task.clone()
    }
}

/// A task for the whole source.
fn whole(task: &SimTask, places: &[Vec<u32>], times: u32) -> SimTask {
    let times = match task.kind {
        TaskKind::Index => 1,
        _ => times,
    };
    let all = task.after.iter().flat_map(|&n| places[n as usize].iter());
    SimTask {
        head: long(task.head, times),
        rest: long(task.rest, times),
        after: all.copied().collect(),
        bytes_read: task.bytes_read.saturating_mul(u64::from(times)),
        bytes_written: task.bytes_written.saturating_mul(u64::from(times)),
        ..task.clone()
    }
}
