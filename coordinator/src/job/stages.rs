// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stages of a job as work for the runner: index, plan, encode.

use super::Job;
use crate::error::{JobError, Result};
use crate::plan::options::{ChunkRule, Rate};
use crate::plan::{self, chunks, encoder, scenes, span, tracks, Plan};
use crate::rate::RateSearch;
use crate::runner::{Build, Runner, Work};
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::{Outcome, SourceRef, Task, WorkPlace};
use rand::seq::SliceRandom;
use rand::SeedableRng;
use std::sync::Arc;

impl Job {
    /// The source's index, from a worker.
    pub(super) async fn index(
        &self,
        runner: &mut Runner,
        source: &SourceRef,
        decode: bool,
    ) -> Result<Arc<Index>> {
        let task = IndexTask {
            source: source.clone(),
            decode,
        };
        let work = Work {
            kind: "index",
            chunk: None,
            weight: 1,
            build: Arc::new(move |_, _| Task::Index(task.clone())),
        };
        let outcome = runner.run(vec![work]).await?.remove(0);
        load_index(&self.place, &outcome).await
    }

    pub(super) async fn plan(&self, runner: &mut Runner, index: &Arc<Index>) -> Result<Plan> {
        let mut plan = plan::plan(index, &self.request.options, &self.request.input)?;
        if self.request.options.chunk == ChunkRule::Scenes {
            let starts = self.find_scenes(runner, index, &plan).await?;
            plan.chunks = chunks::from_starts(index, &plan.timeline, &starts)?;
        }
        let whole = matches!(self.request.options.rate, Rate::Bitrate { .. });
        if whole && self.request.options.chunk == ChunkRule::Auto {
            recut_for_rate(index, &mut plan)?;
        }
        Ok(plan)
    }

    /// Decodes everything once, small, to find the scene cuts.
    async fn find_scenes(
        &self,
        runner: &mut Runner,
        index: &Arc<Index>,
        plan: &Plan,
    ) -> Result<Vec<usize>> {
        let strict = !self.request.options.keep_damaged;
        let works = scenes::tasks(index, plan, strict)
            .into_iter()
            .enumerate()
            .map(|(n, task)| Work {
                kind: "analyze",
                chunk: Some(n as u32),
                weight: task.packets.0.len() as u32,
                build: Arc::new(move |_, _| Task::Encode(Box::new(task.clone()))),
            })
            .collect();
        let outcomes = runner.run(works).await?;
        let place = self.place.clone();
        let scores = tokio::task::spawn_blocking(move || scenes::scores(&place, &outcomes))
            .await
            .map_err(|e| JobError::Failed(format!("scene analysis: {e}")))??;
        Ok(scenes::cut(&plan.timeline, &scores))
    }

    /// Encodes all chunks and tracks.
    pub(super) async fn encode(
        &mut self,
        runner: &mut Runner,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
    ) -> Result<(Vec<Outcome>, Vec<Outcome>)> {
        let mut search = self.rate_search(index, plan);
        let mut works = self.track_works(index, plan);
        let track_count = works.len();
        works.extend(self.chunk_works(index, plan, search.as_ref().map(|s| s.quality.as_slice())));
        let mut tracks = runner.run(works).await?;
        let mut chunks = tracks.split_off(track_count);
        while let Some(search) = &mut search {
            let bytes: Vec<u64> = chunks.iter().map(|c| c.payload_bytes).collect();
            let before = search.quality.clone();
            let done = search.measured(&bytes);
            if search.quality != before {
                self.progress.restart();
                chunks = runner
                    .run(self.chunk_works(index, plan, Some(&search.quality)))
                    .await?;
            }
            if done {
                break;
            }
        }
        let total: u64 = chunks.iter().map(|c| c.payload_bytes).sum();
        self.log
            .warnings
            .extend(search.and_then(|s| s.shortfall(total)));
        for warning in tracks.iter().chain(&chunks).flat_map(|o| &o.warnings) {
            // Chunks that share a run-up tell of the same damage.
            if !self.log.warnings.contains(warning) {
                self.log.warnings.push(warning.clone());
            }
        }
        Ok((chunks, tracks))
    }

