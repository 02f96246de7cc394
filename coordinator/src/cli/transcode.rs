// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill transcode`.

use super::console;
use super::engine::EngineArgs;
use super::limits::LimitArgs;
use super::show;
use super::signals::watch_signals;
use crate::error::{JobError, Result};
use crate::job::{same_file, Job, JobRequest};
use crate::plan::options::{
    self, AudioMode, ChunkRule, FirstPass, HdrMode, Preset, Rate, Seam, SubtitleMode,
    TranscodeOptions, VideoCodec,
};
use crate::progress::Progress;
use crate::report::{ReportFile, ReportHead, ReportTail, REPORT_VERSION};
use framemill_codec::dsp::Dsp;
use framemill_codec::picture::Rational;
use framemill_store as store;
use framemill_worker::task::environment;
use framemill_worker::{peak_memory, process_cpu_s, WorkPlace};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What shapes the video, shared by the commands that plan.
#[derive(clap::Args, Clone, Debug)]
pub struct MediaArgs {
    /// The source: a file, s3://BUCKET/KEY or https://HOST/PATH
    pub input: String,
    /// Video codec to encode to
    #[arg(long, value_enum, default_value = "av1")]
    pub codec: VideoCodec,
    /// Encoder: svt-av1 or rav1e (av1), x264, x265, libvpx
    #[arg(long, value_name = "NAME")]
    pub encoder: Option<String>,
    /// An option of the encoder itself; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub encoder_opt: Vec<(String, String)>,
    /// Constant quality on the encoder's own scale, lower is better
    #[arg(long, value_name = "N", conflicts_with = "bitrate")]
    pub crf: Option<f64>,
    /// Mean bit rate of the video, such as 2.5M
    #[arg(long, value_name = "RATE", value_parser = options::parse_bits)]
    pub bitrate: Option<u64>,
    /// Highest bit rate of the video
    #[arg(long, value_name = "RATE", value_parser = options::parse_bits, requires = "bitrate")]
    pub maxrate: Option<u64>,
    /// How hard the encoder tries
    #[arg(long, value_enum, default_value = "medium")]
    pub preset: Preset,
    /// Size to scale to; -1 keeps the proportion
    #[arg(long, value_name = "WxH", value_parser = options::parse_size, allow_hyphen_values = true)]
    pub size: Option<(Option<u32>, Option<u32>)>,
    /// Leave pictures as they are that are smaller than --size
    #[arg(long, requires = "size")]
    pub no_enlarge: bool,
    /// Constant frame rate to convert to, such as 25 or 30000/1001
    #[arg(long, value_name = "RATE", value_parser = options::parse_rate)]
    pub fps: Option<Rational>,
    /// What to keep of the picture, in displayed pixels
    #[arg(long, value_name = "WxH[+X+Y]", value_parser = options::parse_crop)]
    pub crop: Option<[u32; 4]>,
    /// First moment to keep, in seconds or [HH:]MM:SS
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    pub start: Option<f64>,
    /// First moment not to keep
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    pub end: Option<f64>,
    /// What becomes of HDR [default: kept where the codec can, else mapped to BT.709]
    #[arg(long, value_enum)]
    pub hdr: Option<HdrMode>,
    /// Code fields as fields instead of deinterlacing
    #[arg(long)]
    pub keep_interlaced: bool,
    /// What becomes of sound
    #[arg(long, value_enum, default_value = "auto")]
    pub audio: AudioMode,
    /// Bit rate of each track of sound
    #[arg(long, value_name = "RATE", value_parser = options::parse_bits)]
    pub audio_bitrate: Option<u64>,
    /// What becomes of subtitles [default: copied where they fit]
    #[arg(long, value_enum)]
    pub subtitles: Option<SubtitleMode>,
    /// Where to cut: auto, scenes, 10s or 240f
    #[arg(long, value_name = "RULE", default_value = "auto", value_parser = options::parse_chunk)]
    pub chunk: ChunkRule,
    /// How chunks begin: with key frames, or from the chunk before (vp8)
    #[arg(long, value_enum, default_value = "closed")]
    pub seam: Seam,
    /// Who encodes chunks before they are moved onto each other, with --seam rebase
    #[arg(long, value_enum, default_value = "own")]
    pub first_pass: FirstPass,
    /// Chunks from one key frame to the next, with --seam rebase [default: what makes 240 frames]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    /// How long the job may take from its start to the finished output; with --seam rebase
    /// it chooses what --chunk and --batch leave open
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    pub deadline: Option<f64>,
    /// Workers that --seam rebase plans for, however many run [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub parallelism: Option<u32>,
    /// What to do about damage: fail, or keep what decodes
    #[arg(long, value_name = "MODE", value_parser = ["fail", "keep"], default_value = "fail")]
    pub damaged: String,
    /// Tasks at once [default: one per core; 64 with --engine http, 1000 with lambda]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: Option<u32>,
    /// Launch chunks in an order drawn from this seed
    #[arg(long, value_name = "SEED", hide = true)]
    pub order_seed: Option<u64>,
}

/// Arguments of `framemill transcode`.
#[derive(clap::Args, Clone, Debug)]
pub struct TranscodeArgs {
    #[command(flatten)]
    media: MediaArgs,
    /// What to write, a file or s3://BUCKET/KEY: .mp4, .mov, .mkv or .webm
    #[arg(long, short, value_name = "FILE")]
    output: String,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Where intermediate results are kept: a folder or s3://BUCKET/PREFIX [default: a folder
    /// beside the output, or here if that is no file, removed at the end]
    #[arg(long, value_name = "URI")]
    work_dir: Option<String>,
    /// Take results of an earlier, interrupted run (the default)
    #[arg(long, overrides_with = "no_resume")]
    resume: bool,
    /// Do everything anew
    #[arg(long)]
    no_resume: bool,
    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,
    /// Decode the whole output at the end
    #[arg(long)]
    verify: bool,
    /// Write a report of every task as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<String>,
    /// Progress as JSON lines on standard output
    #[arg(long)]
    json: bool,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' is no KEY=VALUE"))?;
    if key.is_empty() {
        Err(format!("'{text}' is no KEY=VALUE"))
    } else {
        Ok((key.into(), value.into()))
    }
}

