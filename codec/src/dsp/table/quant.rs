// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation (RFC 6386 §14.1 has the way back): the table and its methods.

#![allow(unsafe_code)]

use crate::dsp::Dsp;

/// Raster index of the n-th coefficient of a block in coding order (RFC 6386 §13).
pub(crate) static ZIGZAG: [u8; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

/// How the coefficients of a block become levels, by their place in raster
/// order.
///
/// A coefficient c that is nearer to zero than `zero_bin` has level 0; another
/// has level `(|c| + round) / step`, rounded down, with c's sign. A c of 0 has
/// level 0 whatever the rounding. `|c|` and the sum saturate to 32,767.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantiser {
    zero_bin: [i16; 16],
    round: [i16; 16],
    step: [i16; 16],
    /// `2^16 (2^k / step - 1)`, rounded down, plus 1; k is the place of the
    /// step's highest bit.
    pub(in crate::dsp) reciprocal: [i16; 16],
    /// `2^(16 - k)`.
    pub(in crate::dsp) scale: [u16; 16],
}

impl Quantiser {
    /// A quantiser of these tables.
    ///
    /// # Panics
    /// If a step is less than 2 (VP8's are in 4..=440, RFC 6386 §14.1), or a
    /// rounding is negative.
    pub fn new(step: [i16; 16], round: [i16; 16], zero_bin: [i16; 16]) -> Self {
        assert!(step.iter().all(|&step| step >= 2), "steps {step:?}");
        assert!(round.iter().all(|&round| round >= 0), "rounds {round:?}");
        let bits = step.map(i16::ilog2);
        let reciprocal = |i: usize| {
            let whole = (1u32 << (16 + bits[i])) / step[i] as u32 + 1;
            (whole as i32 - 65_536) as i16
        };
        Self {
            zero_bin,
            round,
            step,
            reciprocal: std::array::from_fn(reciprocal),
            scale: bits.map(|bits| 1 << (16 - bits)),
        }
    }

    /// The steps, by which levels are multiplied to have coefficients again.
    #[inline]
    pub const fn step(&self) -> &[i16; 16] {
        &self.step
    }

    /// What is added to a coefficient's absolute value.
    #[inline]
    pub const fn round(&self) -> &[i16; 16] {
        &self.round
    }

    /// The least absolute values that may have a level.
    #[inline]
    pub const fn zero_bin(&self) -> &[i16; 16] {
        &self.zero_bin
    }
}

#[derive(Debug)]
pub(in crate::dsp) struct Quant {
    pub quantise: unsafe fn(&[i16; 16], &Quantiser, &mut [i16; 16]) -> usize,
    pub dequantise: unsafe fn(&[i16; 16], &[i16; 16]) -> [i16; 16],
}

impl Dsp {
    /// Writes the levels of a block, in raster order, and returns their end:
    /// how many there are in zigzag order up to the last that is not zero.
    ///
    /// Any coefficients will do. A DC that goes into the Y2 block instead is
    /// set to zero before.
    #[inline]
    pub fn quantise(&self, coeffs: &[i16; 16], by: &Quantiser, levels: &mut [i16; 16]) -> usize {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.quant.quantise)(coeffs, by, levels) }
    }

    /// The coefficients that a decoder sees: levels times steps, wrapping in 16
    /// bits. (Levels of [`quantise`](Self::quantise) wrap only where the
    /// coefficient and its rounding are over 32,767 together.)
    #[inline]
    pub fn dequantise(&self, levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16] {
        // SAFETY: the CPU has this table's level.
        unsafe { (self.quant.dequantise)(levels, step) }
    }
}
