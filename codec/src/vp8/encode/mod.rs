// SPDX-License-Identifier: MIT OR Apache-2.0
//! The encoder, as functions of the [`State`](super::State).
//!
//! | file | what it does |
//! |---|---|
//! | `frame`, `finish` | a whole frame: decisions; filter, packet, next state |
//! | `decide`, `decide_inter`, `decide_intra` | how each macroblock is coded |
//! | `search` | motion vectors |
//! | `activity` | where distortion is seen |
//! | `chunk`, `draft`, `rebase` | a chunk on its own, its decisions, and onto another state |
//! | `hidden` | pictures of a chunk that are coded ahead of their turn |
//! | `again` | a second look at decisions, with the references they got |
//! | `trial` | one way to code a macroblock, and what it costs |
//! | `quant` | levels, weighed against their bits |
//! | `cost` | bits of booleans and tokens |
//! | `filter` | the loop filter's level |
//! | `probabilities` | those that fit a frame |
//! | `field`, `modes`, `tokens`, `header` | what is written, and how |

mod activity;
mod again;
mod chunk;
mod cost;
mod decide;
mod decide_inter;
mod decide_intra;
mod draft;
mod field;
mod filter;
mod finish;
mod frame;
mod header;
mod hidden;
mod modes;
mod probabilities;
mod quant;
mod rebase;
mod search;
mod tokens;
mod trial;
mod wave;

pub use chunk::{
    draft_pass, first_pass, golden_at, ChunkSettings, FirstPass, Sources, GOLDEN_FRAMES,
};
pub use draft::Draft;
pub use hidden::{timed, HIDDEN_FRAMES};
pub use rebase::{rebase, Rebased};

use super::error::{bad, Result};
use super::frame::{Frame, Geometry};
use super::modes::Split;
use super::state::{State, StreamInfo};
use crate::dsp::Dsp;
use crate::picture::{ChromaSampling, PictureView};
use frame::{FramePlan, History};

/// How much time is spent on each decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// The most pictures in a time.
    Fast,
    /// Between the two.
    Medium,
    /// The fewest bits.
    Slow,
}

/// What a [`Preset`] stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Candidates that are coded to see what they cost.
    pub trials: usize,
    /// Subblock modes likewise.
    pub sub_trials: usize,
    /// Ways to split that are looked at.
    pub splits: &'static [Split],
    pub search: search::Effort,
    /// Whether levels are weighed one by one in the end, and in trials.
    pub thorough: bool,
    pub thorough_trials: bool,
    /// Whether key frames are coded twice.
    pub twice: bool,
    /// Whether a rebase looks again at all frames, not only at the first.
    pub again: bool,
    /// What is added before a division by a step, and the size of no
    /// coefficient, in 1/128 of a step.
    pub round: i32,
    pub dead: i32,
    /// Squared differences that a bit outweighs, in squares of a step.
    pub lambda: f64,
}

impl Preset {
    const fn effort(self) -> Effort {
        let base = Effort {
            trials: 16,
            sub_trials: 4,
            splits: &[
                Split::Quarters,
                Split::TopBottom,
                Split::LeftRight,
                Split::Sixteenths,
            ],
            search: search::Effort {
                reach: 8,
                fine: true,
            },
            thorough: true,
            thorough_trials: true,
            twice: true,
            again: true,
            round: 48,
            dead: 80,
            lambda: 0.018,
        };
        match self {
            Self::Slow => base,
            Self::Medium => Effort {
                trials: 12,
                sub_trials: 2,
                splits: &[Split::Quarters, Split::TopBottom, Split::LeftRight],
                thorough_trials: false,
                again: false,
                ..base
            },
            Self::Fast => Effort {
                trials: 1,
                sub_trials: 1,
                splits: &[],
                search: search::Effort {
                    fine: false,
                    ..base.search
                },
                thorough: false,
                thorough_trials: false,
                twice: false,
                again: false,
                ..base
            },
        }
    }
}

/// Quantizer indexes by quality, 0 (best) to 63: libvpx's scale, which is
/// coarser than the format's where steps are fine.
static QUANTIZERS: [u8; 64] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 64, 67, 70, 73, 76, 79, 82, 85,
    88, 91, 94, 97, 100, 103, 106, 109, 112, 115, 118, 121, 124, 127,
];

