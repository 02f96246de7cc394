// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moving a chunk onto the state of the one before it, in place of a key frame.
//!
//! All that needs no state is done first: the pictures are decoded, the draft
//! is read. Then the state is waited for, so that an invocation may start while
//! the task before it is still at work.

mod join;
#[cfg(test)]
mod tests;

use crate::encode::{pictures, vp8_params, vp8_settings, vp8_timed, EncodeTask, Shown};
use crate::run::{Monitor, WorkPlace};
use crate::task::{Outcome, TaskKey, TaskStats};
use crate::Failure;
use framemill_codec::dsp::Dsp;
use framemill_codec::packet::{PacketFileReader, PacketFileWriter};
use framemill_codec::vp8::{self, Draft, Rebased, Sources};
use framemill_codec::Error;
use framemill_store::ReadStats;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// Moves a draft onto a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RebaseTask {
    /// The chunk's pictures and how they are encoded.
    pub chunk: EncodeTask,
    /// The task that made the draft.
    pub draft: TaskKey,
    /// The task whose state the chunk continues from.
    pub from: TaskKey,
}

/// Most threads of a rebase: all chunks behind it wait.
const MAX_THREADS: usize = 4;

/// Runs a [`RebaseTask`].
pub(crate) fn run(
    task: &RebaseTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let spec = &task.chunk.encoder;
    let settings = vp8_settings(spec)?;
    let mut sources = Sources::new(spec.width, spec.height)?;
    let mut times = Vec::new();
    let shown = pictures(&task.chunk, place, monitor, stats, &mut |frame| {
        sources.push(&frame.view()?)?;
        times.push(frame.pts().unwrap_or_default());
        Ok(())
    })?;
    let draft = read_draft(task, sources.len(), place, stats)?;
    let ready_s = started.elapsed().as_secs_f64();
    let state = join::wait_for_state(&task.from, place, monitor, stats)?;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let threads = cores.min(MAX_THREADS);
    let rebased = vp8::rebase(Dsp::best(), &state, &draft, &sources, settings, threads)?;
    let mut outcome = store(task, key, place, rebased, (&times, shown))?;
    outcome.stats.ready_s = ready_s;
    monitor.progress(outcome.frames);
    Ok(outcome)
}

/// The draft of a chunk of so many frames.
fn read_draft(
    task: &RebaseTask,
    frames: usize,
    place: &WorkPlace,
    stats: &Arc<ReadStats>,
) -> Result<Draft, Failure> {
    let (from, spec) = (&task.draft, &task.chunk.encoder);
    let broken = |error: Error| match error {
        Error::Corrupt { .. } => join::not_whole(from, error.to_string()),
        other => other.into(),
    };
    let reader = place.open_counted(from, stats);
    let reader = reader.map_err(|failure| join::missing(from, failure))?;
    let mut reader = PacketFileReader::new(reader).map_err(broken)?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(broken)? {
        packets.push(packet.data);
    }
    Ok(Draft::parse(spec.width, spec.height, &packets, frames)?)
}

/// Writes the state first, since the next chunk may be waiting for it.
fn store(
    task: &RebaseTask,
    key: &TaskKey,
    place: &WorkPlace,
    rebased: Rebased,
    (times, shown): (&[i64], Shown),
) -> Result<Outcome, Failure> {
    let mut state = None;
    if task.chunk.keep_state {
        let blob = place.put_blob(&key.state_key(), rebased.state.to_bytes())?;
        state = Some((blob, rebased.state.digest().into()));
    }
    let blob = place.blob_writer(&key.data_key())?;
    let spec = &task.chunk.encoder;
    // That of the draft may have another encoder's marks.
    let header = spec.header(vp8_params(spec));
    let mut writer = PacketFileWriter::new(blob, &header)?;
    for packet in vp8_timed(rebased.packets, times)? {
        writer.push(&packet)?;
    }
    let (blob, summary) = writer.finish()?;
    let (kept, digest) = state.unzip();
    Ok(Outcome {
        key: *key,
        blobs: std::iter::once(blob.finish()?).chain(kept).collect(),
        state: digest,
        packets: summary.packets,
        frames: times.len() as u64,
        payload_bytes: summary.payload_bytes,
        reorder: 0,
        first_pts: times.first().copied(),
        warnings: shown.warnings,
        stats: TaskStats::default(),
    })
}
