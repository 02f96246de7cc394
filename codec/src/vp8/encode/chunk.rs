// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk's first pass: its frames encoded without knowing what comes before.

use super::activity::Activity;
use super::frame::{self, FramePlan, History};
use super::hidden::Hidden;
use super::{scaled, source, Preset, GOLDEN_SCALE, HIDDEN_SCALE, KEY_SCALE, QUANTIZERS};
use crate::dsp::Dsp;
use crate::picture::PictureView;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::{plain_map, Refresh};
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
    /// Whether there may be hidden frames: the pictures that end the chunk's halves
    /// are coded in front of what leads up to them, as alternate references, where
    /// that pays. Chunks of fewer than [`HIDDEN_FRAMES`](super::HIDDEN_FRAMES) have none.
    pub hidden: bool,
}

/// A chunk that starts with a key frame.
#[derive(Clone, Debug)]
pub struct FirstPass {
    /// One packet for each picture, and those of hidden frames.
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
/// inter frames only, one packet for each picture and hidden frame, whose decisions are for a
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
    let mut hidden = Hidden::new(settings, sources.len(), continues);
    let mut history = History::default();
    let effort = settings.preset.effort();
    let mut packets = Vec::with_capacity(sources.len());
    for n in 0..sources.len() {
        let code = |at: usize, role, state: &State| {
            let plan = plan(settings, continues, at, role);
            let picture = &sources.frames[at];
            frame::code(dsp, state, sources.info, picture, &plan, &history, effort)
        };
        if let Some(at) = hidden.due(n) {
            let coded = code(at, Role::Hidden, &state)?;
            if hidden.pays(at, &coded) {
                packets.push(coded.packet);
                state = coded.state;
            }
        }
        let coded = code(n, hidden.role(n), &state)?;
        packets.push(coded.packet);
        (state, history) = (coded.state, coded.history);
    }
    Ok(FirstPass { packets, state })
}

/// What a chunk's frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// To begin a batch.
    Key,
    /// To be seen.
    Usual,
    /// To be referred to by the chunks after, too.
    Golden,
    /// To be referred to by the frames before it.
    Hidden,
    /// To show what a hidden frame holds; whether that becomes the golden one.
    Overlay { golden: bool },
}

/// How much finer the steps are of the first frame behind a join: levels make up
/// for decisions that were made without the references.
const JOIN_SCALE: f64 = 0.85;

impl Role {
    /// The quantizer of frame `n` of a chunk, which `continues` from the one before
    /// or not.
    pub fn quantizer(self, quality: u8, n: usize, continues: bool) -> u8 {
        let base = QUANTIZERS[usize::from(quality.min(63))];
        match self {
            Self::Key => scaled(base, KEY_SCALE),
            Self::Golden => scaled(base, GOLDEN_SCALE),
            Self::Hidden => scaled(base, HIDDEN_SCALE),
            Self::Usual | Self::Overlay { .. } if n == 0 && continues => scaled(base, JOIN_SCALE),
            Self::Usual | Self::Overlay { .. } => base,
        }
    }

    /// What becomes of the golden frame.
    pub const fn golden(self) -> Refresh {
        match self {
            Self::Key | Self::Golden => Refresh::New,
            Self::Overlay { golden: true } => Refresh::Other,
            Self::Usual | Self::Hidden | Self::Overlay { golden: false } => Refresh::Keep,
        }
    }
}

/// What frame `n` is to be.
fn plan(settings: ChunkSettings, continues: bool, n: usize, role: Role) -> FramePlan {
    let quantizer = role.quantizer(settings.quality, n, continues);
    let hidden = role == Role::Hidden;
    let usual = FramePlan::usual(role == Role::Key, false, quantizer);
    FramePlan {
        show: !hidden,
        refresh_last: !hidden,
        golden: role.golden(),
        altref: if hidden { Refresh::New } else { usual.altref },
        ..usual
    }
}
