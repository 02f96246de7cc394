// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report as it is read: its shape, and what is wrong with it.

use super::super::model::{TaskKind, MAX_TASKS};
use crate::report::REPORT_VERSION;
use serde::Deserialize;
use std::time::Duration;

/// The latest time that is believed, in seconds: about three years.
const LATEST: f64 = 1e8;

/// A report, of which only what matters here is read.
#[derive(Deserialize)]
pub(super) struct Report {
    version: u32,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) engine: String,
    pub(super) invocations: Vec<Record>,
    pub(super) totals: Totals,
    pub(super) error: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Totals {
    pub(super) wall_s: f64,
    #[serde(default)]
    pub(super) reused: u64,
    #[serde(default)]
    pub(super) frames: u64,
    #[serde(default)]
    pub(super) bytes_out: u64,
}

/// One invocation, as it was written.
#[derive(Deserialize)]
pub(super) struct Record {
    kind: String,
    pub(super) chunk: Option<u32>,
    pub(super) attempt: u16,
    queued_s: f64,
    start_s: f64,
    end_s: f64,
    #[serde(default)]
    cpu_s: f64,
    #[serde(default)]
    ready_s: f64,
    #[serde(default)]
    pub(super) frames: u64,
    #[serde(default)]
    pub(super) bytes_read: u64,
    #[serde(default)]
    pub(super) bytes_written: u64,
    pub(super) outcome: String,
}

/// The times of a record, which have been looked at.
pub(super) struct Times {
    pub(super) kind: TaskKind,
    pub(super) queued: Duration,
    pub(super) start: Duration,
    pub(super) end: Duration,
    /// Of the worker's own thread.
    pub(super) cpu: Duration,
    /// From its start until only the state was missing; at most all of its time.
    pub(super) head: Duration,
}

/// Reads a report.
///
/// # Errors
/// One line: what is wrong, and where.
pub(super) fn read(bytes: &[u8]) -> Result<Report, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let report: Report = match serde_json::from_slice(bytes) {
        Ok(report) => report,
        Err(error) => {
            // Another version may have another shape.
            return Err(match serde_json::from_slice(bytes) {
                Ok(Version { version }) if version != REPORT_VERSION => other_version(version),
                _ => not_a_report(bytes, &error),
            });
        }
    };
    if report.version != REPORT_VERSION {
        return Err(other_version(report.version));
    }
    if report.invocations.len() > MAX_TASKS {
        return Err(format!(
            "it has {} invocations, more than {MAX_TASKS}",
            report.invocations.len()
        ));
    }
    if !(0.0..LATEST).contains(&report.totals.wall_s) {
        return Err(format!("totals: wall_s is {}", report.totals.wall_s));
    }
    Ok(report)
}

fn other_version(version: u32) -> String {
    format!("it is a report of version {version}; this framemill reads version {REPORT_VERSION}")
}

fn not_a_report(bytes: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() && bytes.trim_ascii_start().starts_with(b"{") {
        return format!("it ends in the middle, at line {line}, as that of a job that was killed");
    }
    let text = error.to_string();
    // The place once, and in our words.
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("not a report: {what}, at line {line}, column {column}")
}

impl Record {
    /// Looks at the times of the record at place `n`.
    ///
    /// # Errors
    /// One line that names the record and the field.
    pub(super) fn times(&self, n: usize) -> Result<Times, String> {
        let kind = TaskKind::by_name(&self.kind);
        let kind = kind
            .ok_or_else(|| format!("invocation {n}: kind {:?} is unknown", clipped(&self.kind)))?;
        let time = |name: &str, s: f64| match (0.0..LATEST).contains(&s) {
            true => Ok(Duration::from_secs_f64(s)),
            false => Err(format!("invocation {n}: {name} is {s}")),
        };
        let (start, end) = (time("start_s", self.start_s)?, time("end_s", self.end_s)?);
        if end < start {
            return Err(format!(
                "invocation {n}: it ends at {} s, before it starts at {} s",
                self.end_s, self.start_s
            ));
        }
        Ok(Times {
            kind,
            queued: time("queued_s", self.queued_s)?,
            start,
            end,
            cpu: time("cpu_s", self.cpu_s)?,
            head: time("ready_s", self.ready_s)?.min(end - start),
        })
    }

    /// Whether it did its task.
    pub(super) fn is_ok(&self) -> bool {
        self.outcome == "ok"
    }
}

/// The first of a text that may be anything.
fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}
