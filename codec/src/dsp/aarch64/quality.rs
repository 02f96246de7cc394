// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sums of SSIM.

#![allow(unsafe_code)]

use super::memory::*;
use crate::dsp::{scalar, SsimSums};
use std::arch::aarch64::*;

/// Adds products of 16 samples each to four lanes of pairs, two for a block, in
/// the low and the high register.
#[inline(always)]
unsafe fn add_products(sums: &mut [uint32x4_t; 2], a: uint8x16_t, b: uint8x16_t) {
    sums[0] = vpadalq_u16(sums[0], vmull_u8(vget_low_u8(a), vget_low_u8(b)));
    sums[1] = vpadalq_u16(sums[1], vmull_u8(vget_high_u8(a), vget_high_u8(b)));
}

/// Stores four sums from `at` on.
#[inline(always)]
unsafe fn put(to: &mut [f64], at: usize, sums: uint32x4_t) {
    let to = to.as_mut_ptr().add(at);
    vst1q_f64(to, vcvtq_f64_u64(vmovl_u32(vget_low_u32(sums))));
    vst1q_f64(to.add(2), vcvtq_f64_u64(vmovl_u32(vget_high_u32(sums))));
}

/// Four blocks at a time.
pub(super) unsafe fn ssim_sums(a: &[&[u8]; 4], b: &[&[u8]; 4], sums: SsimSums<'_>) {
    let whole = sums.a.len() & !3;
    for block in (0..whole).step_by(4) {
        // Of pairs of samples.
        let [mut sum_a, mut sum_b] = [vdupq_n_u16(0); 2];
        let [mut squares, mut products] = [[vdupq_n_u32(0); 2]; 2];
        for (a, b) in a.iter().zip(b) {
            let a = load16(a.as_ptr().add(4 * block));
            let b = load16(b.as_ptr().add(4 * block));
            (sum_a, sum_b) = (vpadalq_u8(sum_a, a), vpadalq_u8(sum_b, b));
            add_products(&mut squares, a, a);
            add_products(&mut squares, b, b);
            add_products(&mut products, a, b);
        }
        put(sums.a, block, vpaddlq_u16(sum_a));
        put(sums.b, block, vpaddlq_u16(sum_b));
        put(sums.squares, block, vpaddq_u32(squares[0], squares[1]));
        put(sums.products, block, vpaddq_u32(products[0], products[1]));
    }
    scalar::ssim_sums_from(whole, a, b, sums);
}
