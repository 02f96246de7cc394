// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill thumb`: pictures to thumbnails, one or thousands, on any engine.
//!
//! A picture is one task, which makes all its sizes; what it leaves in the work store is
//! copied under the names that the user wants. A picture that cannot be done stops no other.

mod names;
mod outputs;

use super::engine::{EngineArgs, EngineName};
use super::limits::LimitArgs;
use super::signals::watch_signals;
use crate::engine::Engine;
use crate::error::{JobError, Result};
use crate::job::{absolute, look_up, open_work};
use crate::limits::Limits;
use crate::progress::Progress;
use crate::runner::{Build, Rules, Runner, Work};
use framemill_store::{self as store, PutMode};
use framemill_thumbs::url::Options;
use framemill_thumbs::Format;
use framemill_worker::thumb::{self, ThumbTask};
use framemill_worker::{SourceRef, Task, WorkPlace};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use names::{names, Job};
use outputs::{Outputs, Tally};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Sources that are looked up at once.
const LOOK_UPS: usize = 32;
/// Where results lie until they are copied, where the user names no place.
const MEMORY: &str = "mem:thumbnails/";

/// Arguments of `framemill thumb`.
#[derive(clap::Args, Clone, Debug)]
pub struct ThumbArgs {
    /// Pictures and videos: files, s3://BUCKET/KEY or https://HOST/PATH
    inputs: Vec<String>,
    /// More pictures, one a line; - reads standard input
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// A file for one thumbnail; a directory or s3://BUCKET/PREFIX for several
    #[arg(long, short, value_name = "OUT")]
    output: String,
    /// Sizes to fit into, such as 320 (wide), 0x240 (high) or 640x360; commas between several
    #[arg(long, alias = "size", value_name = "WxH,…", value_parser = names::sizes, default_value = "320")]
    sizes: Sizes,
    /// auto (the source's format, jpg where that cannot be written), jpg, png, webp, avif or gif
    /// [default: by the extension of OUT, else auto]
    #[arg(long, value_name = "FORMAT", value_parser = names::format)]
    format: Option<FormatChoice>,
    /// Options in imgproxy's grammar, such as rt:fill/g:sm/q:70
    #[arg(long, value_name = "OPTIONS", default_value = "")]
    options: String,
    /// Pictures at once [default: one per core; 64 with --engine http, 1000 with lambda]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Where results are kept until they are copied, and taken from by a later run: a folder or
    /// s3://BUCKET/PREFIX [default: this process's memory; engines but local need one]
    #[arg(long, value_name = "URI")]
    work_dir: Option<String>,
    /// Replace outputs that exist
    #[arg(long)]
    overwrite: bool,
}

/// Sizes in pixels, 0 for what follows from the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes(Vec<(u32, u32)>);

/// A format, or none for the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatChoice(Option<Format>);

/// A picture that is there.
struct Picture {
    name: String,
    source: SourceRef,
    job: Job,
}

/// Makes the thumbnails.
///
/// # Errors
/// [`JobError::Input`] where the one picture could not be made, [`JobError::Failed`] where some
/// of several could not.
pub async fn run(args: ThumbArgs, quiet: bool) -> Result<()> {
    let inputs = inputs(&args)?;
    check_engine(&args)?;
    let options = args.sizes.0.iter().map(|size| parse(&args.options, *size));
    let options = options.collect::<Result<Vec<_>>>()?;
    let asked = args.format.map(|format| format.0);
    let jobs = names(&inputs, &args.output, &args.sizes.0, asked).map_err(JobError::Usage)?;
    let cancel = CancellationToken::new();
    watch_signals(cancel.clone());
    let limits = args.limits.limits(None, args.engine.name())?;
    let (engine, place) = engine(&args).await?;
    let all = jobs.len() * options.len();
    let bar = bar(all, quiet);
    let mut tally = Tally::new(bar.clone());
    let pictures = Arc::new(look_all_up(jobs, &mut tally, &cancel).await);
    if cancel.is_cancelled() {
        return Err(JobError::Interrupted("interrupted with none made".into()));
    }
    let mode = match args.overwrite {
        true => PutMode::Overwrite,
        false => PutMode::Create,
    };
    let forget = args.work_dir.is_none();
    let outputs = Outputs::start(pictures.clone(), place.clone(), (mode, forget), tally);
    let ended = make(
        &args,
        (engine, place),
        &limits,
        (&pictures, options),
        &outputs,
        cancel,
    )
    .await;
    let tally = outputs.finish().await;
    bar.finish_and_clear();
    match ended {
        Err(JobError::Interrupted(_)) => Err(JobError::Interrupted(format!(
            "interrupted with {} of {all} thumbnails made",
            tally.made
        ))),
        Err(error) => Err(error),
        Ok(()) => tally.tell(&args.output, inputs.len(), quiet),
    }
}

