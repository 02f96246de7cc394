// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that crosses from one frame to the next.

use super::frame::{Frame, Geometry};
use super::tables;
use std::sync::Arc;

/// What a key frame says of the stream (RFC 6386 §9.1, §9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StreamInfo {
    /// Width in samples, 1 to 16383; 0 before the first key frame.
    pub width: u16,
    /// Height in samples, 1 to 16383; 0 before the first key frame.
    pub height: u16,
    /// How a player should enlarge the width: 0 not, 1 by 5/4, 2 by 5/3, 3 by 2.
    pub horizontal_scale: u8,
    /// The same for the height.
    pub vertical_scale: u8,
    /// The colour space bit; 0 is BT.601, 1 is reserved.
    pub colour_space: bool,
    /// The clamping bit: true promises that no sample needs clamping. Decoders
    /// clamp all the same.
    pub no_clamping: bool,
}

/// Probabilities that persist between frames (§9.9 to §9.11, §13, §17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probabilities {
    /// Of coefficient tokens, by block kind, band, context and tree node.
    pub coefficients: [[[[u8; 11]; 3]; 8]; 4],
    /// Of motion vector components: rows, then columns.
    pub mv: [[u8; 19]; 2],
    /// Of luma modes in inter frames.
    pub luma_modes: [u8; 4],
    /// Of chroma modes in inter frames.
    pub chroma_modes: [u8; 3],
}

impl Default for Probabilities {
    /// Those at a key frame.
    fn default() -> Self {
        Self {
            coefficients: tables::DEFAULT_COEFFICIENT_PROBS,
            mv: tables::DEFAULT_MV_PROBS,
            luma_modes: tables::DEFAULT_LUMA_MODE_PROBS,
            chroma_modes: tables::DEFAULT_CHROMA_MODE_PROBS,
        }
    }
}

/// Segments of macroblocks with quantizers and filter levels of their own (§9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Whether the values replace the frame's or are added to them.
    pub absolute: bool,
    /// Quantizer index of each segment, or its difference.
    pub quantizer: [i8; 4],
    /// Filter level of each segment, or its difference.
    pub filter_level: [i8; 4],
    /// Segment of each macroblock, 0 to 3, row by row.
    pub map: Arc<[u8]>,
}

/// Adjustments of the filter level by macroblock (§9.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilterDeltas {
    /// By reference: intra, last, golden, altref.
    pub reference: [i8; 4],
    /// By mode: `B_PRED`, `ZEROMV`, other whole-macroblock vectors, `SPLITMV`.
    pub mode: [i8; 4],
}

/// The three frames that inter prediction may refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// The last frame.
    pub last: Arc<Frame>,
    /// The golden frame.
    pub golden: Arc<Frame>,
    /// The alternate reference frame.
    pub altref: Arc<Frame>,
}

/// Everything a frame's decoding takes from the frames before it.
///
/// A value: cloning it is cheap, since planes are shared, and decoding gives a
/// new one. Values that a frame's header states anew every time (filter level,
/// quantizers, sign biases, the probability of skipping) are no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Size and the like.
    pub info: StreamInfo,
    /// Probabilities.
    pub probabilities: Probabilities,
    /// Segments.
    pub segmentation: Segmentation,
    /// Filter adjustments.
    pub deltas: FilterDeltas,
    /// References; `None` before the first key frame.
    pub references: Option<References>,
}

impl Default for State {
    /// Before the first key frame.
    fn default() -> Self {
        Self {
            info: StreamInfo::default(),
            probabilities: Probabilities::default(),
            segmentation: Segmentation {
                absolute: false,
                quantizer: [0; 4],
                filter_level: [0; 4],
                map: Arc::from([]),
            },
            deltas: FilterDeltas::default(),
            references: None,
        }
    }
}

impl State {
    /// Macroblocks of the current size.
    pub(crate) const fn geometry(&self) -> Geometry {
        Geometry::new(self.info.width, self.info.height)
    }
}
