// SPDX-License-Identifier: MIT OR Apache-2.0
//! The packet file: one elementary stream, or a chunk of one, as a blob.
//!
//! ```text
//! "FMPK" version:u8 header_len:u32 header(JSON, StreamHeader)
//! ( 1:u8 pts:s dts:s duration:u flags:u sides:u { kind:s len:u bytes } len:u bytes )*
//! 0:u8 packets:u payload_bytes:u blake3(all before):32
//! ```
//! `u` is an unsigned LEB128, `s` a zigzag one; times are differences from the
//! packet before. The digest makes a file self-verifying: a reader that has
//! reached the end without an error has seen exactly what was written.

use super::{read_signed, read_unsigned, write_signed, write_unsigned, Packet, SideData};
use crate::error::{Error, Result};
use crate::libav::CodecParams;
use crate::picture::{ContentLight, MasteringDisplay, Rational};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

const MAGIC: &[u8; 4] = b"FMPK";
const VERSION: u8 = 1;
const MAX_HEADER: u32 = 16 << 20;
const MAX_PACKET: u64 = 1 << 30;
const MAX_SIDES: u64 = 64;

/// What a muxer must know of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHeader {
    /// Codec parameters as the encoder gives them.
    pub params: CodecParams,
    /// Unit of all times in the file.
    pub time_base: Rational,
    /// Nominal frame rate; 0/1 for sound and subtitles.
    pub frame_rate: Rational,
    /// Mastering display to announce in the container.
    pub mastering: Option<MasteringDisplay>,
    /// Content light level to announce in the container.
    pub content_light: Option<ContentLight>,
}

/// What a whole packet file held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFileSummary {
    /// Number of packets.
    pub packets: u64,
    /// Sum of their sizes.
    pub payload_bytes: u64,
    /// BLAKE3 of the file up to the digest.
    pub digest: [u8; 32],
}

/// Writes a packet file to any sink.
pub struct PacketFileWriter<W> {
    sink: W,
    hash: blake3::Hasher,
    record: Vec<u8>,
    last: (i64, i64),
    packets: u64,
    payload_bytes: u64,
}

impl<W: Write> PacketFileWriter<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// The sink's.
    pub fn new(sink: W, header: &StreamHeader) -> io::Result<Self> {
        let json = serde_json::to_vec(header)?;
        let mut writer = Self {
            sink,
            hash: blake3::Hasher::new(),
            record: Vec::new(),
            last: (0, 0),
            packets: 0,
            payload_bytes: 0,
        };
        writer.record.extend_from_slice(MAGIC);
        writer.record.push(VERSION);
        writer
            .record
            .extend_from_slice(&(json.len() as u32).to_le_bytes());
        writer.record.extend_from_slice(&json);
        writer.flush_record()?;
        Ok(writer)
    }

    fn flush_record(&mut self) -> io::Result<()> {
        self.hash.update(&self.record);
        self.sink.write_all(&self.record)?;
        self.record.clear();
        Ok(())
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// The sink's.
    pub fn push(&mut self, packet: &Packet) -> io::Result<()> {
        let r = &mut self.record;
        r.push(1);
        write_signed(r, packet.pts.wrapping_sub(self.last.0));
        write_signed(r, packet.dts.wrapping_sub(self.last.1));
        self.last = (packet.pts, packet.dts);
        write_unsigned(r, packet.duration.max(0) as u64);
        write_unsigned(r, u64::from(packet.flags));
        write_unsigned(r, packet.side.len() as u64);
        for side in &packet.side {
            write_signed(r, i64::from(side.kind));
            write_unsigned(r, side.data.len() as u64);
            r.extend_from_slice(&side.data);
        }
        write_unsigned(r, packet.data.len() as u64);
        r.extend_from_slice(&packet.data);
        self.packets += 1;
        self.payload_bytes += packet.data.len() as u64;
        self.flush_record()
    }

    /// Writes the trailer and gives the sink back.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(mut self) -> io::Result<(W, PacketFileSummary)> {
        self.record.push(0);
        write_unsigned(&mut self.record, self.packets);
        write_unsigned(&mut self.record, self.payload_bytes);
        self.flush_record()?;
        let digest = *self.hash.finalize().as_bytes();
        self.sink.write_all(&digest)?;
        let summary = PacketFileSummary {
            packets: self.packets,
            payload_bytes: self.payload_bytes,
            digest,
        };
        Ok((self.sink, summary))
    }
}

/// A reader that hashes what it reads.
struct Hashing<R> {
    source: R,
    hash: blake3::Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

/// Reads a packet file, verifying it on the way.
pub struct PacketFileReader<R> {
    source: Hashing<R>,
    header: StreamHeader,
    last: (i64, i64),
    packets: u64,
    payload_bytes: u64,
    summary: Option<PacketFileSummary>,
}

fn corrupt(detail: impl Into<String>) -> Error {
    Error::Corrupt {
        what: "packet file",
        detail: detail.into(),
    }
}

fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => corrupt("it ends too early"),
        io::ErrorKind::InvalidData => corrupt(error.to_string()),
        _ => Error::Read {
            detail: error.to_string(),
        },
    }
}

