// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that no encoder would make: headers of arbitrary but legal values,
//! and random bits for all that follows them.
//!
//! Random bits read as modes, vectors and coefficients in the proportions of
//! their probabilities, so all of them occur, in combinations that encoders
//! never choose: vectors far outside of the frame, golden frames with sign
//! bias, probabilities kept or dropped, segments and deltas of all values.

use super::bits::BitWriter;
use super::ivf::Stream;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Number of packets.
    pub packets: usize,
    /// Versions 0 up to this.
    pub versions: u32,
    /// Greatest side of a frame.
    pub side: u16,
    /// Greatest quantizer index.
    pub quantizer: u32,
    /// Bytes of each partition; where they are few, partitions end early.
    pub bytes: usize,
}

/// The stream of a seed.
#[must_use]
pub fn stream(seed: u64, bounds: Bounds) -> Stream {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let version = rng.random_range(0..bounds.versions);
    let mut size = (0, 0);
    let mut packets = Vec::new();
    for at in 0..bounds.packets {
        let key = at == 0 || rng.random_ratio(1, 8);
        if key && (at == 0 || rng.random_ratio(1, 3)) {
            size = (
                rng.random_range(1..=bounds.side),
                rng.random_range(1..=bounds.side),
            );
        }
        packets.push(packet(&mut rng, version, key.then_some(size), bounds));
    }
    Stream { size, packets }
}

fn packet(rng: &mut ChaCha8Rng, version: u32, key: Option<(u16, u16)>, bounds: Bounds) -> Vec<u8> {
    let mut bits = BitWriter::default();
    if key.is_some() {
        bits.flag(false);
        bits.flag(rng.random());
    }
    segments(rng, &mut bits, bounds, key.is_some());
    filter(rng, &mut bits);
    let partitions = rng.random_range(0..4);
    bits.number(2, partitions);
    bits.number(7, rng.random_range(0..=bounds.quantizer));
    for _ in 0..5 {
        let change = rng.random_ratio(1, 4);
        bits.optional(4, change.then(|| rng.random_range(-15..=15)));
    }
    if key.is_none() {
        references(rng, &mut bits);
    }
    bits.flag(rng.random());
    if key.is_none() {
        bits.flag(rng.random_ratio(3, 4));
    }
    for _ in 0..bounds.bytes {
        bits.number(8, rng.random_range(0..256));
    }
    let first = bits.finish();
    assemble(rng, version, key, &first, 1 << partitions, bounds)
}

fn segments(rng: &mut ChaCha8Rng, bits: &mut BitWriter, bounds: Bounds, key: bool) {
    if !bits.flag(rng.random()) {
        return;
    }
    let map = bits.flag(key || rng.random());
    if bits.flag(key || rng.random()) {
        bits.flag(rng.random());
        let quantizer = bounds.quantizer as i32;
        for (width, limit) in [(7, quantizer), (6, 63)] {
            for _ in 0..4 {
                let there = rng.random();
                let value = rng.random_range(-limit..=limit);
                bits.optional(width, Some(value).filter(|_| there));
            }
        }
    }
    if map {
        for _ in 0..3 {
            if bits.flag(rng.random()) {
                bits.number(8, rng.random_range(0..256));
            }
        }
    }
}

fn filter(rng: &mut ChaCha8Rng, bits: &mut BitWriter) {
    bits.flag(rng.random());
    let level = rng.random_range(0..64);
    bits.number(6, if rng.random_ratio(1, 5) { 0 } else { level });
    bits.number(3, rng.random_range(0..8));
    if bits.flag(rng.random()) && bits.flag(rng.random()) {
        for _ in 0..8 {
            let there = rng.random();
            let value = rng.random_range(-63..=63);
            bits.optional(6, Some(value).filter(|_| there));
        }
    }
}

/// Which references the frame becomes, which are copied (never by the
/// reserved value 3), and their sign biases.
fn references(rng: &mut ChaCha8Rng, bits: &mut BitWriter) {
    let golden = bits.flag(rng.random_ratio(1, 4));
    let altref = bits.flag(rng.random_ratio(1, 4));
    for refreshed in [golden, altref] {
        if !refreshed {
            bits.number(2, rng.random_range(0..3));
        }
    }
    bits.flag(rng.random());
    bits.flag(rng.random());
}

fn assemble(
    rng: &mut ChaCha8Rng,
    version: u32,
    key: Option<(u16, u16)>,
    first: &[u8],
    partitions: usize,
    bounds: Bounds,
) -> Vec<u8> {
    let shown = u32::from(rng.random_ratio(7, 8));
    let tag = u32::from(key.is_none()) | version << 1 | shown << 4 | (first.len() as u32) << 5;
    let mut bytes = tag.to_le_bytes()[..3].to_vec();
    if let Some((width, height)) = key {
        bytes.extend([0x9d, 1, 0x2a]);
        for side in [width, height] {
            let scale = rng.random_range(0..4) << 14;
            bytes.extend((side | scale).to_le_bytes());
        }
    }
    bytes.extend(first);
    let lengths: Vec<usize> = (0..partitions)
        .map(|_| rng.random_range(bounds.bytes / 2 + 1..=bounds.bytes + 1))
        .collect();
    for length in &lengths[1..] {
        bytes.extend(&(*length as u32).to_le_bytes()[..3]);
    }
    // The last length is not written, so which one goes last is of no matter.
    let mut tokens = vec![0; lengths.iter().sum()];
    rng.fill(&mut tokens[..]);
    bytes.extend(tokens);
    bytes
}
