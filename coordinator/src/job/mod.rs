// SPDX-License-Identifier: MIT OR Apache-2.0
//! A transcode from source to verified output.

mod finish;
mod output;

pub use output::{absolute, same_file};

use output::{check_output, default_work_dir, lock_folder};

use crate::engine::{Engine, LocalEngine};
use crate::error::{JobError, Result};
use crate::plan::options::{ChunkRule, Rate, TranscodeOptions};
use crate::plan::{self, chunks, encoder, scenes, span, tracks, Plan};
use crate::progress::Progress;
use crate::rate::RateSearch;
use crate::report::{InvocationRecord, Totals};
use crate::runner::{Runner, Work};
use crate::stitch::StitchError;
use framemill_store::{self as store, Location};
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::{Outcome, SourceRef, Task, WorkPlace};
use rand::seq::SliceRandom;
use rand::SeedableRng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Everything a job is told.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// The source as the user named it.
    pub input: String,
    /// What to make of it.
    pub options: TranscodeOptions,
    /// Worker threads.
    pub workers: u32,
    /// Where intermediate results live; `None` for a folder beside the output.
    pub work_dir: Option<String>,
    /// Take results of an earlier run.
    pub resume: bool,
    /// Replace an output that is there.
    pub overwrite: bool,
    /// Decode the whole output at the end.
    pub verify: bool,
    /// Launch in an order drawn from this seed.
    pub order_seed: Option<u64>,
}

/// What a job did.
#[derive(Debug, Default)]
pub struct JobLog {
    /// Totals, as far as they were reached.
    pub totals: Totals,
    /// Things the user should know.
    pub warnings: Vec<String>,
    /// Every invocation.
    pub invocations: Vec<InvocationRecord>,
}

/// A job under way.
pub struct Job {
    request: JobRequest,
    output: PathBuf,
    work_dir: String,
    place: WorkPlace,
    engine: Arc<dyn Engine>,
    cancel: CancellationToken,
    progress: Arc<Progress>,
    stitched: Option<InvocationRecord>,
    /// Grows as the job runs; read it after success and failure alike.
    pub log: JobLog,
}

/// Finds the source.
///
/// # Errors
/// [`JobError::Input`] when there is none.
pub async fn look_up(input: &str) -> Result<SourceRef> {
    SourceRef::look_up(&absolute(input)?)
        .await
        .map_err(|f| JobError::Input {
            file: input.to_owned(),
            detail: f.to_string(),
        })
}

