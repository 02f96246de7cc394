// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job is expected to take, by what frames take ([`Costs`]). Contents, options of
//! encoders and machines differ, so these are good for what is far off, and for no more.

use super::auto;
use super::chunks::Chunk;
use super::costs::Costs;
use super::options::TranscodeOptions;
use super::{span, Plan};
use crate::limits::Price;
use framemill_worker::encode::VP8_BY_FRAMEMILL;
use framemill_worker::index::Index;

/// Decoding and filtering a frame, for a sample of luma of the source.
const DECODE: f64 = 1.0e-8;
/// Seconds that a task takes besides its frames.
const TASK: f64 = 0.1;
/// Seconds of CPU to encode a second of sound: AAC to Opus, stereo, measured on one clip.
const SOUND: f64 = 0.023;

/// Seconds that the tasks of one chunk are expected to take in one thread, without
/// requests to stores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkTimes {
    /// The chunk, or its draft.
    pub encode_s: f64,
    /// Its rebase, until that needs the state of the chunk before.
    pub head_s: f64,
    /// The rest of its rebase.
    pub rest_s: f64,
}

/// What the tasks of each chunk are expected to take by `costs`; `None` where those lack
/// the encoder with its preset.
#[must_use]
pub fn chunk_times(
    costs: &Costs,
    index: &Index,
    plan: &Plan,
    options: &TranscodeOptions,
) -> Option<Vec<ChunkTimes>> {
    if plan.shape.is_some() {
        let rates = auto::Rates::of(costs, index, &plan.video.encoder, options)?;
        let chunk = |chunk: &Chunk| {
            let cost = span::read_cost(index, &plan.timeline, &plan.video, chunk);
            let (packets, frames) = (cost.packets as f64, chunk.frames as f64);
            let decode = packets * rates.decode;
            ChunkTimes {
                encode_s: decode + frames * rates.encode,
                head_s: decode,
                rest_s: frames * rates.rebase + rates.state,
            }
        };
        return Some(plan.chunks.iter().map(chunk).collect());
    }
    let frame = PerFrame::by(costs, index, plan, options)?;
    let chunk = |chunk: &Chunk| ChunkTimes {
        encode_s: frame.of_chunk(chunk),
        head_s: 0.0,
        rest_s: 0.0,
    };
    Some(plan.chunks.iter().map(chunk).collect())
}

/// Seconds that a track of sound as long as the video is expected to take; what is only
/// copied takes less.
#[must_use]
pub fn track_s(index: &Index, plan: &Plan) -> f64 {
    plan.timeline.duration_s(index) * SOUND
}

/// What a job is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Seconds of the longest task, in one thread.
    pub longest_s: f64,
    /// Seconds of all tasks.
    pub total_s: f64,
    /// How many they are.
    pub tasks: u64,
    /// Seconds that tasks which follow one another take at least.
    chain_s: f64,
}

/// Seconds that one frame takes, by what it is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerFrame {
    decode: f64,
    encode: f64,
    run_up: f64,
}

impl PerFrame {
    /// By the built-in costs, which every plan follows.
    pub(super) fn of(index: &Index, plan: &Plan, options: &TranscodeOptions) -> Self {
        // They have every encoder.
        Self::by(&Costs::built_in(), index, plan, options).unwrap_or_default()
    }

    /// By `costs`; `None` where they lack the encoder.
    fn by(costs: &Costs, index: &Index, plan: &Plan, options: &TranscodeOptions) -> Option<Self> {
        let (source, output) = (&index.header.video.stream.params, &plan.video.encoder);
        let samples = |width: u32, height: u32| f64::from(width) * f64::from(height);
        let written = samples(output.width, output.height);
        let cost = costs.of(&output.encoder, options.preset, written)?;
        // Chunks that continue each other are rebased besides, whoever made their drafts.
        let rebase = match plan.shape {
            Some(_) => costs.of(VP8_BY_FRAMEMILL, options.preset, written)?.rebase,
            None => 0.0,
        };
        let decode = costs.decode_sample().unwrap_or(DECODE);
        Some(Self {
            decode: decode * samples(source.width, source.height),
            encode: (cost.encode + rebase) * written,
            run_up: auto::run_up(index),
        })
    }

    /// Seconds of a task of so many frames, decoded and made.
    pub(super) fn seconds(self, decoded: f64, frames: f64) -> f64 {
        TASK + (decoded + self.run_up) * self.decode + frames * self.encode
    }

    pub(super) fn of_chunk(self, chunk: &Chunk) -> f64 {
        self.seconds(chunk.positions.len() as f64, chunk.frames as f64)
    }
}

impl Expected {
    /// What the plan's chunks take. Tracks go beside them, and take less.
    #[must_use]
    pub fn of(index: &Index, plan: &Plan, options: &TranscodeOptions) -> Self {
        let frame = PerFrame::of(index, plan, options);
        let seconds = || plan.chunks.iter().map(|chunk| frame.of_chunk(chunk));
        let rebases = plan.batches.continuing(plan.chunks.len()).len();
        Self {
            longest_s: seconds().fold(0.0, f64::max),
            total_s: seconds().sum(),
            tasks: (1 + plan.chunks.len() + rebases + plan.tracks.len()) as u64,
            chain_s: plan.shape.map_or(0.0, |shape| shape.seconds),
        }
    }

    /// Seconds until all is encoded, by so many workers.
    #[must_use]
    pub fn wall_s(&self, workers: u32) -> f64 {
        let shared = self.total_s / f64::from(workers.max(1));
        shared.max(self.longest_s).max(self.chain_s)
    }

    /// US dollars for all tasks, on workers that are `faster` times as fast.
    #[must_use]
    pub fn cost(&self, price: Price, faster: f64) -> f64 {
        let seconds = self.total_s / faster;
        self.tasks as f64 * price.request + seconds * price.memory_gb * price.gb_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: Expected = Expected {
        longest_s: 10.0,
        total_s: 100.0,
        tasks: 20,
        chain_s: 0.0,
    };

    #[test]
    fn workers_share_the_work_but_not_a_task() {
        assert_eq!(JOB.wall_s(1), 100.0);
        assert_eq!(JOB.wall_s(4), 25.0);
        assert_eq!(JOB.wall_s(1000), 10.0);
        let chain = Expected {
            chain_s: 30.0,
            ..JOB
        };
        assert_eq!((chain.wall_s(4), chain.wall_s(2)), (30.0, 50.0));
    }

    #[test]
    fn money_is_for_seconds_and_requests() {
        let price = Price {
            memory_gb: 2.0,
            gb_second: 0.1,
            request: 1.0,
        };
        assert_eq!(JOB.cost(price, 1.0), 40.0);
        assert_eq!(JOB.cost(price, 4.0), 25.0);
    }
}
