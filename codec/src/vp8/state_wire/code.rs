// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prefix codes over bytes.

use super::corrupt;
use crate::error::Result;

/// Longest code word: four fit into what a refill of a bit buffer gives.
pub(super) const MAX_BITS: u32 = 11;
/// Bits of each symbol's code word; 0 where it has none.
pub(super) type Lengths = [u8; 256];

/// The lengths of a code that suits how often each symbol occurs.
pub(super) fn lengths(counts: &[u32; 256]) -> Lengths {
    let mut lengths = [0; 256];
    let mut used: Vec<(u32, usize)> = counts.iter().copied().zip(0..).collect();
    used.retain(|&(count, _)| count > 0);
    used.sort_unstable();
    if let [(_, only)] = used[..] {
        lengths[only] = 1;
        return lengths;
    }
    loop {
        let depths = huffman(&used);
        if depths.iter().all(|&depth| depth <= MAX_BITS) {
            for (&(_, symbol), depth) in used.iter().zip(depths) {
                lengths[symbol] = depth as u8;
            }
            return lengths;
        }
        // Flatter counts make a flatter tree; their order stays.
        for (count, _) in &mut used {
            *count = count.div_ceil(2);
        }
    }
}

/// Depths in Huffman's tree of leaves in ascending order of weight.
fn huffman(leaves: &[(u32, usize)]) -> Vec<u32> {
    let n = leaves.len();
    let mut weights: Vec<u64> = leaves.iter().map(|&(count, _)| count.into()).collect();
    let mut parents = vec![0; (2 * n).saturating_sub(1)];
    let (mut leaf, mut inner) = (0, n);
    for node in n..parents.len() {
        let mut weight = 0;
        for _ in 0..2 {
            // Inner nodes come about in ascending order, too.
            let least = if leaf < n && (inner >= node || weights[leaf] <= weights[inner]) {
                &mut leaf
            } else {
                &mut inner
            };
            weight += weights[*least];
            parents[*least] = node;
            *least += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0; parents.len()];
    for node in (0..parents.len().saturating_sub(1)).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(n);
    depths
}

/// Appends lengths, two a byte; a zero is followed by how many more follow it.
pub(super) fn write_lengths(out: &mut Vec<u8>, lengths: &Lengths) {
    let mut nibbles = Vec::new();
    let mut at = 0;
    while at < 256 {
        let run = lengths[at..].iter().take_while(|&&l| l == 0).count();
        if run == 0 {
            nibbles.push(lengths[at]);
            at += 1;
        } else {
            let run = run.min(16);
            nibbles.extend([0, run as u8 - 1]);
            at += run;
        }
    }
    let pairs = nibbles.chunks(2);
    out.extend(pairs.map(|pair| pair[0] | pair.get(1).unwrap_or(&0) << 4));
}

/// Reads what [`write_lengths`] wrote.
pub(super) fn read_lengths(from: &mut &[u8]) -> Result<Lengths> {
    let mut lengths = [0; 256];
    let mut at = 0;
    let mut half = None;
    let mut nibble = |from: &mut &[u8]| match half.take() {
        Some(high) => Ok(high),
        None => {
            let (&byte, rest) = from
                .split_first()
                .ok_or_else(|| corrupt("it ends in a code"))?;
            *from = rest;
            half = Some(byte >> 4);
            Ok(byte & 15)
        }
    };
    while at < 256 {
        match nibble(from)? {
            0 => at += usize::from(nibble(from)?) + 1,
            length => {
                lengths[at] = length;
                at += 1;
            }
        }
    }
    if at > 256 {
        return Err(corrupt("a code of more than 256 symbols"));
    }
    Ok(lengths)
}

/// Every symbol's code word, first bit lowest; symbols of equal length in order.
fn words(lengths: &Lengths) -> [u16; 256] {
    let mut words = [0; 256];
    let mut next = 0u16;
    for length in 1..=MAX_BITS {
        for symbol in 0..256 {
            if u32::from(lengths[symbol]) == length {
                words[symbol] = next.reverse_bits() >> (16 - length);
                next = next.wrapping_add(1);
            }
        }
        next = next.wrapping_shl(1);
    }
    words
}

/// A code to write with: words, with their lengths above bit 16.
pub(super) struct Encoder(pub(super) [u32; 256]);

impl Encoder {
    pub fn new(lengths: &Lengths) -> Self {
        let words = words(lengths);
        Self(std::array::from_fn(|symbol| {
            u32::from(words[symbol]) | u32::from(lengths[symbol]) << 16
        }))
    }
}

/// A code to read with: symbols, with their lengths above bit 8, by the next bits.
pub(super) struct Decoder(pub(super) Option<Box<[u16; 1 << MAX_BITS]>>);

impl Decoder {
    /// A code without symbols is `None` inside.
    ///
    /// # Errors
    /// When the lengths are no complete prefix code.
    pub fn new(lengths: &Lengths) -> Result<Self> {
        let used = || lengths.iter().filter(|&&length| length > 0);
        if used().count() == 0 {
            return Ok(Self(None));
        }
        if used().any(|&length| u32::from(length) > MAX_BITS) {
            return Err(corrupt("a code word of more than 11 bits"));
        }
        let only = used().count() == 1;
        let room: u32 = used()
            .map(|&length| 1 << (MAX_BITS - u32::from(length)))
            .sum();
        if room != 1 << MAX_BITS && !(only && room == 1 << (MAX_BITS - 1)) {
            return Err(corrupt("an incomplete code"));
        }
        let words = words(lengths);
        let mut table = Box::new([0; 1 << MAX_BITS]);
        for (symbol, &length) in lengths.iter().enumerate().filter(|(_, &l)| l > 0) {
            let entry = symbol as u16 | u16::from(length) << 8;
            // The only word of a code stands for both values of its bit.
            let step = if only { 1 } else { 1 << length };
            for at in (usize::from(words[symbol])..table.len()).step_by(step) {
                table[at] = entry;
            }
        }
        Ok(Self(Some(table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_refused() {
        let mut lengths = [0; 256];
        assert!(Decoder::new(&lengths).unwrap().0.is_none());
        lengths[0] = 2;
        assert!(Decoder::new(&lengths).is_err());
        lengths[1..4].fill(1);
        assert!(Decoder::new(&lengths).is_err());
        assert!(Decoder::new(&[12; 256]).is_err());
        assert!(read_lengths(&mut [0xff; 3].as_slice()).is_err());
        // 250 lengths, then a run of 16 zeros.
        let mut bytes = vec![0x88; 125];
        bytes.push(0xf0);
        assert!(read_lengths(&mut bytes.as_slice()).is_err());
    }
}
