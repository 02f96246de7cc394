// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stages of a job as work for the runner: index, plan, encode.

use super::Job;
use crate::error::{JobError, Result};
use crate::plan::batches::{self, Batches};
use crate::plan::options::{ChunkRule, Rate, Seam};
use crate::plan::{self, chunks, encoder, scenes, span, tracks, Plan};
use crate::rate::RateSearch;
use crate::runner::{Build, Chunks, Runner, Work};
use framemill_worker::encode::EncodeTask;
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::rebase::RebaseTask;
use framemill_worker::{Outcome, SourceRef, Task, TaskKey, WorkPlace};
use rand::seq::SliceRandom;
use rand::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a job's tasks have made.
pub(super) struct Made {
    /// The tasks of the chunks, in order.
    pub(super) chunks: Vec<TaskKey>,
    /// The tasks of the tracks, in order.
    pub(super) tracks: Vec<TaskKey>,
    /// Frames of reordering delay, the most of any chunk.
    pub(super) reorder: usize,
}

/// What the job has to know of outcomes; the rest stays in their records.
#[derive(Default)]
struct Gist {
    reorder: u32,
    total_bytes: u64,
    /// Bytes of each chunk, where a bit rate is to be met.
    bytes: Vec<u64>,
    /// Warnings, with the first task that gave them.
    warnings: BTreeMap<String, usize>,
}

impl Gist {
    /// Room for the bytes of this many tasks; 0 where only their sum matters.
    fn of(tasks: usize) -> Self {
        Self {
            bytes: vec![0; tasks],
            ..Self::default()
        }
    }

    fn take(&mut self, n: usize, outcome: &Outcome) {
        self.reorder = self.reorder.max(outcome.reorder);
        self.total_bytes += outcome.payload_bytes;
        if let Some(bytes) = self.bytes.get_mut(n) {
            *bytes = outcome.payload_bytes;
        }
        for warning in &outcome.warnings {
            let first = self.warnings.entry(warning.clone()).or_insert(n);
            *first = n.min(*first);
        }
    }

    /// Every warning once, in the order of the tasks.
    fn into_warnings(self) -> impl Iterator<Item = String> {
        let mut warnings: Vec<_> = self.warnings.into_iter().collect();
        warnings.sort_by_key(|&(_, first)| first);
        warnings.into_iter().map(|(text, _)| text)
    }
}

