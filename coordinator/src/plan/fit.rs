// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks that workers can do: within their memory, and within the time that an
//! attempt may take. Tasks keep nothing in temporary files, so disk is no limit.
//!
//! Memory depends on the size of pictures, and not on how many there are, so a task that
//! does not fit into it fits in no piece. Time does: chunks that would take too long
//! are cut further.

use super::chunks::{self, Chunk};
use super::expect::PerFrame;
use super::options::TranscodeOptions;
use super::Plan;
use crate::error::{JobError, Result};
use crate::limits::Limits;
use framemill_worker::index::Index;
use framemill_worker::needs;

/// The share of an attempt's time that a task may be expected to take: contents and
/// machines differ from those that were measured.
const SHARE: f64 = 0.5;

/// Cuts what would take too long, and refuses what fits in no piece.
///
/// # Errors
/// [`JobError::Usage`] that names what is needed and what there is.
pub fn fit(
    index: &Index,
    plan: &mut Plan,
    options: &TranscodeOptions,
    limits: &Limits,
) -> Result<()> {
    check_memory(index, plan, limits)?;
    let frame = PerFrame::of(index, plan, options);
    let time = limits.task_time.as_secs_f64();
    // At this rate a frame of the source makes one of the output, or not many.
    let most = most_frames(|n| frame.seconds(n, n), time * SHARE);
    if frame.seconds(1.0, 1.0) > time {
        return Err(too_slow(plan, frame.seconds(1.0, 1.0), time));
    }
    if plan.shape.is_some() {
        // Chunks that continue each other are short, and stay as they were asked for.
        let seconds = plan.chunks.iter().map(|c| frame.of_chunk(c));
        return match seconds.reduce(f64::max).filter(|&seconds| seconds > time) {
            Some(seconds) => Err(too_slow(plan, seconds, time)),
            None => Ok(()),
        };
    }
    let longest = plan.chunks.iter().map(|c| c.frames).max().unwrap_or(0);
    if longest <= most {
        return Ok(());
    }
    let starts = cut_further(&plan.chunks, most);
    plan.chunks = chunks::from_starts(index, &plan.timeline, &starts)?;
    plan.warnings.push(format!(
        "chunks of {longest} frames may not be done within {time} s a task; they are cut to {most} at most"
    ));
    Ok(())
}

fn check_memory(index: &Index, plan: &Plan, limits: &Limits) -> Result<()> {
    let (encoder, params) = (&plan.video.encoder, &index.header.video.stream.params);
    let needed = needs::of_encode(params, encoder);
    match limits.worker_memory {
        Some(has) if needed > has => Err(JobError::Usage(format!(
            "--worker-memory {}: {} of {}x{} needs {} MiB; a smaller --size needs less",
            has >> 20,
            encoder.encoder,
            encoder.width,
            encoder.height,
            needed.div_ceil(1 << 20)
        ))),
        _ => Ok(()),
    }
}

fn too_slow(plan: &Plan, seconds: f64, time: f64) -> JobError {
    let encoder = &plan.video.encoder;
    JobError::Usage(format!(
        "--task-time {time}: the least that {} of {}x{} can be cut into takes some {seconds:.0} s",
        encoder.encoder, encoder.width, encoder.height
    ))
}

/// The most frames that take at most `time`, at least 1.
fn most_frames(seconds: impl Fn(f64) -> f64, time: f64) -> u64 {
    let none = seconds(0.0);
    let each = seconds(1.0) - none;
    let most = (time - none) / each;
    if most.is_finite() && most >= 1.0 {
        most as u64
    } else {
        1
    }
}

/// The first positions of chunks of at most `most` frames, even within each of `chunks`.
fn cut_further(chunks: &[Chunk], most: u64) -> Vec<usize> {
    let cut = |chunk: &Chunk| {
        let (start, length) = (chunk.positions.start, chunk.positions.len());
        let pieces = chunk.frames.div_ceil(most.max(1)).max(1);
        let pieces = (pieces as usize).min(length.max(1));
        (0..pieces).map(move |n| start + length * n / pieces)
    };
    chunks.iter().flat_map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_evenly_and_the_rest_stays() {
        let chunk = |positions: std::ops::Range<usize>| Chunk {
            frames: positions.len() as u64,
            positions,
        };
        let chunks = [chunk(0..100), chunk(100..130), chunk(130..131)];
        assert_eq!(cut_further(&chunks, 100), [0, 100, 130]);
        assert_eq!(cut_further(&chunks, 40), [0, 33, 66, 100, 130]);
        assert_eq!(cut_further(&chunks[1..], 1).len(), 31);
        assert_eq!(cut_further(&[], 5), [0; 0]);
        // More frames than positions, at a high rate: no chunk is empty.
        let fast = Chunk {
            frames: 1000,
            positions: 5..8,
        };
        assert_eq!(cut_further(&[fast], 10), [5, 6, 7]);
    }

    #[test]
    fn frames_by_time() {
        let seconds = |n: f64| 2.0 + n * 0.5;
        assert_eq!(most_frames(seconds, 10.0), 16);
        assert_eq!(most_frames(seconds, 1.0), 1);
        assert_eq!(most_frames(|_| 0.0, 10.0), 1);
    }
}
