// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters, and their text for Prometheus (exposition format 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Kind;

/// Upper ends of the classes of times, in seconds.
const TIMES: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Where a result came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// This process's memory.
    Memory,
    /// The store of results.
    Store,
    /// Made just now.
    Made,
}

impl From {
    const ALL: [Self; 3] = [Self::Memory, Self::Store, Self::Made];

    /// Its name in metrics and in `X-Framemill-Cache`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Store => "store",
            Self::Made => "made",
        }
    }
}

/// What a server has done so far.
#[derive(Debug, Default)]
pub struct Metrics {
    statuses: [AtomicU64; 6],
    errors: [AtomicU64; Kind::ALL.len()],
    results: [AtomicU64; 3],
    classes: [AtomicU64; TIMES.len() + 1],
    micros: AtomicU64,
    sent: AtomicU64,
    fetched: AtomicU64,
    fetched_bytes: AtomicU64,
    fallbacks: AtomicU64,
    webp_for_avif: AtomicU64,
    in_flight: AtomicU64,
    clients: AtomicU64,
    cache_failures: AtomicU64,
}

/// Numbers that others keep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Requests that have a place in the queue or are worked on.
    pub entered: usize,
    /// Pictures that are worked on.
    pub working: usize,
    /// Bytes of results in memory.
    pub memory_bytes: u64,
    /// Bytes of results in the store.
    pub store_bytes: u64,
    /// Bytes of sources in memory.
    pub source_bytes: u64,
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Something under way; counted until dropped.
#[derive(Debug)]
pub struct Under<'a>(&'a AtomicU64);

impl<'a> Under<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        add(counter, 1);
        Self(counter)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request is under way.
    pub fn request(&self) -> Under<'_> {
        Under::new(&self.in_flight)
    }

    /// A client is connected.
    pub fn client(&self) -> Under<'_> {
        Under::new(&self.clients)
    }

    /// An answer has been given.
    pub fn answered(&self, status: u16, bytes: u64, took: Duration) {
        let class = usize::from(status / 100).min(self.statuses.len() - 1);
        add(&self.statuses[class], 1);
        add(&self.sent, bytes);
        let seconds = took.as_secs_f64();
        let class = TIMES.iter().position(|end| seconds <= *end);
        add(&self.classes[class.unwrap_or(TIMES.len())], 1);
        add(&self.micros, took.as_micros() as u64);
    }

    /// A request failed.
    pub fn failed(&self, kind: Kind) {
        if let Some(at) = Kind::ALL.iter().position(|other| *other == kind) {
            add(&self.errors[at], 1);
        }
    }

    /// A result was found or made.
    pub fn result(&self, from: From) {
        add(&self.results[from as usize], 1);
    }

    /// A source was read.
    pub fn fetched(&self, bytes: u64) {
        add(&self.fetched, 1);
        add(&self.fetched_bytes, bytes);
    }

    /// The fallback image stood in for a source.
    pub fn fell_back(&self) {
        add(&self.fallbacks, 1);
    }

    /// WebP was made where AVIF would have cost too much.
    pub fn webp_for_avif(&self) {
        add(&self.webp_for_avif, 1);
    }

    /// A result could not be kept.
    pub fn cache_failed(&self) {
        add(&self.cache_failures, 1);
    }

    /// All of it as text.
    #[must_use]
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text(String::with_capacity(4096));
        text.head("requests_total", "counter", "Answers by class of status.");
        for class in 2..=5 {
            let value = read(&self.statuses[class]);
            text.line("requests_total", &format!("{{class=\"{class}xx\"}}"), value);
        }
        text.head("errors_total", "counter", "Failed requests by reason.");
        for (kind, value) in Kind::ALL.iter().zip(&self.errors) {
            let label = format!("{{kind=\"{}\"}}", kind.name());
            text.line("errors_total", &label, read(value));
        }
        text.head(
            "results_total",
            "counter",
            "Results by where they came from.",
        );
        for (from, value) in From::ALL.iter().zip(&self.results) {
            let label = format!("{{from=\"{}\"}}", from.name());
            text.line("results_total", &label, read(value));
        }
        self.times(&mut text);
        let counters = [
            ("sent_bytes_total", "Bytes of bodies sent.", &self.sent),
            ("source_reads_total", "Sources read.", &self.fetched),
            (
                "source_read_bytes_total",
                "Bytes of sources read.",
                &self.fetched_bytes,
            ),
            (
                "fallback_images_total",
                "Fallback images served.",
                &self.fallbacks,
            ),
            (
                "webp_for_avif_total",
                "WebP made in place of a costly AVIF.",
                &self.webp_for_avif,
            ),
            (
                "cache_failures_total",
                "Results that could not be kept.",
                &self.cache_failures,
            ),
        ];
        for (name, help, value) in counters {
            text.head(name, "counter", help);
            text.line(name, "", read(value));
        }
        let numbers = [
            (
                "requests_in_flight",
                "Requests under way.",
                read(&self.in_flight),
            ),
            ("clients", "Connections.", read(&self.clients)),
            (
                "queue",
                "Results under way, waiting or worked on.",
                gauges.entered as u64,
            ),
            (
                "working",
                "Pictures that are worked on.",
                gauges.working as u64,
            ),
            (
                "result_memory_bytes",
                "Results in memory.",
                gauges.memory_bytes,
            ),
            (
                "result_store_bytes",
                "Results in the store.",
                gauges.store_bytes,
            ),
            (
                "source_memory_bytes",
                "Sources in memory.",
                gauges.source_bytes,
            ),
        ];
        for (name, help, value) in numbers {
            text.head(name, "gauge", help);
            text.line(name, "", value);
        }
        text.0
    }

    fn times(&self, text: &mut Text) {
        let name = "request_seconds";
        text.head(
            name,
            "histogram",
            "Time from a request's head to its answer's.",
        );
        let mut below = 0;
        for (end, class) in TIMES.iter().zip(&self.classes) {
            below += read(class);
            text.line(
                "request_seconds_bucket",
                &format!("{{le=\"{end}\"}}"),
                below,
            );
        }
        below += read(&self.classes[TIMES.len()]);
        text.line("request_seconds_bucket", "{le=\"+Inf\"}", below);
        let seconds = read(&self.micros) as f64 / 1e6;
        let _ = writeln!(text.0, "framemill_request_seconds_sum {seconds}");
        text.line("request_seconds_count", "", below);
    }
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP framemill_{name} {help}");
        let _ = writeln!(self.0, "# TYPE framemill_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "framemill_{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_prometheus() {
        let metrics = Metrics::default();
        metrics.answered(200, 10, Duration::from_millis(2));
        metrics.answered(429, 0, Duration::from_secs(60));
        metrics.failed(Kind::Busy);
        metrics.result(From::Made);
        let under = metrics.request();
        let text = metrics.text(&Gauges::default());
        for line in [
            "framemill_requests_total{class=\"2xx\"} 1",
            "framemill_errors_total{kind=\"busy\"} 1",
            "framemill_results_total{from=\"made\"} 1",
            "framemill_request_seconds_bucket{le=\"0.005\"} 1",
            "framemill_request_seconds_bucket{le=\"+Inf\"} 2",
            "framemill_request_seconds_sum 60.002",
            "framemill_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(under);
        let text = metrics.text(&Gauges::default());
        assert!(text.contains("framemill_requests_in_flight 0\n"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok() && name.starts_with("framemill_"));
        }
    }
}
