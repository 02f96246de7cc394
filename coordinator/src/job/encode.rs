// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stage that makes a job's output: chunks and tracks are encoded, chunks
//! moved onto each other, again and again where a bit rate is to be met.

use super::stages::chunk_weights;
use super::Job;
use crate::error::Result;
use crate::plan::batches::Golden;
use crate::plan::options::Rate;
use crate::plan::{encoder, span, tracks, Plan};
use crate::rate::{Limit, RateSearch};
use crate::runner::{Build, Chunks, Each, Runner, Work};
use crate::stitch;
use framemill_codec::vp8::{golden_at, HIDDEN_FRAMES};
use framemill_worker::encode::{EncodeTask, EncoderSpec, BEFORE, GOLDEN, HIDDEN, VP8_BY_FRAMEMILL};
use framemill_worker::index::Index;
use framemill_worker::rebase::RebaseTask;
use framemill_worker::{Outcome, Task, TaskKey};
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
    /// Bytes of each chunk, where a bit rate is to be met.
    bytes: Vec<u64>,
    /// Warnings, with the first task that gave them.
    warnings: BTreeMap<String, usize>,
}

impl Gist {
    /// Room for the bytes of this many tasks; 0 where no rate is to be met.
    fn of(tasks: usize) -> Self {
        Self {
            bytes: vec![0; tasks],
            ..Self::default()
        }
    }

