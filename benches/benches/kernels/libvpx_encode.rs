// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that only an encoder needs.

use super::{Aligned, Pair, Place, OTHER, PRED, STRIDE};
use crate::calls::{self, sad as sad_theirs, squares as squares_theirs, Tables};
use crate::libvpx::*;
use framemill_codec::dsp::{BlockShape, Quantiser};
use std::hint::black_box;
use std::sync::LazyLock;

#[inline(always)]
fn sad(place: &mut Place<'_>, shape: BlockShape) {
    let Place { dsp, src, at, .. } = *place;
    place.put(dsp.sad(shape, src, at, STRIDE, src, at + OTHER, STRIDE));
}

#[inline(always)]
fn sse(place: &mut Place<'_>, shape: BlockShape) {
    let Place { dsp, src, at, .. } = *place;
    place.put(dsp.sse(shape, src, at, STRIDE, src, at + OTHER, STRIDE));
}

#[inline(always)]
fn variance(place: &mut Place<'_>, shape: BlockShape) {
    let Place { dsp, src, at, .. } = *place;
    let sums = dsp.differences(shape, src, at, STRIDE, src, at + OTHER, STRIDE);
    place.put(sums.variance(shape));
}

fn four(at: usize) -> [usize; 4] {
    [at + 1, at - 1, at + STRIDE, at - STRIDE]
}

fn put_four(place: &mut Place<'_>, [i, j, k, l]: [u32; 4]) {
    place.put(i ^ (j << 8) ^ (k << 16) ^ (l << 24));
}

fn sad_x4(place: &mut Place<'_>) {
    let Place { dsp, src, at, .. } = *place;
    let sads = dsp.sad_16x16_x4(src, at, STRIDE, src, four(at), STRIDE);
    put_four(place, sads);
}

#[inline(always)]
fn sad_x4_theirs(place: &mut Place<'_>, sad: SadOfFour) {
    let sads = calls::sad_of_four(place, sad, four(place.at));
    put_four(place, sads);
}

fn residual(place: &mut Place<'_>) {
    let Place { dsp, src, at, .. } = *place;
    let mut out = Aligned([0; 256]);
    dsp.residual_16x16(src, at, STRIDE, src, at + PRED, STRIDE, &mut out.0);
    // Row 1, column 2 of the first block.
    place.put_one(&out.0, 6);
}

#[inline(always)]
fn residual_theirs(place: &mut Place<'_>, subtract: Subtract) {
    let mut out = Aligned([0i16; 256]);
    calls::subtract(place, subtract, &mut out);
    place.put_one(&out.0, 18);
}

/// Residuals: two blocks one after the other, and side by side.
static BLOCKS: Aligned<[i16; 32]> = Aligned(residuals(false));
static ROWS: Aligned<[i16; 32]> = Aligned(residuals(true));

const fn residuals(side_by_side: bool) -> [i16; 32] {
    let mut out = [0; 32];
    let mut i = 0;
    while i < 32 {
        let (block, y, x) = (i / 16, i / 4 % 4, i % 4);
        let place = if side_by_side {
            8 * y + 4 * block + x
        } else {
            i
        };
        out[place] = (i * 37 % 101) as i16 * 5 - 250;
        i += 1;
    }
    out
}

fn block() -> &'static [i16; 16] {
    let first = BLOCKS.0.first_chunk();
    black_box(first.expect("longer"))
}

fn fdct(place: &mut Place<'_>) {
    let mut out = Aligned([0; 16]);
    place.dsp.fdct(block(), &mut out.0);
    place.put_one(&out.0, place.at / 16 % 16);
}

fn fdct_x2(place: &mut Place<'_>) {
    let mut out = Aligned([0; 32]);
    place.dsp.fdct_x2(black_box(&BLOCKS.0), &mut out.0);
    place.put_one(&out.0, place.at / 16 % 32);
}

#[inline(always)]
fn transform_theirs(place: &mut Place<'_>, transform: Transform) {
    let mut out = Aligned([0i16; 16]);
    calls::transform(transform, block(), &mut out);
    place.put_one(&out.0, place.at / 16 % 16);
}

#[inline(always)]
fn transform_x2_theirs(place: &mut Place<'_>, transform: Transform) {
    let mut out = Aligned([0i16; 32]);
    calls::transform(transform, black_box(&ROWS.0), &mut out);
    place.put_one(&out.0, place.at / 16 % 32);
}

const STEP: i16 = 37;
const ROUND: i16 = STEP * 48 / 128;
const ZERO_BIN: i16 = STEP * 84 / 128;
static QUANTISER: LazyLock<Quantiser> =
    LazyLock::new(|| Quantiser::new([STEP; 16], [ROUND; 16], [ZERO_BIN; 16]));

