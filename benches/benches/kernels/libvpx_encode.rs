// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that only an encoder needs.

use super::{Aligned, Pair, Place, STRIDE};
use crate::libvpx::*;
use framemill_codec::dsp::{BlockShape, Quantiser};
use std::hint::black_box;
use std::sync::LazyLock;

const PITCH: i32 = STRIDE as i32;
/// Where the second block is, from the first.
const OTHER: usize = 3 * STRIDE + 5;
/// Likewise of a prediction, which libvpx has aligned.
const PRED: usize = 3 * STRIDE;

/// libvpx's comparisons of two blocks.
type Compare = unsafe extern "C" fn(*const u8, i32, *const u8, i32) -> u32;
type CompareSquares = unsafe extern "C" fn(*const u8, i32, *const u8, i32, *mut u32) -> u32;

#[inline(always)]
fn sad(place: &mut Place<'_>, shape: BlockShape) {
    let Place { dsp, src, at, .. } = *place;
    place.put(dsp.sad(shape, src, at, STRIDE, src, at + OTHER, STRIDE));
}

#[inline(always)]
fn sad_theirs(place: &mut Place<'_>, sad: Compare) {
    // SAFETY: both blocks are in the buffer.
    let sad = unsafe { sad(place.src_at(0), PITCH, place.src_at(OTHER), PITCH) };
    place.put(sad);
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

#[inline(always)]
fn squares_theirs(place: &mut Place<'_>, compare: CompareSquares) {
    let (a, b, mut sse) = (place.src_at(0), place.src_at(OTHER), 0);
    // SAFETY: both blocks are in the buffer.
    let variance = unsafe { compare(a, PITCH, b, PITCH, &mut sse) };
    black_box(sse);
    place.put(variance);
}

fn sad_x4(place: &mut Place<'_>) {
    let Place { dsp, src, at, .. } = *place;
    let others = [at + 1, at - 1, at + STRIDE, at - STRIDE];
    let [i, j, k, l] = dsp.sad_16x16_x4(src, at, STRIDE, src, others, STRIDE);
    place.put(i ^ (j << 8) ^ (k << 16) ^ (l << 24));
}

fn sad_x4_theirs(place: &mut Place<'_>) {
    let at = place.at;
    let others = [at + 1, at - 1, at + STRIDE, at - STRIDE];
    let others = others.map(|at| place.src[at..].as_ptr());
    let mut sads = Aligned([0; 4]);
    // SAFETY: all five blocks are in the buffer.
    unsafe {
        let (a, b) = (place.src_at(0), others.as_ptr());
        vpx_sad16x16x4d_sse2(a, PITCH, b, PITCH, sads.0.as_mut_ptr());
    }
    let [i, j, k, l] = sads.0;
    place.put(i ^ (j << 8) ^ (k << 16) ^ (l << 24));
}

fn residual(place: &mut Place<'_>) {
    let Place { dsp, src, at, .. } = *place;
    let mut out = Aligned([0; 256]);
    dsp.residual_16x16(src, at, STRIDE, src, at + PRED, STRIDE, &mut out.0);
    // Row 1, column 2 of the first block.
    place.put_one(&out.0, 6);
}

fn residual_theirs(place: &mut Place<'_>) {
    let (src, pred, stride) = (place.src_at(0), place.src_at(PRED), STRIDE as isize);
    let mut out = Aligned([0i16; 256]);
    // SAFETY: both blocks are in the buffer, and the differences fit.
    unsafe {
        let to = out.0.as_mut_ptr();
        vpx_subtract_block_sse2(16, 16, to, 16, src, stride, pred, stride);
    }
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

/// libvpx's forward transforms.
type Transform = unsafe extern "C" fn(*const i16, *mut i16, i32);

#[inline(always)]
fn transform_theirs(place: &mut Place<'_>, transform: Transform) {
    let mut out = Aligned([0i16; 16]);
    // SAFETY: 16 values, in rows of 8 bytes.
    unsafe { transform(block().as_ptr(), out.0.as_mut_ptr(), 8) }
    place.put_one(&out.0, place.at / 16 % 16);
}

fn fdct_x2_theirs(place: &mut Place<'_>) {
    let mut out = Aligned([0i16; 32]);
    // SAFETY: 32 values, in rows of 16 bytes.
    unsafe { vp8_short_fdct8x4_sse2(black_box(&ROWS.0).as_ptr(), out.0.as_mut_ptr(), 16) }
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
#[inline(always)]
fn unequal(run: fn(&mut Place<'_>), place: &mut Place<'_>) {
    run(place);
    let at = place.at;
    place.dst[at..at + 2].fill(0);
}

fn dequantise(place: &mut Place<'_>) {
    let coeffs = place.dsp.dequantise(block(), QUANTISER.step());
    place.put_one(&coeffs, place.at / 16 % 16);
}

/// libvpx's tables for the same quantiser: no extra for runs of zeros.
struct Tables {
    quant: Aligned<[i16; 16]>,
    quant_fast: Aligned<[i16; 16]>,
    quant_shift: Aligned<[i16; 16]>,
    zero_bin: Aligned<[i16; 16]>,
    boost: Aligned<[i16; 16]>,
    round: Aligned<[i16; 16]>,
    step: Aligned<[i16; 16]>,
}

const BITS: u32 = STEP.ilog2();
static TABLES: Tables = Tables {
    quant: Aligned([(((1 << (16 + BITS)) / STEP as i32) + 1 - 65_536) as i16; 16]),
    quant_fast: Aligned([(65_536 / STEP as i32) as i16; 16]),
    quant_shift: Aligned([1 << (16 - BITS); 16]),
    zero_bin: Aligned([ZERO_BIN; 16]),
    boost: Aligned([0; 16]),
    round: Aligned([ROUND; 16]),
    step: Aligned([STEP; 16]),
};

type QuantiseTheirs = unsafe extern "C" fn(*const Block, *const BlockD);

#[inline(always)]
fn quantise_theirs(place: &mut Place<'_>, quantise: QuantiseTheirs) {
    let (mut levels, mut coeffs, mut end) = (Aligned([0i16; 16]), Aligned([0i16; 16]), 0);
    let input = Block {
        src_diff: std::ptr::null(),
        coeff: block().as_ptr(),
        quant: TABLES.quant.0.as_ptr(),
        quant_fast: TABLES.quant_fast.0.as_ptr(),
        quant_shift: TABLES.quant_shift.0.as_ptr(),
        zbin: TABLES.zero_bin.0.as_ptr(),
        zrun_zbin_boost: TABLES.boost.0.as_ptr(),
        round: TABLES.round.0.as_ptr(),
        zbin_extra: 0,
        base_src: std::ptr::null(),
        src: 0,
        src_stride: 0,
    };
    let output = BlockD {
        qcoeff: levels.0.as_mut_ptr(),
        dqcoeff: coeffs.0.as_mut_ptr(),
        predictor: std::ptr::null(),
        dequant: TABLES.step.0.as_ptr(),
        offset: 0,
        eob: &mut end,
        bmi: 0,
    };
    // SAFETY: all tables hold 16 values; the other fields are not read.
    unsafe { quantise(&input, &output) }
    black_box(&coeffs.0);
    place.dst[place.at + 1] = end as u8;
    place.put_one(&levels.0, place.at / 16 % 16);
}

fn dequantise_theirs(place: &mut Place<'_>) {
    let mut coeffs = Aligned([0i16; 16]);
    let block = BlockD {
        qcoeff: block().as_ptr().cast_mut(),
        dqcoeff: coeffs.0.as_mut_ptr(),
        predictor: std::ptr::null(),
        dequant: TABLES.step.0.as_ptr(),
        offset: 0,
        eob: std::ptr::null_mut(),
        bmi: 0,
    };
    // SAFETY: levels, steps and coefficients are 16 each; levels are only read.
    unsafe { vp8_dequantize_b_mmx(&block, TABLES.step.0.as_ptr()) }
    place.put_one(&coeffs.0, place.at / 16 % 16);
}

pub const PAIRS: &[Pair] = &[
    Pair {
        name: "sad 16x16",
        ours: |p| sad(p, BlockShape::S16x16),
        theirs: ("vpx_sad16x16_sse2", |p| sad_theirs(p, vpx_sad16x16_sse2)),
    },
    Pair {
        name: "sad 16x8",
        ours: |p| sad(p, BlockShape::S16x8),
        theirs: ("vpx_sad16x8_sse2", |p| sad_theirs(p, vpx_sad16x8_sse2)),
    },
    Pair {
        name: "sad 8x16",
        ours: |p| sad(p, BlockShape::S8x16),
        theirs: ("vpx_sad8x16_sse2", |p| sad_theirs(p, vpx_sad8x16_sse2)),
    },
    Pair {
        name: "sad 8x8",
        ours: |p| sad(p, BlockShape::S8x8),
        theirs: ("vpx_sad8x8_sse2", |p| sad_theirs(p, vpx_sad8x8_sse2)),
    },
    Pair {
        name: "sad 4x4",
        ours: |p| sad(p, BlockShape::S4x4),
        theirs: ("vpx_sad4x4_sse2", |p| sad_theirs(p, vpx_sad4x4_sse2)),
    },
    Pair {
        name: "sad 16x16 of 4",
        ours: sad_x4,
        theirs: ("vpx_sad16x16x4d_sse2", sad_x4_theirs),
    },
    Pair {
        name: "sse 16x16",
        ours: |p| sse(p, BlockShape::S16x16),
        theirs: ("vpx_mse16x16_avx2", |p| {
            squares_theirs(p, vpx_mse16x16_avx2)
        }),
    },
    Pair {
        name: "sse 8x8",
        ours: |p| sse(p, BlockShape::S8x8),
        theirs: ("vpx_mse8x8_sse2", |p| squares_theirs(p, vpx_mse8x8_sse2)),
    },
    Pair {
        name: "variance 16x16",
        ours: |p| variance(p, BlockShape::S16x16),
        theirs: ("vpx_variance16x16_avx2", |p| {
            squares_theirs(p, vpx_variance16x16_avx2)
        }),
    },
    Pair {
        name: "variance 8x8",
        ours: |p| variance(p, BlockShape::S8x8),
        theirs: ("vpx_variance8x8_sse2", |p| {
            squares_theirs(p, vpx_variance8x8_sse2)
        }),
    },
    Pair {
        name: "variance 4x4",
        ours: |p| variance(p, BlockShape::S4x4),
        theirs: ("vpx_variance4x4_sse2", |p| {
            squares_theirs(p, vpx_variance4x4_sse2)
        }),
    },
    Pair {
        name: "residual 16x16",
        ours: residual,
        theirs: ("vpx_subtract_block_sse2", residual_theirs),
    },
    Pair {
        name: "fdct",
        ours: fdct,
        theirs: ("vp8_short_fdct4x4_sse2", |p| {
            transform_theirs(p, vp8_short_fdct4x4_sse2)
        }),
    },
    Pair {
        name: "fdct, against C",
        ours: fdct,
        theirs: ("vp8_short_fdct4x4_c", |p| {
            transform_theirs(p, vp8_short_fdct4x4_c)
        }),
    },
    Pair {
        name: "fdct_x2",
        ours: fdct_x2,
        theirs: ("vp8_short_fdct8x4_sse2", fdct_x2_theirs),
    },
    Pair {
        name: "fwht",
        ours: |p| p.put_one(&p.dsp.fwht(block()), p.at / 16 % 16),
        theirs: ("vp8_short_walsh4x4_sse2", |p| {
            transform_theirs(p, vp8_short_walsh4x4_sse2)
        }),
    },
    Pair {
        name: "fwht, against C",
        ours: |p| p.put_one(&p.dsp.fwht(block()), p.at / 16 % 16),
        theirs: ("vp8_short_walsh4x4_c", |p| {
            transform_theirs(p, vp8_short_walsh4x4_c)
        }),
    },
    Pair {
        name: "quantise",
        ours: quantise,
        theirs: ("vp8_regular_quantize_b_sse4_1", |p| {
            quantise_theirs(p, vp8_regular_quantize_b_sse4_1)
        }),
    },
    Pair {
        name: "quantise, against fast",
        ours: |p| unequal(quantise, p),
        theirs: ("vp8_fast_quantize_b_ssse3", |p| {
            unequal(|p| quantise_theirs(p, vp8_fast_quantize_b_ssse3), p)
        }),
    },
    Pair {
        name: "dequantise",
        ours: dequantise,
        theirs: ("vp8_dequantize_b_mmx", dequantise_theirs),
    },
];
