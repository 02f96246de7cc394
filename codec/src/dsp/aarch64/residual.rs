// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inverse transforms, two blocks side by side; a block alone has a companion
//! of zeros.
//!
//! Sums wrap. The final rounding is an addition and a shift, since NEON's
//! rounding shift would not wrap.

#![allow(unsafe_code)]

use super::memory::*;
use super::transpose::transpose4x2;
use crate::dsp::block::Dst;
use std::arch::aarch64::*;

/// √2·cos(π/8) - 1 times 65,536, and √2·sin(π/8) times 32,768: the
/// multiplication doubles, so the first wants one more shift.
const COS: i16 = 20_091;
const SIN: i16 = 17_734;

/// Four rows of a block and of a companion of zeros.
#[inline(always)]
pub(super) unsafe fn alone(block: &[i16; 16]) -> [int16x8_t; 4] {
    let (p, zero) = (block.as_ptr(), vdup_n_s16(0));
    [
        vcombine_s16(vld1_s16(p), zero),
        vcombine_s16(vld1_s16(p.add(4)), zero),
        vcombine_s16(vld1_s16(p.add(8)), zero),
        vcombine_s16(vld1_s16(p.add(12)), zero),
    ]
}

/// Four rows of the two blocks at `p`.
#[inline(always)]
pub(super) unsafe fn side_by_side(p: *const i16) -> [int16x8_t; 4] {
    [
        vcombine_s16(vld1_s16(p), vld1_s16(p.add(16))),
        vcombine_s16(vld1_s16(p.add(4)), vld1_s16(p.add(20))),
        vcombine_s16(vld1_s16(p.add(8)), vld1_s16(p.add(24))),
        vcombine_s16(vld1_s16(p.add(12)), vld1_s16(p.add(28))),
    ]
}

#[inline(always)]
unsafe fn iwht_1d(r: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let (a, d) = (vaddq_s16(r[0], r[3]), vsubq_s16(r[0], r[3]));
    let (b, c) = (vaddq_s16(r[1], r[2]), vsubq_s16(r[1], r[2]));
    [
        vaddq_s16(a, b),
        vaddq_s16(d, c),
        vsubq_s16(a, b),
        vsubq_s16(d, c),
    ]
}

pub(super) unsafe fn iwht(input: &[i16; 16]) -> [i16; 16] {
    let columns = transpose4x2(iwht_1d(alone(input)));
    let rows = transpose4x2(iwht_1d(columns));
    let mut output = [0i16; 16];
    for (row, out) in rows.into_iter().zip(output.chunks_exact_mut(4)) {
        let row = vshrq_n_s16::<3>(vaddq_s16(row, vdupq_n_s16(3)));
        vst1_s16(out.as_mut_ptr(), vget_low_s16(row));
    }
    output
}

/// `x` · √2·cos(π/8), rounded down. Wraps.
#[inline(always)]
unsafe fn cos(x: int16x8_t) -> int16x8_t {
    vsraq_n_s16::<1>(x, vqdmulhq_n_s16(x, COS))
}

/// `x` · √2·sin(π/8), rounded down.
#[inline(always)]
unsafe fn sin(x: int16x8_t) -> int16x8_t {
    vqdmulhq_n_s16(x, SIN)
}

#[inline(always)]
unsafe fn idct_1d(r: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let (a, b) = (vaddq_s16(r[0], r[2]), vsubq_s16(r[0], r[2]));
    let c = vsubq_s16(sin(r[1]), cos(r[3]));
    let d = vaddq_s16(cos(r[1]), sin(r[3]));
    [
        vaddq_s16(a, d),
        vaddq_s16(b, c),
        vsubq_s16(b, c),
        vsubq_s16(a, d),
    ]
}

/// The inverse DCT of two blocks, a row of both to a register.
#[inline(always)]
unsafe fn idct(rows: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let mut columns = transpose4x2(idct_1d(rows));
    // Column 0 is added to all outputs, so what rounds them goes in here.
    columns[0] = vaddq_s16(columns[0], vdupq_n_s16(4));
    let mut rows = transpose4x2(idct_1d(columns));
    for row in &mut rows {
        *row = vshrq_n_s16::<3>(*row);
    }
    rows
}

/// Adds residual, no more than 4,096 either way, to samples and clamps them.
#[inline(always)]
unsafe fn add(samples: uint8x8_t, residual: int16x8_t) -> uint8x8_t {
    let sum = vaddw_u8(vreinterpretq_u16_s16(residual), samples);
    vqmovun_s16(vreinterpretq_s16_u16(sum))
}

/// Adds 8×4 residual to the samples at `to`.
#[inline(always)]
unsafe fn add_rows(rows: [int16x8_t; 4], to: *mut u8, stride: usize) {
    for (y, row) in rows.into_iter().enumerate() {
        let p = to.add(y * stride);
        store8(p, add(load8(p), row));
    }
}

/// Adds residual to two rows of 4 samples, those at `p` and those after them.
#[inline(always)]
unsafe fn add_to_pair(residual: int16x8_t, p: *mut u8, stride: usize) {
    let q = p.add(stride);
    store4x2(p, q, add(load4x2(p, q), residual));
}

pub(super) unsafe fn idct_add(coeffs: &[i16; 16], mut dst: Dst<'_>) {
    let rows = idct(alone(coeffs));
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    let low = |i: usize| vget_low_s16(rows[i]);
    add_to_pair(vcombine_s16(low(0), low(1)), to, stride);
    add_to_pair(vcombine_s16(low(2), low(3)), to.add(2 * stride), stride);
}

pub(super) unsafe fn idct_add_x2(coeffs: &[i16; 32], mut dst: Dst<'_>) {
    let rows = idct(side_by_side(coeffs.as_ptr()));
    add_rows(rows, dst_at(&mut dst), dst.stride);
}

pub(super) unsafe fn idct_add_x4(coeffs: &[i16; 64], mut dst: Dst<'_>) {
    let (p, to) = (coeffs.as_ptr(), dst_at(&mut dst));
    add_rows(idct(side_by_side(p)), to, dst.stride);
    add_rows(idct(side_by_side(p.add(32))), to.add(8), dst.stride);
}

pub(super) unsafe fn idct_dc_add(dc: i16, mut dst: Dst<'_>) {
    let residual = vdupq_n_s16(dc.wrapping_add(4) >> 3);
    let (to, stride) = (dst_at(&mut dst), dst.stride);
    add_to_pair(residual, to, stride);
    add_to_pair(residual, to.add(2 * stride), stride);
}

pub(super) unsafe fn idct_dc_add_x4(dcs: [i16; 4], mut dst: Dst<'_>) {
    let dcs = vadd_s16(vld1_s16(dcs.as_ptr()), vdup_n_s16(4));
    let dcs = vshr_n_s16::<3>(dcs);
    let left = vcombine_s16(vdup_lane_s16::<0>(dcs), vdup_lane_s16::<1>(dcs));
    let right = vcombine_s16(vdup_lane_s16::<2>(dcs), vdup_lane_s16::<3>(dcs));
    let to = dst_at(&mut dst);
    add_rows([left; 4], to, dst.stride);
    add_rows([right; 4], to.add(8), dst.stride);
}
