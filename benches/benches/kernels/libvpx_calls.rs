// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of libvpx's kernels, a function for each of their types.
//!
//! All unsafe code of the benches is here, and none of it in `codec`: what
//! calls libvpx is to measure, and nothing that we ship may link to it.

// SAFETY: libvpx's kernels are foreign functions. What they read and write is
// in arrays, or in the buffers of `Place`, whose places and alignment are as in
// libvpx.
#![allow(unsafe_code)]

use crate::libvpx::*;
use crate::pairs::{Aligned, Place, OTHER, PRED, STRIDE, U, V};
use std::hint::black_box;

const PITCH: i32 = STRIDE as i32;

#[inline(always)]
pub fn predict(place: &mut Place<'_>, predict: Predict, x: i32, y: i32) {
    let src = place.src_at(3);
    // SAFETY: the block and what the filters read around it are in the buffers.
    unsafe { predict(src, PITCH, x, y, place.dst_at(0), PITCH) }
}

#[inline(always)]
pub fn copy(place: &mut Place<'_>, copy: Copy) {
    let src = place.src_at(3);
    // SAFETY: two blocks of 16×16.
    unsafe { copy(src, PITCH, place.dst_at(0), PITCH) }
}

/// The limits of a loop filter: at the edge, inside, and of high variance.
pub type Limits = [Aligned<[u8; 16]>; 3];

#[inline(always)]
pub fn filter(place: &mut Place<'_>, filter: FilterAll, [edge, interior, hev]: &'static Limits) {
    let limits = LoopFilter {
        mblim: edge.0.as_ptr(),
        blim: edge.0.as_ptr(),
        lim: interior.0.as_ptr(),
        hev_thr: hev.0.as_ptr(),
    };
    let (y, u, v) = (place.dst_at(0), place.dst_at(U), place.dst_at(V));
    // SAFETY: the blocks and the 4 samples before their edges are in the buffer.
    unsafe { filter(y, u, v, PITCH, PITCH, &limits) }
}

#[inline(always)]
pub fn simple(place: &mut Place<'_>, filter: FilterLuma, [edge, ..]: &'static Limits) {
    // SAFETY: the block and the 2 samples before its edge are in the buffer.
    unsafe { filter(place.dst_at(0), PITCH, edge.0.as_ptr()) }
}

#[inline(always)]
pub fn intra(place: &mut Place<'_>, intra: Intra) {
    let (above, left) = (place.src_at(0), place.src_at(STRIDE));
    // SAFETY: the block, the 17 samples above and the 16 to the left are there.
    unsafe { intra(place.dst_at(0), STRIDE as isize, above, left) }
}

/// Adds 16 blocks, and clears the levels.
#[inline(always)]
pub fn luma(
    place: &mut Place<'_>,
    add: Luma,
    levels: &mut Aligned<[i16; 256]>,
    steps: &Aligned<[i16; 16]>,
) {
    let (levels, steps, ends) = (levels.0.as_mut_ptr(), steps.0.as_ptr(), [16; 16]);
    // SAFETY: 16 blocks of levels, 16 steps and ends, and a block of 16×16.
    unsafe { add(levels, steps, place.dst_at(0), PITCH, ends.as_ptr()) }
}

#[inline(always)]
pub fn idct(place: &mut Place<'_>, idct: Idct, coeffs: &[i16; 16]) {
    let dst = place.dst_at(0);
    // SAFETY: 16 coefficients, and a block of 4×4 that is its own prediction.
    unsafe { idct(coeffs.as_ptr(), dst, PITCH, dst, PITCH) }
}

#[inline(always)]
pub fn idct_dc(place: &mut Place<'_>, idct: IdctDc, dc: i16) {
    let dst = place.dst_at(0);
    // SAFETY: a block of 4×4 that is its own prediction.
    unsafe { idct(dc, dst, PITCH, dst, PITCH) }
}

/// The DCs go to the first places of 16 blocks.
#[inline(always)]
pub fn iwht(iwht: Iwht, coeffs: &[i16; 16], blocks: &mut Aligned<[i16; 256]>) {
    // SAFETY: 16 coefficients, and room for 16 blocks.
    unsafe { iwht(coeffs.as_ptr(), blocks.0.as_mut_ptr()) }
}

#[inline(always)]
pub fn sad(place: &mut Place<'_>, sad: Sad) {
    // SAFETY: both blocks are in the buffer.
    let sad = unsafe { sad(place.src_at(0), PITCH, place.src_at(OTHER), PITCH) };
    place.put(sad);
}