impl MediaArgs {
    /// The options as values, for an output of that name.
    #[must_use]
    pub fn options(&self, output: &str) -> TranscodeOptions {
        TranscodeOptions {
            output: output.to_owned(),
            codec: self.codec,
            encoder: self.encoder.clone(),
            encoder_options: self.encoder_opt.iter().cloned().collect::<BTreeMap<_, _>>(),
            rate: match self.bitrate {
                Some(target) => Rate::Bitrate {
                    target,
                    max: self.maxrate,
                },
                None => Rate::Quality(self.crf),
            },
            preset: self.preset,
            size: self.size,
            no_enlarge: self.no_enlarge,
            fps: self.fps,
            crop: self.crop,
            start: self.start,
            end: self.end,
            hdr: self.hdr,
            keep_interlaced: self.keep_interlaced,
            audio: self.audio,
            audio_bitrate: self.audio_bitrate,
            subtitles: self.subtitles,
            chunk: self.chunk,
            seam: self.seam,
            first_pass: self.first_pass,
            batch: self.batch,
            deadline: self.deadline,
            parallelism: self.parallelism,
            keep_damaged: self.damaged == "keep",
            digest: false,
        }
    }

    /// Worker threads to use.
    #[must_use]
    pub fn workers(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        self.workers.unwrap_or(cores)
    }
}

/// Runs the command.
///
/// # Errors
/// The job's.
pub async fn run(args: TranscodeArgs, quiet: bool, simd: Option<&'static Dsp>) -> Result<()> {
    let started = Instant::now();
    args.engine.check(args.work_dir.as_deref())?;
    let limits = args
        .limits
        .limits(args.media.deadline, args.engine.name())?;
    let cancel = CancellationToken::new();
    watch_signals(cancel.clone());
    let progress = Arc::new(Progress::default());
    let report = args.report.as_ref().map(|p| create_report(p, &args));
    let report = report.transpose()?;
    let request = JobRequest {
        input: args.media.input.clone(),
        options: args.media.options(&args.output),
        workers: args.media.workers(),
        work_dir: args.work_dir.clone(),
        resume: !args.no_resume,
        overwrite: args.overwrite,
        verify: args.verify,
        order_seed: args.media.order_seed,
        report: report.clone(),
        simd,
        limits,
    };
    let make = async |place: &WorkPlace, work: &str| {
        let (workers, time) = (args.media.workers, limits.task_time);
        args.engine.make(place, work, workers, time).await
    };
    let mut job = Job::on(make, request, cancel.clone(), progress.clone()).await?;
    if let Some(report) = &report {
        report.begin(&ReportHead {
            version: REPORT_VERSION,
            framemill: env!("CARGO_PKG_VERSION"),
            environment: environment().to_owned(),
            input: store::shown(&args.media.input),
            output: args.output.clone(),
            engine: job.engine_name(),
        });
    }
    let watcher = show::watch(progress.clone(), quiet, args.json);
    let result = job.run().await;
    watcher.stop().await;
    job.log.totals.wall_s = started.elapsed().as_secs_f64();
    job.log.totals.cpu_s = process_cpu_s() + job.remote_cpu_s();
    job.log.totals.peak_memory = peak_memory();
    let result = result.map_err(|e| explain(e, &job, &progress));
    if let (Some(path), Some(report)) = (&args.report, &report) {
        let tail = ReportTail {
            totals: &job.log.totals,
            warnings: &job.log.warnings,
            error: result.as_ref().err().map(ToString::to_string),
        };
        let failed = |e| JobError::Failed(format!("--report {path}: {e}"));
        report.finish(&tail).map_err(failed)?;
    }
    if !quiet {
        for warning in &job.log.warnings {
            console::complain(&format!("framemill: warning: {warning}"));
        }
    }
    result?;
    if args.json {
        show::json_done(&args.output, &job.log.totals);
    } else if !quiet {
        show::summary(&args.output, &job.log.totals);
    }
    Ok(())
}

/// Adds to an interruption how far the job is and how it goes on.
fn explain(error: JobError, job: &Job, progress: &Progress) -> JobError {
    let s = progress.snapshot();
    let done = format!("with {} of {} chunks done", s.chunks, s.total_chunks);
    let kept = format!(
        "goes on from there (kept in {})",
        store::shown(job.work_dir())
    );
    match error {
        JobError::Interrupted(_) => {
            JobError::Interrupted(format!("interrupted {done}; the same command {kept}"))
        }
        JobError::Limit(what) => {
            JobError::Limit(format!("{what}, {done}; the same command with more {kept}"))
        }
        other => other,
    }
}

/// Creates the report; whether that can be done is found out now, not after
/// hours of work.
fn create_report(path: &str, args: &TranscodeArgs) -> Result<Arc<ReportFile>> {
    let path = Path::new(path);
    let failed = |e: String| JobError::Usage(format!("--report {}: {e}", path.display()));
    let taken = [&args.media.input, &args.output];
    if path == Path::new(&args.output) || taken.iter().any(|t| same_file(path, t)) {
        return Err(failed("that is the input or the output".into()));
    }
    let file = ReportFile::create(path).map_err(|e| failed(e.to_string()))?;
    Ok(Arc::new(file))
}
