// SPDX-License-Identifier: MIT OR Apache-2.0
//! IVF: a header of 32 bytes, then packets behind headers of 12.

use std::fs;
use std::path::Path;

/// A stream in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Size as the container states it; decoders go by the key frames.
    pub size: (u16, u16),
    /// Compressed frames in order.
    pub packets: Vec<Vec<u8>>,
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, b| sum << 8 | usize::from(*b))
}

impl Stream {
    /// Reads a file.
    ///
    /// # Panics
    /// When it is no IVF file of VP8, or ends inside a packet.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(&bytes[..4], b"DKIF", "{}", path.display());
        assert_eq!(&bytes[8..12], b"VP80", "{}", path.display());
        let mut rest = &bytes[number(&bytes[6..8])..];
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let end = 12 + number(&rest[..4]);
            packets.push(rest[12..end].to_vec());
            rest = &rest[end..];
        }
        let side = |at: usize| number(&bytes[at..at + 2]) as u16;
        Self {
            size: (side(12), side(14)),
            packets,
        }
    }

    /// Writes a file whose time stamps count packets.
    pub fn write(&self, path: &Path) {
        let mut bytes = b"DKIF\0\0\x20\0VP80".to_vec();
        bytes.extend(self.size.0.to_le_bytes());
        bytes.extend(self.size.1.to_le_bytes());
        for number in [25, 1, self.packets.len() as u32, 0] {
            bytes.extend(number.to_le_bytes());
        }
        for (at, packet) in self.packets.iter().enumerate() {
            bytes.extend((packet.len() as u32).to_le_bytes());
            bytes.extend((at as u64).to_le_bytes());
            bytes.extend(packet);
        }
        fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// This stream and another behind it.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.packets.extend(other.packets.iter().cloned());
        self
    }
}

/// Size that a key frame states; `None` for other packets.
#[must_use]
pub fn key_frame_size(packet: &[u8]) -> Option<(u16, u16)> {
    if packet.len() < 10 || packet[0] & 1 != 0 || packet[3..6] != [0x9d, 1, 0x2a] {
        return None;
    }
    let side = |at: usize| u16::from_le_bytes([packet[at], packet[at + 1]]) & 0x3fff;
    Some((side(6), side(8)))
}
