// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long chunks and batches are where nobody says, with `--seam rebase`: N
//! frames a chunk, x chunks from one key frame to the next.
//!
//! Long batches cost fewest bits, long chunks least work: every chunk decodes
//! what its pictures refer to, and hands a state on. Short ones are done sooner.
//! The choice follows from the source's size and complexity, as its bits tell,
//! from the options and from the workers that are *declared*, never from those
//! that run, so a job gives the same bytes anywhere.

use super::batches::LONGEST;
use super::costs::{self, Costs};
use super::options::{ChunkRule, FirstPass, TranscodeOptions};
use super::span::Timeline;
use framemill_worker::encode::{EncoderSpec, VP8_BY_FRAMEMILL};
use framemill_worker::index::Index;

/// Frames of a chunk that are looked at.
const FRAMES: [u64; 5] = [6, 8, 12, 16, 24];
/// Frames from one key frame to the next, likewise; the first costs fewest bits.
const KEYS: [u64; 6] = [240, 192, 144, 96, 72, 48];
/// Workers that are planned for where none are declared: what an account of
/// AWS Lambda may run at once.
const WORKERS: u32 = 1000;
/// More time than the least that is given for less work, where nothing is due.
const PATIENCE: f64 = 1.1;

/// A first pass by libvpx, against ours.
const LIBVPX: f64 = 0.88;
/// Seconds until a state that is stored has been fetched: two requests. Assumed,
/// not measured.
const FETCH: f64 = 0.03;
/// Seconds from a task's launch to its work. Assumed, not measured.
const LAUNCH: f64 = 0.05;

/// How a video is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Frames in a chunk.
    pub frames: u64,
    /// Chunks from one key frame to the next.
    pub chunks: u32,
    /// Seconds that encoding is expected to take on the declared workers.
    pub seconds: f64,
    /// Those workers.
    pub workers: u32,
}

/// What the time depends on.
#[derive(Clone, Copy, Debug)]
struct Job {
    /// Frames of the output.
    frames: f64,
    /// Frames that are decoded ahead of a chunk's own, on average.
    run_up: f64,
    /// Seconds to decode a frame, to encode it first, to rebase it.
    decode: f64,
    encode: f64,
    rebase: f64,
    /// Seconds from one chunk of a batch to the next, besides its frames.
    hop: f64,
    workers: u32,
}

/// Seconds that frames and states take, in one thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    /// To decode a frame, to encode it first, to rebase it.
    pub(super) decode: f64,
    pub(super) encode: f64,
    pub(super) rebase: f64,
    /// To read and write a state.
    pub(super) state: f64,
}

impl Rates {
    /// By `costs`; `None` where they lack the encoder.
    pub(super) fn of(
        costs: &Costs,
        index: &Index,
        output: &EncoderSpec,
        options: &TranscodeOptions,
    ) -> Option<Self> {
        let samples = |width: u32, height: u32| f64::from(width) * f64::from(height);
        let source = &index.header.video.stream.params;
        let read = samples(source.width, source.height);
        let written = samples(output.width, output.height);
        let bits = bits_a_frame(index);
        let busy = written * costs::busyness(bits / read.max(1.0));
        let ours = match options.first_pass {
            FirstPass::Own => 1.0,
            FirstPass::Libvpx => LIBVPX,
        };
        let cost = costs.of(VP8_BY_FRAMEMILL, options.preset, written)?;
        Some(Self {
            decode: costs.decode(read, bits),
            encode: cost.encode * ours * busy,
            rebase: cost.rebase * busy,
            state: cost.state * written,
        })
    }

    /// By the built-in costs, which every plan follows.
    fn built_in(index: &Index, output: &EncoderSpec, options: &TranscodeOptions) -> Self {
        // They have every encoder.
        Self::of(&Costs::built_in(), index, output, options).unwrap_or_default()
    }
}

impl Job {
    fn of(
        index: &Index,
        timeline: &Timeline,
        output: &EncoderSpec,
        options: &TranscodeOptions,
    ) -> Self {
        let rates = Rates::built_in(index, output, options);
        Self {
            frames: timeline.output_frames(index, &timeline.kept) as f64,
            run_up: run_up(index),
            decode: rates.decode,
            encode: rates.encode,
            rebase: rates.rebase,
            hop: rates.state + FETCH,
            workers: options.parallelism.unwrap_or(WORKERS),
        }
    }

    /// Expected seconds with chunks of `n` frames, `x` to a batch.
    fn seconds(&self, n: f64, x: f64) -> f64 {
        let chunks = (self.frames / n).ceil();
        let decode = LAUNCH + (self.run_up + n) * self.decode;
        let first = decode + n * self.encode;
        let link = n * self.rebase + self.hop;
        // Rebases decode beside the drafts, and then follow one another.
        let work = chunks * (first + decode + link);
        (work / f64::from(self.workers)).max(first) + x.min(chunks) * link
    }
}

/// Frames that are decoded ahead of a chunk's own, on average.
pub(super) fn run_up(index: &Index) -> f64 {
    let keys = index.packets.iter().filter(|p| p.is_key()).count().max(1);
    index.packets.len() as f64 / keys as f64 / 2.0
}

/// Bits of the source for a frame.
#[must_use]
pub fn bits_a_frame(index: &Index) -> f64 {
    let packets = index.packets.len().max(1) as f64;
    let bytes: u64 = index.packets.iter().map(|p| u64::from(p.size)).sum();
    8.0 * bytes as f64 / packets
}

