// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation.
//!
//! A division by a step is two multiplications whose upper halves are kept:
//! first by what the reciprocal has over one, then by a power of two. NEON's
//! doubles, so the first result is halved and the second factor is.

#![allow(unsafe_code)]

use crate::dsp::table::ZIGZAG;
use crate::dsp::Quantiser;
use std::arch::aarch64::*;

/// Where a block ends whose last level is the one at this place in raster
/// order.
const ENDS: [u8; 16] = {
    let (mut ends, mut i) = ([0; 16], 0);
    while i < 16 {
        ends[ZIGZAG[i] as usize] = i as u8 + 1;
        i += 1;
    }
    ends
};

/// 8 values from `i` on.
#[inline(always)]
unsafe fn half(values: &[i16; 16], i: usize) -> int16x8_t {
    vld1q_s16(values.as_ptr().add(i))
}

/// The 8 levels from `i` on.
#[inline(always)]
unsafe fn levels_of(coeffs: &[i16; 16], by: &Quantiser, i: usize) -> int16x8_t {
    let c = half(coeffs, i);
    let size = vqabsq_s16(c);
    let alive = vandq_u16(vcgeq_s16(size, half(by.zero_bin(), i)), vtstq_s16(c, c));
    let x = vqaddq_s16(size, half(by.round(), i));
    let x = vsraq_n_s16::<1>(x, vqdmulhq_s16(x, half(&by.reciprocal, i)));
    // Even, and at most 2^15 before.
    let scale = vshrq_n_u16::<1>(vld1q_u16(by.scale.as_ptr().add(i)));
    let x = vqdmulhq_s16(x, vreinterpretq_s16_u16(scale));
    let x = vandq_s16(x, vreinterpretq_s16_u16(alive));
    let minus = vshrq_n_s16::<15>(c);
    vsubq_s16(veorq_s16(x, minus), minus)
}

/// All ones where a level is not zero, in 8 bits.
#[inline(always)]
unsafe fn not_zero(levels: int16x8_t) -> uint8x8_t {
    vmovn_u16(vtstq_s16(levels, levels))
}

pub(super) unsafe fn quantise(coeffs: &[i16; 16], by: &Quantiser, levels: &mut [i16; 16]) -> usize {
    let (low, high) = (levels_of(coeffs, by, 0), levels_of(coeffs, by, 8));
    vst1q_s16(levels.as_mut_ptr(), low);
    vst1q_s16(levels.as_mut_ptr().add(8), high);
    let there = vcombine_u8(not_zero(low), not_zero(high));
    vmaxvq_u8(vandq_u8(there, vld1q_u8(ENDS.as_ptr()))).into()
}

pub(super) unsafe fn dequantise(levels: &[i16; 16], step: &[i16; 16]) -> [i16; 16] {
    let mut out = [0; 16];
    for i in [0, 8] {
        let product = vmulq_s16(half(levels, i), half(step, i));
        vst1q_s16(out.as_mut_ptr().add(i), product);
    }
    out
}