impl Job {
    /// Prepares a job; refuses what cannot end well before anything is done.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub async fn new(
        request: JobRequest,
        cancel: CancellationToken,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let output = PathBuf::from(absolute(&request.options.output)?);
        let work_dir = match &request.work_dir {
            Some(dir) => absolute(dir)?,
            None => default_work_dir(&output),
        };
        let failed = |e: store::StoreError| JobError::Usage(format!("--work-dir {work_dir}: {e}"));
        let location = Location::parse_place(&work_dir).map_err(failed)?;
        let (work, prefix) = store::open(&location).await.map_err(failed)?;
        let place = WorkPlace {
            handle: Handle::current(),
            work,
            prefix,
        };
        let engine: Arc<dyn Engine> = Arc::new(LocalEngine::new(
            place.clone(),
            work_dir.clone(),
            request.workers,
        ));
        Ok(Self {
            request,
            output,
            work_dir,
            place,
            engine,
            cancel,
            progress,
            stitched: None,
            log: JobLog::default(),
        })
    }

    /// Where intermediate results are.
    #[must_use]
    pub fn work_dir(&self) -> &str {
        &self.work_dir
    }

    /// CPU seconds spent outside this process so far.
    #[must_use]
    pub fn remote_cpu_s(&self) -> f64 {
        self.engine.remote_cpu_s()
    }

    /// The engine's name.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// Runs the job to its end.
    ///
    /// # Errors
    /// [`JobError`]; nothing is then left under the output's name that was not
    /// there before, and what is done can be resumed.
    pub async fn run(&mut self) -> Result<()> {
        if !self.request.options.digest {
            check_output(&self.request, &self.output)?;
        }
        let found_work = Path::new(&self.work_dir).exists();
        let _lock = match self.request.work_dir {
            None => Some(lock_folder(&self.work_dir)?),
            Some(_) => None,
        };
        let source = look_up(&self.request.input).await?;
        let mut decode = false;
        // A chunk that was damaged on disk after it was made costs one more round.
        for _ in 0..3 {
            match self.attempt(&source, decode).await {
                Err(StitchError::Job(JobError::Replan(why))) if !decode => {
                    tracing::info!(%why, "planning again from decoded frames");
                    decode = true;
                }
                Err(StitchError::Job(JobError::Replan(why))) => {
                    return Err(JobError::Input {
                        file: self.request.input.clone(),
                        detail: why,
                    });
                }
                Err(StitchError::Damaged(key, failure)) => {
                    tracing::warn!(%key, %failure, "a stored result is damaged; it is made again");
                    self.request.resume = true;
                }
                Err(StitchError::Job(error)) => {
                    // What no further run can use is not kept; what an earlier run left is.
                    let ours = matches!(error, JobError::Input { .. } | JobError::Usage(_));
                    if ours && !found_work {
                        self.clean_up().await;
                    }
                    return Err(error);
                }
                Ok(()) => {
                    self.clean_up().await;
                    return Ok(());
                }
            }
        }
        Err(JobError::Failed(format!(
            "{}: the frames keep differing from the plan",
            self.request.input
        )))
    }

    /// Indexes and plans without encoding.
    ///
    /// # Errors
    /// As a transcode would refuse it.
    pub async fn plan_only(&mut self) -> Result<(Arc<Index>, Plan)> {
        let source = look_up(&self.request.input).await?;
        let mut runner = self.runner()?;
        let index = self.index(&mut runner, &source, false).await?;
        let plan = self.plan(&mut runner, &index).await?;
        Ok((index, plan))
    }

    fn runner(&self) -> Result<Runner> {
        Runner::new(
            self.engine.clone(),
            self.place.clone(),
            self.request.resume,
            self.cancel.child_token(),
            self.progress.clone(),
            &self.request.input,
        )
    }

    async fn attempt(&mut self, source: &SourceRef, decode: bool) -> Result<(), StitchError> {
        let mut runner = self.runner()?;
        let result = self.attempt_with(&mut runner, source, decode).await;
        runner.stop().await;
        self.log.invocations.append(&mut runner.records);
        self.log.invocations.extend(self.stitched.take());
        self.log.totals.reused += runner.reused;
        result
    }

    async fn attempt_with(
        &mut self,
        runner: &mut Runner,
        source: &SourceRef,
        decode: bool,
    ) -> Result<(), StitchError> {
        let index = self.index(runner, source, decode).await?;
        let plan = Arc::new(self.plan(runner, &index).await?);
        let frames: u64 = plan.chunks.iter().map(|c| c.frames).sum();
        let frame_rate = plan.video.encoder.frame_rate.as_f64();
        self.progress
            .planned(frames, plan.chunks.len() as u64, frame_rate);
        self.log.warnings = plan.warnings.clone();
        self.log.totals.frames = frames;
        self.log.totals.chunks = plan.chunks.len() as u64;
        let (chunks, tracks) = self.encode(runner, &index, &plan).await?;
        if self.request.options.digest {
            return Ok(super::cli::pictures::print(
                &self.place,
                &index,
                &plan,
                &chunks,
            )?);
        }
        self.finish(runner, &index, &plan, &chunks, tracks).await
    }

    /// The source's index, from a worker.
    async fn index(
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
            build: Box::new(move |_| Task::Index(task.clone())),
        };
        let outcome = runner.run(vec![work]).await?.remove(0);
        load_index(&self.place, &outcome).await
    }

    async fn plan(&self, runner: &mut Runner, index: &Arc<Index>) -> Result<Plan> {
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
                build: Box::new(move |_| Task::Encode(Box::new(task.clone()))),
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
    async fn encode(
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
                    build: Box::new(move |_| Task::Track(task.clone())),
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
        weights
            .into_iter()
            .enumerate()
            .map(|(n, weight)| {
                let (index, plan) = (index.clone(), plan.clone());
                let quality = quality.map(|q| q[n]);
                Work {
                    kind: "encode",
                    chunk: Some(n as u32),
                    weight,
                    build: Box::new(move |extra| {
                        let chunk = &plan.chunks[n];
                        let mut task = span::encode_task(
                            &index,
                            &plan.timeline,
                            &plan.video,
                            chunk,
                            strict,
                            extra,
                        );
                        if let (Some(q), Some(choice)) =
                            (quality, encoder::choice_of(&task.encoder.encoder))
                        {
                            encoder::set_quality(&mut task.encoder.options, &choice, q);
                        }
                        Task::Encode(Box::new(task))
                    }),
                }
            })
            .collect()
    }

    /// Removes the default work folder after success; a chosen one is the user's.
    async fn clean_up(&self) {
        if self.request.work_dir.is_none() {
            let _ = tokio::fs::remove_dir_all(&self.work_dir).await;
        }
    }
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
