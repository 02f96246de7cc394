// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill batch`: a profile's outputs of everything in a folder, a bucket or a manifest.

mod dry;
mod tell;

use super::engine::EngineArgs;
use super::limits::LimitArgs;
use super::signals::watch_signals;
use crate::batch::go::{go, look, Shared};
use crate::batch::orders::{globs, orders, Ask, Filter, Orders};
use crate::batch::sources::{find, Found};
use crate::error::{JobError, Result};
use crate::job::{absolute, open_work};
use crate::jobs::{Media, Records, Shop};
use crate::plan::options::parse_bytes;
use framemill_codec::dsp::Dsp;
use framemill_store::{Location, StoreRoot};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tell::Teller;
use tokio_util::sync::CancellationToken;

/// How long a job is held at a time; a batch that was killed elsewhere is waited for so long.
const LEASE: Duration = Duration::from_secs(60);
/// Jobs at once, where nobody says: few enough for this machine to stitch, enough for many
/// workers to be busy with pictures.
const AT_ONCE: (u32, u32) = (4, 64);

/// Arguments of `framemill batch`.
#[derive(clap::Args, Clone, Debug)]
pub struct BatchArgs {
    /// Folders, s3://BUCKET/PREFIX/, manifests (.toml, .jsonl, .csv), or single files
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// What to make: web, mobile, archive, preview or a TOML file (framemill profile)
    #[arg(long, short, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Where outputs go: a folder or s3://BUCKET/PREFIX
    #[arg(long, short, value_name = "PLACE")]
    output: String,
    /// Take only names like this, such as '*.mov' or '2024/**'; may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out names like this; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Take only videos, or only pictures
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    media: Option<Media>,
    /// Take only sources of at least so many bytes, such as 10M
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "0")]
    min_size: u64,
    /// Take only sources of at most so many bytes
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    max_size: Option<u64>,
    /// Say what would be done and what it would cost, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Sources at once; they share the workers [default: as many as workers, 4 to 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Tasks at once, of all jobs [default: one per core; 64 with --engine http, 1000 with lambda]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Where the batch remembers what is done: a folder or s3://BUCKET/PREFIX
    /// [default: the folder .framemill in that of the outputs]
    #[arg(long, value_name = "URI")]
    work_dir: Option<String>,
    /// Replace outputs that exist
    #[arg(long)]
    overwrite: bool,
    /// Every job and the end as JSON lines on standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`JobError::Failed`] where anything failed; all else is done then.
pub async fn run(args: BatchArgs, quiet: bool, simd: Option<&'static Dsp>) -> Result<()> {
    let started = Instant::now();
    let (place, work) = args.places()?;
    args.engine.check(Some(&work))?;
    let cancel = CancellationToken::new();
    watch_signals(cancel.clone());
    let (all, others) = args.orders(&place, &work, &cancel).await?;
    if cancel.is_cancelled() {
        return Err(JobError::Interrupted(
            "interrupted with nothing done".into(),
        ));
    }
    if args.dry_run {
        return dry::run(all, others, args.json, simd).await;
    }
    let (shop, jobs) = args.shop(&work, simd).await?;
    let state = Shared::default();
    {
        let mut state = look(&state);
        state.total = all.failed.len();
        state.failures.extend(all.failed.iter().cloned());
    }
    let teller = Teller::start(state.clone(), quiet, args.json);
    for (input, reason) in &all.failed {
        teller.failed(input, reason);
    }
    let tell = &mut |event: crate::batch::go::Event<'_>| teller.tell(event);
    let ended = go(&shop, all.orders, jobs, &cancel, (&state, tell)).await;
    teller.stop().await;
    let state = look(&state);
    if args.json {
        tell::json_end(
            &state,
            (others, all.left_out),
            started.elapsed().as_secs_f64(),
        );
    }
    match ended {
        Err(JobError::Interrupted(_)) => Err(JobError::Interrupted(format!(
            "interrupted with {} of {} done; the same command goes on from there",
            state.made + state.skipped,
            state.total
        ))),
        Err(error) => Err(error),
        Ok(()) => {
            let line = tell::summary(
                &args.output,
                &state,
                (others, all.left_out),
                started.elapsed(),
            );
            tell::end(line, &state, quiet || args.json)
        }
    }
}

impl BatchArgs {
    /// Where the jobs are done, and how many at once.
    async fn shop(&self, work: &str, simd: Option<&'static Dsp>) -> Result<(Arc<Shop>, usize)> {
        let limits = self.limits.limits(None, self.engine.name())?;
        let records = Records::at(work).await?;
        let at = open_work(work, simd).await?;
        let time = self.limits.task_time();
        let engine = self.engine.make(&at, work, self.workers, time).await?;
        let usual = engine.slots().clamp(AT_ONCE.0, AT_ONCE.1);
        let shop = Shop::new(records, engine, limits, LEASE).with_simd(simd);
        let jobs = self.jobs.unwrap_or(usual) as usize;
        Ok((Arc::new(shop.with_one_budget()), jobs))
    }

    /// Where outputs go, and where the batch remembers.
    fn places(&self) -> Result<(String, String)> {
        let wrong = |e: framemill_store::StoreError| JobError::Usage(format!("--output: {e}"));
        let location = Location::parse_place(&self.output).map_err(wrong)?;
        let place = absolute(&self.output)?;
        let work = match (&self.work_dir, &location.root) {
            (Some(work), _) => absolute(work)?,
            (None, StoreRoot::Dir(_)) => format!("{}/.framemill", place.trim_end_matches('/')),
            (None, StoreRoot::S3(_)) => {
                return Err(JobError::Usage(
                    "outputs in a bucket need --work-dir, a place to remember what is done".into(),
                ))
            }
            (None, _) => {
                return Err(JobError::Usage(
                    "--output: give a folder or s3://BUCKET/PREFIX".into(),
                ))
            }
        };
        Ok((place, work))
    }

    /// The jobs, and how many files are no media.
    async fn orders(
        &self,
        place: &str,
        work: &str,
        cancel: &CancellationToken,
    ) -> Result<(Orders, u64)> {
        let named = |flag: &str, text: String| JobError::Usage(format!("{flag} {text}"));
        let filter = Filter {
            include: globs(&self.include).map_err(|e| named("--include", e))?,
            exclude: globs(&self.exclude).map_err(|e| named("--exclude", e))?,
            media: self.media,
            sizes: (self.min_size, self.max_size.unwrap_or(u64::MAX)),
        };
        let ask = Ask {
            profile: self.profile.clone(),
            place: place.to_owned(),
            overwrite: self.overwrite,
        };
        let mut found = Found::default();
        let not = [place.to_owned(), work.to_owned()];
        for source in &self.sources {
            find(source, &not, &mut found).await?;
        }
        if found.items.is_empty() {
            let sources = self.sources.join(", ");
            return Err(JobError::Usage(format!(
                "{sources}: there is no video and no picture ({} other files)",
                found.others
            )));
        }
        let all = orders(found.items, &filter, &ask, cancel).await?;
        Ok((all, found.others))
    }
}
