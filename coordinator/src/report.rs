// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report of a job: what ran when, and what it cost. It is written while
//! the job runs, so that thousands of invocations take no memory.

use framemill_worker::Outcome;
use serde::Serialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Version of the report's shape.
pub const REPORT_VERSION: u32 = 1;

/// One invocation.
#[derive(Clone, Debug, Serialize)]
pub struct InvocationRecord {
    /// Kind of task: index, analyze, encode, rebase, track, stitch.
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
    /// Seconds from its start until a rebase missed nothing but the state that it
    /// continues from; 0 for all else.
    pub ready_s: f64,
    /// Frames encoded, or packets indexed that show one.
    pub frames: u64,
    /// Bytes fetched from stores.
    pub bytes_read: u64,
    /// Bytes written to stores.
    pub bytes_written: u64,
    /// Highest resident size of the worker's process so far, in bytes.
    pub peak_memory: u64,
}

impl From<&Outcome> for ReportStats {
    fn from(outcome: &Outcome) -> Self {
        let s = &outcome.stats;
        Self {
            cpu_s: s.cpu_s,
            ready_s: s.ready_s,
            frames: outcome.frames,
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
    /// US dollars that invocations have cost; null where their price is not known.
    pub spent_usd: Option<f64>,
    /// Highest resident size of this process, in bytes.
    pub peak_memory: u64,
    /// Heap in use when all chunks were done, in bytes: index, plan and
    /// bookkeeping. 0 where the allocator does not say.
    pub live_memory: u64,
}

/// What a report begins with.
#[derive(Clone, Debug, Serialize)]
pub struct ReportHead {
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
}

/// What a report ends with.
#[derive(Clone, Debug, Serialize)]
pub struct ReportTail<'a> {
    /// Totals.
    pub totals: &'a Totals,
    /// Things the user should know.
    pub warnings: &'a [String],
    /// What went wrong, when the job failed.
    pub error: Option<String>,
}

/// A report that is being written: its head, every invocation as it ends, its
/// tail. A disk that refuses shows at the end, so that it does not cost the job.
#[derive(Debug)]
pub struct ReportFile(Mutex<Writing>);

#[derive(Debug)]
struct Writing {
    file: BufWriter<File>,
    invocations: u64,
    error: Option<io::Error>,
}

impl ReportFile {
    /// Creates an empty file.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(Writing {
            file: BufWriter::new(File::create(path)?),
            invocations: 0,
            error: None,
        })))
    }

    fn put(&self, write: impl FnOnce(&mut Writing) -> io::Result<()>) {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.error.is_none() {
            writing.error = write(&mut writing).err();
        }
    }

    /// Writes the head; nothing goes before it.
    pub fn begin(&self, head: &ReportHead) {
        self.put(|to| {
            let text = serde_json::to_string_pretty(head)?;
            let open = text.trim_end_matches(['}', '\n']);
            write!(to.file, "{open},\n  \"invocations\": [")
        });
    }

    /// Writes an invocation.
    pub fn record(&self, invocation: &InvocationRecord) {
        self.put(|to| {
            let comma = if to.invocations == 0 { "" } else { "," };
            to.invocations += 1;
            write!(to.file, "{comma}\n    ")?;
            Ok(serde_json::to_writer(&mut to.file, invocation)?)
        });
    }

    /// Writes the tail; nothing goes after it.
    ///
    /// # Errors
    /// The first one of all that was written.
    pub fn finish(&self, tail: &ReportTail<'_>) -> io::Result<()> {
        self.put(|to| {
            let text = serde_json::to_string_pretty(tail)?;
            writeln!(to.file, "\n  ],{}", text.trim_start_matches('{'))?;
            to.file.flush()
        });
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.error.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(invocations: u32) -> serde_json::Value {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let report = ReportFile::create(&path).unwrap();
        report.begin(&ReportHead {
            version: REPORT_VERSION,
            framemill: "0",
            environment: "e}".into(),
            input: "a".into(),
            output: "b".into(),
            engine: "local",
        });
        for chunk in 0..invocations {
            report.record(&InvocationRecord {
                kind: "encode",
                chunk: Some(chunk),
                attempt: 1,
                queued_s: 0.0,
                start_s: 0.5,
                end_s: 1.0,
                stats: ReportStats::default(),
                outcome: "ok".into(),
            });
        }
        let totals = Totals::default();
        let tail = ReportTail {
            totals: &totals,
            warnings: &["{w}".into()],
            error: None,
        };
        report.finish(&tail).unwrap();
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn a_report_is_one_value_whatever_the_number_of_invocations() {
        for count in [0, 1, 3] {
            let report = written(count);
            let list = report["invocations"].as_array().unwrap();
            let chunks: Vec<_> = list.iter().map(|i| i["chunk"].as_u64()).collect();
            assert_eq!(
                chunks,
                (0..count).map(|n| Some(n.into())).collect::<Vec<_>>()
            );
            assert_eq!(report["environment"], "e}");
            assert_eq!(report["totals"]["frames"], 0);
            assert_eq!(report["warnings"][0], "{w}");
            assert!(report["error"].is_null());
        }
    }
}
