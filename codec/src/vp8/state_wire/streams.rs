// SPDX-License-Identifier: MIT OR Apache-2.0
//! The four bit streams that carry code words.
//!
//! Word *i* of a run goes into stream *i* mod 4, so that a decoder has four
//! independent chains of work. Bits fill bytes from the least significant one.

use super::code::{Decoder, Encoder, MAX_BITS};
use super::corrupt;
use crate::error::Result;

/// Streams side by side.
const STREAMS: usize = 4;
/// Words between two refills of all streams.
pub(super) const GROUP: usize = 4 * STREAMS;

/// One stream being written.
struct BitWriter {
    bytes: Vec<u8>,
    at: usize,
    pending: u64,
    bits: u32,
}

impl BitWriter {
    /// Moves whole bytes of what is pending into place.
    #[inline(always)]
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
    #[inline(always)]
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
#[derive(Clone, Copy)]
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
    #[inline(always)]
    pub fn read(&mut self, code: &Decoder, symbols: &mut [u8]) -> Result<()> {
        let table = code
            .0
            .as_deref()
            .ok_or_else(|| corrupt("a block of an empty code"))?;
        // Behind a reference each word would wait for the last one's stores.
        let mut streams = self.0;
        for group in symbols.chunks_exact_mut(GROUP) {
            for stream in &mut streams {
                stream.refill();
            }
            for n in 0..4 {
                for (k, stream) in streams.iter_mut().enumerate() {
                    let entry = table[stream.pending as usize % table.len()];
                    stream.pending >>= entry >> 8;
                    stream.bits -= u32::from(entry >> 8);
                    group[4 * n + k] = entry as u8;
                }
            }
        }
        self.0 = streams;
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
    use super::super::code::{lengths, read_lengths, write_lengths};
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
