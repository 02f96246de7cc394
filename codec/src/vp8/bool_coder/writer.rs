// SPDX-License-Identifier: MIT OR Apache-2.0

/// Takes booleans of stated probabilities.
///
/// What is coded is described once, as calls on this trait; a [`BoolWriter`]
/// makes bits of it and a [`Cost`](crate::vp8::encode::Cost) counts them.
pub(crate) trait BoolSink {
    /// One boolean that is false with a probability of `prob` in 256.
    fn bool(&mut self, prob: u8, bit: bool);

    /// One bit, either way alike.
    #[inline(always)]
    fn bit(&mut self, bit: bool) {
        self.bool(128, bit);
    }

    /// An unsigned number of `bits` bits, the highest first.
    fn literal(&mut self, bits: u32, value: u32) {
        for bit in (0..bits).rev() {
            self.bit(value >> bit & 1 == 1);
        }
    }

    /// A number that is mostly 0: a flag, `bits` bits and a sign.
    fn optional_signed(&mut self, bits: u32, value: i32) {
        self.bit(value != 0);
        if value != 0 {
            self.literal(bits, value.unsigned_abs());
            self.bit(value < 0);
        }
    }
}

/// Writes one partition (RFC 6386 §7.3).
#[derive(Clone, Debug)]
pub(crate) struct BoolWriter {
    out: Vec<u8>,
    /// The code's low end: `8 + count` bits that are not in `out` yet, and one
    /// above them for a carry.
    low: u64,
    /// Range of the coder, 128 to 255 between two writes.
    range: u32,
    count: u32,
}

impl BoolWriter {
    pub const fn new() -> Self {
        Self {
            out: Vec::new(),
            low: 0,
            range: 255,
            count: 0,
        }
    }

    /// Moves 32 bits to the output.
    fn flush(&mut self) {
        let rest = self.count + 8 - 32;
        let top = self.low >> rest;
        self.low &= (1 << rest) - 1;
        self.count -= 32;
        if top >> 32 != 0 {
            carry(&mut self.out);
        }
        self.out.extend_from_slice(&(top as u32).to_be_bytes());
    }

    /// The partition. It has all bits that a reader looks at, so that none gets
    /// past its end, and at least one more: FFmpeg takes a partition for cut off
    /// when it begins eleven macroblocks with no bit ahead, though they need none.
    pub fn finish(mut self) -> Vec<u8> {
        let bits = self.count + 8;
        let bytes = bits / 8 + 1;
        let aligned = self.low << (bytes * 8 - bits);
        if aligned >> (bytes * 8) != 0 {
            carry(&mut self.out);
        }
        let tail = aligned.to_be_bytes();
        self.out.extend_from_slice(&tail[8 - bytes as usize..]);
        self.out
    }
}

/// Adds one to the number that `out` is.
#[cold]
fn carry(out: &mut [u8]) {
    for byte in out.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

impl BoolSink for BoolWriter {
    #[inline(always)]
    fn bool(&mut self, prob: u8, bit: bool) {
        let split = 1 + (((self.range - 1) * u32::from(prob)) >> 8);
        let range = if bit {
            self.low += u64::from(split);
            self.range - split
        } else {
            split
        };
        let shift = range.leading_zeros() - 24;
        self.range = range << shift;
        self.low <<= shift;
        self.count += shift;
        if self.count >= 40 {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vp8::bool_coder::BoolReader;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bools in prop::collection::vec((1..=255u8, any::<bool>()), 0..4000)) {
            let mut writer = BoolWriter::new();
            for &(prob, bit) in &bools {
                writer.bool(prob, bit);
            }
            let looked_at = writer.out.len() * 8 + writer.count as usize + 8;
            let bytes = writer.finish();
            prop_assert!((looked_at + 1..=looked_at + 8).contains(&(bytes.len() * 8)));
            let mut reader = BoolReader::new(&bytes);
            for &(prob, bit) in &bools {
                prop_assert_eq!(reader.bool(prob), bit);
            }
            prop_assert!(!reader.is_exhausted());
        }
    }

    #[test]
    fn carries_run_through() {
        // Likely falses, then what is least likely: a low end near the top.
        for unlikely in 0..400 {
            let mut writer = BoolWriter::new();
            let bools: Vec<_> = (0..unlikely)
                .map(|_| (1, true))
                .chain([(255, true); 40])
                .collect();
            for &(prob, bit) in &bools {
                writer.bool(prob, bit);
            }
            let bytes = writer.finish();
            let mut reader = BoolReader::new(&bytes);
            assert!(bools.iter().all(|&(prob, bit)| reader.bool(prob) == bit));
        }
    }
}
