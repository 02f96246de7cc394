// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill sim`: how long a job would take on other workers, by its `--report`.

use super::limits::PriceArgs;
use super::predict::{print_table, to_json, PredictArgs};
use super::{console, report};
use crate::error::{JobError, Result};
use crate::sim::from_report::TimeOf;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `framemill sim`.
#[derive(clap::Args, Clone, Debug)]
pub struct SimArgs {
    /// What transcode --report wrote
    report: PathBuf,
    /// Tasks at once; several numbers are compared [default: 1000]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    workers: Vec<u32>,
    /// Which times of the report tasks take
    #[arg(long, value_enum, default_value = "wall")]
    time: TimeOf,
    /// As if the source were so many times as long
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// Cores of the one machine to compare with [default: what ran at once in the report]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    machine_cores: Option<u32>,
    #[command(flatten)]
    predict: PredictArgs,
    #[command(flatten)]
    prices: PriceArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::JobError::Input`] for a report that cannot be read,
/// [`crate::error::JobError::Failed`] where the simulated job fails.
pub fn run(args: &SimArgs) -> Result<()> {
    let mut replayed = report::load(&args.report, args.time)?;
    let workload = replayed.workload.repeated(args.repeat);
    replayed.workload =
        workload.map_err(|e| JobError::Usage(format!("--repeat {}: {e}", args.repeat)))?;
    let measured = replayed.run.totals(None);
    let cores = args.machine_cores.unwrap_or(measured.peak.max(1));
    let of = args.predict.comparison(&args.workers, cores, &args.prices);
    let title = format!("{} to {}", replayed.input, replayed.output);
    let rows = args.predict.predict(&replayed.workload, &of, &title)?;
    if args.json {
        let report = json!({
            "version": 1,
            "report": {
                "engine": replayed.engine, "wall_s": measured.wall_s, "peak": measured.peak,
                "tasks": replayed.workload.tasks.len(),
                "work_s": replayed.workload.work().as_secs_f64(), "notes": replayed.notes,
            },
            "predicted": to_json(&rows),
        });
        console::say(&report.to_string());
        return Ok(());
    }
    console::say(&format!(
        "{} tasks, {:.1} s of work; measured {:.2} s, at most {} at once, engine {}",
        replayed.workload.tasks.len(),
        replayed.workload.work().as_secs_f64(),
        measured.wall_s,
        measured.peak,
        replayed.engine
    ));
    print_table(&rows);
    for note in &replayed.notes {
        console::say(&format!("note: {note}"));
    }
    Ok(())
}
