// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation.

use crate::dsp::table::ZIGZAG;
use crate::dsp::Quantiser;

/// Levels in raster order, and their end in zigzag order.
pub(in crate::dsp) fn quantise(
    coeffs: &[i16; 16],
    by: &Quantiser,
    levels: &mut [i16; 16],
) -> usize {
    for (i, (&c, level)) in coeffs.iter().zip(levels.iter_mut()).enumerate() {
        let size = c.saturating_abs();
        *level = if size < by.zero_bin()[i] {
            0
        } else {
            size.saturating_add(by.round()[i]) / by.step()[i] * c.signum()
        };
    }
    let last = ZIGZAG.iter().rposition(|&at| levels[usize::from(at)] != 0);
    last.map_or(0, |last| last + 1)
}

pub(in crate::dsp) fn dequantise(levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16] {
    std::array::from_fn(|i| levels[i].wrapping_mul(step[i]))
}
