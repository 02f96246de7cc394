// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters, and their text for Prometheus (exposition format 0.0.4).

use crate::jobs::Status;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Upper ends of the classes of times until a job starts, in seconds.
const STARTS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0];
/// Ways in which jobs end, in the order of their counters.
const ENDS: [(Status, &str); 5] = [
    (Status::Done, "done"),
    (Status::Failed, "failed"),
    (Status::Gone, "gone"),
    (Status::Superseded, "superseded"),
    (Status::Cancelled, "cancelled"),
];

/// What a service has done so far.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Messages received.
    pub messages: AtomicU64,
    /// Uploads and removals that they told of.
    pub notices: AtomicU64,
    /// Of these, what no rule is about.
    pub unmatched: AtomicU64,
    /// Jobs asked for that had ended before.
    pub repeated: AtomicU64,
    /// Messages that are left to come again.
    pub retried: AtomicU64,
    /// Messages that nothing can come of.
    pub dead: AtomicU64,
    /// Requests to the source of messages that failed.
    pub receive_failures: AtomicU64,
    /// Jobs taken over that nobody was at work on.
    pub taken_over: AtomicU64,
    /// Jobs under way.
    pub running: AtomicI64,
    ends: [AtomicU64; 5],
    starts: [AtomicU64; STARTS.len() + 1],
    start_ms: AtomicU64,
    cpu_ms: AtomicU64,
    micro_usd: AtomicU64,
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Counts one more.
pub fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Metrics {
    /// A job ended; it used so many CPU seconds of workers and so many dollars.
    pub fn ended(&self, status: Status, cpu_s: f64, usd: f64) {
        if let Some(n) = ENDS.iter().position(|(s, _)| *s == status) {
            one(&self.ends[n]);
        }
        self.cpu_ms
            .fetch_add((cpu_s * 1e3) as u64, Ordering::Relaxed);
        self.micro_usd
            .fetch_add((usd * 1e6) as u64, Ordering::Relaxed);
    }

    /// A job started so many seconds after its message was sent.
    pub fn started(&self, after_s: f64) {
        let class = STARTS.iter().position(|end| after_s <= *end);
        one(&self.starts[class.unwrap_or(STARTS.len())]);
        let ms = (after_s.max(0.0) * 1e3) as u64;
        self.start_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Their text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.event_text(&mut text);
        let (name, help) = ("framemill_jobs_total", "Jobs by how they ended.");
        head(&mut text, name, help, "counter");
        for ((_, word), counter) in ENDS.iter().zip(&self.ends) {
            let _ = writeln!(text, "{name}{{status=\"{word}\"}} {}", read(counter));
        }
        let (name, help) = ("framemill_jobs_running", "Jobs under way.");
        head(&mut text, name, help, "gauge");
        let running = self.running.load(Ordering::Relaxed);
        let _ = writeln!(text, "{name} {running}");
        self.start_text(&mut text);
        let (cpu, usd) = ("worker_cpu_seconds", "spent_usd");
        let sums = [
            (cpu, "CPU seconds of workers.", &self.cpu_ms, 1e3),
            (usd, "US dollars for workers.", &self.micro_usd, 1e6),
        ];
        for (name, help, counter, unit) in sums {
            let name = format!("framemill_{name}_total");
            head(&mut text, &name, help, "counter");
            let _ = writeln!(text, "{name} {}", read(counter) as f64 / unit);
        }
        text
    }

    fn event_text(&self, text: &mut String) {
        let counters = [
            ("messages", "Messages received.", &self.messages),
            ("notices", "What they told of.", &self.notices),
            (
                "unmatched",
                "Of that, what no rule is about.",
                &self.unmatched,
            ),
            ("repeated", "Jobs that had ended before.", &self.repeated),
            ("retried", "Messages left to come again.", &self.retried),
            ("dead_letters", "Messages set aside.", &self.dead),
            (
                "receive_failures",
                "Failed requests.",
                &self.receive_failures,
            ),
            (
                "taken_over",
                "Jobs nobody was at work on.",
                &self.taken_over,
            ),
        ];
        for (name, help, counter) in counters {
            let name = format!("framemill_events_{name}_total");
            head(text, &name, help, "counter");
            let _ = writeln!(text, "{name} {}", read(counter));
        }
    }

    fn start_text(&self, text: &mut String) {
        let name = "framemill_event_to_start_seconds";
        head(
            text,
            name,
            "From a message to the start of its job.",
            "histogram",
        );
        let mut sum = 0;
        let ends = STARTS
            .iter()
            .map(ToString::to_string)
            .chain(["+Inf".into()]);
        for (end, counter) in ends.zip(&self.starts) {
            sum += counter.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{end}\"}} {sum}");
        }
        let seconds = self.start_ms.load(Ordering::Relaxed) as f64 / 1e3;
        let _ = writeln!(text, "{name}_sum {seconds}\n{name}_count {sum}");
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_that_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.ended(Status::Done, 1.5, 0.25);
        metrics.started(0.3);
        metrics.started(1e9);
        let text = metrics.text();
        assert!(
            text.contains("framemill_jobs_total{status=\"done\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("_bucket{le=\"0.5\"} 1\n"), "{text}");
        assert!(text.contains("_bucket{le=\"+Inf\"} 2\n"), "{text}");
        assert!(text.contains("framemill_spent_usd_total 0.25\n"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(
                name.starts_with("framemill_") && value.parse::<f64>().is_ok(),
                "{line}"
            );
        }
    }
}
