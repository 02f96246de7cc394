// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk's first pass: its frames encoded without knowing what comes before.

use super::activity::Activity;
use super::frame::{self, FramePlan, History};
use super::{scaled, source, Preset, KEY_SCALE, QUANTIZERS};
use crate::dsp::Dsp;
use crate::picture::PictureView;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::Frame;
use crate::vp8::header::Refresh;
use crate::vp8::state::{State, StreamInfo};

/// A picture, and how busy it is.
#[derive(Debug)]
pub(crate) struct Source {
    pub frame: Frame,
    pub activity: Activity,
}

/// Pictures of a chunk, ready to be encoded or compared with.
#[derive(Debug)]
pub struct Sources {
    pub(super) info: StreamInfo,
    pub(super) frames: Vec<Source>,
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
        self.frames.push(Source {
            activity: Activity::new(Dsp::best(), &frame),
            frame,
        });
        Ok(())
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
    /// Whether the first picture is the one before the chunk's span, whose
    /// frame stands in for what the chunk before leaves, and is dropped.
    pub overlap: bool,
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
/// The last frame is made better than the others and becomes the golden frame,
/// since the chunk after refers to it all along. For a chunk that is to be
/// [rebased](super::rebase), the first picture is the one before its span.
///
/// # Errors
/// [`Error::Bitstream`](crate::Error::Bitstream) where there are no pictures.
pub fn first_pass(
    dsp: &'static Dsp,
    settings: ChunkSettings,
    sources: &Sources,
) -> Result<FirstPass> {
    if sources.is_empty() {
        return Err(bad("a chunk without pictures"));
    }
    let (mut state, mut history) = (State::default(), History::default());
    let mut packets = Vec::with_capacity(sources.len());
    for (n, picture) in sources.frames.iter().enumerate() {
        let plan = plan(settings, n, sources.len());
        let effort = settings.preset.effort();
        let coded = frame::code(dsp, &state, sources.info, picture, &plan, &history, effort)?;
        packets.push(coded.packet);
        (state, history) = (coded.state, coded.history);
    }
    Ok(FirstPass { packets, state })
}

/// How much finer the steps of an overlap are: the state that it stands in for
/// has been refined for many frames.
const OVERLAP_SCALE: f64 = 0.05;

/// How much finer the steps of a chunk's last frame are, the golden frame of the chunk after.
const GOLDEN_SCALE: f64 = 0.8;

/// The quantizer of an inter frame of a chunk, the `last` one or another.
pub(super) fn inter_quantizer(quality: u8, last: bool) -> u8 {
    let base = QUANTIZERS[usize::from(quality.min(63))];
    if last {
        scaled(base, GOLDEN_SCALE)
    } else {
        base
    }
}

/// What frame `n` of `count` is to be.
fn plan(settings: ChunkSettings, n: usize, count: usize) -> FramePlan {
    let (key, golden) = (n == 0, n > 0 && n + 1 == count);
    let base = inter_quantizer(settings.quality, golden);
    let quantizer = match (key, settings.overlap) {
        (true, true) => scaled(base, OVERLAP_SCALE),
        (true, false) => scaled(base, KEY_SCALE),
        (false, _) => base,
    };
    let refresh = if key || golden {
        Refresh::New
    } else {
        Refresh::Keep
    };
    FramePlan {
        key,
        show: true,
        quantizer,
        golden: refresh,
        altref: if key { Refresh::New } else { Refresh::Keep },
        refresh_last: true,
        references: [true; 3],
        // An overlap is dropped, and decisions behind it are no better for it.
        twice: key && !settings.overlap,
    }
}