impl<R: Read> PacketFileReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but a packet file of this version.
    pub fn new(source: R) -> Result<Self> {
        let mut source = Hashing {
            source,
            hash: blake3::Hasher::new(),
        };
        let mut fixed = [0; 9];
        source.read_exact(&mut fixed).map_err(broken)?;
        if &fixed[..4] != MAGIC {
            return Err(corrupt("it does not start with FMPK"));
        }
        if fixed[4] != VERSION {
            return Err(corrupt(format!(
                "version {} where {VERSION} is known",
                fixed[4]
            )));
        }
        let len = u32::from_le_bytes([fixed[5], fixed[6], fixed[7], fixed[8]]);
        if len > MAX_HEADER {
            return Err(corrupt(format!("a header of {len} bytes")));
        }
        let json = read_bytes(&mut source, u64::from(len))?;
        let header = serde_json::from_slice(&json).map_err(|e| corrupt(e.to_string()))?;
        Ok(Self {
            source,
            header,
            last: (0, 0),
            packets: 0,
            payload_bytes: 0,
            summary: None,
        })
    }

    /// The stream's header.
    #[must_use]
    pub fn header(&self) -> &StreamHeader {
        &self.header
    }

    /// The summary, once [`next_packet`](Self::next_packet) has given `None`.
    #[must_use]
    pub fn summary(&self) -> Option<PacketFileSummary> {
        self.summary
    }

    /// The next packet; `None` only after the digest was found right.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for truncation or any changed bit.
    pub fn next_packet(&mut self) -> Result<Option<Packet>> {
        if self.summary.is_some() {
            return Ok(None);
        }
        let mut tag = [0];
        self.source.read_exact(&mut tag).map_err(broken)?;
        match tag[0] {
            0 => self.read_trailer().map(|()| None),
            1 => self.read_record().map(Some),
            tag => Err(corrupt(format!("record tag {tag}"))),
        }
    }

    fn read_record(&mut self) -> Result<Packet> {
        let s = &mut self.source;
        let pts = self.last.0.wrapping_add(read_signed(s).map_err(broken)?);
        let dts = self.last.1.wrapping_add(read_signed(s).map_err(broken)?);
        self.last = (pts, dts);
        let duration = i64::try_from(read_unsigned(s).map_err(broken)?)
            .map_err(|_| corrupt("a duration beyond 63 bits"))?;
        let flags = u32::try_from(read_unsigned(s).map_err(broken)?)
            .map_err(|_| corrupt("flags beyond 32 bits"))?;
        let sides = read_unsigned(s).map_err(broken)?;
        if sides > MAX_SIDES {
            return Err(corrupt(format!("{sides} pieces of side data")));
        }
        let mut side = Vec::new();
        for _ in 0..sides {
            let kind = i32::try_from(read_signed(s).map_err(broken)?)
                .map_err(|_| corrupt("a kind beyond 32 bits"))?;
            let len = read_unsigned(s).map_err(broken)?;
            side.push(SideData {
                kind,
                data: read_bytes(s, len)?,
            });
        }
        let len = read_unsigned(s).map_err(broken)?;
        let data = read_bytes(s, len)?;
        self.packets += 1;
        self.payload_bytes += data.len() as u64;
        Ok(Packet {
            pts,
            dts,
            duration,
            flags,
            data,
            side,
        })
    }

    fn read_trailer(&mut self) -> Result<()> {
        let packets = read_unsigned(&mut self.source).map_err(broken)?;
        let payload_bytes = read_unsigned(&mut self.source).map_err(broken)?;
        let digest = *self.source.hash.finalize().as_bytes();
        let mut stored = [0; 32];
        self.source.source.read_exact(&mut stored).map_err(broken)?;
        if stored != digest {
            return Err(corrupt("its digest does not match its bytes"));
        }
        if (packets, payload_bytes) != (self.packets, self.payload_bytes) {
            return Err(corrupt("its counts do not match its packets"));
        }
        if self.source.source.read(&mut [0]).map_err(broken)? != 0 {
            return Err(corrupt("bytes after its end"));
        }
        self.summary = Some(PacketFileSummary {
            packets,
            payload_bytes,
            digest,
        });
        Ok(())
    }
}

/// Reads `len` bytes, growing as they arrive so that a lying length allocates nothing.
fn read_bytes(source: &mut impl Read, len: u64) -> Result<Vec<u8>> {
    if len > MAX_PACKET {
        return Err(corrupt(format!("a piece of {len} bytes")));
    }
    let mut bytes = Vec::with_capacity(len.min(1 << 20) as usize);
    let read = source.take(len).read_to_end(&mut bytes).map_err(broken)?;
    if (read as u64) < len {
        return Err(corrupt("it ends too early"));
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
