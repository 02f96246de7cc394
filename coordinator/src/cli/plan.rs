// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill plan`: what a transcode would do, without doing it.

use super::engine::EngineName;
use super::limits::LimitArgs;
use super::predict::{self, PredictArgs};
use super::transcode::MediaArgs;
use super::{calibrate, console, show};
use crate::error::{JobError, Result};
use crate::job::{Job, JobRequest};
use crate::limits::Limits;
use crate::plan::costs::Costs;
use crate::plan::expect::Expected;
use crate::plan::options::TranscodeOptions;
use crate::plan::{self, span, Plan};
use crate::progress::Progress;
use crate::sim::from_plan;
use crate::sim::model::Workload;
use crate::sim::predict::Predicted;
use framemill_codec::dsp::Dsp;
use framemill_worker::index::Index;
use framemill_worker::needs;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Arguments of `framemill plan`.
#[derive(clap::Args, Clone, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// The file that would be written
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// Say how long it would take on --workers of --engine, and what it would cost, against
    /// one machine and VMs; --engine, --memory and --timeline ask for it too
    #[arg(long)]
    predict: bool,
    /// Predict by what frames take as `framemill calibrate` found it [default: as it was
    /// on one machine]
    #[arg(long, value_name = "FILE.json")]
    calibration: Option<PathBuf>,
    #[command(flatten)]
    on: PredictArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What a job would do, as its tasks are planned.
struct Planned {
    index: Arc<Index>,
    plan: Plan,
    options: TranscodeOptions,
    limits: Limits,
    /// The input without what is secret in it.
    name: String,
}

impl PlanArgs {
    async fn planned(&self, simd: Option<&'static Dsp>) -> Result<Planned> {
        let output = self.output.clone();
        let output = output.unwrap_or_else(|| default_output(&self.media));
        let request = JobRequest {
            input: self.media.input.clone(),
            options: self.media.options(&output),
            workers: self.media.workers(),
            work_dir: Some(format!("mem:plan-{}", std::process::id())),
            resume: false,
            overwrite: true,
            verify: false,
            order_seed: None,
            report: None,
            simd,
            // What is paid is shown whatever the engine, which is another's.
            limits: self.limits.limits(None, EngineName::Lambda)?,
        };
        let (options, limits) = (request.options.clone(), request.limits);
        let name = request.input_name();
        let (cancel, progress) = (CancellationToken::new(), Arc::new(Progress::default()));
        let mut job = Job::new(request, cancel, progress).await?;
        let (index, plan) = job.plan_only().await?;
        Ok(Planned {
            index,
            plan,
            options,
            limits,
            name,
        })
    }

    /// The job's tasks and what they are expected to take.
    fn workload(&self, planned: &Planned) -> Result<Workload> {
        let (index, plan, options) = (&planned.index, &planned.plan, &planned.options);
        let costs = match &self.calibration {
            Some(file) => calibrate::load(file)?,
            None => Costs::built_in(),
        };
        from_plan::workload(&costs, index, plan, options).ok_or_else(|| {
            let file = self.calibration.as_deref().unwrap_or(Path::new(""));
            let preset = format!("{:?}", options.preset).to_lowercase();
            JobError::Usage(format!(
                "--calibration {}: it lacks {} with preset {preset}",
                file.display(),
                plan.video.encoder.encoder
            ))
        })
    }

    /// What is expected of the platforms that the user asks for, if any.
    fn predicted(&self, planned: &Planned) -> Result<Option<Vec<Predicted>>> {
        let on = &self.on;
        let asked = on.engine.is_some() || on.memory.is_some() || on.timeline.is_some();
        if !asked && !self.predict && self.calibration.is_none() {
            return Ok(None);
        }
        let workload = self.workload(planned)?;
        let workers: Vec<u32> = self.media.workers.into_iter().collect();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let of = on.comparison(&workers, cores, self.limits.prices());
        on.predict(&workload, &of, &planned.name).map(Some)
    }
}

/// Runs the command.
///
/// # Errors
/// As a transcode would refuse it.
pub async fn run(args: PlanArgs, simd: Option<&'static Dsp>) -> Result<()> {
    let planned = args.planned(simd).await?;
    let predicted = args.predicted(&planned)?;
    let (index, plan, limits) = (&planned.index, &planned.plan, &planned.limits);
    let expected = Expected::of(index, plan, &planned.options);
    if args.json {
        let predicted = predicted.as_deref().map(predict::to_json);
        print_json(index, plan, (&expected, limits), predicted);
    } else {
        print_table(index, plan, (&expected, limits));
        if let Some(predicted) = &predicted {
            console::say("");
            predict::print_table(predicted);
        }
    }
    Ok(())
}

