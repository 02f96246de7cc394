// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coefficients (RFC 6386 §13).

use super::bool_coder::BoolReader;
use super::quant::{Quantizer, Steps};
use super::tables::{CATEGORY_3, CATEGORY_4, CATEGORY_5, CATEGORY_6, COEFFICIENT_BANDS, ZIGZAG};

/// Probabilities of one kind of block by position instead of band, and padded,
/// so that the way to them is short. Position 16 is behind the last.
type Positions = [[[u8; 16]; 4]; 17];

/// Probabilities of a frame, by kind: luma without DC, second-order luma,
/// chroma, luma with DC.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenProbs([Positions; 4]);

impl TokenProbs {
    /// Takes a frame's probabilities.
    pub fn set(&mut self, probs: &[[[[u8; 11]; 3]; 8]; 4]) {
        for (positions, bands) in self.0.iter_mut().zip(probs) {
            for (position, &band) in positions.iter_mut().zip(&COEFFICIENT_BANDS) {
                for (padded, probs) in position.iter_mut().zip(&bands[usize::from(band)]) {
                    padded[..11].copy_from_slice(probs);
                }
            }
        }
    }
}

/// Blocks of a macroblock: 16 luma, 4 U, 4 V, second-order luma.
pub(crate) const BLOCKS: usize = 25;
/// Index of the second-order luma block.
pub(crate) const Y2: usize = 24;

/// Whether neighbouring blocks have coefficients: 4 luma, 2 U, 2 V, second-order luma.
pub(crate) type Context = [u8; 9];

/// Dequantised coefficients of one macroblock.
#[derive(Clone, Debug)]
pub(crate) struct Residual {
    /// In raster order, block by block. Zero between macroblocks.
    pub coefficients: [i16; 16 * BLOCKS],
    /// Coefficients of each block up to its last coded one; 0 is none.
    pub ends: [u8; BLOCKS],
}

impl Default for Residual {
    fn default() -> Self {
        Self {
            coefficients: [0; 16 * BLOCKS],
            ends: [0; BLOCKS],
        }
    }
}

impl Residual {
    /// The coefficients of a block.
    #[inline(always)]
    pub fn block(&mut self, block: usize) -> &mut [i16; 16] {
        let (blocks, _) = self.coefficients.as_chunks_mut();
        &mut blocks[block]
    }

    /// Reads a macroblock's coefficients; says whether there are any.
    #[inline(always)]
    pub fn read(
        &mut self,
        reader: &mut BoolReader<'_>,
        probs: &TokenProbs,
        quantizer: &Quantizer,
        has_y2: bool,
        above: &mut Context,
        left: &mut Context,
    ) -> bool {
        // A copy can live in registers.
        let mut bits = *reader;
        let (mut first, mut luma, mut any) = (0, &probs.0[3], 0);
        if has_y2 {
            let context = usize::from(above[8] + left[8]);
            let out = self.block(Y2);
            let end = read_block(&mut bits, &probs.0[1], context, 0, quantizer.y2, out);
            (above[8], left[8]) = (u8::from(end > 0), u8::from(end > 0));
            self.ends[Y2] = end as u8;
            (first, luma, any) = (1, &probs.0[0], end);
        }
        for block in 0..16 {
            let (above, left) = (&mut above[block & 3], &mut left[block >> 2]);
            let context = usize::from(*above + *left);
            let out = self.block(block);
            let end = read_block(&mut bits, luma, context, first, quantizer.y, out);
            (*above, *left) = (u8::from(end > 0), u8::from(end > 0));
            self.ends[block] = end as u8;
            any |= end;
        }
        for block in 16..24 {
            let plane = 4 + (block - 16) / 4 * 2;
            let (above, left) = (
                &mut above[plane + (block & 1)],
                &mut left[plane + (block >> 1 & 1)],
            );
            let context = usize::from(*above + *left);
            let out = self.block(block);
            let end = read_block(&mut bits, &probs.0[2], context, 0, quantizer.uv, out);
            (*above, *left) = (u8::from(end > 0), u8::from(end > 0));
            self.ends[block] = end as u8;
            any |= end;
        }
        *reader = bits;
        any > 0
    }
}

/// Reads one block's tokens from position `first`; gives the position behind
/// the last one, or 0 when there is none.
#[inline(always)]
fn read_block(
    bits: &mut BoolReader<'_>,
    probs: &Positions,
    context: usize,
    first: usize,
    steps: Steps,
    out: &mut [i16; 16],
) -> usize {
    let mut position = first;
    let mut p = &probs[position][context & 3];
    if !bits.bool(p[0]) {
        return 0;
    }
    loop {
        while !bits.bool(p[1]) {
            position += 1;
            p = &probs[position][0];
            if position == 16 {
                return 16;
            }
        }
        let (value, context) = if bits.bool(p[2]) {
            (read_large(bits, p), 2)
        } else {
            (1, 1)
        };
        let step = if position == 0 { steps.dc } else { steps.ac };
        out[usize::from(ZIGZAG[position])] = (bits.signed(value) * step) as i16;
        position += 1;
        p = &probs[position][context];
        if position == 16 || !bits.bool(p[0]) {
            return position;
        }
    }
}

/// A value of 2 or more (§13.2).
#[inline(always)]
fn read_large(bits: &mut BoolReader<'_>, p: &[u8; 16]) -> i32 {
    if !bits.bool(p[3]) {
        if !bits.bool(p[4]) {
            return 2;
        }
        return 3 + i32::from(bits.bool(p[5]));
    }
    if !bits.bool(p[6]) {
        if !bits.bool(p[7]) {
            return 5 + i32::from(bits.bool(159));
        }
        let high = i32::from(bits.bool(165));
        return 7 + 2 * high + i32::from(bits.bool(145));
    }
    let high = bits.bool(p[8]);
    let low = bits.bool(p[9 + usize::from(high)]);
    let (base, extra): (i32, &[u8]) = match (high, low) {
        (false, false) => (11, &CATEGORY_3),
        (false, true) => (19, &CATEGORY_4),
        (true, false) => (35, &CATEGORY_5),
        (true, true) => (67, &CATEGORY_6),
    };
    let more = extra
        .iter()
        .fold(0, |value, &prob| 2 * value + i32::from(bits.bool(prob)));
    base + more
}
