// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill serve events`.

use super::super::console;
use super::super::engine::EngineArgs;
use super::super::limits::LimitArgs;
use crate::error::{JobError, Result};
use crate::events::folder::Folders;
use crate::events::http::{self, Health};
use crate::events::rules::{self, overlap, From, Rule};
use crate::events::service::{Service, Settings};
use crate::events::source::Source;
use crate::events::sqs::Sqs;
use crate::job::{absolute, open_work};
use crate::jobs::{Records, Shop};
use framemill_store::{self as store, Location};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Most bytes of rules.
const RULES: u64 = 4 << 20;

/// Arguments of `framemill serve events`.
#[derive(clap::Args, Clone, Debug)]
pub struct EventsArgs {
    /// Which uploads become which jobs, as TOML (docs/formats.md): a file or s3://BUCKET/KEY
    #[arg(long, value_name = "FILE")]
    rules: String,
    /// A queue of SQS that tells of uploads to the rules' buckets; may be repeated
    #[arg(long = "queue", value_name = "URL")]
    queues: Vec<String>,
    /// Where jobs and their tasks' results are kept: a folder or s3://BUCKET/PREFIX. Whoever
    /// serves the same queue needs the same
    #[arg(long, value_name = "URI")]
    work_dir: String,
    /// Where messages go that nothing can come of [default: dead in the work place]
    #[arg(long, value_name = "PLACE")]
    dead_letter: Option<String>,
    /// Jobs at once; they share the workers
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: u32,
    /// Tasks at once, of all jobs [default: one per core; 64 with --engine http, 1000 with lambda]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Where GET /health, /ready and /metrics are answered
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// Seconds that a message is hidden and a job is held at a time: after so long, another
    /// coordinator goes on with what one has left that died
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(3..=3600))]
    hold: u32,
    /// Deliveries of a message after which what may pass counts as what does not; fewer than the
    /// queue itself allows
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    /// Seconds that jobs may go on after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "25", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    drain: u32,
    /// Seconds that a file in a watched folder must stay as it is
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    settle: Duration,
    /// Read the rules, and end
    #[arg(long)]
    check: bool,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number is expected")?;
    match (0.0..=3600.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("from 0 to 3600".into()),
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`JobError::Usage`] for rules or places that cannot be used.
pub async fn run(args: EventsArgs, quiet: bool, end: CancellationToken) -> Result<()> {
    let rules = args.rules().await?;
    if args.check {
        console::say(&format!("{}: {} rules", args.rules, rules.len()));
        return Ok(());
    }
    let work = absolute(&args.work_dir)?;
    args.engine.check(Some(&work))?;
    let limits = args.limits.limits(None, args.engine.name())?;
    let hold = Duration::from_secs(args.hold.into());
    let dead = match &args.dead_letter {
        Some(place) => absolute(place)?,
        None => format!("{}/dead", work.trim_end_matches('/')),
    };
    for rule in &rules {
        for place in [&work, &dead] {
            if overlap(place, rule) {
                let name = &rule.name;
                let text = format!("what is kept in {place} would be an upload for rule {name}");
                return Err(JobError::Usage(text));
            }
        }
    }
    let sources = args.sources(&rules, hold).await?;
    let records = Records::at(&work).await?;
    let place = open_work(&work, None).await?;
    let time = args.limits.task_time();
    let engine = args.engine.make(&place, &work, args.workers, time).await?;
    let shop = Arc::new(Shop::new(records, engine, limits, hold));
    let settings = Settings {
        jobs: args.jobs as usize,
        hold,
        attempts: args.attempts,
        drain: Duration::from_secs(args.drain.into()),
    };
    let health = Health::new();
    let at = http::serve(args.listen, health.clone()).await;
    let at = at.map_err(|e| JobError::Usage(format!("--listen {}: {e}", args.listen)))?;
    if !quiet {
        let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
        console::say(&format!("framemill: listening to {}", names.join(", ")));
        console::say(&format!("health and metrics on http://{at}"));
    }
    let dead = Records::at(&dead).await?;
    Service::new(shop, rules, dead, settings, health)
        .run(sources, end)
        .await;
    Ok(())
}

impl EventsArgs {
    async fn rules(&self) -> Result<Vec<Rule>> {
        let wrong = |e: String| JobError::Usage(format!("{}: {e}", self.rules));
        let read = async {
            let (blobs, key) = store::open(&Location::parse(&self.rules)?).await?;
            blobs.get(&key, RULES).await
        };
        let text = read
            .await
            .map_err(|e: store::StoreError| wrong(e.to_string()))?;
        let text = std::str::from_utf8(&text).map_err(|e| wrong(e.to_string()))?;
        // Profiles that are files lie beside rules that are one.
        let folder = Path::new(&self.rules).parent().unwrap_or(Path::new(""));
        rules::parse(text, folder).map_err(wrong)
    }

    /// Where messages come from: all queues, and all folders that rules name.
    async fn sources(&self, rules: &[Rule], hold: Duration) -> Result<Vec<Arc<dyn Source>>> {
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        for url in &self.queues {
            sources.push(Arc::new(Sqs::connect(url, hold).await?));
        }
        let bucket = rules
            .iter()
            .find(|rule| matches!(rule.from, From::Bucket(_)));
        if let (Some(rule), true) = (bucket, self.queues.is_empty()) {
            let text = format!("rule {} has a bucket: give --queue", rule.name);
            return Err(JobError::Usage(text));
        }
        let folder = |rule: &Rule| match &rule.from {
            From::Folder(path) => Some(PathBuf::from(path)),
            From::Bucket(_) => None,
        };
        let folders: BTreeSet<PathBuf> = rules.iter().filter_map(folder).collect();
        if !folders.is_empty() {
            let folders = folders.into_iter().collect();
            let watched = Folders::watch(folders, self.settle).map_err(JobError::Usage)?;
            sources.push(Arc::new(watched));
        }
        Ok(sources)
    }
}
