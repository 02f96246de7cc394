// SPDX-License-Identifier: MIT OR Apache-2.0
//! From finished tasks to the file under its name.

use super::encode::Made;
use super::Job;
use crate::error::JobError;
use crate::plan::Plan;
use crate::report::{InvocationRecord, ReportStats};
use crate::runner::Runner;
use crate::stitch::{self, Expected, Stitch, StitchError, VideoTimes};
use framemill_codec::picture::Rational;
use framemill_worker::index::Index;
use std::path::Path;
use std::sync::Arc;

impl Job {
    /// Stitches, verifies, and puts the file under its name.
    pub(super) async fn finish(
        &mut self,
        runner: &Runner,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        made: Made,
    ) -> Result<(), StitchError> {
        let start = runner.now().as_secs_f64();
        let stage = self.output.stage()?;
        let result = self.write_and_verify(index, plan, made, &stage.path).await;
        let size = std::fs::metadata(&stage.path).map_or(0, |m| m.len());
        let overwrite = self.request.overwrite;
        let result = match result {
            Ok(()) => {
                let published = self.output.publish(&stage, overwrite, &self.cancel);
                published.await.map_err(StitchError::Job)
            }
            Err(error) => Err(error),
        };
        if result.is_err() {
            let _ = std::fs::remove_file(&stage.path);
        }
        if let Some(report) = &self.request.report {
            report.record(&InvocationRecord {
                kind: "stitch",
                chunk: None,
                attempt: 1,
                queued_s: start,
                start_s: start,
                end_s: runner.now().as_secs_f64(),
                stats: ReportStats {
                    bytes_written: size,
                    ..ReportStats::default()
                },
                outcome: match &result {
                    Ok(()) => "ok".into(),
                    Err(error) => error.to_string().into(),
                },
            });
        }
        self.log.totals.bytes_out = size;
        result
    }

    async fn write_and_verify(
        &self,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        made: Made,
        stage: &Path,
    ) -> Result<(), StitchError> {
        let tracks = plan.tracks.iter().cloned().zip(made.tracks).collect();
        let name = self.request.options.output.clone();
        let (place, stage, cancel) = (self.place.clone(), stage.to_owned(), self.cancel.clone());
        let (index, plan, decode) = (index.clone(), plan.clone(), self.request.verify);
        tokio::task::spawn_blocking(move || {
            let expected = expected_times(&index, &plan);
            let stitch = Stitch {
                name: name.clone(),
                place: &place,
                container: plan.container,
                chunks: made.chunks,
                times: video_times(&index, &plan, &expected, made.reorder),
                shown: &expected.times,
                display_matrix: plan.video.display_matrix,
                tracks,
                video_metadata: video_tags(&index),
                metadata: plan.metadata.clone(),
                chapters: plan.chapters.clone(),
            };
            stitch::stitch(stitch, &stage, &cancel)?;
            Ok(stitch::verify_times(&stage, &name, &expected, decode)?)
        })
        .await
        .map_err(|e| JobError::Failed(format!("stitching: {e}")))?
    }
}

fn expected_times(index: &Index, plan: &Plan) -> Expected {
    let mut times: Vec<i64> = plan.timeline.output_times(index).collect();
    for i in 1..times.len() {
        times[i] = times[i].max(times[i - 1] + 1);
    }
    Expected {
        times,
        unit: plan.video.encoder.time_base,
    }
}

fn video_times(index: &Index, plan: &Plan, expected: &Expected, reorder: usize) -> VideoTimes {
    let unit = plan.video.encoder.time_base;
    let rate: Rational = plan.video.encoder.frame_rate;
    let period = rate.inverse().rescale(1, unit).max(1);
    let constant = plan.timeline.is_constant();
    let last = plan.timeline.kept.end - 1;
    VideoTimes {
        period,
        reorder,
        last_pts: expected.times.last().copied().unwrap_or(0),
        last_duration: if constant {
            1
        } else {
            plan.timeline.duration(index, last)
        },
    }
}

/// Tags of the video stream worth keeping.
fn video_tags(index: &Index) -> std::collections::BTreeMap<String, String> {
    let tags = &index.header.video.stream.metadata;
    tags.iter()
        .filter(|(k, _)| matches!(k.as_str(), "language" | "title"))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}
