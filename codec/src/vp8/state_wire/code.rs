// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prefix codes over bytes, and the four bit streams that carry code words.
//!
//! Word *i* of a run goes into stream *i* mod 4, so that a decoder has four
//! independent chains of work. Bits fill bytes from the least significant one.

use super::corrupt;
use crate::error::Result;

/// Longest code word: four fit into what a refill of a bit buffer gives.
const MAX_BITS: u32 = 11;
/// Streams side by side.
const STREAMS: usize = 4;
/// Words between two refills of all streams.
pub(super) const GROUP: usize = 4 * STREAMS;

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
pub(super) struct Encoder([u32; 256]);

impl Encoder {
    pub fn new(lengths: &Lengths) -> Self {
        let words = words(lengths);
        Self(std::array::from_fn(|symbol| {
            u32::from(words[symbol]) | u32::from(lengths[symbol]) << 16
        }))
    }
}

/// A code to read with: symbols, with their lengths above bit 8, by the next bits.
pub(super) struct Decoder(Option<Box<[u16; 1 << MAX_BITS]>>);

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

/// One stream being written.
struct BitWriter {
    bytes: Vec<u8>,
    at: usize,
    pending: u64,
    bits: u32,
}

impl BitWriter {
    /// Moves whole bytes of what is pending into place.
    fn flush(&mut self) {
        self.bytes[self.at..self.at + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.at += self.bits as usize / 8;
        self.pending >>= self.bits & !7;
        self.bits &= 7;
    }
}

/// Four streams being written.
pub(super) struct Writer([BitWriter; STREAMS]);

impl Writer {
    /// For at most `symbols` code words.
    pub fn new(symbols: usize) -> Self {
        let room = symbols.div_ceil(STREAMS) * MAX_BITS as usize / 8 + 16;
        Self(std::array::from_fn(|_| BitWriter {
            bytes: vec![0; room],
            at: 0,
            pending: 0,
            bits: 0,
        }))
    }

    /// Adds `symbols`, a multiple of [`GROUP`].
    pub fn write(&mut self, code: &Encoder, symbols: &[u8]) {
        for group in symbols.chunks_exact(GROUP) {
            for (k, stream) in self.0.iter_mut().enumerate() {
                for n in 0..4 {
                    let entry = code.0[usize::from(group[4 * n + k])];
                    stream.pending |= u64::from(entry as u16) << stream.bits;
                    stream.bits += entry >> 16;
                }
                stream.flush();
            }
        }
    }

    /// Appends the streams to `out`: their sizes, then their bytes.
    pub fn finish(self, out: &mut Vec<u8>) {
        let sizes = self.0.each_ref().map(|s| s.at + usize::from(s.bits > 0));
        for size in sizes {
            out.extend((size as u32).to_le_bytes());
        }
        for (mut stream, size) in self.0.into_iter().zip(sizes) {
            stream.flush();
            stream.bytes[stream.at] = stream.pending as u8;
            out.extend_from_slice(&stream.bytes[..size]);
        }
    }
}

/// One stream being read.
struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    pending: u64,
    bits: u32,
}

impl BitReader<'_> {
    /// Fills up to 56 bits or more; zeros come after the end.
    #[inline(always)]
    fn refill(&mut self) {
        let next = match self.bytes.get(self.at..).and_then(|b| b.first_chunk()) {
            Some(&word) => u64::from_le_bytes(word),
            None => self.tail(),
        };
        self.pending |= next << self.bits;
        self.at += (63 - self.bits as usize) / 8;
        self.bits |= 56;
    }

    #[cold]
    fn tail(&self) -> u64 {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    /// Whether exactly its bytes were needed.
    fn is_used_up(&self) -> bool {
        (self.at * 8 - self.bits as usize).div_ceil(8) == self.bytes.len()
    }
}

/// Four streams being read.
pub(super) struct Reader<'a>([BitReader<'a>; STREAMS]);