    fn rate_search(&self, index: &Index, plan: &Plan) -> Option<RateSearch> {
        let Rate::Bitrate { target, .. } = self.request.options.rate else {
            return None;
        };
        let encoder = encoder::choice_of(&plan.video.encoder.encoder)?;
        let seconds = plan.timeline.duration_s(index);
        Some(RateSearch::new(
            &encoder,
            plan.chunks.len(),
            target as f64 * seconds / 8.0,
        ))
    }

    fn track_works(&self, index: &Arc<Index>, plan: &Arc<Plan>) -> Vec<Work> {
        let options = &self.request.options;
        let (strict, trimmed) = (!options.keep_damaged, options.start.is_some());
        plan.tracks
            .iter()
            .map(|track| {
                let task = tracks::track_task(index, plan, track, strict, trimmed);
                Work {
                    kind: "track",
                    chunk: None,
                    weight: u32::MAX,
                    build: Arc::new(move |_, _| Task::Track(task.clone())),
                }
            })
            .collect()
    }

    fn chunk_works(
        &self,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        quality: Option<&[f64]>,
    ) -> Vec<Work> {
        let strict = !self.request.options.keep_damaged;
        let mut weights: Vec<u32> = plan
            .chunks
            .iter()
            .map(|c| u32::try_from(c.frames).unwrap_or(u32::MAX))
            .collect();
        if let Some(seed) = self.request.order_seed {
            weights = (1..=weights.len() as u32).collect();
            weights.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        }
        let build = chunk_build(index, plan, strict, quality);
        let work = |(n, weight)| Work {
            kind: "encode",
            chunk: Some(n as u32),
            weight,
            build: build.clone(),
        };
        weights.into_iter().enumerate().map(work).collect()
    }
}

/// Builds the task of any chunk, of its own quality where that is given.
fn chunk_build(
    index: &Arc<Index>,
    plan: &Arc<Plan>,
    strict: bool,
    quality: Option<&[f64]>,
) -> Build {
    let (index, plan) = (index.clone(), plan.clone());
    let quality = quality.map(<[f64]>::to_vec);
    Arc::new(move |n, extra| {
        let (timeline, video, chunk) = (&plan.timeline, &plan.video, &plan.chunks[n]);
        let mut task = span::encode_task(&index, timeline, video, chunk, strict, extra);
        let choice = encoder::choice_of(&task.encoder.encoder);
        if let (Some(quality), Some(choice)) = (&quality, choice) {
            encoder::set_quality(&mut task.encoder.options, &choice, quality[n]);
        }
        Task::Encode(Box::new(task))
    })
}

/// Reads an index back from the work store.
///
/// # Errors
/// [`JobError::Failed`] when it is not whole.
pub async fn load_index(place: &WorkPlace, outcome: &Outcome) -> Result<Arc<Index>> {
    const INDEX_MAX: u64 = 4 << 30;
    let blob = outcome
        .blobs
        .first()
        .ok_or_else(|| JobError::Failed("an index without a blob".into()))?;
    let bytes = place
        .work
        .get(&place.full_key(&blob.key), INDEX_MAX)
        .await
        .map_err(|e| JobError::Failed(e.to_string()))?;
    Index::from_bytes(&bytes)
        .map(Arc::new)
        .map_err(|f| JobError::Failed(f.to_string()))
}

/// A rate needs a few chunks to spread its last correction over.
fn recut_for_rate(index: &Index, plan: &mut Plan) -> Result<()> {
    const LEAST: usize = 4;
    const SHORTEST: usize = 24;
    let frames = plan.timeline.kept.len();
    if plan.chunks.len() >= LEAST || frames < LEAST * SHORTEST {
        return Ok(());
    }
    let step = frames.div_ceil(LEAST);
    let starts: Vec<usize> = plan.timeline.kept.clone().step_by(step).collect();
    plan.chunks = chunks::from_starts(index, &plan.timeline, &starts)?;
    Ok(())
}
