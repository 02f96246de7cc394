// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frame header (RFC 6386 §9, §19.2).

use super::bool_coder::BoolReader;
use super::error::{bad, Result};
use super::state::{FilterDeltas, Probabilities, Segmentation, State, StreamInfo};
use super::tables::{COEFFICIENT_UPDATE_PROBS, MV_UPDATE_PROBS};
use super::MAX_PIXELS;
use std::sync::Arc;

/// The uncompressed bytes in front of the first partition (§9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameTag {
    /// Whether this frame refers to none before it.
    pub key: bool,
    /// 0 to 3, of which filters are used; others count as 0.
    pub version: u8,
    /// Whether the frame is to be shown.
    pub show: bool,
    /// Bytes of the first partition.
    pub first_partition: usize,
    /// Of a key frame: size and scaling.
    pub info: Option<StreamInfo>,
}

impl FrameTag {
    /// Reads the tag; gives it and what follows it.
    pub fn read(packet: &[u8]) -> Result<(Self, &[u8])> {
        let Some((bytes, rest)) = packet.split_first_chunk::<3>() else {
            return Err(bad(format!("a packet of {} bytes", packet.len())));
        };
        let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        let mut tag = Self {
            key: bits & 1 == 0,
            version: (bits >> 1 & 7) as u8,
            show: bits >> 4 & 1 == 1,
            first_partition: (bits >> 5) as usize,
            info: None,
        };
        if !tag.key {
            return Ok((tag, rest));
        }
        let Some((bytes, rest)) = rest.split_first_chunk::<7>() else {
            return Err(bad("a key frame that ends in its header"));
        };
        if bytes[..3] != [0x9d, 0x01, 0x2a] {
            return Err(bad(format!("start code {:02x?}", &bytes[..3])));
        }
        let side = |i: usize| u16::from_le_bytes([bytes[i], bytes[i + 1]]);
        tag.info = Some(StreamInfo {
            width: side(3) & 0x3fff,
            height: side(5) & 0x3fff,
            horizontal_scale: (side(3) >> 14) as u8,
            vertical_scale: (side(5) >> 14) as u8,
            ..StreamInfo::default()
        });
        Ok((tag, rest))
    }
}

/// Quantizer indexes of a frame (§9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuantIndices {
    /// Of luma's AC coefficients, 0 to 127; the others are differences from it.
    pub y_ac: i32,
    /// Luma DC.
    pub y_dc_delta: i32,
    /// Second-order luma DC.
    pub y2_dc_delta: i32,
    /// Second-order luma AC.
    pub y2_ac_delta: i32,
    /// Chroma DC.
    pub uv_dc_delta: i32,
    /// Chroma AC.
    pub uv_ac_delta: i32,
}

/// What becomes of the golden or the alternate reference after a frame (§9.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// It stays.
    Keep,
    /// It becomes the new frame.
    New,
    /// It becomes the last frame, as it was before this one.
    Last,
    /// The golden becomes the alternate reference or the other way round.
    Other,
}

/// A frame's header, but for what it changes in the [`State`].
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// The tag.
    pub tag: FrameTag,
    /// Whether macroblocks have segments.
    pub segmented: bool,
    /// Probabilities of the segments' tree, where this frame renews the map.
    pub segment_tree: Option<[u8; 3]>,
    /// Whether the simple loop filter is used.
    pub simple_filter: bool,
    /// Filter level, 0 to 63; 0 is off.
    pub filter_level: u8,
    /// Sharpness, 0 to 7.
    pub sharpness: u8,
    /// Whether [`FilterDeltas`] apply.
    pub filter_deltas: bool,
    /// Number of token partitions: 1, 2, 4 or 8.
    pub partitions: usize,
    /// Quantizer indexes.
    pub quant: QuantIndices,
    /// What becomes of the golden frame.
    pub golden: Refresh,
    /// What becomes of the alternate reference.
    pub altref: Refresh,
    /// Whether vectors into the golden frame, the alternate reference, count backwards.
    pub sign_bias: [bool; 2],
    /// Whether the frame's probabilities stay for the next.
    pub keep_probabilities: bool,
    /// Whether the frame becomes the last one.
    pub refresh_last: bool,
    /// Probability that a macroblock has coefficients, where that is coded.
    pub skip_prob: Option<u8>,
    /// Probability that a macroblock is intra coded; inter frames only.
    pub intra_prob: u8,
    /// Probability that its reference is the last frame.
    pub last_prob: u8,
    /// Probability that it is the golden, not the alternate.
    pub golden_prob: u8,
}

/// What a header changes in the state before the frame is decoded with it.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    pub info: StreamInfo,
    pub probabilities: Probabilities,
    /// As `probabilities`, without what is meant for this frame alone.
    pub kept: Option<Box<Probabilities>>,
    pub segmentation: Segmentation,
    pub deltas: FilterDeltas,
}

impl Changed {
    /// What the state is before the header's own changes: at a key frame the defaults.
    fn before(state: &State, tag: &FrameTag) -> Result<Self> {
        let Some(info) = tag.info else {
            if state.references.is_none() {
                return Err(bad("no key frame before it"));
            }
            return Ok(Self {
                info: state.info,
                probabilities: state.probabilities.clone(),
                kept: None,
                segmentation: state.segmentation.clone(),
                deltas: state.deltas,
            });
        };
        let (width, height) = (u64::from(info.width), u64::from(info.height));
        if width == 0 || height == 0 {
            return Err(bad(format!("pictures of {width}x{height}")));
        }
        if width * height > MAX_PIXELS {
            return Err(crate::Error::Limit {
                what: "pixels of a picture",
                value: width * height,
                limit: MAX_PIXELS,
            });
        }
        let default = State::default();
        Ok(Self {
            info,
            probabilities: default.probabilities,
            kept: None,
            // A map is sent or everything is in segment 0; it is made when it is known.
            segmentation: default.segmentation,
            deltas: default.deltas,
        })
    }
}