/// Runs the tasks to their end.
async fn make(
    args: &ThumbArgs,
    (engine, place): (Arc<dyn Engine>, WorkPlace),
    limits: &Limits,
    (pictures, options): (&Arc<Vec<Picture>>, Vec<Options>),
    outputs: &Outputs,
    cancel: CancellationToken,
) -> Result<()> {
    let rules = Rules {
        resume: args.work_dir.is_some(),
        earlier: args.work_dir.is_some(),
        keep_going: true,
    };
    let progress = Arc::<Progress>::default();
    let at = (engine, place);
    let mut runner = Runner::new(at, rules, cancel, progress, "thumb", None, limits)?;
    let of = pictures.clone();
    let build: Build = Arc::new(move |n, _, _| Task::Thumb(of[n].task(&options)));
    // Larger files first, so that none of them is left for the end.
    let weight = |picture: &Picture| (picture.source.size >> 10).clamp(1, 1 << 20) as u32;
    let work = Work::new("thumb", pictures.iter().map(weight).collect(), build);
    let ended = runner
        .run_all(
            vec![work],
            &mut |n, outcome| outputs.made(n, outcome),
            &mut |n, error| outputs.lost(n, &error),
        )
        .await;
    runner.stop().await;
    ended
}

impl Picture {
    fn task(&self, options: &[Options]) -> ThumbTask {
        let text = |options: &Options| {
            let format = self.job.format.or(options.format);
            let options = Options {
                format,
                ..options.clone()
            };
            options.to_string()
        };
        ThumbTask {
            source: self.source.clone(),
            thumbs: options.iter().map(text).collect(),
        }
    }
}

fn parse(text: &str, (width, height): (u32, u32)) -> Result<Options> {
    let options = thumb::options(&format!("{text}/w:{width}/h:{height}"));
    options.map_err(|error| JobError::Usage(format!("--options: {error}")))
}

fn check_engine(args: &ThumbArgs) -> Result<()> {
    args.engine.check(args.work_dir.as_deref())?;
    if args.engine.name() == EngineName::Host && args.work_dir.is_none() {
        let text = "this engine needs --work-dir, a place that its workers reach too";
        return Err(JobError::Usage(text.into()));
    }
    Ok(())
}

/// The engine, and where its results lie.
async fn engine(args: &ThumbArgs) -> Result<(Arc<dyn Engine>, WorkPlace)> {
    let work = match &args.work_dir {
        Some(place) => absolute(place)?,
        None => MEMORY.to_owned(),
    };
    let place = open_work(&work, None).await?;
    let time = args.limits.task_time();
    let engine = args.engine.make(&place, &work, args.workers, time).await?;
    Ok((engine, place))
}

fn inputs(args: &ThumbArgs) -> Result<Vec<String>> {
    let mut inputs = args.inputs.clone();
    if let Some(list) = &args.list {
        let text = match list.to_str() {
            Some("-") => std::io::read_to_string(std::io::stdin()),
            _ => std::fs::read_to_string(list),
        };
        let text = text.map_err(|e| JobError::Usage(format!("--list {}: {e}", list.display())))?;
        let lines = text.lines().filter(|line| !line.is_empty());
        inputs.extend(lines.map(str::to_owned));
    }
    if inputs.is_empty() {
        return Err(JobError::Usage("thumb: no picture is given".into()));
    }
    Ok(inputs)
}

/// The pictures that are there; of the others, the tally hears.
async fn look_all_up(
    jobs: Vec<Job>,
    tally: &mut Tally,
    cancel: &CancellationToken,
) -> Vec<Picture> {
    let mut found: Vec<Option<Picture>> = Vec::new();
    found.resize_with(jobs.len(), || None);
    let mut running = JoinSet::new();
    let mut jobs = jobs.into_iter().enumerate();
    while !cancel.is_cancelled() {
        let room = LOOK_UPS - running.len();
        for (n, job) in jobs.by_ref().take(room) {
            running.spawn(async move { (n, look_up(&job.input).await, job) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((n, Ok(source), job))) => {
                let name = store::shown(&job.input);
                found[n] = Some(Picture { name, source, job });
            }
            Some(Ok((_, Err(error), job))) => {
                let name = store::shown(&job.input);
                tally.take(&name, job.outputs.len(), Err(error.reason()));
            }
            Some(Err(error)) => tally.take("internal error", 1, Err(error.to_string())),
        }
    }
    found.into_iter().flatten().collect()
}

fn bar(length: usize, quiet: bool) -> ProgressBar {
    let target = match quiet {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    let style = ProgressStyle::with_template("{bar:32} {pos} of {len} thumbnails, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
