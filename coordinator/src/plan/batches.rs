// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which chunks continue from the one before.

use super::auto::Shape;
use super::chunks::Chunk;
use super::encoder::LIBVPX;
use super::options::{ChunkRule, FirstPass, Seam, TranscodeOptions, VideoCodec};
use crate::error::{JobError, Result};
use framemill_codec::libav;
use framemill_codec::vp8::{GOLDEN_FRAMES, MAX_PIXELS};

/// Frames of a chunk, at most: a worker holds all its pictures.
pub const LONGEST: u64 = 48;
/// Widest and highest picture of VP8 (RFC 6386 §9.1).
const SIDE: u32 = 16_383;

/// Batches of chunks. The first chunk of a batch begins with a key frame, each
/// other continues from the state of the one before.
#[derive(Clone, Debug, Default)]
pub struct Batches {
    /// First chunks of the batches, ascending; `None` where all chunks are.
    starts: Option<Vec<u32>>,
    /// Chunks that make a golden frame, ascending.
    golden: Vec<u32>,
}

/// Where a golden frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Golden {
    /// The key frame that this chunk begins with.
    Key(usize),
    /// The frame in the middle of this chunk.
    Middle(usize),
}

impl Batches {
    /// Batches of `length` of these chunks each, which also begin where a chunk
    /// begins at one of the display positions `scenes`, ascending.
    #[must_use]
    pub fn of(chunks: &[Chunk], length: u32, scenes: &[usize]) -> Self {
        let (mut starts, mut golden) = (Vec::new(), Vec::new());
        let (mut since, mut frames) = (length, 0);
        for (n, chunk) in chunks.iter().enumerate() {
            if since >= length || scenes.binary_search(&chunk.positions.start).is_ok() {
                starts.push(n as u32);
                // Nobody would refer to what a key frame follows.
                golden.pop_if(|before| *before as usize + 1 == n);
                (since, frames) = (0, 0);
            }
            since += 1;
            frames += chunk.frames;
            if frames >= GOLDEN_FRAMES {
                golden.push(n as u32);
                frames = 0;
            }
        }
        golden.pop_if(|last| *last as usize + 1 == chunks.len());
        Self {
            starts: Some(starts),
            golden,
        }
    }

    /// Whether a chunk makes a golden frame.
    #[must_use]
    pub fn makes_golden(&self, chunk: usize) -> bool {
        self.golden.binary_search(&(chunk as u32)).is_ok()
    }

    /// The golden frame that a chunk that continues begins with.
    #[must_use]
    pub fn golden_before(&self, chunk: usize) -> Golden {
        let latest = |of: &[u32]| {
            of[..of.partition_point(|&n| n < chunk as u32)]
                .last()
                .copied()
        };
        let start = latest(self.starts.as_deref().unwrap_or_default()).unwrap_or(0);
        match latest(&self.golden).filter(|&golden| golden >= start) {
            Some(golden) => Golden::Middle(golden as usize),
            None => Golden::Key(start as usize),
        }
    }

    /// Whether a chunk begins with a key frame.
    #[must_use]
    pub fn starts(&self, chunk: usize) -> bool {
        let starts = self.starts.as_ref();
        starts.is_none_or(|starts| starts.binary_search(&(chunk as u32)).is_ok())
    }

    /// The chunks that continue from the one before.
    #[must_use]
    pub fn continuing(&self, chunks: usize) -> Vec<u32> {
        match self.starts {
            Some(_) => (0..chunks as u32)
                .filter(|&n| !self.starts(n as usize))
                .collect(),
            None => Vec::new(),
        }
    }
}

/// Where to cut: what the user says, or the `shape` of chunks that continue.
#[must_use]
pub fn rule(options: &TranscodeOptions, shape: Option<Shape>) -> ChunkRule {
    match (shape, options.chunk) {
        (Some(shape), ChunkRule::Auto) => ChunkRule::Frames(shape.frames),
        (_, rule) => rule,
    }
}

/// What is to be said of a deadline that cannot be met.
#[must_use]
pub fn misses(options: &TranscodeOptions, shape: Shape) -> Option<String> {
    let deadline = options
        .deadline
        .filter(|&deadline| shape.seconds > deadline)?;
    let Shape {
        seconds, workers, ..
    } = shape;
    Some(format!(
        "--deadline {deadline}: {workers} workers need some {seconds:.1} s for the encoding"
    ))
}

/// Cuts scenes, given by their first positions, into chunks of `frames` up to
/// `end`; gives the chunks' first positions.
#[must_use]
pub fn within(scenes: &[usize], end: usize, frames: u64) -> Vec<usize> {
    let next = scenes.iter().skip(1).chain(std::iter::once(&end));
    let chunks = |(&scene, &next)| (scene..next).step_by(frames as usize);
    scenes.iter().zip(next).flat_map(chunks).collect()
}

