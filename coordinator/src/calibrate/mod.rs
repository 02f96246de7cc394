// SPDX-License-Identifier: MIT OR Apache-2.0
//! What frames take on this machine, by short jobs.
//!
//! ```text
//! clip.rs    a clip, where the user gives none
//! decode.rs  what decoding takes
//! file.rs    what was found, as JSON
//! ```
//!
//! Each job has one worker. Its CPU time, that of all threads and children, less that of
//! decoding its frames is what encoding takes: scaling, and the fixed cost of a chunk,
//! are in it, as they are in jobs. Nothing else may run in the process meanwhile.

pub mod clip;
mod decode;
mod file;

pub use file::{read, Calibration, Entry};

use crate::error::{JobError, Result};
use crate::job::{Job, JobRequest};
use crate::limits::Limits;
use crate::plan::auto::bits_a_frame;
use crate::plan::costs::{built_in, busyness, FrameCost};
use crate::plan::options::{
    AudioMode, ChunkRule, FirstPass, Preset, Rate, Seam, SubtitleMode, TranscodeOptions, VideoCodec,
};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{ReportFile, ReportHead, ReportTail, Totals, REPORT_VERSION};
use crate::sim::from_report::{parse, TimeOf};
use crate::sim::model::{SimTask, TaskKind, Workload};
use framemill_codec::dsp::Dsp;
use framemill_worker::index::Index;
use framemill_worker::process_cpu_s;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Frames of a chunk, where each begins with a key frame.
const CLOSED: u64 = 24;
/// Where they continue each other.
const CONTINUED: u64 = 6;

/// One thing to measure.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The clip, a file.
    pub clip: String,
    /// The codec.
    pub codec: VideoCodec,
    /// How chunks begin; with [`Seam::Rebase`] our own VP8 encoder is measured.
    pub seam: Seam,
    /// The preset.
    pub preset: Preset,
    /// The size to scale to; `None` for the clip's own.
    pub size: Option<(Option<u32>, Option<u32>)>,
    /// Seconds of the clip.
    pub seconds: f64,
}

/// What a job of a trial took.
struct Took {
    /// Seconds of CPU, children included, the index left out.
    all: f64,
    /// That of its encode tasks' own threads.
    drafts: f64,
    /// How many chunks were rebased.
    rebases: usize,
    frames: u64,
}

/// Measures.
///
/// # Errors
/// Those of a transcode of the clip.
pub async fn measure(trial: &Trial, folder: &Path, simd: Option<&'static Dsp>) -> Result<Entry> {
    let (index, plan) = plan(trial, folder, simd).await?;
    let source = &index.header.video.stream.params;
    let read = f64::from(source.width) * f64::from(source.height);
    let encoder = &plan.video.encoder;
    let (width, height) = (encoder.width, encoder.height);
    let took = run(trial, folder, simd).await?;
    if took.frames == 0 {
        return Err(JobError::Usage(format!("{}: no frames", trial.clip)));
    }
    let frames = took.frames as f64;
    let (clip, count) = (trial.clip.clone(), took.frames);
    let decoding = tokio::task::spawn_blocking(move || decode::seconds(&clip, count)).await;
    let decoding = decoding.map_err(|e| JobError::Failed(format!("decoding: {e}")))??;
    let written = f64::from(width) * f64::from(height);
    let cost = match trial.seam {
        Seam::Closed => FrameCost {
            encode: at_least((took.all - decoding) / frames / written),
            rebase: 0.0,
            state: 0.0,
        },
        Seam::Rebase => {
            let bits = bits_a_frame(&index) / read.max(1.0);
            continued(trial, &took, (decoding, written, busyness(bits)))
        }
    };
    Ok(Entry {
        encoder: encoder.encoder.clone(),
        preset: trial.preset,
        width,
        height,
        frames: took.frames,
        cost,
        decode: at_least(decoding / frames / read.max(1.0)),
    })
}

/// A cost is never quite nothing: predictions divide by times.
fn at_least(cost: f64) -> f64 {
    cost.max(1e-12)
}

/// What drafts and rebases take, of pictures that are so busy.
fn continued(trial: &Trial, took: &Took, (decoding, written, busy): (f64, f64, f64)) -> FrameCost {
    let frames = took.frames as f64;
    let known = built_in(framemill_worker::encode::VP8_BY_FRAMEMILL, trial.preset);
    // Both decode, drafts the frames of all chunks, rebases those of all but the first.
    let chunks = took.rebases as f64 + 1.0;
    let continued = frames * took.rebases as f64 / chunks;
    let encode = (took.drafts - decoding) / frames / written / busy;
    let rebased = took.all - took.drafts - decoding * took.rebases as f64 / chunks;
    // Frames and states cannot be told apart: both are as much dearer than in the list.
    let expected = (continued * known.rebase * busy + took.rebases as f64 * known.state) * written;
    let dearer = if expected > 0.0 {
        at_least(rebased / expected)
    } else {
        1.0
    };
    FrameCost {
        encode: at_least(encode),
        rebase: known.rebase * dearer,
        state: known.state * dearer,
    }
}