    fn take(&mut self, n: usize, outcome: &Outcome) {
        self.reorder = self.reorder.max(outcome.reorder);
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

/// The quality of every chunk where a bit rate is to be met.
struct Qualities {
    /// Of what goes into the output.
    chunks: Arc<[f64]>,
    /// Of the drafts of chunks that continue from the one before.
    drafts: Arc<[f64]>,
}

impl Qualities {
    /// How far a chunk's quality may be from its draft's: this costs under 1 %
    /// of bits (docs/results.md), and to rebase is far cheaper than to encode.
    const REACH: f64 = 3.0;

    fn of(chunks: &[f64]) -> Self {
        Self {
            chunks: chunks.into(),
            drafts: chunks.into(),
        }
    }

    /// Goes on to other qualities; drafts follow where they are too far off.
    fn change(&mut self, chunks: &[f64]) {
        let near = |(&draft, &chunk): (&f64, &f64)| match (draft - chunk).abs() <= Self::REACH {
            true => draft,
            false => chunk,
        };
        self.drafts = self.drafts.iter().zip(chunks).map(near).collect();
        self.chunks = chunks.into();
    }
}

/// Gives a chunk's encoder the quality of that chunk.
fn set_quality(spec: &mut EncoderSpec, qualities: Option<&Arc<[f64]>>, n: usize) {
    let choice = encoder::choice_of(&spec.encoder);
    if let (Some(qualities), Some(choice)) = (qualities, choice) {
        encoder::set_quality(&mut spec.options, &choice, qualities[n]);
    }
}

impl Job {
    /// Encodes all chunks and tracks.
    pub(super) async fn encode(
        &mut self,
        runner: &mut Runner,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
    ) -> Result<Made> {
        let mut search = self.rate_search(index, plan);
        let mut qualities = search.as_ref().map(|s| Qualities::of(&s.quality));
        let counted = search.as_ref().map_or(0, |s| s.quality.len());
        let mut of_tracks = Gist::default();
        let each_track = &mut |n: usize, outcome: &Outcome| of_tracks.take(n, outcome);
        let works = vec![self.track_work(index, plan)];
        let works = self.works(works, index, plan, qualities.as_ref());
        let (mut keys, mut of_chunks) = round(runner, works, plan, counted, each_track).await?;
        let mut chunks = keys.split_off(plan.tracks.len());
        let tracks = keys;
        while let (Some(search), Some(qualities)) = (&mut search, &mut qualities) {
            let before = search.quality.clone();
            let done = search.measured(&of_chunks.bytes);
            if search.quality != before {
                self.progress.restart();
                qualities.change(&search.quality);
                let works = self.works(Vec::new(), index, plan, Some(qualities));
                (chunks, of_chunks) = round(runner, works, plan, counted, each_track).await?;
            }
            if done {
                break;
            }
        }
        let shortfall = search.map(|s| s.shortfall(&of_chunks.bytes));
        self.log.warnings.extend(shortfall.into_iter().flatten());
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
        let Rate::Bitrate { target, max } = self.request.options.rate else {
            return None;
        };
        let encoder = encoder::choice_of(&plan.video.encoder.encoder)?;
        let seconds = plan.timeline.duration_s(index);
        let bytes = target as f64 * seconds / 8.0;
        let search = RateSearch::new(&encoder, plan.chunks.len(), bytes);
        let limit = max.filter(|_| encoder.libav == VP8_BY_FRAMEMILL);
        Some(match limit {
            Some(max) => search.within(Limit::new(max, starts_s(index, plan))),
            None => search,
        })
    }

    fn track_work(&self, index: &Index, plan: &Plan) -> Work {
        let options = &self.request.options;
        let (strict, trimmed) = (!options.keep_damaged, options.start.is_some());
        let task = |track| Task::Track(tracks::track_task(index, plan, track, strict, trimmed));
        let tasks: Vec<Task> = plan.tracks.iter().map(task).collect();
        let weights = vec![u32::MAX; tasks.len()];
        Work::new("track", weights, Arc::new(move |n, _, _| tasks[n].clone()))
    }

    /// Adds to `works` those of all chunks.
    fn works(
        &self,
        mut works: Vec<Work>,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        qualities: Option<&Qualities>,
    ) -> Vec<Work> {
        let first = works.iter().map(|w| w.weights.len()).sum();
        works.push(self.chunk_work(index, plan, qualities));
        works.push(self.rebase_work(index, plan, qualities, first));
        works
    }

    fn chunk_work(
        &self,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        qualities: Option<&Qualities>,
    ) -> Work {
        let strict = !self.request.options.keep_damaged;
        let mut weights = chunk_weights(plan);
        if let Some(seed) = self.request.order_seed {
            weights = (1..=weights.len() as u32).collect();
            weights.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        }
        let first_pass = encoder::first_pass(&self.request.options, &plan.video.encoder);
        let (index, of, makes) = (index.clone(), plan.clone(), plan.clone());
        let (chunks, drafts) = qualities
            .map(|q| (q.chunks.clone(), q.drafts.clone()))
            .unzip();
        let build: Build = Arc::new(move |n, extra, _| {
            let (mut task, quality) = match continues(&of, n) {
                true => (
                    draft_task((&index, &of, n), &first_pass, strict, extra),
                    &drafts,
                ),
                false => (chunk_task(&index, &of, n, strict, extra), &chunks),
            };
            set_quality(&mut task.encoder, quality.as_ref(), n);
            Task::Encode(Box::new(task))
        });
        Work {
            chunks: Chunks::All,
            makes: Arc::new(move |n| makes.batches.starts(n)),
            ..Work::new("encode", weights, build)
        }
    }

    /// Moves the chunks that continue onto the state of the one before; the
    /// chunks' own tasks stand from place `first` on.
    fn rebase_work(
        &self,
        index: &Arc<Index>,
        plan: &Arc<Plan>,
        qualities: Option<&Qualities>,
        first: usize,
    ) -> Work {
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
        let qualities = qualities.map(|q| q.chunks.clone());
        let build: Build = Arc::new(move |i, extra, after| {
            let n = numbers[i] as usize;
            let mut chunk = chunk_task(&index, &of, n, strict, extra);
            set_quality(&mut chunk.encoder, qualities.as_ref(), n);
            Task::Rebase(Box::new(RebaseTask {
                chunk,
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

/// Seconds from the beginning at which chunks begin; the end comes last.
fn starts_s(index: &Index, plan: &Plan) -> Vec<f64> {
    let timeline = &plan.timeline;
    let starts = plan.chunks.iter();
    let starts = starts.map(|chunk| timeline.seconds(index, chunk.positions.start));
    starts.chain([timeline.duration_s(index)]).collect()
}

/// Whether a chunk is there and continues from the one before.
fn continues(plan: &Plan, n: usize) -> bool {
    n < plan.chunks.len() && !plan.batches.starts(n)
}

/// The task that encodes a chunk, without regard to the one before.
fn chunk_task(index: &Index, plan: &Plan, n: usize, strict: bool, extra: usize) -> EncodeTask {
    let (timeline, video, chunk) = (&plan.timeline, &plan.video, &plan.chunks[n]);
    let mut task = EncodeTask {
        keep_state: continues(plan, n + 1),
        ..span::encode_task(index, timeline, video, chunk, strict, extra)
    };
    say_shape(&mut task.encoder, plan, n);
    task
}

/// Tells our encoder which frames of a chunk may be made for others to refer to.
fn say_shape(spec: &mut EncoderSpec, plan: &Plan, n: usize) {
    if spec.encoder != VP8_BY_FRAMEMILL {
        return;
    }
    let long = plan.chunks[n].frames >= HIDDEN_FRAMES as u64;
    let hidden = long && stitch::halves("vp8", spec.time_base);
    for (option, wanted) in [(GOLDEN, plan.batches.makes_golden(n)), (HIDDEN, hidden)] {
        if wanted {
            spec.options.insert(option.into(), "1".into());
        }
    }
}

/// The task that encodes the draft of a chunk that continues.
fn draft_task(
    (index, plan, n): (&Index, &Plan, usize),
    encoder: &EncoderSpec,
    strict: bool,
    extra: usize,
) -> EncodeTask {
    let (timeline, video, chunk) = (&plan.timeline, &plan.video, &plan.chunks[n]);
    let (of, frame) = match plan.batches.golden_before(n) {
        Golden::Key(of) => (of, 0),
        Golden::Middle(of) => (of, golden_at(plan.chunks[of].frames as usize)),
    };
    let golden = timeline.position_of(index, &plan.chunks[of].positions, frame as u64);
    let (mut task, stand_ins) =
        span::draft_task(index, timeline, video, (chunk, golden), strict, extra);
    task.encoder = encoder.clone();
    if encoder.encoder == VP8_BY_FRAMEMILL {
        let before = (BEFORE.to_owned(), stand_ins.to_string());
        task.encoder.options.extend([before]);
    }
    say_shape(&mut task.encoder, plan, n);
    task
}

/// Runs works, those of the chunks last. Gives the keys of what goes into the
/// output, and what is to be known of the chunks.
async fn round(
    runner: &mut Runner,
    works: Vec<Work>,
    plan: &Plan,
    counted: usize,
    each_track: Each<'_>,
) -> Result<(Vec<TaskKey>, Gist)> {
    let continuing = plan.batches.continuing(plan.chunks.len());
    let total: usize = works.iter().map(|w| w.weights.len()).sum();
    let rebases = total - continuing.len();
    let drafts = rebases - plan.chunks.len();
    let mut gist = Gist::of(counted);
    let mut each = |n: usize, outcome: &Outcome| {
        if n >= rebases {
            gist.take(continuing[n - rebases] as usize, outcome);
        } else if n < drafts {
            each_track(n, outcome);
        } else if plan.batches.starts(n - drafts) {
            gist.take(n - drafts, outcome);
        }
    };
    let mut keys = runner.run(works, &mut each).await?;
    let rebased = keys.split_off(rebases);
    // A draft was for its rebase alone.
    for (&chunk, key) in continuing.iter().zip(rebased) {
        keys[drafts + chunk as usize] = key;
    }
    Ok((keys, gist))
}
