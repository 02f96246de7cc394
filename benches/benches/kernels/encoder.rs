// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that only an encoder needs, and those of PSNR and SSIM.

use crate::{coeffs, Run, STRIDE};
use framemill_codec::dsp::{BlockShape, Dsp, Quantiser, SsimSums};
use std::hint::black_box;
use std::sync::LazyLock;

/// Keeps a result where the answers are compared.
fn put(buf: &mut [u8], at: usize, value: u64) {
    buf[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// Keeps one of the results; the others are worked out all the same.
fn put_one<const N: usize>(buf: &mut [u8], at: usize, values: &[i16; N]) {
    buf[at] = black_box(values)[at / 16 % N] as u8;
}

#[inline(always)]
fn sad(dsp: &Dsp, shape: BlockShape, src: &[u8], buf: &mut [u8], at: usize) {
    let sad = dsp.sad(shape, src, at, STRIDE, src, at + 3 * STRIDE + 5, STRIDE);
    put(buf, at, sad.into());
}

#[inline(always)]
fn sse(dsp: &Dsp, shape: BlockShape, src: &[u8], buf: &mut [u8], at: usize) {
    let sse = dsp.sse(shape, src, at, STRIDE, src, at + 3 * STRIDE + 5, STRIDE);
    put(buf, at, sse.into());
}

#[inline(always)]
fn variance(dsp: &Dsp, shape: BlockShape, src: &[u8], buf: &mut [u8], at: usize) {
    let other = at + 3 * STRIDE + 5;
    let differences = dsp.differences(shape, src, at, STRIDE, src, other, STRIDE);
    put(buf, at, differences.variance(shape).into());
}

#[inline(always)]
fn satd(dsp: &Dsp, shape: BlockShape, src: &[u8], buf: &mut [u8], at: usize) {
    let satd = dsp.satd(shape, src, at, STRIDE, src, at + 3 * STRIDE + 5, STRIDE);
    put(buf, at, satd.into());
}

pub const COMPARE: &[(&str, usize, Run)] = &[
    ("sad 16x16", 256, |d, s, b, at| {
        sad(d, BlockShape::S16x16, s, b, at)
    }),
    ("sad 16x8", 128, |d, s, b, at| {
        sad(d, BlockShape::S16x8, s, b, at)
    }),
    ("sad 8x16", 128, |d, s, b, at| {
        sad(d, BlockShape::S8x16, s, b, at)
    }),
    ("sad 8x8", 64, |d, s, b, at| {
        sad(d, BlockShape::S8x8, s, b, at)
    }),
    ("sad 4x4", 16, |d, s, b, at| {
        sad(d, BlockShape::S4x4, s, b, at)
    }),
    ("sad 16x16 of 4", 1024, |d, s, b, at| {
        let others = [at + 1, at - 1, at + STRIDE, at - STRIDE];
        let [i, j, k, l] = d.sad_16x16_x4(s, at, STRIDE, s, others, STRIDE);
        put(b, at, u64::from(i ^ j << 8) | u64::from(k ^ l << 8) << 32);
    }),
    ("sse 16x16", 256, |d, s, b, at| {
        sse(d, BlockShape::S16x16, s, b, at)
    }),
    ("sse 8x8", 64, |d, s, b, at| {
        sse(d, BlockShape::S8x8, s, b, at)
    }),
    ("sse 4x4", 16, |d, s, b, at| {
        sse(d, BlockShape::S4x4, s, b, at)
    }),
    ("sse 60x33", 1980, |d, s, b, at| {
        let sse = d.sse_region(s, at, STRIDE, s, at + STRIDE + 5, STRIDE, 60, 33);
        put(b, at, sse);
    }),
    ("variance 16x16", 256, |d, s, b, at| {
        variance(d, BlockShape::S16x16, s, b, at)
    }),
    ("variance 8x8", 64, |d, s, b, at| {
        variance(d, BlockShape::S8x8, s, b, at)
    }),
    ("variance 4x4", 16, |d, s, b, at| {
        variance(d, BlockShape::S4x4, s, b, at)
    }),
    ("satd 16x16", 256, |d, s, b, at| {
        satd(d, BlockShape::S16x16, s, b, at)
    }),
    ("satd 8x8", 64, |d, s, b, at| {
        satd(d, BlockShape::S8x8, s, b, at)
    }),
    ("satd 4x4", 16, |d, s, b, at| {
        satd(d, BlockShape::S4x4, s, b, at)
    }),
];

pub const FORWARD: &[(&str, usize, Run)] = &[
    ("residual 16x16", 256, |d, s, b, at| {
        let mut out = [0; 256];
        d.residual_16x16(s, at, STRIDE, s, at + 5, STRIDE, &mut out);
        put_one(b, at, &out);
    }),
    ("residual 8x8", 64, |d, s, b, at| {
        let mut out = [0; 64];
        d.residual_8x8(s, at, STRIDE, s, at + 5, STRIDE, &mut out);
        put_one(b, at, &out);
    }),
    ("residual 4x4", 16, |d, s, b, at| {
        let mut out = [0; 16];
        d.residual_4x4(s, at, STRIDE, s, at + 5, STRIDE, &mut out);
        put_one(b, at, &out);
    }),
    ("fdct", 16, |d, _, b, at| {
        let mut out = [0; 16];
        d.fdct(coeffs(), &mut out);
        put_one(b, at, &out);
    }),
    ("fdct_x2", 32, |d, _, b, at| {
        let mut out = [0; 32];
        d.fdct_x2(coeffs(), &mut out);
        put_one(b, at, &out);
    }),
    ("fdct_x4", 64, |d, _, b, at| {
        let mut out = [0; 64];
        d.fdct_x4(coeffs(), &mut out);
        put_one(b, at, &out);
    }),
    ("fwht", 16, |d, _, b, at| put_one(b, at, &d.fwht(coeffs()))),
];

/// As of a middling quantiser.
static QUANTISER: LazyLock<Quantiser> = LazyLock::new(|| {
    let step = std::array::from_fn(|i| if i == 0 { 30 } else { 37 });
    Quantiser::new(step, step.map(|s| s * 48 / 128), step.map(|s| s * 84 / 128))
});

pub const QUANT: &[(&str, usize, Run)] = &[
    ("quantise", 16, |d, _, b, at| {
        let mut levels = [0; 16];
        b[at + 1] = d.quantise(coeffs(), &QUANTISER, &mut levels) as u8;
        put_one(b, at, &levels);
    }),
    ("dequantise", 16, |d, _, b, at| {
        put_one(b, at, &d.dequantise(coeffs(), QUANTISER.step()));
    }),
];

pub const QUALITY: &[(&str, usize, Run)] = &[
    ("sse of a row of 960", 960, |d, s, b, at| {
        let first = at / STRIDE * STRIDE;
        let sse = d.sse_row(&s[first..first + 960], &s[at..at + 960]);
        put(b, at, sse);
    }),
    ("sums of 240 blocks", 3840, |d, s, b, at| {
        let first = at / STRIDE * STRIDE;
        let rows_a = std::array::from_fn(|y| &s[first + y * STRIDE..][..960]);
        let rows_b = std::array::from_fn(|y| &s[at + y * STRIDE..][..960]);
        let mut room = [[0.0; 240]; 4];
        let [sum_a, sum_b, squares, products] = &mut room;
        let sums = SsimSums {
            a: sum_a,
            b: sum_b,
            squares,
            products,
        };
        d.ssim_sums(&rows_a, &rows_b, sums);
        let block = at / 16 % 240;
        let all = black_box(&room).iter().map(|sums| sums[block] as u64);
        put(b, at, all.fold(0, |hash, sum| hash * 31 + sum));
    }),
];
