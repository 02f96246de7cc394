// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill sim`: how long a job would take on other workers, by its `--report`, or a
//! longer one by the reports of several.

use super::limits::PriceArgs;
use super::predict::{print_table, to_json, PredictArgs};
use super::{console, report};
use crate::error::{JobError, Result};
use crate::sim::from_report::{Replayed, TimeOf};
use crate::sim::model::Workload;
use crate::sim::samples::{Length, Samples};
use serde_json::{json, Value};
use std::path::PathBuf;

/// Arguments of `framemill sim`.
#[derive(clap::Args, Clone, Debug)]
pub struct SimArgs {
    /// What transcode --report wrote; of several, chunks are drawn for --chunks or --frames
    #[arg(required = true)]
    report: Vec<PathBuf>,
    /// Tasks at once; several numbers are compared [default: 1000]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    workers: Vec<u32>,
    /// Which times of the report tasks take
    #[arg(long, value_enum, default_value = "wall")]
    time: TimeOf,
    /// As if the source were so many times as long
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// A job of so many chunks, each with times drawn from the reports' chunks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=999_999), conflicts_with = "repeat")]
    chunks: Option<u32>,
    /// The same by frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["repeat", "chunks"])]
    frames: Option<u64>,
    /// Chunks to a batch, where they are drawn and continue each other [default: the most
    /// in a report]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// A report of a job of another length; how index, planning and stitch grow is taken
    /// from these; may be repeated [default: all of them but the index grow with the chunks]
    #[arg(long, value_name = "REPORT")]
    growth: Vec<PathBuf>,
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

/// What is replayed.
struct Source {
    workload: Workload,
    reports: Vec<(String, Replayed)>,
    /// Where chunks are drawn: what from.
    drawn: Option<Drawn>,
}

struct Drawn {
    samples: usize,
    chunks: u32,
    frames: u32,
    batch: u32,
}

impl SimArgs {
    fn load(&self, files: &[PathBuf]) -> Result<Vec<(String, Replayed)>> {
        let one = |file: &PathBuf| {
            let of = report::load(file, self.time)?;
            Ok((file.display().to_string(), of))
        };
        files.iter().map(one).collect()
    }

    fn source(&self) -> Result<Source> {
        let usage = |text: String| Err(JobError::Usage(text));
        let reports = self.load(&self.report)?;
        if self.chunks.is_some() || self.frames.is_some() {
            return self.draw(reports);
        }
        if !self.growth.is_empty() || self.batch.is_some() {
            return usage("--growth and --batch go with --chunks or --frames".into());
        }
        let [(_, only)] = &reports[..] else {
            return usage("several reports go with --chunks or --frames".into());
        };
        match only.workload.repeated(self.repeat) {
            Ok(workload) => Ok(Source {
                workload,
                reports,
                drawn: None,
            }),
            Err(e) => usage(format!("--repeat {}: {e}", self.repeat)),
        }
    }

    fn draw(&self, reports: Vec<(String, Replayed)>) -> Result<Source> {
        let growth = self.load(&self.growth)?.into_iter().map(|g| g.1);
        let growth: Vec<Replayed> = growth.collect();
        let samples = Samples::of(&reports, &growth).map_err(JobError::Usage)?;
        let by_frames = |frames: u64| {
            let chunks = frames.div_ceil(u64::from(samples.length()));
            u32::try_from(chunks).unwrap_or(u32::MAX)
        };
        let chunks = self.chunks.or(self.frames.map(by_frames)).unwrap_or(1);
        let batch = match samples.longest() {
            1 if self.batch.is_some_and(|n| n > 1) => {
                let text = "--batch: no chunk of the reports continues from another";
                return Err(JobError::Usage(text.into()));
            }
            longest => self.batch.unwrap_or(longest),
        };
        let length = Length {
            chunks,
            batch,
            seed: self.predict.seed,
        };
        let workload = samples.workload(length).map_err(JobError::Usage)?;
        let drawn = Drawn {
            samples: samples.count(),
            chunks,
            frames: samples.length(),
            batch,
        };
        Ok(Source {
            workload,
            reports,
            drawn: Some(drawn),
        })
    }
}

impl Source {
    fn title(&self) -> String {
        match (&self.drawn, self.reports.first()) {
            (Some(drawn), _) => format!(
                "{} chunks of {} frames, drawn from {} of {} reports",
                drawn.chunks,
                drawn.frames,
                drawn.samples,
                self.reports.len()
            ),
            (None, Some((_, only))) => format!("{} to {}", only.input, only.output),
            (None, None) => String::new(),
        }
    }

    /// Most tasks at once in a report.
    fn peak(&self) -> u32 {
        let peaks = self.reports.iter().map(|r| r.1.run.totals(None).peak);
        peaks.max().unwrap_or(1).max(1)
    }

    fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let many = self.reports.len() > 1;
        let named = move |name: &str, note: &str| match many {
            true => format!("{name}: {note}"),
            false => note.to_owned(),
        };
        let of_report = move |(name, report): &(String, Replayed)| {
            let notes = report.notes.iter().map(|note| named(name, note));
            notes.collect::<Vec<_>>()
        };
        self.reports.iter().flat_map(of_report)
    }

    fn json(&self) -> Value {
        let first = self.reports.first().map(|r| &r.1);
        let drawn = self.drawn.as_ref().map(|drawn| {
            json!({
                "reports": self.reports.len(), "samples": drawn.samples,
                "chunks": drawn.chunks, "frames_a_chunk": drawn.frames, "batch": drawn.batch,
            })
        });
        json!({
            "engine": first.map(|r| &r.engine),
            "wall_s": first.map(|r| r.run.totals(None).wall_s),
            "peak": self.peak(),
            "tasks": self.workload.tasks.len(),
            "work_s": self.workload.work().as_secs_f64(),
            "drawn": drawn,
            "notes": self.notes().collect::<Vec<_>>(),
        })
    }

    fn line(&self) -> String {
        let tasks = format!(
            "{} tasks, {:.1} s of work",
            self.workload.tasks.len(),
            self.workload.work().as_secs_f64()
        );
        match (&self.drawn, self.reports.first()) {
            (Some(drawn), _) if drawn.batch > 1 => {
                format!("{}, {} to a batch; {tasks}", self.title(), drawn.batch)
            }
            (None, Some((_, only))) => format!(
                "{tasks}; measured {:.2} s, at most {} at once, engine {}",
                only.run.totals(None).wall_s,
                only.run.totals(None).peak,
                only.engine
            ),
            _ => format!("{}; {tasks}", self.title()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::JobError::Input`] for a report that cannot be read,
/// [`crate::error::JobError::Usage`] for reports that do not fit what is asked for,
/// [`crate::error::JobError::Failed`] where the simulated job fails.
pub fn run(args: &SimArgs) -> Result<()> {
    let source = args.source()?;
    let cores = args.machine_cores.unwrap_or(source.peak());
    let of = args.predict.comparison(&args.workers, cores, &args.prices);
    let rows = args
        .predict
        .predict(&source.workload, &of, &source.title())?;
    if args.json {
        let report = json!({
            "version": 1, "report": source.json(), "predicted": to_json(&rows),
        });
        console::say(&report.to_string());
        return Ok(());
    }
    console::say(&source.line());
    print_table(&rows);
    for note in source.notes() {
        console::say(&format!("note: {note}"));
    }
    Ok(())
}
