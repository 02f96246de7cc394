// SPDX-License-Identifier: MIT OR Apache-2.0

/// Added to the count of bits at the end of the data, from where on zeros are read.
const BEYOND: i32 = 1 << 30;

/// Reads booleans of stated probabilities from one partition.
///
/// Reading never fails. Past the end of the data it goes on with zeros, as
/// libvpx does, and [`is_exhausted`](Self::is_exhausted) tells of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoolReader<'a> {
    /// What has not been loaded yet.
    data: &'a [u8],
    /// The window: the next bit of the code is its top bit.
    value: u64,
    /// Range of the coder, 128 to 255 between two reads.
    range: u32,
    /// Bits in the window past its top 8; negative when it must be filled.
    count: i32,
}

impl<'a> BoolReader<'a> {
    /// Starts at the beginning of a partition.
    pub fn new(data: &'a [u8]) -> Self {
        let mut reader = Self {
            data,
            value: 0,
            range: 255,
            count: -8,
        };
        reader.fill();
        reader
    }

    /// Whether bits were used that the data does not have. A code that ends
    /// where its writer ended it never gets there: the last 8 bits are spare.
    #[inline]
    pub const fn is_exhausted(&self) -> bool {
        self.count > u64::BITS as i32 && self.count < BEYOND
    }

    /// Loads whole bytes until fewer than 8 bits of the window are free.
    #[inline(always)]
    fn fill(&mut self) {
        let free = (48 - self.count) as u32;
        if let (Some(head), true) = (self.data.first_chunk::<8>(), self.data.len() > 8) {
            let bytes = free / 8 + 1;
            let bits = bytes * 8;
            let loaded = u64::from_be_bytes(*head) >> (64 - bits);
            self.value |= loaded << (free + 8 - bits);
            self.count += bits as i32;
            self.data = &self.data[bytes as usize..];
        } else {
            // By value, so that readers can live in registers.
            *self = self.filled_at_end();
        }
    }

    #[cold]
    #[inline(never)]
    fn filled_at_end(mut self) -> Self {
        let mut free = 48 - self.count;
        while free >= 0 {
            let Some((&byte, rest)) = self.data.split_first() else {
                break;
            };
            self.value |= u64::from(byte) << free;
            self.data = rest;
            self.count += 8;
            free -= 8;
        }
        if self.data.is_empty() && self.count < BEYOND {
            self.count += BEYOND;
        }
        self
    }

    /// One boolean that is false with a probability of `prob` in 256.
    #[inline(always)]
    pub fn bool(&mut self, prob: u8) -> bool {
        let split = 1 + (((self.range - 1) * u32::from(prob)) >> 8);
        self.split(split)
    }

    /// One bit, either way alike.
    #[inline(always)]
    pub fn bit(&mut self) -> bool {
        self.bool(128)
    }

    #[inline(always)]
    fn split(&mut self, split: u32) -> bool {
        if self.count < 0 {
            self.fill();
        }
        let big = u64::from(split) << 56;
        let bit = self.value >= big;
        let range = if bit {
            self.value -= big;
            self.range - split
        } else {
            split
        };
        // The range is 1 to 255 here.
        let shift = (range | 1).leading_zeros() - 24;
        self.range = range << shift;
        self.value <<= shift;
        self.count -= shift as i32;
        bit
    }

    /// `value` or its negative, either way alike.
    #[inline(always)]
    pub fn signed(&mut self, value: i32) -> i32 {
        // Half of the range, rounded up, is what a probability of 128 gives.
        let split = (self.range + 1) >> 1;
        if self.split(split) {
            -value
        } else {
            value
        }
    }

    /// An unsigned number of `bits` bits, the highest first.
    pub fn literal(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |value, _| (value << 1) | u32::from(self.bit()))
    }

    /// A number of `bits` bits followed by its sign.
    pub fn signed_literal(&mut self, bits: u32) -> i32 {
        let value = self.literal(bits) as i32;
        if self.bit() {
            -value
        } else {
            value
        }
    }

    /// A flag, then `Some` number with its sign where it is set.
    pub fn optional_signed(&mut self, bits: u32) -> Option<i32> {
        self.bit().then(|| self.signed_literal(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder of §7.3 as it stands there: two bytes, then bit by bit.
    struct Plain<'a> {
        data: &'a [u8],
        at: usize,
        value: u32,
        range: u32,
        bits: u32,
    }

    impl<'a> Plain<'a> {
        fn new(data: &'a [u8]) -> Self {
            let byte = |i: usize| u32::from(data.get(i).copied().unwrap_or(0));
            Self {
                data,
                at: 2,
                value: byte(0) << 8 | byte(1),
                range: 255,
                bits: 0,
            }
        }

        fn bool(&mut self, prob: u8) -> bool {
            let split = 1 + (((self.range - 1) * u32::from(prob)) >> 8);
            let big = split << 8;
            let bit = self.value >= big;
            if bit {
                self.range -= split;
                self.value -= big;
            } else {
                self.range = split;
            }
            while self.range < 128 {
                self.value <<= 1;
                self.range <<= 1;
                self.bits += 1;
                if self.bits == 8 {
                    self.bits = 0;
                    self.value |= u32::from(self.data.get(self.at).copied().unwrap_or(0));
                    self.at += 1;
                }
            }
            bit
        }
    }

    /// Bytes such as a writer makes: a code below the range of 255. Of others
    /// the RFC's reader keeps bits that do not fit the window of this one, and
    /// of libvpx's.
    fn below_the_range(mut data: Vec<u8>) -> Vec<u8> {
        if let Some(first) = data.first_mut() {
            *first = (*first).min(254);
        }
        data
    }

    proptest::proptest! {
        #[test]
        fn reads_what_the_rfc_reads(data: Vec<u8>, probs in proptest::collection::vec(1u8.., 0..4000)) {
            let data = below_the_range(data);
            let (mut reader, mut plain) = (BoolReader::new(&data), Plain::new(&data));
            for prob in probs {
                proptest::prop_assert_eq!(reader.bool(prob), plain.bool(prob));
            }
        }

        #[test]
        fn a_sign_is_a_boolean_of_one_half(data: Vec<u8>) {
            let data = below_the_range(data);
            let (mut reader, mut plain) = (BoolReader::new(&data), Plain::new(&data));
            for _ in 0..data.len() * 8 {
                proptest::prop_assert_eq!(reader.signed(1) < 0, plain.bool(128));
            }
        }
    }

    #[test]
    fn the_end_is_noticed() {
        let empty = BoolReader::new(&[]);
        assert!(empty.is_exhausted());
        let mut reader = BoolReader::new(&[0; 3]);
        // The first one halves a range of 255 and takes no bit of the code.
        for read in 0..18 {
            assert!(!reader.is_exhausted(), "after {read} booleans");
            reader.bit();
        }
        assert!(reader.is_exhausted());
        (0..100_000).for_each(|_| assert!(!reader.bit()));
        assert!(reader.is_exhausted());
    }
}
