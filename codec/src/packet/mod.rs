// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compressed frames as plain values, and the packet file that carries them.

mod file;
mod varint;

pub use file::{PacketFileReader, PacketFileSummary, PacketFileWriter, StreamHeader};
pub use varint::{read_signed, read_unsigned, write_signed, write_unsigned};

use serde::{Deserialize, Serialize};

/// Packet flag: decoding can start here.
pub const FLAG_KEY: u32 = 1;
/// Packet flag: the container marked the packet as damaged.
pub const FLAG_CORRUPT: u32 = 2;
/// Packet flag: decode, but show nothing (edit lists).
pub const FLAG_DISCARD: u32 = 4;

/// Extra bytes attached to a packet; `kind` is libav's `AVPacketSideDataType`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideData {
    /// libav's number for the kind.
    pub kind: i32,
    /// The bytes.
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
}

/// A compressed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time in the stream's time base.
    pub pts: i64,
    /// Decoding time in the stream's time base.
    pub dts: i64,
    /// Duration in the stream's time base; 0 when unknown.
    pub duration: i64,
    /// [`FLAG_KEY`] and the like.
    pub flags: u32,
    /// Compressed bytes.
    pub data: Vec<u8>,
    /// Side data.
    pub side: Vec<SideData>,
}

impl Packet {
    /// True when decoding can start here.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.flags & FLAG_KEY != 0
    }
}

/// Whether a packet of `codec` is decoded and shows nothing: of VP8 alone, whose hidden
/// frames are packets of their own (RFC 6386 §9.1, `show_frame`). VP9's and AV1's share a
/// packet with a frame that is shown.
#[must_use]
pub fn is_hidden(codec: &str, data: &[u8]) -> bool {
    codec == "vp8" && data.first().is_some_and(|byte| byte & 0x10 == 0)
}

/// Serde form of bytes: base64 text, compact in JSON.
pub mod base64_bytes {
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    /// Writes bytes as base64.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    /// Reads bytes from base64.
    ///
    /// # Errors
    /// The deserializer's own, or text that is not base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
