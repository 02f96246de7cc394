// SPDX-License-Identifier: MIT OR Apache-2.0
//! IVF, the plain container of VP8 streams.
//!
//! ```text
//! "DKIF" version:u16 header_len:u16 fourcc:4 width:u16 height:u16 rate:u32 scale:u32 packets:u32 unused:u32
//! ( len:u32 pts:u64 bytes )*
//! ```
//! Integers are little-endian. A time stamp is a number of `scale/rate`
//! seconds. `packets` is a hint: the file ends where it ends.

use std::io::{self, Read, Write};

const MAGIC: &[u8; 4] = b"DKIF";
const HEADER: usize = 32;
/// Largest packet that is read or written.
pub const MAX_PACKET: u32 = 64 << 20;

/// Result of reading or writing IVF.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file is not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It starts otherwise than IVF does.
    #[error("not an IVF file: {what}")]
    NotIvf {
        /// What is wrong with the header.
        what: &'static str,
    },
    /// The file ends within a packet.
    #[error("frame {frame}: the file ends within it, at byte {offset}, {missing} bytes early")]
    Truncated {
        /// Number of the packet, from 0.
        frame: u64,
        /// Where the file ends.
        offset: u64,
        /// How many more bytes it should have.
        missing: u64,
    },
    /// A packet beyond [`MAX_PACKET`].
    #[error("frame {frame}: {size} bytes at byte {offset} are beyond the limit of {MAX_PACKET}")]
    TooLarge {
        /// Number of the packet, from 0.
        frame: u64,
        /// Where its size stands.
        offset: u64,
        /// Its size.
        size: u64,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What the file's beginning states; decoders go by the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The codec: `VP80` is VP8.
    pub fourcc: [u8; 4],
    /// Width in samples.
    pub width: u16,
    /// Height in samples.
    pub height: u16,
    /// Ticks in `scale` seconds.
    pub rate: u32,
    /// Seconds of `rate` ticks.
    pub scale: u32,
    /// Number of packets; often wrong.
    pub packets: u32,
}

/// A packet and its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// Time stamp in ticks.
    pub pts: u64,
    /// The compressed frame; may be empty.
    pub data: Vec<u8>,
}

/// Reads an IVF file from front to back.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    header: Header,
    packets: u64,
    offset: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NotIvf`], or the source's.
    pub fn new(mut source: R) -> Result<Self> {
        let mut bytes = [0; HEADER];
        let got = fill(&mut source, &mut bytes)?;
        if got == 0 {
            return Err(Error::Empty);
        }
        if &bytes[..MAGIC.len()] != MAGIC {
            let what = "it does not start with DKIF";
            return Err(Error::NotIvf { what });
        }
        let len = u16_at(&bytes, 6);
        if got < HEADER || usize::from(len) < HEADER {
            let what = "its header is too short";
            return Err(Error::NotIvf { what });
        }
        // A longer header of a later version.
        let more = u64::from(len) - HEADER as u64;
        if io::copy(&mut source.by_ref().take(more), &mut io::sink())? < more {
            let what = "it ends in its header";
            return Err(Error::NotIvf { what });
        }
        let header = Header {
            fourcc: [bytes[8], bytes[9], bytes[10], bytes[11]],
            width: u16_at(&bytes, 12),
            height: u16_at(&bytes, 14),
            rate: u32_at(&bytes, 16),
            scale: u32_at(&bytes, 20),
            packets: u32_at(&bytes, 24),
        };
        Ok(Self {
            source,
            header,
            packets: 0,
            offset: len.into(),
        })
    }

    /// What the beginning states.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TooLarge`], or the source's.
    pub fn next_packet(&mut self) -> Result<Option<Packet>> {
        let mut bytes = [0; 12];
        let got = fill(&mut self.source, &mut bytes)?;
        if got == 0 {
            return Ok(None);
        }
        if got < bytes.len() {
            return Err(self.truncated(got, bytes.len()));
        }
        let size = u32_at(&bytes, 0);
        if size > MAX_PACKET {
            return Err(Error::TooLarge {
                frame: self.packets,
                offset: self.offset,
                size: size.into(),
            });
        }
        self.offset += bytes.len() as u64;
        let pts = u64::from(u32_at(&bytes, 4)) | u64::from(u32_at(&bytes, 8)) << 32;
        // Grows as bytes arrive, so that a lying size allocates nothing.
        let mut data = Vec::with_capacity(size.min(1 << 16) as usize);
        let mut source = self.source.by_ref().take(size.into());
        let got = source.read_to_end(&mut data)?;
        if got < size as usize {
            return Err(self.truncated(got, size as usize));
        }
        self.offset += u64::from(size);
        self.packets += 1;
        Ok(Some(Packet { pts, data }))
    }

    fn truncated(&self, got: usize, wanted: usize) -> Error {
        Error::Truncated {
            frame: self.packets,
            offset: self.offset + got as u64,
            missing: (wanted - got) as u64,
        }
    }
}

