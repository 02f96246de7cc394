// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stages of a job as work for the runner: index, plan, encode.

use super::Job;
use crate::error::{JobError, Result};
use crate::plan::batches::{self, Batches};
use crate::plan::fit::fit;
use crate::plan::options::{ChunkRule, Rate};
use crate::plan::{self, chunks, scenes, Plan};
use crate::runner::{Build, Chunks, Runner, Work};
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::{Outcome, SourceRef, Task, TaskKey, WorkPlace};
use std::sync::Arc;

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
        let mut index = load_index(&self.place, &key).await?;
        // In the store its address has no secrets; nobody else has this one yet.
        if let Some(index) = Arc::get_mut(&mut index) {
            index.header.source = source.clone();
        }
        Ok(index)
    }

    pub(super) async fn plan(&self, runner: &mut Runner, index: &Arc<Index>) -> Result<Plan> {
        let mut plan = plan::plan(index, &self.request.options, &self.request.input_name())?;
        if self.request.options.chunk == ChunkRule::Scenes {
            let starts;
            (plan, starts) = self.find_scenes(runner, index, plan).await?;
            self.cut_scenes(index, &mut plan, &starts)?;
        }
        let whole = matches!(self.request.options.rate, Rate::Bitrate { .. });
        if whole && self.request.options.chunk == ChunkRule::Auto {
            recut_for_rate(index, &mut plan)?;
        }
        fit(
            index,
            &mut plan,
            &self.request.options,
            &self.request.limits,
        )?;
        Ok(plan)
    }

    /// Makes a chunk of every scene, or a batch of chunks.
    fn cut_scenes(&self, index: &Index, plan: &mut Plan, scenes: &[usize]) -> Result<()> {
        let Some(shape) = plan.shape else {
            plan.chunks = chunks::from_starts(index, &plan.timeline, scenes)?;
            return Ok(());
        };
        let starts = batches::within(scenes, plan.timeline.kept.end, shape.frames);
        plan.chunks = chunks::from_starts(index, &plan.timeline, &starts)?;
        batches::check_chunks(&plan.chunks)?;
        plan.batches = Batches::of(&plan.chunks, shape.chunks, scenes);
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
}

/// The expected work of each chunk, in frames.
pub(super) fn chunk_weights(plan: &Plan) -> Vec<u32> {
    let weight = |chunk: &chunks::Chunk| u32::try_from(chunk.frames).unwrap_or(u32::MAX);
    plan.chunks.iter().map(weight).collect()
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