/// A name whose container holds the codec.
fn default_output(media: &MediaArgs) -> String {
    let vp8 = media.codec == plan::options::VideoCodec::Vp8;
    if vp8 {
        "out.webm".into()
    } else {
        "out.mp4".into()
    }
}

fn print_json(
    index: &Index,
    plan: &Plan,
    (expected, limits): (&Expected, &Limits),
    predicted: Option<Value>,
) {
    let unit = index.header.video.stream.time_base.as_f64();
    let timeline = &plan.timeline;
    let chunks: Vec<_> = plan
        .chunks
        .iter()
        .enumerate()
        .map(|(n, chunk)| {
            let cost = span::read_cost(index, timeline, &plan.video, chunk);
            let (start, end) = seconds(index, plan, chunk, unit);
            serde_json::json!({
                "chunk": n, "start_s": start, "end_s": end, "frames": chunk.frames,
                "packets": cost.packets, "read_bytes": cost.bytes, "range_bytes": cost.range,
            })
        })
        .collect();
    let frames: u64 = plan.chunks.iter().map(|c| c.frames).sum();
    console::say(
        &serde_json::json!({
            "version": 1,
            "frames": frames,
            "encoder": plan.video.encoder.encoder,
            "width": plan.video.encoder.width,
            "height": plan.video.encoder.height,
            "pix_fmt": plan.video.encoder.pix_fmt,
            "chunks": chunks,
            "batch": plan.shape.map(|shape| serde_json::json!({
                "frames_a_chunk": shape.frames, "chunks": shape.chunks,
                "expected_s": shape.seconds, "workers": shape.workers,
            })),
            "expected": {
                "task_memory": needs::of_encode(&index.header.video.stream.params, &plan.video.encoder),
                "longest_task_s": expected.longest_s, "all_tasks_s": expected.total_s,
                "usd": limits.price.map(|price| expected.cost(price, 1.0)),
            },
            "tasks": {
                "index": 1, "encode": plan.chunks.len(), "rebase": rebases(plan),
                "track": plan.tracks.len(), "stitch": 1,
            },
            "predicted": predicted,
            "warnings": plan.warnings,
        })
        .to_string(),
    );
}

/// Chunks that continue from the one before.
fn rebases(plan: &Plan) -> usize {
    plan.batches.continuing(plan.chunks.len()).len()
}

/// A chunk's span in seconds of the output.
fn seconds(index: &Index, plan: &Plan, chunk: &plan::chunks::Chunk, unit: f64) -> (f64, f64) {
    let timeline = &plan.timeline;
    let at = |pts: i64| (pts - timeline.origin) as f64 * unit;
    let start = at(timeline.pts(index, chunk.positions.start));
    let last = chunk.positions.end - 1;
    let end = if chunk.positions.end < timeline.kept.end {
        timeline.pts(index, chunk.positions.end)
    } else {
        timeline.pts(index, last) + timeline.duration(index, last)
    };
    (start, at(end))
}

