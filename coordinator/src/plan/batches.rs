// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which chunks continue from the one before.

use super::chunks::Chunk;
use super::encoder::LIBVPX;
use super::options::{ChunkRule, FirstPass, Seam, TranscodeOptions, VideoCodec};
use crate::error::{JobError, Result};
use framemill_codec::libav;
use framemill_codec::vp8::MAX_PIXELS;

/// Frames of a chunk where none are asked for.
const CHUNK: u64 = 6;
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
}

impl Batches {
    /// Batches of `length` of these chunks each, which also begin where a chunk
    /// begins at one of the display positions `scenes`, ascending.
    #[must_use]
    pub fn of(chunks: &[Chunk], length: u32, scenes: &[usize]) -> Self {
        let (mut starts, mut since) = (Vec::new(), length);
        for (n, chunk) in chunks.iter().enumerate() {
            if since >= length || scenes.binary_search(&chunk.positions.start).is_ok() {
                starts.push(n as u32);
                since = 0;
            }
            since += 1;
        }
        Self {
            starts: Some(starts),
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

/// Where to cut: what the user says, or a default for chunks that continue.
#[must_use]
pub fn rule(options: &TranscodeOptions) -> ChunkRule {
    match (options.seam, options.chunk) {
        (Seam::Rebase, ChunkRule::Auto) => ChunkRule::Frames(CHUNK),
        (_, rule) => rule,
    }
}

/// Cuts scenes, given by their first positions, into chunks up to `end`; gives
/// the chunks' first positions.
#[must_use]
pub fn within(scenes: &[usize], end: usize) -> Vec<usize> {
    let next = scenes.iter().skip(1).chain(std::iter::once(&end));
    let chunks = |(&scene, &next)| (scene..next).step_by(CHUNK as usize);
    scenes.iter().zip(next).flat_map(chunks).collect()
}

/// Refuses what cannot be done over a seam that is no key frame.
///
/// # Errors
/// [`JobError::Usage`] with what could.
pub fn check(options: &TranscodeOptions, (width, height): (u32, u32)) -> Result<()> {
    if options.seam == Seam::Closed {
        return match options.first_pass {
            FirstPass::Own => Ok(()),
            FirstPass::Libvpx => Err(JobError::Usage(
                "--first-pass libvpx: for --seam rebase; else use --encoder libvpx".into(),
            )),
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
            "--seam rebase: a chunk of {frames} frames, {LONGEST} are the most; use --chunk {CHUNK}f"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(length: u32, scenes: &[usize]) -> Vec<usize> {
        let chunk = |n: usize| Chunk {
            positions: 6 * n..6 * n + 6,
            frames: 6,
        };
        let chunks: Vec<_> = (0..10).map(chunk).collect();
        let batches = Batches::of(&chunks, length, scenes);
        let continuing = batches.continuing(10);
        let starts: Vec<_> = (0..10).filter(|&n| batches.starts(n)).collect();
        assert_eq!(starts.len() + continuing.len(), 10);
        starts
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
        assert_eq!(within(&[10, 24, 30], 43), [10, 16, 22, 24, 30, 36, 42]);
        assert_eq!(within(&[10], 12), [10]);
    }
}