/// Reads until `bytes` is full or the source ends; gives how many were read.
fn fill(source: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < bytes.len() {
        match source.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Writes an IVF file to any sink.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    packets: u64,
    offset: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header as it is.
    ///
    /// # Errors
    /// The sink's.
    pub fn new(mut sink: W, header: &Header) -> Result<Self> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        bytes.extend(0u16.to_le_bytes());
        bytes.extend((HEADER as u16).to_le_bytes());
        bytes.extend(header.fourcc);
        bytes.extend(header.width.to_le_bytes());
        bytes.extend(header.height.to_le_bytes());
        for number in [header.rate, header.scale, header.packets, 0] {
            bytes.extend(number.to_le_bytes());
        }
        sink.write_all(&bytes)?;
        Ok(Self {
            sink,
            packets: 0,
            offset: HEADER as u64,
        })
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or the sink's.
    pub fn push(&mut self, pts: u64, data: &[u8]) -> Result<()> {
        let size = data.len() as u64;
        if size > MAX_PACKET.into() {
            return Err(Error::TooLarge {
                frame: self.packets,
                offset: self.offset,
                size,
            });
        }
        self.sink.write_all(&(size as u32).to_le_bytes())?;
        self.sink.write_all(&pts.to_le_bytes())?;
        self.sink.write_all(data)?;
        self.packets += 1;
        self.offset += 12 + size;
        Ok(())
    }

    /// Gives the sink back.
    ///
    /// # Errors
    /// The sink's, when it cannot be flushed.
    pub fn finish(mut self) -> Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            fourcc: *b"VP80",
            width: 175,
            height: 143,
            rate: 30_000,
            scale: 1001,
            packets: 3,
        }
    }

    fn written(packets: &[Packet]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), &header()).unwrap();
        for packet in packets {
            writer.push(packet.pts, &packet.data).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Header, Vec<Packet>)> {
        let mut reader = Reader::new(bytes)?;
        let mut packets = Vec::new();
        while let Some(packet) = reader.next_packet()? {
            packets.push(packet);
        }
        Ok((*reader.header(), packets))
    }

    fn packet(pts: u64, data: &[u8]) -> Packet {
        Packet {
            pts,
            data: data.to_vec(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let bytes = written(&[packet(0x0102_0304_0506_0708, b"xyz")]);
        assert_eq!(&bytes[..12], b"DKIF\0\0\x20\0VP80");
        assert_eq!(&bytes[12..16], &[175, 0, 143, 0]);
        assert_eq!(
            &bytes[32..],
            b"\x03\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01xyz"
        );
    }

    #[test]
    fn a_longer_header_is_skipped() {
        let mut bytes = written(&[packet(1, b"abc")]);
        bytes[6] = 40;
        bytes.splice(32..32, [0xee; 8]);
        assert_eq!(read(&bytes).unwrap().1, [packet(1, b"abc")]);
        assert!(matches!(read(&bytes[..36]), Err(Error::NotIvf { .. })));
    }

    #[test]
    fn what_is_no_ivf_is_refused() {
        assert!(matches!(read(b""), Err(Error::Empty)));
        for bytes in [&b"D"[..], b"DKIF", b"RIFF", &[0; 100]] {
            assert!(matches!(read(bytes), Err(Error::NotIvf { .. })));
        }
        let mut bytes = written(&[]);
        bytes[6] = 31;
        assert!(matches!(read(&bytes), Err(Error::NotIvf { .. })));
    }

    #[test]
    fn a_truncated_file_names_the_packet_and_the_byte() {
        let bytes = written(&[packet(0, b"abc"), packet(1, b""), packet(2, b"defg")]);
        for length in 0..bytes.len() {
            let found = read(&bytes[..length]);
            let (start, frame) = match length {
                0..32 => {
                    assert!(found.is_err(), "{length}");
                    continue;
                }
                32..47 => (32, 0),
                47..59 => (47, 1),
                _ => (59, 2),
            };
            if length == start {
                assert_eq!(found.unwrap().1.len(), frame);
                continue;
            }
            match found {
                Err(Error::Truncated {
                    frame: f, offset, ..
                }) => {
                    assert_eq!((f, offset), (frame as u64, length as u64));
                }
                other => panic!("{length}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused() {
        let mut bytes = written(&[packet(0, b"abc"), packet(1, b"d")]);
        bytes[47..51].copy_from_slice(&(MAX_PACKET + 1).to_le_bytes());
        let error = read(&bytes).unwrap_err();
        assert!(
            matches!(
                error,
                Error::TooLarge {
                    frame: 1,
                    offset: 47,
                    ..
                }
            ),
            "{error}"
        );
        // Within the limit it is what is missing.
        bytes[47..51].copy_from_slice(&MAX_PACKET.to_le_bytes());
        assert!(matches!(
            read(&bytes),
            Err(Error::Truncated { frame: 1, .. })
        ));
    }

    proptest! {
        #[test]
        fn packets_come_back(
            sizes in prop::collection::vec(0usize..300, 0..20),
            pts in any::<u64>(),
        ) {
            let packets: Vec<_> = sizes
                .iter()
                .map(|&size| packet(pts.wrapping_mul(size as u64), &vec![size as u8; size]))
                .collect();
            let (read, found) = read(&written(&packets)).unwrap();
            prop_assert_eq!(read, header());
            prop_assert_eq!(found, packets);
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            head in any::<bool>(),
        ) {
            if head {
                bytes.splice(0..0, written(&[]));
            }
            let _ = read(&bytes);
        }
    }
}
