// SPDX-License-Identifier: MIT OR Apache-2.0
//! Residuals and forward transforms, two blocks side by side as on the way
//! back.

#![allow(unsafe_code)]

use super::memory::*;
use super::residual::{alone, side_by_side};
use super::satd::subtract;
use super::transpose::transpose4x2;
use std::arch::aarch64::*;

pub(super) unsafe fn residual_4x4(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; 16],
) {
    let (p, q) = (src.as_ptr(), pred.as_ptr());
    for y in [0, 2] {
        let (p, q) = (p.add(y * src_stride), q.add(y * pred_stride));
        let a = load4x2(p, p.add(src_stride));
        let b = load4x2(q, q.add(pred_stride));
        vst1q_s16(out.as_mut_ptr().add(4 * y), subtract(a, b));
    }
}

/// Of 8×8 or 16×16 samples.
pub(super) unsafe fn residual<const SIDE: usize, const N: usize>(
    src: &[u8],
    src_stride: usize,
    pred: &[u8],
    pred_stride: usize,
    out: &mut [i16; N],
) {
    for y in 0..SIDE {
        let (p, q) = (
            src.as_ptr().add(y * src_stride),
            pred.as_ptr().add(y * pred_stride),
        );
        for x in (0..SIDE).step_by(8) {
            let row = subtract(load8(p.add(x)), load8(q.add(x)));
            let block = y / 4 * (SIDE / 4) + x / 4;
            let to = out.as_mut_ptr().add(block * 16 + y % 4 * 4);
            vst1_s16(to, vget_low_s16(row));
            vst1_s16(to.add(16), vget_high_s16(row));
        }
    }
}

/// √2·cos(3π/8) and √2·cos(π/8), times 4,096.
const COS3: i16 = 2217;
const COS1: i16 = 5352;

/// `c · by_c + d · by_d + round`, shifted right and saturated.
#[inline(always)]
unsafe fn weigh<const SHIFT: i32>(
    c: int16x8_t,
    d: int16x8_t,
    by_c: i16,
    by_d: i16,
    round: i32,
) -> int16x8_t {
    let round = vdupq_n_s32(round);
    let low = vmlal_n_s16(round, vget_low_s16(c), by_c);
    let low = vmlal_n_s16(low, vget_low_s16(d), by_d);
    let high = vmlal_n_s16(round, vget_high_s16(c), by_c);
    let high = vmlal_n_s16(high, vget_high_s16(d), by_d);
    vcombine_s16(vqshrn_n_s32::<SHIFT>(low), vqshrn_n_s32::<SHIFT>(high))
}

/// Outputs 1 and 3 of one dimension, from the inner and the outer difference.
#[inline(always)]
unsafe fn rotate<const SHIFT: i32>(
    c: int16x8_t,
    d: int16x8_t,
    round1: i32,
    round3: i32,
) -> [int16x8_t; 2] {
    [
        weigh::<SHIFT>(c, d, COS3, COS1, round1),
        weigh::<SHIFT>(c, d, -COS1, COS3, round3),
    ]
}

/// The sums of the outer and the inner rows, the inner and the outer
/// difference.
#[inline(always)]
unsafe fn butterfly(r: [int16x8_t; 4]) -> [int16x8_t; 4] {
    [
        vaddq_s16(r[0], r[3]),
        vaddq_s16(r[1], r[2]),
        vsubq_s16(r[1], r[2]),
        vsubq_s16(r[0], r[3]),
    ]
}

/// All ones, which is -1, where not zero.
#[inline(always)]
unsafe fn not_zero(v: int16x8_t) -> int16x8_t {
    vreinterpretq_s16_u16(vtstq_s16(v, v))
}

/// The DCT of two blocks, a row of both to a register.
#[inline(always)]
unsafe fn transform(rows: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let mut sums = butterfly(transpose4x2(rows));
    for sum in &mut sums {
        *sum = vshlq_n_s16::<3>(*sum);
    }
    let [a, b, c, d] = sums;
    let [odd1, odd3] = rotate::<12>(c, d, 14_500, 7_500);
    let rows = transpose4x2([vaddq_s16(a, b), odd1, vsubq_s16(a, b), odd3]);

    let [a, b, c, d] = butterfly(rows);
    let [odd1, odd3] = rotate::<16>(c, d, 12_000, 51_000);
    let a = vaddq_s16(a, vdupq_n_s16(7));
    [
        vshrq_n_s16::<4>(vaddq_s16(a, b)),
        // One more where the outer difference is not zero.
        vsubq_s16(odd1, not_zero(d)),
        vshrq_n_s16::<4>(vsubq_s16(a, b)),
        odd3,
    ]
}

pub(super) unsafe fn fdct(residual: &[i16; 16], coeffs: &mut [i16; 16]) {
    let rows = transform(alone(residual));
    for (row, to) in rows.into_iter().zip(coeffs.chunks_exact_mut(4)) {
        vst1_s16(to.as_mut_ptr(), vget_low_s16(row));
    }
}

/// Transforms the two blocks at `p`.
#[inline(always)]
unsafe fn two(p: *const i16, to: *mut i16) {
    for (y, row) in transform(side_by_side(p)).into_iter().enumerate() {
        vst1_s16(to.add(4 * y), vget_low_s16(row));
        vst1_s16(to.add(16 + 4 * y), vget_high_s16(row));
    }
}

pub(super) unsafe fn fdct_x2(residual: &[i16; 32], coeffs: &mut [i16; 32]) {
    two(residual.as_ptr(), coeffs.as_mut_ptr());
}

pub(super) unsafe fn fdct_x4(residual: &[i16; 64], coeffs: &mut [i16; 64]) {
    let (p, to) = (residual.as_ptr(), coeffs.as_mut_ptr());
    two(p, to);
    two(p.add(32), to.add(32));
}

/// Division by 8, to the nearest; halves towards zero.
#[inline(always)]
unsafe fn eighth(v: int32x4_t) -> int16x4_t {
    // The shift rounds halves up: -1 moves those that are not negative down.
    let down = vreinterpretq_s32_u32(vcgezq_s32(v));
    vrshrn_n_s32::<3>(vaddq_s32(v, down))
}

pub(super) unsafe fn fwht(dcs: &[i16; 16]) -> [i16; 16] {
    let r = transpose4x2(alone(dcs));
    let a = vshlq_n_s16::<2>(vaddq_s16(r[0], r[2]));
    let d = vshlq_n_s16::<2>(vaddq_s16(r[1], r[3]));
    let b = vshlq_n_s16::<2>(vsubq_s16(r[0], r[2]));
    let c = vshlq_n_s16::<2>(vsubq_s16(r[1], r[3]));
    let rows = transpose4x2([
        // One more where the first sum is not zero.
        vsubq_s16(vaddq_s16(a, d), not_zero(a)),
        vaddq_s16(b, c),
        vsubq_s16(b, c),
        vsubq_s16(a, d),
    ]);

    let [r0, r1, r2, r3] = rows.map(|row| vget_low_s16(row));
    let (a, d) = (vaddl_s16(r0, r2), vaddl_s16(r1, r3));
    let (b, c) = (vsubl_s16(r0, r2), vsubl_s16(r1, r3));
    let values = [
        vaddq_s32(a, d),
        vaddq_s32(b, c),
        vsubq_s32(b, c),
        vsubq_s32(a, d),
    ];
    let mut output = [0i16; 16];
    for (value, to) in values.into_iter().zip(output.chunks_exact_mut(4)) {
        vst1_s16(to.as_mut_ptr(), eighth(value));
    }
    output
}