#[inline(always)]
pub fn sad_of_four(place: &Place<'_>, sad: SadOfFour, others: [usize; 4]) -> [u32; 4] {
    let others = others.map(|at| place.src[at..].as_ptr());
    let mut sads = Aligned([0; 4]);
    let (a, b) = (place.src_at(0), others.as_ptr());
    // SAFETY: all five blocks are in the buffer.
    unsafe { sad(a, PITCH, b, PITCH, sads.0.as_mut_ptr()) }
    sads.0
}

#[inline(always)]
pub fn squares(place: &mut Place<'_>, compare: Squares) {
    let (a, b, mut sse) = (place.src_at(0), place.src_at(OTHER), 0);
    // SAFETY: both blocks are in the buffer.
    let variance = unsafe { compare(a, PITCH, b, PITCH, &mut sse) };
    black_box(sse);
    place.put(variance);
}

/// Row by row, not block by block.
#[inline(always)]
pub fn subtract(place: &Place<'_>, subtract: Subtract, out: &mut Aligned<[i16; 256]>) {
    let (src, pred, stride) = (place.src_at(0), place.src_at(PRED), STRIDE as isize);
    // SAFETY: both blocks are in the buffer, and the differences fit.
    unsafe { subtract(16, 16, out.0.as_mut_ptr(), 16, src, stride, pred, stride) }
}

/// One block, or two side by side.
#[inline(always)]
pub fn transform<const N: usize>(
    transform: Transform,
    residual: &[i16; N],
    out: &mut Aligned<[i16; N]>,
) {
    const { assert!(N == 16 || N == 32) };
    // SAFETY: four rows of N / 4 values, N / 2 bytes each.
    unsafe { transform(residual.as_ptr(), out.0.as_mut_ptr(), N as i32 / 2) }
}

/// libvpx's tables for a quantiser.
pub struct Tables {
    pub quant: Aligned<[i16; 16]>,
    pub quant_fast: Aligned<[i16; 16]>,
    pub quant_shift: Aligned<[i16; 16]>,
    pub zero_bin: Aligned<[i16; 16]>,
    pub boost: Aligned<[i16; 16]>,
    pub round: Aligned<[i16; 16]>,
    pub step: Aligned<[i16; 16]>,
}

#[inline(always)]
pub fn quantise(
    quantise: Quantise,
    coeffs: &[i16; 16],
    by: &Tables,
    levels: &mut Aligned<[i16; 16]>,
) -> u8 {
    let (mut back, mut end) = (Aligned([0i16; 16]), 0);
    let input = Block {
        src_diff: std::ptr::null(),
        coeff: coeffs.as_ptr(),
        quant: by.quant.0.as_ptr(),
        quant_fast: by.quant_fast.0.as_ptr(),
        quant_shift: by.quant_shift.0.as_ptr(),
        zbin: by.zero_bin.0.as_ptr(),
        zrun_zbin_boost: by.boost.0.as_ptr(),
        round: by.round.0.as_ptr(),
        zbin_extra: 0,
        base_src: std::ptr::null(),
        src: 0,
        src_stride: 0,
    };
    let output = BlockD {
        eob: &mut end,
        ..described(levels.0.as_mut_ptr(), &mut back, &by.step)
    };
    // SAFETY: all tables hold 16 values; the other fields are not read.
    unsafe { quantise(&input, &output) }
    black_box(&back.0);
    end as u8
}

#[inline(always)]
pub fn dequantise(
    dequantise: Dequantise,
    levels: &[i16; 16],
    step: &Aligned<[i16; 16]>,
    coeffs: &mut Aligned<[i16; 16]>,
) {
    let block = described(levels.as_ptr().cast_mut(), coeffs, step);
    // SAFETY: levels, steps and coefficients are 16 each; levels are only read.
    unsafe { dequantise(&block, step.0.as_ptr()) }
}

fn described(
    levels: *mut i16,
    coeffs: &mut Aligned<[i16; 16]>,
    step: &Aligned<[i16; 16]>,
) -> BlockD {
    BlockD {
        qcoeff: levels,
        dqcoeff: coeffs.0.as_mut_ptr(),
        predictor: std::ptr::null(),
        dequant: step.0.as_ptr(),
        offset: 0,
        eob: std::ptr::null_mut(),
        bmi: 0,
    }
}
