// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boolean encoder of RFC 6386 §7.3, for the headers that tests make up.

/// Bits with their probabilities in, bytes out.
pub struct BitWriter {
    bytes: Vec<u8>,
    range: u32,
    bottom: u32,
    shifts: u32,
}

impl Default for BitWriter {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            range: 255,
            bottom: 0,
            shifts: 24,
        }
    }
}

impl BitWriter {
    /// One bit that is 0 with `zero` in 256.
    pub fn put(&mut self, zero: u8, bit: bool) {
        let split = 1 + (((self.range - 1) * u32::from(zero)) >> 8);
        if bit {
            self.bottom = self.bottom.wrapping_add(split);
            self.range -= split;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.range <<= 1;
            if self.bottom & (1 << 31) != 0 {
                self.carry();
            }
            self.bottom <<= 1;
            self.shifts -= 1;
            if self.shifts == 0 {
                self.bytes.push((self.bottom >> 24) as u8);
                self.bottom &= 0x00ff_ffff;
                self.shifts = 8;
            }
        }
    }

    fn carry(&mut self) {
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// A flag of even chances.
    pub fn flag(&mut self, bit: bool) -> bool {
        self.put(128, bit);
        bit
    }

    /// The low `bits` of `value`, highest first.
    pub fn number(&mut self, bits: u32, value: u32) {
        for bit in (0..bits).rev() {
            self.put(128, value >> bit & 1 != 0);
        }
    }

    /// A flag whether it is there, then magnitude and sign.
    pub fn optional(&mut self, bits: u32, value: Option<i32>) {
        if self.flag(value.is_some()) {
            let value = value.unwrap_or(0);
            self.number(bits, value.unsigned_abs());
            self.flag(value < 0);
        }
    }

    /// All bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.number(32, 0);
        self.bytes
    }
}
