// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill report`: what a job did, by its `--report`.

use super::console;
use super::predict::{critical_json, critical_line, draw};
use crate::error::{JobError, Result};
use crate::sim::critical::{by_kind, critical_path};
use crate::sim::from_report::{parse, Replayed, TimeOf};
use crate::sim::model::TaskKind;
use crate::sim::run::{Ended, Totals};
use crate::sim::timeline::Caption;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest report that is read, in bytes.
const MOST: u64 = 2 << 30;
/// How long after what made it possible a launch may come: what a coordinator takes to
/// hear of it and to answer.
const TOLERANCE: Duration = Duration::from_millis(20);

/// Arguments of `framemill report`.
#[derive(clap::Args, Clone, Debug)]
pub struct ReportArgs {
    /// What transcode --report wrote
    report: PathBuf,
    /// Draw the run as an SVG timeline
    #[arg(long, value_name = "FILE.svg")]
    timeline: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Reads a report.
///
/// # Errors
/// [`JobError::Input`] with one line: what is wrong, and where.
pub fn load(file: &Path, time: TimeOf) -> Result<Replayed> {
    let wrong = |detail: String| JobError::Input {
        file: file.display().to_string(),
        detail,
    };
    let size = std::fs::metadata(file).map_err(|e| wrong(e.to_string()))?;
    if size.is_dir() {
        return Err(wrong("it is a folder, not a report".into()));
    }
    if size.len() > MOST {
        return Err(wrong(format!(
            "{} bytes are too many for a report",
            size.len()
        )));
    }
    let bytes = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    parse(&bytes, time).map_err(wrong)
}

/// Invocations of one kind.
struct OfKind {
    kind: TaskKind,
    done: usize,
    failed: usize,
    p50: f64,
    p99: f64,
    sum: f64,
    waited: f64,
}

impl OfKind {
    fn of(kind: TaskKind, report: &Replayed) -> Option<Self> {
        let tasks = &report.workload.tasks;
        let all = report.run.invocations.iter();
        let all: Vec<_> = all
            .filter(|i| tasks[i.task as usize].kind == kind)
            .collect();
        let done = all.iter().filter(|i| i.ended == Ended::Ok);
        let mut times: Vec<f64> = done.map(|i| i.paid().as_secs_f64()).collect();
        times.sort_unstable_by(f64::total_cmp);
        (!all.is_empty()).then(|| Self {
            kind,
            done: times.len(),
            failed: all.len() - times.len(),
            p50: quantile(&times, 0.5),
            p99: quantile(&times, 0.99),
            sum: times.iter().sum(),
            waited: all.iter().map(|i| i.waited().as_secs_f64()).sum(),
        })
    }
}

/// The least of sorted times that this share of them does not exceed; 0 of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Runs the command.
///
/// # Errors
/// As [`load`]; [`JobError::Failed`] where the picture cannot be written.
pub fn run(args: &ReportArgs) -> Result<()> {
    let report = load(&args.report, TimeOf::Wall)?;
    let kinds: Vec<OfKind> = TaskKind::ALL
        .into_iter()
        .filter_map(|kind| OfKind::of(kind, &report))
        .collect();
    let totals = report.run.totals(None);
    let path = critical_path(&report.workload, &report.run, TOLERANCE);
    let critical = by_kind(&report.workload, &report.run, &path);
    if let Some(file) = &args.timeline {
        let caption = Caption {
            title: format!("{} to {}", report.input, report.output),
            subtitle: format!(
                "engine {}: {:.2} s, {} invocations, at most {} at once",
                report.engine, totals.wall_s, totals.requests, totals.peak
            ),
        };
        draw(file, &report.workload, &report.run, &path, &caption)?;
    }
    if args.json {
        print_json(&report, &totals, &kinds, &critical);
    } else {
        print_table(&report, &totals, &kinds, &critical);
    }
    Ok(())
}

fn print_json(report: &Replayed, t: &Totals, kinds: &[OfKind], critical: &[(&str, f64)]) {
    let kind = |k: &OfKind| {
        json!({
            "kind": k.kind.name(), "done": k.done, "failed": k.failed, "p50_s": k.p50,
            "p99_s": k.p99, "sum_s": k.sum, "waited_s": k.waited,
        })
    };
    console::say(
        &json!({
            "version": 1, "input": report.input, "output": report.output,
            "engine": report.engine, "frames": report.frames, "wall_s": t.wall_s,
            "invocations": t.requests, "peak": t.peak, "worker_s": t.function_s,
            "utilisation": t.utilisation,
            "kinds": kinds.iter().map(kind).collect::<Vec<_>>(),
            "critical_path": critical_json(critical), "notes": report.notes,
        })
        .to_string(),
    );
}

fn print_table(report: &Replayed, t: &Totals, kinds: &[OfKind], critical: &[(&str, f64)]) {
    console::say(&format!(
        "{} to {}, engine {}",
        report.input, report.output, report.engine
    ));
    console::say(&format!(
        "{:.2} s, {} frames, {} invocations, at most {} at once, {:.1} s of workers, {:.0} % busy",
        t.wall_s,
        report.frames,
        t.requests,
        t.peak,
        t.function_s,
        100.0 * t.utilisation
    ));
    console::say(&format!(
        "{:<8} {:>6} {:>7} {:>9} {:>9} {:>10} {:>9}",
        "kind", "done", "failed", "p50 s", "p99 s", "sum s", "waited s"
    ));
    for k in kinds {
        console::say(&format!(
            "{:<8} {:>6} {:>7} {:>9.3} {:>9.3} {:>10.2} {:>9.2}",
            k.kind.name(),
            k.done,
            k.failed,
            k.p50,
            k.p99,
            k.sum,
            k.waited
        ));
    }
    console::say(&format!("critical path: {}", critical_line(critical)));
    for note in &report.notes {
        console::say(&format!("note: {note}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_taken() {
        let times = [1.0, 2.0, 3.0, 4.0];
        assert_eq!((quantile(&times, 0.5), quantile(&times, 0.99)), (2.0, 4.0));
        assert_eq!((quantile(&times[..1], 0.5), quantile(&[], 0.5)), (1.0, 0.0));
    }
}