/// How much finer the steps of a key frame are: all frames behind it profit.
const KEY_SCALE: f64 = 0.35;
/// The same of a golden frame.
const GOLDEN_SCALE: f64 = 0.52;
/// The same of a hidden frame, which those before and behind its picture refer to.
const HIDDEN_SCALE: f64 = 0.4;
/// Frames from one golden frame to the next.
const GOLDEN_INTERVAL: u32 = 12;

fn scaled(index: u8, scale: f64) -> u8 {
    (f64::from(index) * scale) as u8
}

/// What a stream is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time spent on decisions.
    pub preset: Preset,
    /// Quality, 0 (best) to 63, as libvpx's `cq-level`.
    pub quality: u8,
    /// Most frames from one key frame to the next.
    pub key_interval: u32,
}

/// Encodes a stream of pictures.
#[derive(Debug)]
pub struct Encoder {
    dsp: &'static Dsp,
    settings: Settings,
    info: StreamInfo,
    state: State,
    history: History,
    /// Frames since the last key frame.
    since_key: u32,
}

impl Encoder {
    /// An encoder of pictures of `width` by `height` samples.
    ///
    /// # Errors
    /// For sizes that VP8 does not have, or too many samples.
    pub fn new(dsp: &'static Dsp, settings: Settings, width: u32, height: u32) -> Result<Self> {
        Ok(Self {
            dsp,
            settings,
            info: stream_info(width, height)?,
            state: State::default(),
            history: History::default(),
            since_key: 0,
        })
    }

    /// All that the next frame's decoding depends on.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Encodes the next picture.
    ///
    /// # Errors
    /// For pictures of another size or kind.
    pub fn encode(&mut self, picture: &PictureView<'_>) -> Result<Vec<u8>> {
        let frame = source(picture, self.info)?;
        let source = chunk::Source {
            activity: activity::Activity::new(self.dsp, &frame),
            frame,
        };
        let key = self.state.references.is_none() || self.since_key >= self.settings.key_interval;
        let golden = !key && self.since_key.is_multiple_of(GOLDEN_INTERVAL);
        let index = QUANTIZERS[usize::from(self.settings.quality.min(63))];
        let index = match (key, golden) {
            (true, _) => scaled(index, KEY_SCALE),
            (_, true) => scaled(index, GOLDEN_SCALE),
            _ => index,
        };
        let plan = FramePlan::usual(key, golden, index);
        let coded = frame::code(
            self.dsp,
            &self.state,
            self.info,
            &source,
            &plan,
            &self.history,
            self.settings.preset.effort(),
        )?;
        self.since_key = if key { 1 } else { self.since_key + 1 };
        (self.state, self.history) = (coded.state, coded.history);
        Ok(coded.packet)
    }
}

/// Of pictures of `width` by `height` samples.
fn stream_info(width: u32, height: u32) -> Result<StreamInfo> {
    let pixels = u64::from(width) * u64::from(height);
    let side = |size: u32| {
        let size = u16::try_from(size).ok();
        size.filter(|size| (1..=16_383).contains(size) && pixels <= super::MAX_PIXELS)
            .ok_or_else(|| bad(format!("pictures of {width}x{height}")))
    };
    Ok(StreamInfo {
        width: side(width)?,
        height: side(height)?,
        ..StreamInfo::default()
    })
}

/// A picture in whole macroblocks, its outermost samples repeated.
pub(crate) fn source(picture: &PictureView<'_>, info: StreamInfo) -> Result<Frame> {
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    let luma = picture.planes.first();
    let fits = luma.is_some_and(|plane| (plane.width, plane.height) == (width, height));
    if !fits || picture.depth != 8 || picture.sampling != ChromaSampling::Cs420 {
        return Err(bad(format!(
            "a picture that is not {width}x{height}, 4:2:0, 8 bits"
        )));
    }
    let mut frame = Frame::new(Geometry::new(info.width, info.height));
    for (n, plane) in picture.planes.iter().enumerate() {
        let layout = frame.geometry.plane(n);
        for y in 0..layout.height {
            let row = plane.row(y.min(plane.height - 1), 1);
            let to = &mut frame.samples[layout.row(y)..][..layout.width];
            let (whole, rest) = to.split_at_mut(plane.width);
            whole.copy_from_slice(row);
            rest.fill(row[plane.width - 1]);
        }
    }
    Ok(frame)
}

#[cfg(test)]
mod tests;
