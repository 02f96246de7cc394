// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of blocks, 16 samples at a time: rows of 8 go two to a register,
//! rows of 4 go four.

#![allow(unsafe_code)]
// Plain index loops are unrolled, so that sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::memory::*;
use crate::dsp::Differences;
use std::arch::aarch64::*;

/// Columns of a region that are summed before 32-bit lanes could overflow:
/// each 16 columns add at most 4 · 255² to a lane.
const RUN: usize = 1 << 16;

/// 16 samples of a block of `W` columns from row `y` on: one row, two, or four.
#[inline(always)]
unsafe fn load_rows<const W: usize>(p: *const u8, stride: usize, y: usize) -> uint8x16_t {
    let p = p.add(y * stride);
    match W {
        16 => load16(p),
        8 => load8x2(p, p.add(stride)),
        _ => {
            let r01 = load4x2(p, p.add(stride));
            vcombine_u8(r01, load4x2(p.add(2 * stride), p.add(3 * stride)))
        }
    }
}

/// Adds the absolute differences of 16 samples to eight lanes.
#[inline(always)]
unsafe fn add_sizes(sum: uint16x8_t, a: uint8x16_t, b: uint8x16_t) -> uint16x8_t {
    vpadalq_u8(sum, vabdq_u8(a, b))
}

/// Adds the squared differences of 8 samples to four lanes.
#[inline(always)]
unsafe fn add_squares8(sum: uint32x4_t, a: uint8x8_t, b: uint8x8_t) -> uint32x4_t {
    let size = vabd_u8(a, b);
    vpadalq_u16(sum, vmull_u8(size, size))
}

/// Adds the squared differences of 16 samples to four lanes.
#[inline(always)]
unsafe fn add_squares(sum: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    let sum = add_squares8(sum, vget_low_u8(a), vget_low_u8(b));
    add_squares8(sum, vget_high_u8(a), vget_high_u8(b))
}

pub(super) unsafe fn sad<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let mut sums = [vdupq_n_u16(0); 2];
    for (i, y) in (0..H).step_by(16 / W).enumerate() {
        let (a, b) = (
            load_rows::<W>(p, a_stride, y),
            load_rows::<W>(q, b_stride, y),
        );
        // At most 16 differences to a lane.
        sums[i % 2] = add_sizes(sums[i % 2], a, b);
    }
    vaddlvq_u16(vaddq_u16(sums[0], sums[1]))
}

pub(super) unsafe fn sad_16x16_x4(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_at: &[usize; 4],
    b_stride: usize,
) -> [u32; 4] {
    let (p, q) = (a.as_ptr(), b_at.map(|at| b.as_ptr().wrapping_add(at)));
    let mut sums = [vdupq_n_u16(0); 4];
    for y in 0..16 {
        let a = load16(p.add(y * a_stride));
        for i in 0..4 {
            sums[i] = add_sizes(sums[i], a, load16(q[i].add(y * b_stride)));
        }
    }
    // Each addition of neighbours halves the lanes of a sum.
    let (ab, cd) = (vpaddq_u16(sums[0], sums[1]), vpaddq_u16(sums[2], sums[3]));
    let all = vpaddlq_u16(vpaddq_u16(ab, cd));
    let mut out = [0; 4];
    vst1q_u32(out.as_mut_ptr(), all);
    out
}

pub(super) unsafe fn sse<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> u32 {
    // The other sum is dead code once this is inlined.
    differences::<W, H>(a, a_stride, b, b_stride).squares
}

#[inline(always)]
pub(super) unsafe fn differences<const W: usize, const H: usize>(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
) -> Differences {
    let (p, q) = (a.as_ptr(), b.as_ptr());
    let [mut sum_a, mut sum_b] = [vdupq_n_u16(0); 2];
    let mut squares = vdupq_n_u32(0);
    for y in (0..H).step_by(16 / W) {
        let (a, b) = (
            load_rows::<W>(p, a_stride, y),
            load_rows::<W>(q, b_stride, y),
        );
        // At most 32 samples to a lane.
        (sum_a, sum_b) = (vpadalq_u8(sum_a, a), vpadalq_u8(sum_b, b));
        squares = add_squares(squares, a, b);
    }
    Differences {
        sum: vaddlvq_u16(sum_a) as i32 - vaddlvq_u16(sum_b) as i32,
        squares: vaddvq_u32(squares),
    }
}

/// The squared differences of the under 16 samples at the end of a row.
#[inline(always)]
unsafe fn tail(p: *const u8, q: *const u8, columns: usize) -> u64 {
    let (mut sum, mut x) = (0, 0);
    if columns & 8 != 0 {
        let squares = add_squares8(vdupq_n_u32(0), load8(p), load8(q));
        (sum, x) = (vaddlvq_u32(squares), 8);
    }
    for x in x..columns {
        sum += u64::from((*p.add(x)).abs_diff(*q.add(x))).pow(2);
    }
    sum
}

pub(super) unsafe fn sse_region(
    a: &[u8],
    a_stride: usize,
    b: &[u8],
    b_stride: usize,
    columns: usize,
    rows: usize,
) -> u64 {
    let mut total = 0;
    for y in 0..rows {
        let (p, q) = (a.as_ptr().add(y * a_stride), b.as_ptr().add(y * b_stride));
        for start in (0..columns).step_by(RUN) {
            let end = columns.min(start + RUN);
            let (mut sum, mut x) = (vdupq_n_u32(0), start);
            while x + 16 <= end {
                sum = add_squares(sum, load16(p.add(x)), load16(q.add(x)));
                x += 16;
            }
            total += vaddlvq_u32(sum) + tail(p.add(x), q.add(x), end - x);
        }
    }
    total
}
