// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill thumb`: pictures to thumbnails, one or thousands.

mod names;

use super::console;
use crate::error::{JobError, Result};
use bytes::Bytes;
use framemill_serve::maker;
use framemill_serve::sources::{Identity, Ranged};
use framemill_serve::video::is_video;
use framemill_serve::Config;
use framemill_store::{self as store, Blocking, Location, PutMode, Store, StoreRoot};
use framemill_thumbs::url::{Grammar, Options, VideoSecond};
use framemill_thumbs::{thumbnail_as, Format, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use names::{names, Job};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Failures that are named; further ones are counted.
const NAMED: usize = 1000;

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
    /// Thumbnails at once [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
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

/// What all thumbnails of a run share.
struct Run {
    settings: Settings,
    mode: PutMode,
    threads: Semaphore,
    stores: Mutex<HashMap<StoreRoot, Arc<dyn Store>>>,
    bar: ProgressBar,
}

/// A source, as it is read.
#[derive(Clone)]
enum Picture {
    Whole(Bytes),
    Video(Ranged),
}

/// How a run went.
#[derive(Default)]
struct Tally {
    made: u64,
    bytes: u64,
    failures: Vec<(String, String)>,
    failed: u64,
}

/// Makes the thumbnails.
///
/// # Errors
/// [`JobError::Input`] where the one picture could not be made, [`JobError::Failed`] where some
/// of several could not.
pub async fn run(args: ThumbArgs, quiet: bool) -> Result<()> {
    let inputs = inputs(&args)?;
    let grammar = Grammar {
        limits_allowed: true,
        ..Grammar::default()
    };
    let usage = |error: String| JobError::Usage(error);
    let parse = |size: &(u32, u32)| -> Result<Options> {
        let path = format!("/{}/w:{}/h:{}/plain/x", args.options, size.0, size.1);
        let path = path.replacen("//", "/", 1);
        let parsed = grammar.parse_unsigned(&path);
        let request = parsed.map_err(|error| usage(format!("--options: {error}")))?;
        Ok(request.options)
    };
    let options = args.sizes.0.iter().map(parse).collect::<Result<Vec<_>>>()?;
    let plan = names(
        &inputs,
        &args.output,
        &args.sizes.0,
        args.format.map(|f| f.0),
    );
    let jobs = plan.map_err(usage)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = args.workers.map_or(cores, |n| n as usize);
    let settings = maker::settings(&Config::default()).map_err(|e| usage(e.to_string()))?;
    let run = Arc::new(Run {
        settings,
        mode: match args.overwrite {
            true => PutMode::Overwrite,
            false => PutMode::Create,
        },
        threads: Semaphore::new(workers),
        stores: Mutex::default(),
        bar: bar(jobs.len() * options.len(), quiet),
    });
    let tally = run.all(jobs, Arc::new(options), workers).await;
    run.bar.finish_and_clear();
    tally.tell(&args.output, inputs.len(), quiet)
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

impl Run {
    async fn all(
        self: &Arc<Self>,
        jobs: Vec<Job>,
        options: Arc<Vec<Options>>,
        workers: usize,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut running = JoinSet::new();
        for job in jobs {
            // Twice as many sources as threads, so that reading and working overlap.
            while running.len() >= workers * 2 {
                tally.take(running.join_next().await);
            }
            let (run, options) = (Arc::clone(self), Arc::clone(&options));
            running.spawn(async move { run.one(job, &options).await });
        }
        while !running.is_empty() {
            tally.take(running.join_next().await);
        }
        tally
    }

    /// All sizes of one picture: what was made, in bytes, and what failed.
    async fn one(
        self: Arc<Self>,
        job: Job,
        options: &[Options],
    ) -> Vec<(String, Result<u64, String>)> {
        let name = store::shown(&job.input);
        let video = options.iter().any(|options| options.video_second.is_some());
        let read = async {
            match video || is_video(&job.input) {
                true => self.video(&job.input).await.map(Picture::Video),
                false => self.read(&job.input).await.map(Picture::Whole),
            }
        };
        let source = match read.await {
            Ok(source) => source,
            Err(error) => {
                self.bar.inc(options.len() as u64);
                return vec![(name, Err(error))];
            }
        };
        let mut done = Vec::new();
        for (options, output) in options.iter().zip(&job.outputs) {
            let mut options = options.clone();
            if let Some(format) = job.format {
                options.format = Some(format);
            }
            let made = self.make(source.clone(), options, output).await;
            self.bar.inc(1);
            done.push((name.clone(), made));
        }
        done
    }

    async fn open(&self, location: &Location) -> store::Result<Arc<dyn Store>> {
        let lock = || self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&location.root).cloned() {
            return Ok(known);
        }
        let (store, _) = store::open(location).await?;
        if !matches!(location.root, StoreRoot::Http(_)) {
            lock().insert(location.root.clone(), Arc::clone(&store));
        }
        Ok(store)
    }

    async fn read(&self, input: &str) -> Result<Bytes, String> {
        let read = async {
            let location = Location::parse(input)?;
            let store = self.open(&location).await?;
            store.get(&location.key, self.settings.limits.bytes).await
        };
        read.await
            .map_err(|error: store::StoreError| error.to_string())
    }

    /// A video is read in parts.
    async fn video(&self, input: &str) -> Result<Ranged, String> {
        let look = async {
            let location = Location::parse(input)?;
            let store = self.open(&location).await?;
            let meta = store.head(&location.key).await?;
            let identity = Identity {
                version: meta.version.as_str().to_owned(),
                modified: None,
            };
            Ok(Ranged {
                store: Blocking::new(store, Handle::current()),
                key: location.key,
                meta,
                identity,
            })
        };
        look.await
            .map_err(|error: store::StoreError| error.to_string())
    }

    async fn make(
        self: &Arc<Self>,
        source: Picture,
        options: Options,
        output: &names::Output,
    ) -> Result<u64, String> {
        let _turn = self.threads.acquire().await.map_err(|e| e.to_string())?;
        let run = Arc::clone(self);
        let work = move || match &source {
            Picture::Whole(bytes) => thumbnail_as(bytes, &options, &[], &run.settings, &|| false),
            Picture::Video(video) => {
                let second = options.video_second.unwrap_or(VideoSecond::Best);
                let never = CancellationToken::new();
                maker::frame_thumbnail(video, second, &options, &[], &run.settings, &never)
            }
        };
        let made = tokio::task::spawn_blocking(work).await;
        let made = made
            .map_err(|e| e.to_string())?
            .map_err(|e| e.to_string())?;
        let location = output.location(made.format)?;
        let size = made.bytes.len() as u64;
        let put = async {
            let store = self.open(&location).await?;
            store.put(&location.key, made.bytes.into(), self.mode).await
        };
        put.await.map_err(|error: store::StoreError| match error {
            store::StoreError::Exists { key } => {
                format!("{key:?} exists (--overwrite replaces it)")
            }
            error => error.to_string(),
        })?;
        Ok(size)
    }
}

type Done = Vec<(String, Result<u64, String>)>;

impl Tally {
    fn take(&mut self, done: Option<Result<Done, tokio::task::JoinError>>) {
        let done = match done {
            None => return,
            Some(Ok(done)) => done,
            Some(Err(error)) => vec![("internal error".to_owned(), Err(error.to_string()))],
        };
        for (name, made) in done {
            match made {
                Ok(bytes) => {
                    self.made += 1;
                    self.bytes += bytes;
                }
                Err(reason) => {
                    self.failed += 1;
                    if self.failures.len() < NAMED {
                        self.failures.push((name, reason));
                    }
                }
            }
        }
    }

    fn tell(mut self, output: &str, inputs: usize, quiet: bool) -> Result<()> {
        if inputs == 1 && self.failed > 0 {
            let (file, detail) = self.failures.swap_remove(0);
            return Err(JobError::Input { file, detail });
        }
        if !quiet {
            for (name, reason) in &self.failures {
                console::complain(&format!("framemill: {name}: {reason}"));
            }
        }
        let output = store::shown(output);
        let s = if self.made == 1 { "" } else { "s" };
        let made = format!("{output}: {} thumbnail{s}, {} bytes", self.made, self.bytes);
        if self.failed > 0 {
            return Err(JobError::Failed(format!("{made}, {} failed", self.failed)));
        }
        if !quiet {
            console::say(&made);
        }
        Ok(())
    }
}
