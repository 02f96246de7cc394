// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a simulation gives no run.

use crate::schedule::{Failure, ScheduleError};

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The workload makes no sense.
    #[error("{0}")]
    Workload(String),
    /// A setting is out of its range.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The simulated job failed, for all its retries.
    #[error("the simulated job fails: {0}")]
    Failed(Failure),
    /// Nothing happens any more before the job is done: a bug in here.
    #[error("the simulated job comes to no end")]
    Stuck,
}