fn options(trial: &Trial, folder: &Path) -> TranscodeOptions {
    let output = folder.join("trial.mkv").to_string_lossy().into_owned();
    TranscodeOptions {
        output,
        codec: trial.codec,
        encoder: None,
        encoder_options: BTreeMap::new(),
        rate: Rate::Quality(None),
        preset: trial.preset,
        size: trial.size,
        no_enlarge: false,
        fps: None,
        crop: None,
        start: None,
        end: Some(trial.seconds),
        hdr: None,
        keep_interlaced: false,
        audio: AudioMode::None,
        audio_bitrate: None,
        subtitles: Some(SubtitleMode::None),
        chunk: ChunkRule::Frames(match trial.seam {
            Seam::Closed => CLOSED,
            Seam::Rebase => CONTINUED,
        }),
        seam: trial.seam,
        first_pass: FirstPass::Own,
        batch: None,
        deadline: None,
        parallelism: None,
        keep_damaged: false,
        digest: false,
    }
}

async fn job(
    trial: &Trial,
    folder: &Path,
    simd: Option<&'static Dsp>,
    report: Option<Arc<ReportFile>>,
) -> Result<Job> {
    let work_dir = folder.join("work").to_string_lossy().into_owned();
    let request = JobRequest {
        input: trial.clip.clone(),
        options: options(trial, folder),
        workers: 1,
        work_dir: Some(work_dir),
        resume: false,
        overwrite: true,
        verify: false,
        order_seed: None,
        report,
        simd,
        limits: Limits::default(),
    };
    let progress = Arc::new(Progress::default());
    Job::new(request, CancellationToken::new(), progress).await
}

async fn plan(
    trial: &Trial,
    folder: &Path,
    simd: Option<&'static Dsp>,
) -> Result<(Arc<Index>, Plan)> {
    job(trial, folder, simd, None).await?.plan_only().await
}

async fn run(trial: &Trial, folder: &Path, simd: Option<&'static Dsp>) -> Result<Took> {
    let failed = |e: std::io::Error| JobError::Failed(format!("{}: {e}", folder.display()));
    let path = folder.join("report.json");
    let report = Arc::new(ReportFile::create(&path).map_err(failed)?);
    report.begin(&ReportHead {
        version: REPORT_VERSION,
        framemill: env!("CARGO_PKG_VERSION"),
        environment: String::new(),
        input: trial.clip.clone(),
        output: String::new(),
        engine: "local",
    });
    let mut job = job(trial, folder, simd, Some(report.clone())).await?;
    let before = process_cpu_s();
    job.run().await?;
    let all = process_cpu_s() - before + job.remote_cpu_s();
    let tail = ReportTail {
        totals: &Totals::default(),
        warnings: &[],
        error: None,
    };
    report.finish(&tail).map_err(failed)?;
    let bytes = std::fs::read(&path).map_err(failed)?;
    // The next trial's tasks may be the same, and are not to be found done.
    std::fs::remove_dir_all(folder.join("work")).map_err(failed)?;
    let found = parse(&bytes, TimeOf::Cpu).map_err(JobError::Failed)?;
    let tasks = |kind: TaskKind| of_kind(&found.workload, kind);
    Ok(Took {
        all,
        drafts: tasks(TaskKind::Encode)
            .map(|t| t.work().as_secs_f64())
            .sum(),
        rebases: tasks(TaskKind::Rebase).count(),
        frames: job.log.totals.frames,
    })
}

fn of_kind(workload: &Workload, kind: TaskKind) -> impl Iterator<Item = &SimTask> {
    workload.tasks.iter().filter(move |task| task.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drafts_leave_of_the_time_is_that_of_rebases() {
        let trial = Trial {
            clip: String::new(),
            codec: VideoCodec::Vp8,
            seam: Seam::Rebase,
            preset: Preset::Fast,
            size: None,
            seconds: 1.0,
        };
        let known = built_in(framemill_worker::encode::VP8_BY_FRAMEMILL, Preset::Fast);
        let (samples, decoding) = (1e6, 0.4);
        // Four chunks of six frames, on a machine half as fast as the listed one.
        let drafts = 24.0 * 2.0 * known.encode * samples + decoding;
        let rebases = 2.0 * samples * (18.0 * known.rebase + 3.0 * known.state) + 0.3;
        let took = Took {
            all: drafts + rebases,
            drafts,
            rebases: 3,
            frames: 24,
        };
        let cost = continued(&trial, &took, (decoding, samples, 1.0));
        for (found, listed) in [
            (cost.encode, known.encode),
            (cost.rebase, known.rebase),
            (cost.state, known.state),
        ] {
            assert!((found / listed - 2.0).abs() < 1e-6, "{cost:?} {known:?}");
        }
        // Noise does not make it negative, and no rebase at all tells nothing.
        let noise = Took { all: 0.0, ..took };
        assert!(continued(&trial, &noise, (decoding, samples, 1.0)).rebase > 0.0);
        let one = Took {
            rebases: 0,
            ..noise
        };
        assert_eq!(
            continued(&trial, &one, (decoding, samples, 1.0)).state,
            known.state
        );
    }
}