/// For outcomes that say nothing of interest.
fn ignore(_: usize, _: &Outcome) {}

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
        let build: Build = Arc::new(move |_, _, _| Task::Index(task.clone()));
        let work = Work::new("index", vec![1], build);
        let key = runner.run(vec![work], &mut ignore).await?.remove(0);
        load_index(&self.place, &key).await
    }

    pub(super) async fn plan(&self, runner: &mut Runner, index: &Arc<Index>) -> Result<Plan> {
        let mut plan = plan::plan(index, &self.request.options, &self.request.input)?;
        if self.request.options.chunk == ChunkRule::Scenes {
            let starts;
            (plan, starts) = self.find_scenes(runner, index, plan).await?;
            self.cut_scenes(index, &mut plan, &starts)?;
        }
        let whole = matches!(self.request.options.rate, Rate::Bitrate { .. });
        if whole && self.request.options.chunk == ChunkRule::Auto {
            recut_for_rate(index, &mut plan)?;
        }
        Ok(plan)
    }

    /// Makes a chunk of every scene, or a batch of chunks.
    fn cut_scenes(&self, index: &Index, plan: &mut Plan, scenes: &[usize]) -> Result<()> {
        let options = &self.request.options;
        if options.seam == Seam::Closed {
            plan.chunks = chunks::from_starts(index, &plan.timeline, scenes)?;
            return Ok(());
        }
        let starts = batches::within(scenes, plan.timeline.kept.end);
        plan.chunks = chunks::from_starts(index, &plan.timeline, &starts)?;
        batches::check_chunks(&plan.chunks)?;
        plan.batches = Batches::of(&plan.chunks, options.batch, scenes);
        Ok(())
    }

    /// Decodes everything once, small, to find where scenes begin.
    async fn find_scenes(
        &self,
        runner: &mut Runner,
        index: &Arc<Index>,
        plan: Plan,
    ) -> Result<(Plan, Vec<usize>)> {
        let strict = !self.request.options.keep_damaged;
        let plan = Arc::new(plan);
        let (all, of) = (index.clone(), plan.clone());
        let work = Work {
            chunks: Chunks::All,
            ..Work::new(
                "analyze",
                chunk_weights(&plan),
                Arc::new(move |n, extra, _| {
                    Task::Encode(Box::new(scenes::task(&all, &of, n, strict, extra)))
                }),
            )
        };
        let tasks = runner.run(vec![work], &mut ignore).await?;
        let place = self.place.clone();
        let scores = tokio::task::spawn_blocking(move || scenes::scores(&place, &tasks))
            .await
            .map_err(|e| JobError::Failed(format!("scene analysis: {e}")))??;
        let starts = scenes::cut(&plan.timeline, &scores);
        let plan = Arc::into_inner(plan);
        let plan = plan.ok_or_else(|| JobError::Failed("scene analysis still runs".into()))?;
        Ok((plan, starts))
    }

    /// Encodes all chunks and tracks.
    pub(super) async fn encode(
        &mut self,
        runner: &mut Runner,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
    ) -> Result<Made> {
        let mut search = self.rate_search(index, plan);
        let counted = search.as_ref().map_or(0, |s| s.quality.len());
        let quality = search.as_ref().map(|s| s.quality.as_slice());
        let track_count = plan.tracks.len();
        let works = vec![
            self.track_work(index, plan),
            self.chunk_work(index, plan, quality),
            self.rebase_work(index, plan, track_count),
        ];
        let (mut of_tracks, mut of_chunks) = (Gist::default(), Gist::of(counted));
        let mut each = |n: usize, outcome: &Outcome| match n.checked_sub(track_count) {
            Some(chunk) => of_chunks.take(chunk, outcome),
            None => of_tracks.take(n, outcome),
        };
        let mut tracks = runner.run(works, &mut each).await?;
        let mut chunks = tracks.split_off(track_count);
        let rebased = chunks.split_off(plan.chunks.len());
        // A draft was for its rebase alone.
        for (chunk, key) in plan
            .batches
            .continuing(chunks.len())
            .into_iter()
            .zip(rebased)
        {
            chunks[chunk as usize] = key;
        }
        while let Some(search) = &mut search {
            let before = search.quality.clone();
            let done = search.measured(&of_chunks.bytes);
            if search.quality != before {
                self.progress.restart();
                of_chunks = Gist::of(counted);
                let work = self.chunk_work(index, plan, Some(&search.quality));
                let mut each = |n: usize, outcome: &Outcome| of_chunks.take(n, outcome);
                chunks = runner.run(vec![work], &mut each).await?;
            }
            if done {
                break;
            }
        }
        let shortfall = search.and_then(|s| s.shortfall(of_chunks.total_bytes));
        self.log.warnings.extend(shortfall);
        let reorder = of_chunks.reorder as usize;
        for warning in of_tracks.into_warnings().chain(of_chunks.into_warnings()) {
            if !self.log.warnings.contains(&warning) {
                self.log.warnings.push(warning);
            }
        }
        Ok(Made {
            chunks,
            tracks,
            reorder,
        })
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

    fn track_work(&self, index: &Index, plan: &Plan) -> Work {
        let options = &self.request.options;
        let (strict, trimmed) = (!options.keep_damaged, options.start.is_some());
        let task = |track| Task::Track(tracks::track_task(index, plan, track, strict, trimmed));
        let tasks: Vec<Task> = plan.tracks.iter().map(task).collect();
        let weights = vec![u32::MAX; tasks.len()];
        Work::new("track", weights, Arc::new(move |n, _, _| tasks[n].clone()))
    }

    fn chunk_work(&self, index: &Arc<Index>, plan: &Arc<Plan>, quality: Option<&[f64]>) -> Work {
        let strict = !self.request.options.keep_damaged;
        let mut weights = chunk_weights(plan);
        if let Some(seed) = self.request.order_seed {
            weights = (1..=weights.len() as u32).collect();
            weights.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        }
        let of = plan.clone();
        Work {
            chunks: Chunks::All,
            makes: Arc::new(move |n| of.batches.starts(n)),
            ..Work::new("encode", weights, chunk_build(index, plan, strict, quality))
        }
    }

    /// Moves the chunks that continue onto the state of the one before; the
    /// chunks' own tasks stand from place `first` on.
    fn rebase_work(&self, index: &Arc<Index>, plan: &Arc<Plan>, first: usize) -> Work {
        let strict = !self.request.options.keep_damaged;
        let chunks = plan.batches.continuing(plan.chunks.len());
        let (drafts, rebases) = (first as u32, (first + plan.chunks.len()) as u32);
        let after = chunks.iter().enumerate().map(|(i, &n)| {
            let before = match plan.batches.starts(n as usize - 1) {
                true => drafts + n - 1,
                false => rebases + i as u32 - 1,
            };
            [drafts + n, before]
        });
        let weight = |&n: &u32| u32::try_from(plan.chunks[n as usize].frames);
        let weights = chunks.iter().map(|n| weight(n).unwrap_or(u32::MAX));
        let (index, of, numbers) = (index.clone(), plan.clone(), chunks.clone());
        let build: Build = Arc::new(move |i, extra, after| {
            Task::Rebase(Box::new(RebaseTask {
                chunk: EncodeTask {
                    keep_state: continues(&of, numbers[i] as usize + 1),
                    ..chunk_task(&index, &of, numbers[i] as usize, strict, extra)
                },
                draft: after[0],
                from: after[1],
            }))
        });
        let (after, weights) = (after.collect(), weights.collect());
        Work {
            chunks: Chunks::Some(chunks),
            makes: Arc::new(|_| true),
            // The chain is what the job waits for.
            priority: 1,
            after,
            ..Work::new("rebase", weights, build)
        }
    }
}

