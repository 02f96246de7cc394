// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers on this machine: blocking threads of this process, or a process of
//! their own for encoders that cannot share one.
//!
//! A process costs 0.1 s and more to start and to end, which a source of one chunk would
//! wait for. So its encode runs in this process, but only once: a retry, or a
//! second encoder, gets a process.

use super::{process, Engine, Invocation, InvokeError, RemoteCpu};
use async_trait::async_trait;
use framemill_worker::{crash_detail, run, Failure, Outcome, Task, WorkPlace};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Encoders of which a process may hold only one.
const ALONE: [&str; 1] = ["libsvtav1"];

/// Runs tasks on this machine.
pub struct LocalEngine {
    place: WorkPlace,
    work: String,
    workers: u32,
    children: RemoteCpu,
    /// Whether an encoder of [`ALONE`] was ever opened in this process.
    used: Arc<AtomicBool>,
}

impl LocalEngine {
    /// An engine of `workers` workers; `work` is where other processes find
    /// the place.
    #[must_use]
    pub fn new(place: WorkPlace, work: String, workers: u32) -> Self {
        Self {
            place,
            work,
            workers: workers.max(1),
            children: RemoteCpu::default(),
            used: Arc::default(),
        }
    }
}

/// Whether an encoder that must be alone gets a process. `used` tells whether one
/// was ever opened in this process, and learns of it.
fn needs_process(sole: bool, used: &AtomicBool) -> bool {
    !sole || used.swap(true, Ordering::Relaxed)
}

fn must_be_alone(task: &Task) -> bool {
    matches!(task, Task::Encode(t) if ALONE.contains(&t.encoder.encoder.as_str()))
}

#[async_trait]
impl Engine for LocalEngine {
    fn name(&self) -> &'static str {
        "local"
    }

    fn slots(&self) -> u32 {
        self.workers
    }

    fn speculates(&self) -> bool {
        false
    }

    fn remote_cpu_s(&self) -> f64 {
        self.children.seconds()
    }

    fn at(&self, place: &WorkPlace, work: &str) -> Arc<dyn Engine> {
        Arc::new(Self {
            used: self.used.clone(),
            ..Self::new(place.clone(), work.to_owned(), self.workers)
        })
    }

    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        if must_be_alone(&invocation.task) && needs_process(invocation.sole, &self.used) {
            let outcome = process::invoke(&invocation, &self.work, self.place.simd).await?;
            self.children.add(&outcome);
            return Ok(outcome);
        }
        let place = self.place.clone();
        let work = tokio::task::spawn_blocking(move || run(&invocation.task, &place, &invocation));
        match work.await {
            Ok(result) => Ok(result?),
            Err(error) if error.is_panic() => Err(InvokeError::Crashed {
                detail: crash_detail(error),
            }),
            Err(_) => Err(Failure::Cancelled.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_sole_encoder_stays_in_this_process() {
        let used = AtomicBool::new(false);
        assert!(needs_process(false, &used));
        assert!(!needs_process(true, &used));
        assert!(needs_process(true, &used), "a retry");
        assert!(needs_process(false, &used));
    }
}