fn print_table(index: &Index, plan: &Plan, (expected, limits): (&Expected, &Limits)) {
    let unit = index.header.video.stream.time_base.as_f64();
    let e = &plan.video.encoder;
    console::say(&format!(
        "{} {}x{} {} at {} fps, {}",
        e.encoder,
        e.width,
        e.height,
        e.pix_fmt,
        e.frame_rate,
        show::chunks(plan.chunks.len() as u64)
    ));
    console::say(&format!(
        "{:>6} {:>10} {:>10} {:>8} {:>8} {:>12}",
        "chunk", "start s", "end s", "frames", "packets", "reads bytes"
    ));
    for (n, chunk) in plan.chunks.iter().enumerate() {
        let cost = span::read_cost(index, &plan.timeline, &plan.video, chunk);
        let (start, end) = seconds(index, plan, chunk, unit);
        console::say(&format!(
            "{n:>6} {start:>10.3} {end:>10.3} {:>8} {:>8} {:>12}",
            chunk.frames, cost.packets, cost.bytes
        ));
    }
    let rebase = match rebases(plan) {
        0 => String::new(),
        tasks => format!(" {tasks} rebase,"),
    };
    if let Some(shape) = &plan.shape {
        console::say(&format!(
            "batches of {} chunks of {} frames, some {:.1} s on {} workers",
            shape.chunks, shape.frames, shape.seconds, shape.workers
        ));
    }
    console::say(&format!(
        "tasks: 1 index, {} encode,{rebase} {} track, 1 stitch",
        plan.chunks.len(),
        plan.tracks.len()
    ));
    let paid = limits.price.map(|price| expected.cost(price, 1.0));
    console::say(&format!(
        "expected: {} MiB and {:.1} s a task at most, {:.1} s of work in all{}",
        needs::of_encode(&index.header.video.stream.params, &plan.video.encoder) >> 20,
        expected.longest_s,
        expected.total_s,
        paid.map_or(String::new(), |usd| format!(", {usd:.6} USD"))
    ));
    for warning in &plan.warnings {
        console::say(&format!("warning: {warning}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::model::TaskKind;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: PlanArgs,
    }

    async fn planned(flags: &str) -> (PlanArgs, Planned) {
        let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/bigbuckbunny.mp4");
        let line = ["plan", clip].into_iter().chain(flags.split(' '));
        let args = Line::try_parse_from(line).expect("flags").args;
        let planned = args.planned(None).await.expect("a plan");
        (args, planned)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_plan_is_predicted_where_that_is_asked_for() {
        framemill_codec::libav::init();
        let (args, of) =
            planned("--codec vp8 --seam rebase --chunk 6f --batch 10 --preset fast").await;
        assert!(args.predicted(&of).unwrap().is_none());
        let costs = Costs::built_in();
        let workload = from_plan::workload(&costs, &of.index, &of.plan, &of.options);
        let workload = workload.expect("the built-in costs have every encoder");
        assert_eq!(workload.check(), Ok(()));
        let of_kind = |kind| workload.tasks.iter().filter(move |t| t.kind == kind);
        let counts = [
            TaskKind::Index,
            TaskKind::Track,
            TaskKind::Encode,
            TaskKind::Rebase,
        ];
        assert_eq!(counts.map(|kind| of_kind(kind).count()), [1, 1, 22, 19]);
        for rebase in of_kind(TaskKind::Rebase) {
            let before = &workload.tasks[rebase.follows.unwrap() as usize];
            assert_eq!(before.chunk, rebase.chunk.map(|n| n - 1));
            assert_eq!(workload.tasks[rebase.after[0] as usize].chunk, rebase.chunk);
            assert!(
                !rebase.head.is_zero() && !rebase.rest.is_zero(),
                "{rebase:?}"
            );
        }
        let (args, of) = planned("--codec h264 --workers 40 --memory 1769").await;
        let rows = args.predicted(&of).unwrap().expect("a prediction");
        assert_eq!((rows[0].on.as_str(), rows[0].workers), ("lambda", 40));
        assert!(rows[0].totals.usd.is_some_and(|usd| usd > 0.0));
        assert!(rows[1].on.starts_with("one machine"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_calibration_tells_how_long_its_encoders_take() {
        framemill_codec::libav::init();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.json");
        let rate = |encode: f64| {
            let text = serde_json::json!({"version": 1, "rates": [{
                "encoder": "libx264", "preset": "medium", "width": 1280, "height": 720,
                "frames": 24, "encode_s": encode, "decode_s": 0.001,
            }]});
            std::fs::write(&file, text.to_string()).unwrap();
        };
        let flags = |codec: &str| format!("--codec {codec} --calibration {}", file.display());
        let mut work = Vec::new();
        for encode in [0.1, 0.2] {
            rate(encode);
            let (args, of) = planned(&flags("h264")).await;
            assert!(args.predicted(&of).unwrap().is_some());
            let workload = args.workload(&of).unwrap();
            let tasks = workload.tasks.iter().filter(|t| t.kind == TaskKind::Encode);
            work.push(tasks.map(|t| t.work().as_secs_f64()).sum::<f64>());
        }
        // 132 frames of 0.92 megapixels.
        assert!(
            (work[1] - work[0] - 132.0 * 0.09216).abs() < 0.05,
            "{work:?}"
        );
        let (args, of) = planned(&flags("hevc")).await;
        let wrong = args.predicted(&of).unwrap_err().to_string();
        assert!(
            wrong.ends_with("it lacks libx265 with preset medium"),
            "{wrong}"
        );
    }
}
