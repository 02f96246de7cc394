// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk's first pass: its frames encoded without knowing what comes before.

use super::activity::Activity;
use super::frame::{self, FramePlan, History};
use super::{scaled, source, Preset, GOLDEN_SCALE, KEY_SCALE, QUANTIZERS};
use crate::dsp::Dsp;
use crate::picture::PictureView;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::plain_map;
use crate::vp8::state::{References, State, StreamInfo};
use std::sync::Arc;

/// Fewest frames from one golden frame of chunks to the next that cost the
/// fewest bits (docs/results.md): of chunks of six frames every second makes one.
pub const GOLDEN_FRAMES: u64 = 10;

/// Which of a chunk's frames becomes the golden one, counted from 0: one in the
/// middle, so that quality does not change from chunk to chunk at the joins.
#[must_use]
pub const fn golden_at(frames: usize) -> usize {
    frames.saturating_sub(1) / 2
}

/// A picture, and how busy it is.
#[derive(Debug)]
pub(crate) struct Source {
    pub frame: Frame,
    pub activity: Activity,
}

/// Pictures of a chunk, ready to be encoded or compared with.
#[derive(Clone, Debug)]
pub struct Sources {
    pub(super) info: StreamInfo,
    pub(super) frames: Vec<Arc<Source>>,
}

impl Sources {
    /// None yet, of `width` by `height` samples.
    ///
    /// # Errors
    /// [`Error::Bitstream`](crate::Error::Bitstream) for sizes that VP8 lacks.
    pub fn new(width: u32, height: u32) -> Result<Self> {
        Ok(Self {
            info: super::stream_info(width, height)?,
            frames: Vec::new(),
        })
    }

    /// Takes the next picture in display order.
    ///
    /// # Errors
    /// For pictures of another size, or not 4:2:0 with 8 bits.
    pub fn push(&mut self, picture: &PictureView<'_>) -> Result<()> {
        let frame = source(picture, self.info)?;
        self.frames.push(Arc::new(Source {
            activity: Activity::new(Dsp::best(), &frame),
            frame,
        }));
        Ok(())
    }

    /// Takes all of `other`, which are of the same size.
    pub fn append(&mut self, mut other: Self) {
        debug_assert_eq!(self.info, other.info);
        self.frames.append(&mut other.frames);
    }

    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// How a chunk is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSettings {
    /// Time spent on decisions.
    pub preset: Preset,
    /// Quality, 0 (best) to 63, as libvpx's `cq-level`.
    pub quality: u8,
    /// Whether a frame, the one [in the middle](golden_at), becomes the golden
    /// frame, made better than the others, since the chunks after refer to it.
    pub golden: bool,
}

/// A chunk that starts with a key frame.
#[derive(Clone, Debug)]
pub struct FirstPass {
    /// One packet for each picture.
    pub packets: Vec<Vec<u8>>,
    /// What follows the last packet.
    pub state: State,
}

/// Encodes pictures as a chunk of its own: a key frame, then inter frames.
///
/// # Errors
/// [`Error::Bitstream`](crate::Error::Bitstream) where there are no pictures.
pub fn first_pass(
    dsp: &'static Dsp,
    settings: ChunkSettings,
    sources: &Sources,
) -> Result<FirstPass> {
    encode(dsp, settings, State::default(), sources)
}

/// Encodes pictures as a chunk that continues from one that is not there yet:
/// inter frames only, one packet for each picture, whose decisions are for a
/// [rebase](super::rebase). In place of the references that the chunks before
/// will leave stand pictures: the golden frame's, and the one shown before the
/// chunk, `before`'s first and last (one picture may be both). They tell more
/// than a coded frame would, for less: a reference that has been refined for
/// many frames is nearer to its picture than to a key frame of six frames ago.
///
/// # Errors
/// [`Error::Bitstream`](crate::Error::Bitstream) where there are no pictures, or
/// they are of different sizes.
pub fn draft_pass(
    dsp: &'static Dsp,
    settings: ChunkSettings,
    before: &Sources,
    sources: &Sources,
) -> Result<Vec<Vec<u8>>> {
    let (Some(golden), Some(last)) = (before.frames.first(), before.frames.last()) else {
        return Err(bad("a draft without a picture before it"));
    };
    if before.info != sources.info {
        return Err(bad("a draft of two sizes of pictures"));
    }
    let [golden, last] = [golden, last].map(|source| Arc::new(source.frame.extended()));
    let references = References {
        last,
        altref: golden.clone(),
        golden,
    };
    let state = stand_in(sources.info, references);
    Ok(encode(dsp, settings, state, sources)?.packets)
}

/// A state as after a key frame, but for its references.
pub(super) fn stand_in(info: StreamInfo, references: References) -> State {
    let geometry = Geometry::new(info.width, info.height);
    let mut state = State {
        info,
        references: Some(references),
        ..State::default()
    };
    state.segmentation.map = plain_map(geometry.macroblocks());
    state
}

/// Encodes pictures from `state` on, a key frame first where it has no references.
fn encode(
    dsp: &'static Dsp,
    settings: ChunkSettings,
    mut state: State,
    sources: &Sources,
) -> Result<FirstPass> {
    if sources.is_empty() {
        return Err(bad("a chunk without pictures"));
    }
    let continues = state.references.is_some();
    let mut history = History::default();
    let effort = settings.preset.effort();
    let mut packets = Vec::with_capacity(sources.len());
    for (n, picture) in sources.frames.iter().enumerate() {
        let plan = plan(settings, continues, n, sources.len());
        let coded = frame::code(dsp, &state, sources.info, picture, &plan, &history, effort)?;
        packets.push(coded.packet);
        (state, history) = (coded.state, coded.history);
    }
    Ok(FirstPass { packets, state })
}

/// How much finer the steps are of the first frame behind a join: levels make up
/// for decisions that were made without the references.
const JOIN_SCALE: f64 = 0.85;

/// The quantizer of inter frame `n` of a chunk, which becomes the `golden` frame
/// or not, and `continues` from the chunk before or not.
pub(super) fn inter_quantizer(quality: u8, n: usize, golden: bool, continues: bool) -> u8 {
    let base = QUANTIZERS[usize::from(quality.min(63))];
    match (golden, n) {
        (true, _) => scaled(base, GOLDEN_SCALE),
        (false, 0) if continues => scaled(base, JOIN_SCALE),
        _ => base,
    }
}

/// What frame `n` of `count` is to be, behind a key frame or as one.
fn plan(settings: ChunkSettings, continues: bool, n: usize, count: usize) -> FramePlan {
    let key = n == 0 && !continues;
    let golden = !key && settings.golden && n == golden_at(count);
    let quantizer = match key {
        true => scaled(QUANTIZERS[usize::from(settings.quality.min(63))], KEY_SCALE),
        false => inter_quantizer(settings.quality, n, golden, continues),
    };
    FramePlan::usual(key, golden, quantizer)
}
