// SPDX-License-Identifier: MIT OR Apache-2.0
use super::{Damage, PacketHome};
use crate::{Failure, SourceRef};
use framemill_codec::libav::{ChapterInfo, StreamInfo};
use framemill_codec::packet::{FLAG_CORRUPT, FLAG_DISCARD, FLAG_KEY};
use framemill_codec::picture::{ColourInfo, ContentLight, MasteringDisplay, Rational};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packet flag of ours: decoding it shows no frame.
pub const FLAG_NO_FRAME: u8 = 0x40;
/// Packet flag of ours: its bytes lie beyond the end of the source.
pub const FLAG_BEYOND_END: u8 = 0x80;

const MAGIC: &[u8; 4] = b"FMIX";
const VERSION: u8 = 1;
const ENTRY_BYTES: usize = 25;

/// One video packet, in decoding order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketEntry {
    /// Byte offset in its home.
    pub pos: u64,
    /// Presentation time of its frame in the stream's time base.
    pub pts: i64,
    /// Size in bytes.
    pub size: u32,
    /// Duration in the stream's time base; 0 when unknown.
    pub duration: u32,
    /// Key, corrupt, discard as libav counts them, and our own two.
    pub flags: u8,
}

impl PacketEntry {
    /// True when decoding can start here.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.flags as u32 & FLAG_KEY != 0
    }

    /// True when decoding it is expected to show one frame.
    #[must_use]
    pub const fn shows_frame(&self) -> bool {
        self.flags & (FLAG_NO_FRAME | FLAG_BEYOND_END) == 0 && self.flags as u32 & FLAG_DISCARD == 0
    }

    /// The flags that a decoder knows.
    #[must_use]
    pub const fn codec_flags(&self) -> u32 {
        self.flags as u32 & (FLAG_KEY | FLAG_CORRUPT | FLAG_DISCARD)
    }
}

/// The chosen video stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// As the container describes it. `time_base` is that of the entries.
    pub stream: StreamInfo,
    /// Where the packets' bytes are.
    pub home: PacketHome,
    /// Pixel format of the first decoded picture.
    pub pix_fmt: String,
    /// Width of the first decoded picture.
    pub width: u32,
    /// Height of the first decoded picture.
    pub height: u32,
    /// Colour as container and bitstream say together.
    pub colour: ColourInfo,
    /// Mastering display of the bitstream, else the container.
    pub mastering: Option<MasteringDisplay>,
    /// Content light level of the bitstream, else the container.
    pub content_light: Option<ContentLight>,
    /// Nominal frame rate.
    pub frame_rate: Rational,
    /// True when frames are known from decoding, not told from packets.
    pub decoded: bool,
    /// Parameter sets that change on the way: packet number and new extradata or other side data.
    pub side: Vec<(u64, Vec<framemill_codec::packet::SideData>)>,
}

/// Everything but the packets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexHeader {
    /// The source that was indexed; its address without secrets where this comes from a store.
    pub source: SourceRef,
    /// libavformat's name of the container.
    pub container: String,
    /// First presentation time of any stream, in microseconds.
    pub start_us: i64,
    /// Duration in microseconds, where the container says.
    pub duration_us: Option<i64>,
    /// Tags of the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Chapters in order.
    pub chapters: Vec<ChapterInfo>,
    /// The video stream.
    pub video: VideoTrack,
    /// Audio and subtitle streams, in the container's order.
    pub tracks: Vec<StreamInfo>,
    /// Streams that are left out, in words.
    pub left_out: Vec<String>,
    /// Damage found so far.
    pub damage: Vec<Damage>,
    /// Things the user should know.
    pub warnings: Vec<String>,
}

/// A source's index.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Everything but the packets.
    pub header: IndexHeader,
    /// All video packets in decoding order.
    pub packets: Vec<PacketEntry>,
}

impl Index {
    /// The stored form: magic, version, header length, header as JSON,
    /// packets of 25 bytes each, BLAKE3 over all of it.
    ///
    /// # Errors
    /// [`Failure::Bug`] when the header does not serialise.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let json = serde_json::to_vec(&self.header).map_err(|e| Failure::bug(e.to_string()))?;
        let mut out = Vec::with_capacity(json.len() + self.packets.len() * ENTRY_BYTES + 64);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&(json.len() as u32).to_le_bytes());
        out.extend_from_slice(&json);
        for p in &self.packets {
            out.extend_from_slice(&p.pos.to_le_bytes());
            out.extend_from_slice(&p.pts.to_le_bytes());
            out.extend_from_slice(&p.size.to_le_bytes());
            out.extend_from_slice(&p.duration.to_le_bytes());
            out.push(p.flags);
        }
        let digest = blake3::hash(&out);
        out.extend_from_slice(digest.as_bytes());
        Ok(out)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`Failure::Transient`] for anything but a whole index of this version:
    /// making it anew helps.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let bad = |what: &str| Failure::Transient {
            detail: format!("stored index: {what}"),
        };
        let split = bytes
            .len()
            .checked_sub(32)
            .ok_or_else(|| bad("it is too short"))?;
        let (body, digest) = bytes.split_at(split);
        if body.len() < 9 || &body[..4] != MAGIC || body[4] != VERSION {
            return Err(bad("it is not an index of this version"));
        }
        if blake3::hash(body).as_bytes() != digest {
            return Err(bad("its digest does not match its bytes"));
        }
        let len = u32::from_le_bytes([body[5], body[6], body[7], body[8]]) as usize;
        let json = body
            .get(9..9 + len)
            .ok_or_else(|| bad("its header is cut off"))?;
        let header = serde_json::from_slice(json).map_err(|e| bad(&e.to_string()))?;
        let entries = &body[9 + len..];
        if entries.len() % ENTRY_BYTES != 0 {
            return Err(bad("its table is cut off"));
        }
        let packets: Vec<PacketEntry> = entries.chunks_exact(ENTRY_BYTES).map(read_entry).collect();
        // Sums and differences of what follows must not overflow.
        let sane = |p: &PacketEntry| {
            p.pos < 1 << 62 && (!p.shows_frame() || p.pts.unsigned_abs() < 1 << 61)
        };
        if !packets.iter().all(sane) {
            return Err(bad("a packet beyond all bounds"));
        }
        Ok(Self { header, packets })
    }

    /// Packet numbers of all frames to be shown, in display order.
    #[must_use]
    pub fn display_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.packets.len() as u32)
            .filter(|&i| self.packets[i as usize].shows_frame())
            .collect();
        order.sort_by_key(|&i| (self.packets[i as usize].pts, i));
        order
    }
}

fn read_entry(bytes: &[u8]) -> PacketEntry {
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default());
    PacketEntry {
        pos: u64_at(0),
        pts: u64_at(8) as i64,
        size: u32_at(16),
        duration: u32_at(20),
        flags: bytes[24],
    }
}
