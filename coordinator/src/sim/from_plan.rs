// SPDX-License-Identifier: MIT OR Apache-2.0
//! A workload from a plan, by what its tasks are expected to take.

use super::draw::seconds;
use super::model::{SimTask, TaskKind, Workload};
use crate::plan::costs::Costs;
use crate::plan::expect::{self, ChunkTimes};
use crate::plan::options::TranscodeOptions;
use crate::plan::{span, Plan};
use framemill_worker::index::Index;
use std::time::Duration;

/// Seconds of the index, and of the stitch. Assumed: both depend on containers and disks,
/// and are short against what is encoded.
const OWN: f64 = 0.1;

/// The tasks of a plan as a job would add them: the index, then tracks, chunks and
/// rebases together. A scene analysis has been done by then, and a bit rate's further
/// rounds are not known yet: both are left out. `None` where `costs` lack the encoder.
#[must_use]
pub fn workload(
    costs: &Costs,
    index: &Index,
    plan: &Plan,
    options: &TranscodeOptions,
) -> Option<Workload> {
    let mut workload = Workload::default();
    let first = SimTask::new(TaskKind::Index, None, 1, seconds(OWN));
    workload.push_stage(Duration::ZERO, [first]);
    let track = SimTask::new(
        TaskKind::Track,
        None,
        u32::MAX,
        seconds(expect::track_s(index, plan)),
    );
    let mut tasks = vec![track; plan.tracks.len()];
    let times = expect::chunk_times(costs, index, plan, options)?;
    // Tasks are numbered from the index on.
    let drafts = 1 + tasks.len() as u32;
    let chunks = plan.chunks.iter().zip(&times).enumerate();
    tasks.extend(chunks.map(|(n, (chunk, times))| {
        let cost = span::read_cost(index, &plan.timeline, &plan.video, chunk);
        SimTask {
            bytes_read: cost.bytes,
            ..chunk_task(TaskKind::Encode, n, chunk.frames, times.encode_s)
        }
    }));
    let rebases = drafts + plan.chunks.len() as u32;
    let continuing = plan.batches.continuing(plan.chunks.len());
    for (i, &n) in continuing.iter().enumerate() {
        let before = match plan.batches.starts(n as usize - 1) {
            true => drafts + n - 1,
            false => rebases + i as u32 - 1,
        };
        let ChunkTimes { head_s, rest_s, .. } = times[n as usize];
        let frames = plan.chunks[n as usize].frames;
        tasks.push(SimTask {
            head: seconds(head_s),
            after: vec![drafts + n],
            follows: Some(before),
            ..chunk_task(TaskKind::Rebase, n as usize, frames, rest_s)
        });
    }
    workload.push_stage(Duration::ZERO, tasks);
    workload.stitch = seconds(OWN);
    Some(workload)
}

fn chunk_task(kind: TaskKind, n: usize, frames: u64, work_s: f64) -> SimTask {
    let weight = u32::try_from(frames).unwrap_or(u32::MAX);
    SimTask::new(kind, u32::try_from(n).ok(), weight, seconds(work_s))
}