impl<'a> Reader<'a> {
    /// Takes the streams that [`Writer::finish`] wrote off `from`.
    pub fn new(from: &mut &'a [u8]) -> Result<Self> {
        let short = || corrupt("it ends in a stream of code words");
        let mut sizes = [0; STREAMS];
        for size in &mut sizes {
            let (bytes, rest) = from.split_first_chunk().ok_or_else(short)?;
            (*size, *from) = (u32::from_le_bytes(*bytes) as usize, rest);
        }
        let mut streams = [&[][..]; STREAMS];
        for (stream, size) in streams.iter_mut().zip(sizes) {
            (*stream, *from) = from.split_at_checked(size).ok_or_else(short)?;
        }
        Ok(Self(streams.map(|bytes| BitReader {
            bytes,
            at: 0,
            pending: 0,
            bits: 0,
        })))
    }

    /// Fills `symbols`, a multiple of [`GROUP`].
    ///
    /// # Errors
    /// When the code has no symbols.
    pub fn read(&mut self, code: &Decoder, symbols: &mut [u8]) -> Result<()> {
        let table = code
            .0
            .as_deref()
            .ok_or_else(|| corrupt("a block of an empty code"))?;
        for group in symbols.chunks_exact_mut(GROUP) {
            for stream in &mut self.0 {
                stream.refill();
            }
            for n in 0..4 {
                for (k, stream) in self.0.iter_mut().enumerate() {
                    let entry = table[stream.pending as usize % table.len()];
                    stream.pending >>= entry >> 8;
                    stream.bits -= u32::from(entry >> 8);
                    group[4 * n + k] = entry as u8;
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// When more was read than the streams hold.
    pub fn check(&self) -> Result<()> {
        let within = |s: &BitReader| s.at * 8 - s.bits as usize <= s.bytes.len() * 8;
        if self.0.iter().all(within) {
            Ok(())
        } else {
            Err(corrupt("it ends in a stream of code words"))
        }
    }

    /// # Errors
    /// When the streams were longer or shorter than what was read.
    pub fn finish(self) -> Result<()> {
        if self.0.iter().all(BitReader::is_used_up) {
            Ok(())
        } else {
            Err(corrupt("streams of code words of another length"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn comes_back(counts: &[u32; 256], symbols: &[u8]) {
        let lengths = lengths(counts);
        let mut bytes = Vec::new();
        write_lengths(&mut bytes, &lengths);
        let mut writer = Writer::new(symbols.len());
        writer.write(&Encoder::new(&lengths), symbols);
        writer.finish(&mut bytes);
        let mut from = bytes.as_slice();
        let code = Decoder::new(&read_lengths(&mut from).unwrap()).unwrap();
        let mut reader = Reader::new(&mut from).unwrap();
        let mut read = vec![0; symbols.len()];
        reader.read(&code, &mut read).unwrap();
        reader.finish().unwrap();
        assert!(from.is_empty() && read == symbols);
    }

    #[test]
    fn lopsided_counts_get_short_words() {
        // Fibonacci's numbers make Huffman's deepest trees.
        let mut counts = [0; 256];
        let (mut a, mut b) = (1, 1);
        for count in counts.iter_mut().skip(3).take(40) {
            *count = a;
            (a, b) = (b, a + b);
        }
        let symbols: Vec<u8> = (0..320).map(|n| 3 + (n % 40) as u8).collect();
        comes_back(&counts, &symbols);
        comes_back(&[1; 256], &(0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_single_symbol_has_a_code() {
        let mut counts = [0; 256];
        counts[77] = 9;
        comes_back(&counts, &[77; 160]);
    }

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

    proptest! {
        #[test]
        fn symbols_come_back(
            spread in 1u32..=256,
            seeds in prop::collection::vec(any::<(u32, u32)>(), 0..40),
        ) {
            // Squared, so that small symbols are frequent.
            let groups = seeds.iter().flat_map(|&(a, b)| {
                (0..GROUP as u32).map(move |n| a.rotate_left(n).wrapping_mul(b | 1) >> 8)
            });
            let symbols: Vec<u8> = groups
                .map(|n| ((u64::from(n).pow(2) * u64::from(spread)) >> 48) as u8)
                .collect();
            let mut counts = [0; 256];
            for &symbol in &symbols {
                counts[usize::from(symbol)] += 1;
            }
            if !symbols.is_empty() {
                comes_back(&counts, &symbols);
            }
        }
    }
}
