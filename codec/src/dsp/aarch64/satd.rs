// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sums of absolute Hadamard-transformed differences: columns first, then the
//! first step of rows.
//!
//! The last step is left out: of two values that it would add and subtract, the
//! absolute values of sum and difference add up to twice the greater absolute
//! value, and the halving is asked for.

#![allow(unsafe_code)]

use super::memory::*;
use std::arch::aarch64::*;

/// Samples of a less those of b.
#[inline(always)]
pub(super) unsafe fn subtract(a: uint8x8_t, b: uint8x8_t) -> int16x8_t {
    vreinterpretq_s16_u16(vsubl_u8(a, b))
}

/// Sum and difference.
#[inline(always)]
unsafe fn butterfly(a: int16x8_t, b: int16x8_t) -> [int16x8_t; 2] {
    [vaddq_s16(a, b), vsubq_s16(a, b)]
}

/// The transform of two rows of 4 in each of two registers, with their last
/// step as said above: what is to be added up.
#[inline(always)]
unsafe fn rows(a: int16x8_t, b: int16x8_t) -> uint16x8_t {
    let [sum, difference] = butterfly(vtrn1q_s16(a, b), vtrn2q_s16(a, b));
    // Both rows' values now stand side by side, in 32 bits.
    let (sum, difference) = (
        vreinterpretq_s32_s16(sum),
        vreinterpretq_s32_s16(difference),
    );
    let even = vreinterpretq_s16_s32(vtrn1q_s32(sum, difference));
    let odd = vreinterpretq_s16_s32(vtrn2q_s32(sum, difference));
    vreinterpretq_u16_s16(vmaxq_s16(vabsq_s16(even), vabsq_s16(odd)))
}

/// Two 4×4 blocks side by side.
#[inline(always)]
unsafe fn two_blocks(p: *const u8, p_stride: usize, q: *const u8, q_stride: usize) -> uint16x8_t {
    let mut r = [vdupq_n_s16(0); 4];
    for (y, r) in r.iter_mut().enumerate() {
        *r = subtract(load8(p.add(y * p_stride)), load8(q.add(y * q_stride)));
    }
    let ([a, b], [c, d]) = (butterfly(r[0], r[1]), butterfly(r[2], r[3]));
    let ([e, f], [g, h]) = (butterfly(a, c), butterfly(b, d));
    vaddq_u16(rows(e, f), rows(g, h))
}

/// `W` is 8 or 16.
pub(super) unsafe fn satd<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sum = vdupq_n_u16(0);
    for y in (0..H).step_by(4) {
        for x in (0..W).step_by(8) {
            let (p, q) = (p.add(y * a_stride + x), q.add(y * b_stride + x));
            // At most 8 times 2 values of 2,040 to a lane.
            sum = vaddq_u16(sum, two_blocks(p, a_stride, q, b_stride));
        }
    }
    vaddlvq_u16(sum)
}

pub(super) unsafe fn satd_4x4(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut r = [vdupq_n_s16(0); 2];
    for (i, r) in r.iter_mut().enumerate() {
        let (p, q) = (p.add(2 * i * a_stride), q.add(2 * i * b_stride));
        *r = subtract(load4x2(p, p.add(a_stride)), load4x2(q, q.add(b_stride)));
    }
    // Rows 0 and 1 in the halves of both, then the halves against each other.
    let [sum, difference] = butterfly(r[0], r[1]);
    let (sum, difference) = (
        vreinterpretq_s64_s16(sum),
        vreinterpretq_s64_s16(difference),
    );
    let first = vreinterpretq_s16_s64(vzip1q_s64(sum, difference));
    let second = vreinterpretq_s16_s64(vzip2q_s64(sum, difference));
    let [a, b] = butterfly(first, second);
    vaddlvq_u16(rows(a, b))
}
