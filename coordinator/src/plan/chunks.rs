// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where to cut.

use super::options::ChunkRule;
use super::span::Timeline;
use crate::error::{JobError, Result};
use framemill_worker::index::Index;
use std::ops::Range;

/// Frames that an automatic chunk aims at: the encoders' own usual distance
/// of key frames, so that the cut costs next to nothing.
const TARGET: usize = 250;
/// An automatic chunk is no shorter, unless the source is.
const SHORTEST: usize = 125;
/// An automatic chunk is no longer where it can be cut.
const LONGEST: usize = 375;
/// A source of fewer frames, a minute or so, is cut into equal chunks.
const FEW: usize = 1500;
/// Chunks of one job that we accept.
const MOST: usize = 1_000_000;
/// Output frames of one job that we accept: 19 days at 30 a second.
const MOST_FRAMES: u64 = 50_000_000;

/// A chunk of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its source frames, by display position.
    pub positions: Range<usize>,
    /// Frames it makes.
    pub frames: u64,
}

/// Cuts the kept frames into chunks that tile them.
///
/// # Errors
/// [`JobError::Usage`] for more chunks than anyone can want.
pub fn cut(index: &Index, timeline: &Timeline, rule: &ChunkRule) -> Result<Vec<Chunk>> {
    let starts = match rule {
        ChunkRule::Frames(n) => timeline
            .kept
            .clone()
            .step_by(usize::try_from(*n).unwrap_or(usize::MAX))
            .collect(),
        ChunkRule::Seconds(s) => by_time(index, timeline, *s),
        ChunkRule::Auto | ChunkRule::Scenes if timeline.kept.len() < FEW => {
            evenly(timeline.kept.clone(), &key_positions(index, timeline))
        }
        ChunkRule::Auto | ChunkRule::Scenes => by_key_frames(index, timeline),
    };
    from_starts(index, timeline, &starts)
}

/// Chunks from their first positions, ascending. Those that would make no
/// frame (a low output rate) join the one before.
///
/// # Errors
/// [`JobError::Usage`] for more chunks than anyone can want.
pub fn from_starts(index: &Index, timeline: &Timeline, starts: &[usize]) -> Result<Vec<Chunk>> {
    if starts.len() > MOST {
        return Err(JobError::Usage(format!(
            "{} chunks: --chunk is too short, {MOST} are the most",
            starts.len()
        )));
    }
    let mut chunks: Vec<Chunk> = Vec::with_capacity(starts.len());
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(timeline.kept.end);
        let positions = start..end;
        let frames = timeline.output_frames(index, &positions);
        match chunks.last_mut() {
            Some(last) if frames == 0 || last.frames == 0 => {
                last.positions.end = end;
                last.frames += frames;
            }
            _ => chunks.push(Chunk { positions, frames }),
        }
    }
    let total: u64 = chunks.iter().map(|c| c.frames).sum();
    if total > MOST_FRAMES {
        return Err(JobError::Usage(format!(
            "{total} frames: {MOST_FRAMES} are the most; lower --fps"
        )));
    }
    Ok(chunks)
}

fn by_time(index: &Index, timeline: &Timeline, seconds: f64) -> Vec<usize> {
    let unit = index.header.video.stream.time_base.as_f64();
    let first = timeline.pts(index, timeline.kept.start);
    let mut starts = Vec::new();
    let mut last = None;
    for position in timeline.kept.clone() {
        // A tick's rounding must not push a frame over the line.
        let time = (timeline.pts(index, position) - first) as f64 * unit + unit / 2.0;
        let slot = (time / seconds) as u64;
        if last != Some(slot) {
            starts.push(position);
            last = Some(slot);
        }
    }
    starts
}

/// Cuts a short source into an even number of equal chunks: with a handful of
/// them a longer one is waited for while workers idle. A key frame close by
/// still draws the cut to itself.
fn evenly(kept: Range<usize>, keys: &[(usize, usize)]) -> Vec<usize> {
    let frames = kept.len();
    if frames < 2 * SHORTEST {
        return vec![kept.start];
    }
    let pieces = 2 * frames.div_ceil(2 * TARGET);
    let reach = frames / pieces / 20;
    let cut = |piece: usize| {
        let even = kept.start + frames * piece / pieces;
        let near = keys
            .iter()
            .map(|&(key, _)| key)
            .min_by_key(|key| key.abs_diff(even));
        near.filter(|key| key.abs_diff(even) <= reach)
            .unwrap_or(even)
    };
    std::iter::once(kept.start)
        .chain((1..pieces).map(cut))
        .collect()
}

/// Cuts at key frames near [`TARGET`]: they cost no run-up, and where a source
/// encoder put one out of turn it saw a scene cut.
fn by_key_frames(index: &Index, timeline: &Timeline) -> Vec<usize> {
    let keys = key_positions(index, timeline);
    let usual = usual_distance(&keys);
    let mut starts = vec![timeline.kept.start];
    let mut start = timeline.kept.start;
    loop {
        let left = timeline.kept.end - start;
        if left < TARGET + SHORTEST {
            return starts;
        }
        let (low, high) = (
            start + SHORTEST,
            (start + LONGEST).min(timeline.kept.end - SHORTEST),
        );
        let from = keys.partition_point(|&(k, _)| k < low);
        let to = keys.partition_point(|&(k, _)| k <= high);
        let cost = |&(key, distance): &(usize, usize)| {
            let off = key.abs_diff(start + TARGET);
            let regular = usual > 0 && distance >= usual;
            off + if regular { SHORTEST } else { 0 }
        };
        let next = keys[from..to]
            .iter()
            .min_by_key(|k| cost(k))
            .map(|&(k, _)| k);
        start = next.unwrap_or_else(|| {
            let pieces = (left as f64 / TARGET as f64).round().max(1.0);
            start + (left as f64 / pieces).ceil() as usize
        });
        starts.push(start);
    }
}

/// Display positions of key frames inside the kept stretch, each with its
/// distance from the one before.
fn key_positions(index: &Index, timeline: &Timeline) -> Vec<(usize, usize)> {
    let mut keys = Vec::new();
    let mut last = timeline.kept.start;
    for position in timeline.kept.clone() {
        if index.packets[timeline.packet(position) as usize].is_key() {
            keys.push((position, position - last));
            last = position;
        }
    }
    keys
}

/// The longest distance of key frames, which an encoder reaches when nothing
/// happens; 0 when it is not typical.
fn usual_distance(keys: &[(usize, usize)]) -> usize {
    let longest = keys.iter().map(|&(_, d)| d).max().unwrap_or(0);
    let typical = keys.iter().filter(|&&(_, d)| d == longest).count();
    if typical >= 2 {
        longest
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn short_sources_are_cut_evenly() {
        assert_eq!(evenly(0..249, &[(120, 120)]), [0]);
        assert_eq!(evenly(0..377, &[]), [0, 188]);
        assert_eq!(evenly(10..730, &[]), [10, 190, 370, 550]);
        let near = [(180, 180), (195, 15), (300, 105), (379, 79), (381, 2)];
        assert_eq!(evenly(10..730, &near), [10, 195, 379, 550]);
    }
}