impl Header {
    /// Reads the header from the first partition, up to the macroblocks.
    pub fn read(
        tag: FrameTag,
        reader: &mut BoolReader<'_>,
        state: &State,
    ) -> Result<(Self, Changed)> {
        let mut changed = Changed::before(state, &tag)?;
        if tag.key {
            changed.info.colour_space = reader.bit();
            changed.info.no_clamping = reader.bit();
        }
        let segmented = reader.bit();
        let segment_tree = if segmented {
            read_segmentation(reader, &mut changed.segmentation)
        } else {
            None
        };
        let simple_filter = reader.bit();
        let filter_level = reader.literal(6) as u8;
        let sharpness = reader.literal(3) as u8;
        let filter_deltas = reader.bit();
        if filter_deltas && reader.bit() {
            let deltas = &mut changed.deltas;
            for delta in deltas.reference.iter_mut().chain(&mut deltas.mode) {
                if let Some(value) = reader.optional_signed(6) {
                    *delta = value as i8;
                }
            }
        }
        let partitions = 1 << reader.literal(2);
        let quant = read_quant(reader);
        let mut header = Self {
            tag,
            segmented,
            segment_tree,
            simple_filter,
            filter_level,
            sharpness,
            filter_deltas,
            partitions,
            quant,
            golden: Refresh::New,
            altref: Refresh::New,
            sign_bias: [false; 2],
            keep_probabilities: true,
            refresh_last: true,
            skip_prob: None,
            intra_prob: 0,
            last_prob: 0,
            golden_prob: 0,
        };
        header.read_references(reader)?;
        if !header.keep_probabilities {
            changed.kept = Some(Box::new(changed.probabilities.clone()));
        }
        header.read_probabilities(reader, &mut changed.probabilities);
        Ok((header, changed))
    }

    /// What becomes of the references and of the probabilities (§9.7, §9.8, §9.11).
    fn read_references(&mut self, reader: &mut BoolReader<'_>) -> Result<()> {
        if self.tag.key {
            self.keep_probabilities = reader.bit();
            return Ok(());
        }
        let refresh = [reader.bit(), reader.bit()];
        let mut copied = |new: bool| {
            if new {
                return Ok(Refresh::New);
            }
            match reader.literal(2) {
                0 => Ok(Refresh::Keep),
                1 => Ok(Refresh::Last),
                2 => Ok(Refresh::Other),
                _ => Err(bad("a reference copied from nowhere")),
            }
        };
        (self.golden, self.altref) = (copied(refresh[0])?, copied(refresh[1])?);
        self.sign_bias = [reader.bit(), reader.bit()];
        self.keep_probabilities = reader.bit();
        self.refresh_last = reader.bit();
        Ok(())
    }

    /// Updates of probabilities, to the header's end (§9.9 to §9.11, §17.2).
    fn read_probabilities(&mut self, reader: &mut BoolReader<'_>, probs: &mut Probabilities) {
        let old = probs.coefficients.iter_mut().flatten().flatten().flatten();
        let update = COEFFICIENT_UPDATE_PROBS
            .iter()
            .flatten()
            .flatten()
            .flatten();
        for (prob, &update) in old.zip(update) {
            if reader.bool(update) {
                *prob = reader.literal(8) as u8;
            }
        }
        self.skip_prob = reader.bit().then(|| reader.literal(8) as u8);
        if self.tag.key {
            return;
        }
        self.intra_prob = reader.literal(8) as u8;
        self.last_prob = reader.literal(8) as u8;
        self.golden_prob = reader.literal(8) as u8;
        if reader.bit() {
            probs.luma_modes = std::array::from_fn(|_| reader.literal(8) as u8);
        }
        if reader.bit() {
            probs.chroma_modes = std::array::from_fn(|_| reader.literal(8) as u8);
        }
        let update = MV_UPDATE_PROBS.iter().flatten();
        for (prob, &update) in probs.mv.iter_mut().flatten().zip(update) {
            if reader.bool(update) {
                let value = reader.literal(7) as u8;
                *prob = if value == 0 { 1 } else { value << 1 };
            }
        }
    }
}

/// Changes of the segments' values; gives the tree of a new map (§9.3).
fn read_segmentation(
    reader: &mut BoolReader<'_>,
    segmentation: &mut Segmentation,
) -> Option<[u8; 3]> {
    let (new_map, new_values) = (reader.bit(), reader.bit());
    if new_values {
        segmentation.absolute = reader.bit();
        let mut values =
            |bits| std::array::from_fn(|_| reader.optional_signed(bits).unwrap_or(0) as i8);
        segmentation.quantizer = values(7);
        segmentation.filter_level = values(6);
    }
    new_map.then(|| {
        std::array::from_fn(|_| match reader.bit() {
            true => reader.literal(8) as u8,
            false => 255,
        })
    })
}

fn read_quant(reader: &mut BoolReader<'_>) -> QuantIndices {
    let y_ac = reader.literal(7) as i32;
    let mut delta = || reader.optional_signed(4).unwrap_or(0);
    QuantIndices {
        y_ac,
        y_dc_delta: delta(),
        y2_dc_delta: delta(),
        y2_ac_delta: delta(),
        uv_dc_delta: delta(),
        uv_ac_delta: delta(),
    }
}

/// A map of one segment only.
pub(crate) fn plain_map(macroblocks: usize) -> Arc<[u8]> {
    Arc::from(vec![0; macroblocks])
}
