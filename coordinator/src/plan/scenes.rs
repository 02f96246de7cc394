// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scene cuts, from the pictures themselves.
//!
//! Every worker decodes a stretch, scales it to a thumbnail and says how much
//! each picture differs from the one before. A cut is a difference that stands
//! out from its neighbours: motion and flashes make several large ones in a row.

use super::chunks::Chunk;
use super::span::{self, Timeline};
use super::Plan;
use crate::error::{JobError, Result};
use framemill_codec::packet::PacketFileReader;
use framemill_worker::encode::{EncodeTask, SCENE};
use framemill_worker::index::Index;
use framemill_worker::{TaskKey, WorkPlace};
use std::ops::Range;

/// Size of the pictures that are compared.
const THUMBNAIL: (u32, u32) = (64, 36);
/// Mean absolute difference of luma below which nothing is a cut.
const LEAST: f32 = 9.0;
/// How far a cut stands out from the differences around it.
const CONTRAST: f32 = 2.2;
/// Frames of a chunk between cuts, at least.
const SHORTEST: usize = 24;
/// Frames of a chunk, at most: longer scenes are divided evenly.
const LONGEST: usize = 500;

/// The task that measures chunk `n` of the kept frames. All but the first begin
/// one frame early, so that every frame is compared with the one before it.
#[must_use]
pub fn task(index: &Index, plan: &Plan, n: usize, strict: bool, extra: usize) -> EncodeTask {
    let mut video = plan.video.clone();
    video.encoder.encoder = SCENE.to_owned();
    video.encoder.options.clear();
    video.encoder.pix_fmt = "yuv420p".into();
    (video.encoder.width, video.encoder.height) = THUMBNAIL;
    video.filter.pix_fmt = "yuv420p".into();
    video.filter.scale = Some(THUMBNAIL);
    video.filter.deinterlace = false;
    video.filter.tonemap = false;
    video.handles = 0;
    let Range { start, end } = plan.chunks[n].positions;
    let chunk = Chunk {
        positions: start - usize::from(n > 0)..end,
        frames: 0,
    };
    let mut task = span::encode_task(index, &plan.timeline, &video, &chunk, strict, extra);
    // One score a source frame, whatever the output's rate.
    for (at, item) in task.packets.0.iter_mut().enumerate() {
        let position = plan.timeline.position(task.first_packet as usize + at);
        item.repeat = u32::from(position.is_some_and(|p| chunk.positions.contains(&p)));
    }
    task
}

/// The score of every kept frame, in order.
///
/// # Errors
/// [`JobError::Failed`] for outputs that cannot be read back.
pub fn scores(place: &WorkPlace, tasks: &[TaskKey]) -> Result<Vec<f32>> {
    let failed = |e: String| JobError::Failed(format!("scene analysis: {e}"));
    let mut scores = Vec::new();
    for (n, key) in tasks.iter().enumerate() {
        let reader = place.open_output(key).map_err(|e| failed(e.to_string()))?;
        let mut reader = PacketFileReader::new(reader).map_err(|e| failed(e.to_string()))?;
        let mut skip = usize::from(n > 0);
        while let Some(packet) = reader.next_packet().map_err(|e| failed(e.to_string()))? {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let bytes = packet
                .data
                .try_into()
                .map_err(|_| failed("a score of another size".into()))?;
            scores.push(f32::from_le_bytes(bytes));
        }
    }
    Ok(scores)
}

/// Frame numbers, from 0, that begin a scene.
fn scene_starts(scores: &[f32]) -> Vec<usize> {
    let around = |i: usize| {
        let low = i.saturating_sub(3);
        let high = (i + 4).min(scores.len());
        let others = scores[low..i].iter().chain(&scores[i + 1..high]);
        others.fold(0.0f32, |a, &b| a.max(b))
    };
    (1..scores.len())
        .filter(|&i| scores[i] >= LEAST && scores[i] >= around(i) * CONTRAST)
        .collect()
}

/// Display positions of the chunks' first frames.
#[must_use]
pub fn cut(timeline: &Timeline, scores: &[f32]) -> Vec<usize> {
    let (first, end) = (timeline.kept.start, timeline.kept.end);
    let mut scenes = vec![first];
    for start in scene_starts(scores).into_iter().map(|n| first + n) {
        let last = scenes[scenes.len() - 1];
        if start - last >= SHORTEST && end.saturating_sub(start) >= SHORTEST {
            scenes.push(start);
        }
    }
    let mut starts = Vec::new();
    for (i, &start) in scenes.iter().enumerate() {
        let length = scenes.get(i + 1).copied().unwrap_or(end) - start;
        let pieces = length.div_ceil(LONGEST).max(1);
        starts.extend((0..pieces).map(|p| start + length * p / pieces));
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::scene_starts;

    #[test]
    fn a_cut_stands_out_and_motion_does_not() {
        let mut scores = vec![1.0; 100];
        scores[40] = 30.0;
        assert_eq!(scene_starts(&scores), [40]);
        // A pan: large differences, all alike.
        let pan: Vec<f32> = (0..100).map(|i| 15.0 + (i % 3) as f32).collect();
        assert!(scene_starts(&pan).is_empty());
        // A flash differs twice in a row and begins no scene.
        let mut flash = vec![1.0; 50];
        (flash[20], flash[21]) = (40.0, 40.0);
        assert!(scene_starts(&flash).is_empty());
    }
}