fn quantise(place: &mut Place<'_>) {
    let mut levels = Aligned([0; 16]);
    let end = place.dsp.quantise(block(), &QUANTISER, &mut levels.0);
    place.dst[place.at + 1] = end as u8;
    place.put_one(&levels.0, place.at / 16 % 16);
}

/// libvpx's fast quantiser has no zero bins and nearly divides, so that its
/// levels are others.
fn forget(place: &mut Place<'_>) {
    let at = place.at;
    place.dst[at..at + 2].fill(0);
}

fn quantise_unequal(place: &mut Place<'_>) {
    quantise(place);
    forget(place);
}

fn dequantise(place: &mut Place<'_>) {
    let coeffs = place.dsp.dequantise(block(), QUANTISER.step());
    place.put_one(&coeffs, place.at / 16 % 16);
}

const BITS: u32 = STEP.ilog2();
/// libvpx's tables for the same quantiser: no extra for runs of zeros.
static TABLES: Tables = Tables {
    quant: Aligned([(((1 << (16 + BITS)) / STEP as i32) + 1 - 65_536) as i16; 16]),
    quant_fast: Aligned([(65_536 / STEP as i32) as i16; 16]),
    quant_shift: Aligned([1 << (16 - BITS); 16]),
    zero_bin: Aligned([ZERO_BIN; 16]),
    boost: Aligned([0; 16]),
    round: Aligned([ROUND; 16]),
    step: Aligned([STEP; 16]),
};

#[inline(always)]
fn quantise_theirs(place: &mut Place<'_>, quantise: Quantise) {
    let mut levels = Aligned([0i16; 16]);
    let end = calls::quantise(quantise, block(), &TABLES, &mut levels);
    place.dst[place.at + 1] = end;
    place.put_one(&levels.0, place.at / 16 % 16);
}

#[inline(always)]
fn quantise_fast_theirs(place: &mut Place<'_>, quantise: Quantise) {
    quantise_theirs(place, quantise);
    forget(place);
}

#[inline(always)]
fn dequantise_theirs(place: &mut Place<'_>, dequantise: Dequantise) {
    let mut coeffs = Aligned([0i16; 16]);
    calls::dequantise(dequantise, block(), &TABLES.step, &mut coeffs);
    place.put_one(&coeffs.0, place.at / 16 % 16);
}

pairs! {
    "sad 16x16": |p| sad(p, BlockShape::S16x16), sad_theirs(vpx_sad16x16_sse2);
    "sad 16x8": |p| sad(p, BlockShape::S16x8), sad_theirs(vpx_sad16x8_sse2);
    "sad 8x16": |p| sad(p, BlockShape::S8x16), sad_theirs(vpx_sad8x16_sse2);
    "sad 8x8": |p| sad(p, BlockShape::S8x8), sad_theirs(vpx_sad8x8_sse2);
    "sad 4x4": |p| sad(p, BlockShape::S4x4), sad_theirs(vpx_sad4x4_sse2);
    "sad 16x16 of 4": sad_x4, sad_x4_theirs(vpx_sad16x16x4d_sse2);
    "sse 16x16": |p| sse(p, BlockShape::S16x16), squares_theirs(vpx_mse16x16_avx2);
    "sse 8x8": |p| sse(p, BlockShape::S8x8), squares_theirs(vpx_mse8x8_sse2);
    "variance 16x16": |p| variance(p, BlockShape::S16x16), squares_theirs(vpx_variance16x16_avx2);
    "variance 8x8": |p| variance(p, BlockShape::S8x8), squares_theirs(vpx_variance8x8_sse2);
    "variance 4x4": |p| variance(p, BlockShape::S4x4), squares_theirs(vpx_variance4x4_sse2);
    "residual 16x16": residual, residual_theirs(vpx_subtract_block_sse2);
    "fdct": fdct, transform_theirs(vp8_short_fdct4x4_sse2);
    "fdct, against C": fdct, transform_theirs(vp8_short_fdct4x4_c);
    "fdct_x2": fdct_x2, transform_x2_theirs(vp8_short_fdct8x4_sse2);
    "fwht": |p| p.put_one(&p.dsp.fwht(block()), p.at / 16 % 16),
        transform_theirs(vp8_short_walsh4x4_sse2);
    "fwht, against C": |p| p.put_one(&p.dsp.fwht(block()), p.at / 16 % 16),
        transform_theirs(vp8_short_walsh4x4_c);
    "quantise": quantise, quantise_theirs(vp8_regular_quantize_b_sse4_1);
    "quantise, against fast": quantise_unequal, quantise_fast_theirs(vp8_fast_quantize_b_ssse3);
    "dequantise": dequantise, dequantise_theirs(vp8_dequantize_b_mmx);
}