/// Whether a chunk is there and continues from the one before.
fn continues(plan: &Plan, n: usize) -> bool {
    n < plan.chunks.len() && !plan.batches.starts(n)
}

/// The task that encodes a chunk, or its draft.
fn chunk_task(index: &Index, plan: &Plan, n: usize, strict: bool, extra: usize) -> EncodeTask {
    let (timeline, video, chunk) = (&plan.timeline, &plan.video, &plan.chunks[n]);
    if continues(plan, n) {
        return span::overlapping_task(index, timeline, video, chunk, strict, extra);
    }
    EncodeTask {
        keep_state: continues(plan, n + 1),
        ..span::encode_task(index, timeline, video, chunk, strict, extra)
    }
}

/// The expected work of each chunk, in frames.
fn chunk_weights(plan: &Plan) -> Vec<u32> {
    let weight = |chunk: &chunks::Chunk| u32::try_from(chunk.frames).unwrap_or(u32::MAX);
    plan.chunks.iter().map(weight).collect()
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
    Arc::new(move |n, extra, _| {
        let mut task = chunk_task(&index, &plan, n, strict, extra);
        let choice = encoder::choice_of(&task.encoder.encoder);
        if let (Some(quality), Some(choice)) = (&quality, choice) {
            encoder::set_quality(&mut task.encoder.options, &choice, quality[n]);
        }
        Task::Encode(Box::new(task))
    })
}

/// Reads the index that a task has made back from the work store.
///
/// # Errors
/// [`JobError::Failed`] when it is not whole.
pub async fn load_index(place: &WorkPlace, key: &TaskKey) -> Result<Arc<Index>> {
    const INDEX_MAX: u64 = 4 << 30;
    let bytes = place
        .work
        .get(&place.full_key(&key.data_key()), INDEX_MAX)
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
