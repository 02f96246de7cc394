// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report of a job: what ran when, and what it cost.

use framemill_worker::TaskStats;
use serde::Serialize;
use std::borrow::Cow;

/// Version of the report's shape.
pub const REPORT_VERSION: u32 = 1;

/// One invocation.
#[derive(Clone, Debug, Serialize)]
pub struct InvocationRecord {
    /// Kind of task: index, analyze, encode, track, stitch.
    pub kind: &'static str,
    /// Chunk number, for those that work on one.
    pub chunk: Option<u32>,
    /// Attempt at this task, from 1.
    pub attempt: u16,
    /// Seconds from the job's start until the task was ready.
    pub queued_s: f64,
    /// Seconds from the job's start until it was launched.
    pub start_s: f64,
    /// Seconds from the job's start until it ended.
    pub end_s: f64,
    /// What it cost.
    #[serde(flatten)]
    pub stats: ReportStats,
    /// `ok`, or what went wrong.
    pub outcome: Cow<'static, str>,
}

/// What an invocation cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ReportStats {
    /// CPU seconds of the worker's own thread. Encoders that bring threads of
    /// their own spend more; the totals count everything.
    pub cpu_s: f64,
    /// Bytes fetched from stores.
    pub bytes_read: u64,
    /// Bytes written to stores.
    pub bytes_written: u64,
    /// Highest resident size of the worker's process so far, in bytes.
    pub peak_memory: u64,
}

impl From<&TaskStats> for ReportStats {
    fn from(s: &TaskStats) -> Self {
        Self {
            cpu_s: s.cpu_s,
            bytes_read: s.bytes_read,
            bytes_written: s.bytes_written,
            peak_memory: s.peak_memory,
        }
    }
}

/// Totals of a job.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Wall clock in seconds.
    pub wall_s: f64,
    /// CPU seconds of this process, all threads.
    pub cpu_s: f64,
    /// Frames in the output.
    pub frames: u64,
    /// Chunks they were made in.
    pub chunks: u64,
    /// Size of the output in bytes.
    pub bytes_out: u64,
    /// Results taken from an earlier run.
    pub reused: u64,
    /// Highest resident size of this process, in bytes.
    pub peak_memory: u64,
    /// Heap in use when all chunks were done, in bytes: index, plan and
    /// bookkeeping. 0 where the allocator does not say.
    pub live_memory: u64,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Version of framemill.
    pub framemill: &'static str,
    /// The build and libraries that outputs depend on.
    pub environment: String,
    /// The input as the user named it.
    pub input: String,
    /// The output as the user named it.
    pub output: String,
    /// Engine that ran the tasks.
    pub engine: &'static str,
    /// Totals.
    pub totals: Totals,
    /// Things the user should know.
    pub warnings: Vec<String>,
    /// What went wrong, when the job failed.
    pub error: Option<String>,
    /// Every invocation, in the order they ended.
    pub invocations: Vec<InvocationRecord>,
}
