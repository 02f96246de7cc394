// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can happen to a stream on its way.

use super::ivf::{key_frame_size, Stream};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A bit of the first bytes is another.
    FlipTag,
    /// A few bits of the first partition are others.
    FlipFirst,
    /// A few bits behind the first partition are others.
    FlipTokens,
    /// The end of a packet is gone.
    Truncated,
    /// The end of a packet is zeros.
    Zeroed,
    /// A packet is gone.
    Dropped,
    /// A packet is empty.
    Empty,
    /// Two packets are in the wrong order.
    Swapped,
    /// A packet is there twice.
    Doubled,
    /// A key frame states another size.
    Resized,
    /// Random bytes stand where a packet's end was.
    Noise,
}

impl Damage {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::FlipTag,
        Self::FlipFirst,
        Self::FlipTokens,
        Self::Truncated,
        Self::Zeroed,
        Self::Dropped,
        Self::Empty,
        Self::Swapped,
        Self::Doubled,
        Self::Resized,
        Self::Noise,
    ];

    /// A damaged copy, and the number of the first packet that differs.
    #[must_use]
    pub fn of(self, stream: &Stream, seed: u64) -> (Stream, usize) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut stream = stream.clone();
        let at = rng.random_range(0..stream.packets.len());
        let at = self.hit(&mut stream.packets, at, &mut rng);
        (stream, at)
    }

    fn hit(self, packets: &mut Vec<Vec<u8>>, at: usize, rng: &mut ChaCha8Rng) -> usize {
        match self {
            Self::Dropped => drop(packets.remove(at)),
            Self::Empty => packets[at].clear(),
            Self::Doubled => packets.insert(at, packets[at].clone()),
            Self::Swapped => {
                let at = at.min(packets.len().saturating_sub(2));
                let other = (at + 1).min(packets.len() - 1);
                packets.swap(at, other);
                return at;
            }
            Self::Resized => {
                let keys: Vec<usize> = (0..packets.len())
                    .filter(|n| key_frame_size(&packets[*n]).is_some())
                    .collect();
                let at = keys[rng.random_range(0..keys.len())];
                for byte in [6, 8] {
                    let side: u16 = rng.random_range(0..400);
                    packets[at][byte..byte + 2].copy_from_slice(&side.to_le_bytes());
                }
                return at;
            }
            _ => self.spoil(&mut packets[at], rng),
        }
        at
    }

    fn spoil(self, packet: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        if packet.len() < 4 {
            return;
        }
        // The size in a key frame stays: by chance it would be a huge one.
        let head = if packet[0] & 1 == 0 { 10 } else { 3 };
        let first = usize::from(packet[0] >> 5)
            | usize::from(packet[1]) << 3
            | usize::from(packet[2]) << 11;
        let tokens = (head + first).min(packet.len() - 1);
        let head = head.min(tokens);
        let cut = rng.random_range(0..packet.len());
        match self {
            Self::FlipTag => packet[rng.random_range(0..3)] ^= 1 << rng.random_range(0..8),
            Self::FlipFirst => flip(&mut packet[head..=tokens], rng),
            Self::FlipTokens => flip(&mut packet[tokens..], rng),
            Self::Truncated => packet.truncate(cut),
            Self::Zeroed => packet[cut.max(head)..].fill(0),
            _ => rng.fill(&mut packet[cut.max(head)..]),
        }
    }
}

fn flip(bytes: &mut [u8], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..=3) {
        bytes[rng.random_range(0..bytes.len())] ^= 1 << rng.random_range(0..8);
    }
}