/// Chooses what the options leave open.
///
/// Without a deadline: batches of [`KEYS`]' first, the chunks that are done
/// soonest, longer ones for up to a tenth more time. With one, the fewest key
/// frames, then the longest chunks that meet it; where none do, the soonest.
#[must_use]
pub fn shape(
    index: &Index,
    timeline: &Timeline,
    output: &EncoderSpec,
    options: &TranscodeOptions,
) -> Shape {
    let job = Job::of(index, timeline, output, options);
    let chosen = match options.chunk {
        ChunkRule::Frames(frames) => Some(frames),
        ChunkRule::Seconds(seconds) => Some((seconds * output.frame_rate.as_f64()) as u64),
        ChunkRule::Auto | ChunkRule::Scenes => None,
    };
    let chosen = chosen.map(|frames| frames.clamp(1, LONGEST));
    choose(&job, chosen, options.batch, options.deadline)
}

fn choose(job: &Job, frames: Option<u64>, batch: Option<u32>, deadline: Option<f64>) -> Shape {
    let lengths = frames.map_or(FRAMES.to_vec(), |frames| vec![frames]);
    let shape = |frames: u64, keys: u64| {
        let chunks = batch.unwrap_or_else(|| (keys / frames).max(1) as u32);
        Shape {
            frames,
            chunks,
            seconds: job.seconds(frames as f64, f64::from(chunks)),
            workers: job.workers,
        }
    };
    let of_keys = |&keys: &u64| -> Vec<Shape> {
        let longest_first = lengths.iter().rev();
        longest_first.map(|&frames| shape(frames, keys)).collect()
    };
    let soonest = |shapes: &[Shape]| {
        let least = shapes
            .iter()
            .map(|s| s.seconds)
            .fold(f64::INFINITY, f64::min);
        shapes
            .iter()
            .find(|s| s.seconds <= least * PATIENCE)
            .copied()
    };
    let of_all: Vec<Shape> = KEYS.iter().flat_map(of_keys).collect();
    let found = match deadline {
        None => soonest(&of_all[..lengths.len()]),
        Some(deadline) => {
            let meets = of_all.iter().find(|s| s.seconds <= deadline);
            meets.copied().or_else(|| {
                let least = |a: &&Shape, b: &&Shape| a.seconds.total_cmp(&b.seconds);
                of_all.iter().min_by(least).copied()
            })
        }
    };
    found.unwrap_or_else(|| shape(FRAMES[0], KEYS[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A film of an hour and a half in 720p.
    const FILM: Job = Job {
        frames: 130_000.0,
        run_up: 60.0,
        decode: 2.5e-3,
        encode: 9.2e-2,
        rebase: 6.0e-3,
        hop: 5.8e-2,
        workers: 1000,
    };

    fn choice(job: &Job, deadline: Option<f64>) -> (u64, u32) {
        let shape = choose(job, None, None, deadline);
        (shape.frames, shape.chunks)
    }

    #[test]
    fn few_workers_get_long_chunks() {
        let of = |workers| choice(&Job { workers, ..FILM }, None).0;
        assert_eq!((of(2), of(100)), (24, 24));
        let clip = Job {
            frames: 3_000.0,
            ..FILM
        };
        assert!(choice(&clip, None).0 < 24);
        // One key frame in 240 frames, as long as nothing is due.
        for workers in [1, 30, 5_000] {
            let (frames, chunks) = choice(&Job { workers, ..FILM }, None);
            assert_eq!(frames * u64::from(chunks), 240);
        }
    }

    #[test]
    fn a_deadline_costs_key_frames_only_where_it_must() {
        let many = Job {
            workers: 30_000,
            ..FILM
        };
        let easy = choose(&many, None, None, Some(60.0));
        assert_eq!((easy.frames, easy.chunks), (24, 10));
        assert!(easy.seconds <= 60.0);
        let tight = choose(&many, None, None, Some(2.5));
        assert!(tight.seconds <= 2.5, "{tight:?}");
        assert!(tight.frames * u64::from(tight.chunks) < 240, "{tight:?}");
        // What cannot be met is missed by the least.
        let hopeless = choose(&many, None, None, Some(0.01));
        assert!(hopeless.seconds <= tight.seconds, "{hopeless:?}");
    }

    #[test]
    fn where_little_moves_chunks_are_longer() {
        // Then there is less to gain by short chunks.
        let clip = Job {
            frames: 3_000.0,
            ..FILM
        };
        let still = Job {
            encode: costs::busyness(0.0) * FILM.encode,
            rebase: costs::busyness(0.0) * FILM.rebase,
            ..clip
        };
        assert_eq!((choice(&clip, None).0, choice(&still, None).0), (16, 24));
    }

    #[test]
    fn what_is_asked_for_stays() {
        let asked = choose(&FILM, Some(10), Some(7), Some(1.0));
        assert_eq!((asked.frames, asked.chunks), (10, 7));
        assert_eq!(choose(&FILM, Some(10), None, None).chunks, 24);
        assert_eq!(choose(&FILM, Some(48), None, Some(1e9)).chunks, 5);
        assert_eq!(choose(&FILM, None, Some(7), None).chunks, 7);
    }
}
