// SPDX-License-Identifier: MIT OR Apache-2.0
//! A job's limits of time and money: refused up front where no machine could keep
//! them, and kept on the way.

use super::Job;
use crate::error::{JobError, Result};
use crate::plan::expect::Expected;
use crate::plan::Plan;
use framemill_worker::index::Index;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many times as fast as the machine that expectations were measured on another
/// may be: below that, a job is tried rather than refused.
const FASTER: f64 = 4.0;

/// Cancels a job when its time is over; stops when this is dropped.
pub(super) struct DeadlineWatch {
    time: Duration,
    is_over: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl DeadlineWatch {
    pub(super) fn start(time: Duration, cancel: CancellationToken) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            over.store(true, Ordering::Relaxed);
            cancel.cancel();
        });
        Self {
            time,
            is_over,
            task,
        }
    }

    /// What a job's result means: an interruption after the deadline is the deadline's.
    pub(super) fn judge(self, result: Result<()>) -> Result<()> {
        match result {
            Err(JobError::Interrupted(_)) if self.is_over.load(Ordering::Relaxed) => {
                let seconds = self.time.as_secs_f64();
                Err(JobError::Limit(format!("--deadline {seconds}: time is up")))
            }
            result => result,
        }
    }
}

impl Drop for DeadlineWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Job {
    /// Whether the work store holds results of any task.
    pub(super) async fn has_results(&self) -> bool {
        let prefix = self.place.full_key("out/");
        let page = self.place.work.list(&prefix, None, 1).await;
        page.is_ok_and(|page| !page.entries.is_empty() || page.next.is_some())
    }

    /// Refuses a job that would take more than it may on machines several times as fast
    /// as those that are known.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub(super) fn refuse_hopeless(&self, index: &Index, plan: &Plan) -> Result<()> {
        let limits = &self.request.limits;
        if limits.deadline.is_none() && limits.budget.is_none() {
            return Ok(());
        }
        let expected = Expected::of(index, plan, &self.request.options);
        let slots = self.engine.slots();
        let seconds = expected.wall_s(slots);
        if let Some(deadline) = limits.deadline.map(|d| d.as_secs_f64()) {
            if seconds / FASTER > deadline {
                return Err(JobError::Usage(format!(
                    "--deadline {deadline}: {slots} workers need some {seconds:.0} s"
                )));
            }
        }
        if let (Some(budget), Some(price)) = (limits.budget, limits.price) {
            let least = expected.cost(price, FASTER);
            if least > budget {
                return Err(JobError::Usage(format!(
                    "--budget {budget}: the job costs some {:.6} USD",
                    expected.cost(price, 1.0)
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interruption_after_the_deadline_is_the_deadlines() {
        let interrupted = || Err(JobError::Interrupted("interrupted".into()));
        let token = CancellationToken::new();
        let watch = DeadlineWatch::start(Duration::from_millis(1), token.clone());
        token.cancelled().await;
        let late = watch.judge(interrupted());
        assert!(matches!(late, Err(JobError::Limit(_))), "{late:?}");
        // One before it is the user's.
        let watch = DeadlineWatch::start(Duration::from_secs(3600), CancellationToken::new());
        let early = watch.judge(interrupted());
        assert!(matches!(early, Err(JobError::Interrupted(_))), "{early:?}");
    }

    #[tokio::test]
    async fn what_has_ended_well_has_ended_well() {
        let token = CancellationToken::new();
        let watch = DeadlineWatch::start(Duration::from_millis(1), token.clone());
        token.cancelled().await;
        assert!(watch.judge(Ok(())).is_ok());
    }
}
