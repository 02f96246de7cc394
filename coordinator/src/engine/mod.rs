// SPDX-License-Identifier: MIT OR Apache-2.0
//! Engines run invocations: attempts at tasks, somewhere.

pub mod answer;
pub mod files;
pub mod host;
mod http;
mod lambda;
mod local;
mod payload;
pub mod process;

pub use host::HostEngine;
pub use http::HttpEngine;
pub use lambda::{LambdaEngine, LambdaOptions};
pub use local::LocalEngine;
pub use payload::{sweep, Payload};

use crate::schedule::Ramp;
use async_trait::async_trait;
use framemill_worker::{Failure, Monitor, Outcome, Task, WorkPlace};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// One attempt at a task.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The work.
    pub task: Arc<Task>,
    /// Told to stop by the scheduler or the user.
    pub cancel: CancellationToken,
    /// Frames done so far; engines that cannot see inside leave it alone.
    pub progress: Arc<AtomicU64>,
    /// True when nothing else is encoded in its batch.
    pub sole: bool,
}

impl Monitor for Invocation {
    fn progress(&self, frames: u64) {
        self.progress.fetch_add(frames, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// How an invocation went wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The task itself says.
    #[error(transparent)]
    Task(#[from] Failure),
    /// The worker died.
    #[error("the worker crashed: {detail}")]
    Crashed {
        /// What is known of it.
        detail: String,
    },
    /// It took longer than it may.
    #[error("timed out: {detail}")]
    TimedOut {
        /// Whose limit it was, in seconds.
        detail: String,
    },
    /// The engine has no room for it now.
    #[error("throttled: {detail}")]
    Throttled {
        /// What the engine says.
        detail: String,
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
    /// The worker will not do it, now or later.
    #[error("{detail}")]
    Refused {
        /// Why.
        detail: String,
    },
}

/// CPU that attempts have used outside this process, in microseconds.
#[derive(Debug, Default)]
struct RemoteCpu(AtomicU64);

impl RemoteCpu {
    fn add(&self, outcome: &Outcome) {
        let us = (outcome.stats.cpu_s * 1e6) as u64;
        self.0.fetch_add(us, Ordering::Relaxed);
    }

    fn seconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 * 1e-6
    }
}

/// Where invocations run.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Name for reports.
    fn name(&self) -> &'static str;

    /// Most invocations that make sense at once.
    fn slots(&self) -> u32;

    /// True when a duplicate runs on other hardware than what it duplicates.
    fn speculates(&self) -> bool;

    /// How fast invocations may become more; `None` for at once.
    fn ramp(&self) -> Option<Ramp> {
        None
    }

    /// CPU seconds spent outside this process so far.
    fn remote_cpu_s(&self) -> f64 {
        0.0
    }

    /// The same workers for another work store, `place`, which they find at `work`: for jobs
    /// that share them.
    fn at(&self, place: &WorkPlace, work: &str) -> Arc<dyn Engine>;

    /// Runs one attempt to its end.
    ///
    /// # Errors
    /// [`InvokeError`]; nothing of the attempt is visible then.
    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError>;
}
