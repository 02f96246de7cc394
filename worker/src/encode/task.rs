// SPDX-License-Identifier: MIT OR Apache-2.0
use super::filters::FilterSpec;
use super::packets::PacketList;
use crate::SourceRef;
use framemill_codec::libav::CodecParams;
use framemill_codec::packet::{SideData, StreamHeader};
use framemill_codec::picture::{ColourInfo, ContentLight, MasteringDisplay, Rational};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a chunk's packets are fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketSource {
    /// The source itself.
    Source(SourceRef),
    /// A blob of the work store, of this size and digest.
    Work {
        /// Key in the work store.
        key: String,
        /// Size in bytes.
        size: u64,
    },
}

/// How output times come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// The source's times less `origin`, in the source's time base.
    Source {
        /// What becomes zero.
        origin: i64,
    },
    /// One frame a tick from `first_tick` on.
    Constant {
        /// The chunk's first tick.
        first_tick: i64,
    },
}

/// Everything that determines an encoder's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderSpec {
    /// libav's encoder name, [`super::AV1_BY_RAV1E`],
    /// [`super::VP8_BY_FRAMEMILL`], [`super::DIGEST`] or [`super::SCENE`].
    pub encoder: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel format that the encoder gets.
    pub pix_fmt: String,
    /// Shape of a pixel; 0/1 when unknown.
    pub sar: Rational,
    /// Unit of times.
    pub time_base: Rational,
    /// Nominal frame rate.
    pub frame_rate: Rational,
    /// Colour description to signal.
    pub colour: ColourInfo,
    /// Mastering display to signal.
    pub mastering: Option<MasteringDisplay>,
    /// Content light level to signal.
    pub content_light: Option<ContentLight>,
    /// Threads inside the encoder.
    pub threads: u32,
    /// Coded as fields; top field first when true inside.
    pub interlaced: Option<bool>,
    /// The encoder's own options.
    pub options: BTreeMap<String, String>,
}

impl EncoderSpec {
    /// What a muxer must know of the stream, whose parameters are these.
    #[must_use]
    pub fn header(&self, params: CodecParams) -> StreamHeader {
        StreamHeader {
            params,
            time_base: self.time_base,
            frame_rate: self.frame_rate,
            mastering: self.mastering,
            content_light: self.content_light,
        }
    }
}

/// Decodes a span of the source and encodes it as one chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncodeTask {
    /// Where the packets are.
    pub source: PacketSource,
    /// The source stream's number in its container, for messages.
    pub stream: usize,
    /// The source stream's decoder parameters.
    pub decoder: CodecParams,
    /// Unit of the source's times.
    pub source_time_base: Rational,
    /// Number of the first packet of the list in the whole stream.
    pub first_packet: u64,
    /// What to fetch and what to do with it, in decoding order.
    pub packets: PacketList,
    /// Side data by position in `packets`.
    pub side: Vec<(u64, Vec<SideData>)>,
    /// Refuse packets that do not decode cleanly.
    pub strict: bool,
    /// How output times come about.
    pub timing: Timing,
    /// What happens to pictures on the way.
    pub filter: FilterSpec,
    /// The encoder.
    pub encoder: EncoderSpec,
    /// Store the state at the end, for a chunk that continues from it.
    pub keep_state: bool,
}