/// Refuses what cannot be done over a seam that is no key frame.
///
/// # Errors
/// [`JobError::Usage`] with what could.
pub fn check(options: &TranscodeOptions, (width, height): (u32, u32)) -> Result<()> {
    if options.seam == Seam::Closed {
        let without = |flag: &str| {
            let text = format!("{flag}: for --seam rebase, where chunks continue each other");
            Err(JobError::Usage(text))
        };
        return match options.first_pass {
            FirstPass::Libvpx => Err(JobError::Usage(
                "--first-pass libvpx: for --seam rebase; else use --encoder libvpx".into(),
            )),
            FirstPass::Own if options.batch.is_some() => without("--batch"),
            FirstPass::Own if options.parallelism.is_some() => without("--parallelism"),
            FirstPass::Own => Ok(()),
        };
    }
    let refused = |detail: String| Err(JobError::Usage(format!("--seam rebase: {detail}")));
    if options.codec != VideoCodec::Vp8 {
        let codec = options.codec.name();
        return refused(format!(
            "chunks of {codec} begin with key frames; use --codec vp8"
        ));
    }
    if options.first_pass == FirstPass::Libvpx && !libav::encoder_exists(LIBVPX) {
        return refused("--first-pass libvpx: this FFmpeg has no libvpx".into());
    }
    if let Some(name) = options.encoder_options.keys().next() {
        return refused(format!("--encoder-opt {name}: its encoder has none"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > SIDE || pixels > MAX_PIXELS {
        return refused(format!("{width}x{height} is too large for vp8"));
    }
    Ok(())
}

/// Refuses chunks that are too long for a worker.
///
/// # Errors
/// [`JobError::Usage`].
pub fn check_chunks(chunks: &[Chunk]) -> Result<()> {
    match chunks.iter().map(|c| c.frames).max() {
        Some(frames) if frames > LONGEST => Err(JobError::Usage(format!(
            "--seam rebase: a chunk of {frames} frames, {LONGEST} are the most; use --chunk 6f"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of ten chunks of `frames` each.
    fn batches(frames: u64, length: u32, scenes: &[usize]) -> Batches {
        let size = frames as usize;
        let chunk = |n: usize| Chunk {
            positions: size * n..size * (n + 1),
            frames,
        };
        let chunks: Vec<_> = (0..10).map(chunk).collect();
        Batches::of(&chunks, length, scenes)
    }

    fn starts(length: u32, scenes: &[usize]) -> Vec<usize> {
        let batches = batches(6, length, scenes);
        let continuing = batches.continuing(10);
        let starts: Vec<_> = (0..10).filter(|&n| batches.starts(n)).collect();
        assert_eq!(starts.len() + continuing.len(), 10);
        starts
    }

    #[test]
    fn golden_frames_are_ten_frames_apart_or_more() {
        let golden = |frames, length| {
            let batches = batches(frames, length, &[]);
            (0..10)
                .filter(|&n| batches.makes_golden(n))
                .collect::<Vec<_>>()
        };
        assert_eq!(golden(6, 40), [1, 3, 5, 7]);
        assert_eq!(golden(24, 40), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        // Not where a key frame comes next.
        assert_eq!(golden(6, 4), [1, 5]);
        assert_eq!(golden(6, 5), [1, 3, 6, 8]);
        let batches = batches(6, 5, &[]);
        let before = |n| batches.golden_before(n);
        assert_eq!(before(1), Golden::Key(0));
        assert_eq!(before(2), Golden::Middle(1));
        assert_eq!(before(3), Golden::Middle(1));
        assert_eq!(before(4), Golden::Middle(3));
        assert_eq!(before(6), Golden::Key(5));
        assert_eq!(before(8), Golden::Middle(6));
    }

    #[test]
    fn batches_begin_every_so_many_chunks_and_at_scenes() {
        assert_eq!(starts(4, &[]), [0, 4, 8]);
        assert_eq!(starts(4, &[0, 18, 30]), [0, 3, 5, 9]);
        assert_eq!(starts(1, &[]).len(), 10);
        assert!(Batches::default().starts(7));
        assert!(Batches::default().continuing(5).is_empty());
    }

    #[test]
    fn scenes_are_cut_from_their_beginning() {
        assert_eq!(within(&[10, 24, 30], 43, 6), [10, 16, 22, 24, 30, 36, 42]);
        assert_eq!(within(&[10], 12, 6), [10]);
    }
}
