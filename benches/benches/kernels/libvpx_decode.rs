// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that a decoder needs.

use super::{Aligned, Pair, Place, STRIDE, U, V};
use crate::calls::*;
use crate::libvpx::*;
use framemill_codec::dsp::{BlockSize, Dsp, EdgeLimits, Width};
use std::hint::black_box;

const LIMITS: EdgeLimits = EdgeLimits {
    edge: 40,
    interior: 12,
    hev: 1,
};
/// The same for libvpx.
static LINES: Limits = [
    Aligned([LIMITS.edge; 16]),
    Aligned([LIMITS.interior; 16]),
    Aligned([LIMITS.hev; 16]),
];

/// Coefficients as of a coarse quantiser, of 16 blocks.
static LEVELS: Aligned<[i16; 256]> = {
    let mut out = [0; 256];
    let mut i = 0;
    while i < 256 {
        out[i] = (i * 37 % 61) as i16 - 30;
        i += 1;
    }
    Aligned(out)
};
static STEPS: Aligned<[i16; 16]> = Aligned([8; 16]);

#[inline(always)]
fn sixtap(place: &mut Place<'_>, width: Width, height: usize, x: usize, y: usize) {
    let Place { dsp, src, dst, at } = place;
    dsp.sixtap(width, src, *at + 3, STRIDE, dst, *at, STRIDE, height, x, y);
}

#[inline(always)]
fn bilinear(place: &mut Place<'_>, width: Width, height: usize, x: usize, y: usize) {
    let Place { dsp, src, dst, at } = place;
    dsp.bilinear(width, src, *at + 3, STRIDE, dst, *at, STRIDE, height, x, y);
}

/// Luma's edge, then U's and V's.
#[inline(always)]
fn edge(
    place: &mut Place<'_>,
    luma: fn(&Dsp, &mut [u8], usize, usize, EdgeLimits),
    chroma: fn(&Dsp, &mut [u8], usize, usize, usize, EdgeLimits),
) {
    let Place { dsp, dst, at, .. } = place;
    luma(dsp, dst, *at, STRIDE, LIMITS);
    chroma(dsp, dst, *at + U, *at + V, STRIDE, LIMITS);
}

fn copy_16x16(place: &mut Place<'_>) {
    let Place { dsp, src, dst, at } = place;
    dsp.copy(Width::W16, src, *at + 3, STRIDE, dst, *at, STRIDE, 16);
}

fn vertical(place: &mut Place<'_>) {
    let Place { dsp, src, dst, at } = place;
    dsp.intra_vertical(BlockSize::B16, &src[*at..], dst, *at, STRIDE);
}

fn horizontal(place: &mut Place<'_>) {
    let Place { dsp, src, dst, at } = place;
    dsp.intra_horizontal(BlockSize::B16, &src[*at + STRIDE..], dst, *at, STRIDE);
}

#[inline(always)]
fn true_motion(place: &mut Place<'_>, size: BlockSize) {
    let Place { dsp, src, dst, at } = place;
    let (above, left) = (&src[*at..], &src[*at + STRIDE..]);
    dsp.intra_true_motion(size, above, left, src[*at - 1], dst, *at, STRIDE);
}

/// The luma of a macroblock whose blocks all have coefficients.
fn luma_residual(place: &mut Place<'_>) {
    let levels = black_box(LEVELS.0);
    for y in 0..4 {
        let mut coeffs = [0; 64];
        let levels = levels[64 * y..].as_chunks::<16>().0;
        for (coeffs, levels) in coeffs.as_chunks_mut::<16>().0.iter_mut().zip(levels) {
            *coeffs = place.dsp.dequantise(levels, &STEPS.0);
        }
        let at = place.at + 4 * y * STRIDE;
        place.dsp.idct_add_x4(&coeffs, place.dst, at, STRIDE);
    }
}

#[inline(always)]
fn luma_residual_theirs(place: &mut Place<'_>, add: Luma) {
    // The kernel clears them.
    let mut levels = Aligned(black_box(LEVELS.0));
    luma(place, add, &mut levels, &STEPS);
    black_box(&levels.0);
}

fn block() -> &'static [i16; 16] {
    let first = LEVELS.0.first_chunk();
    black_box(first.expect("longer"))
}

#[inline(always)]
fn iwht_theirs(place: &mut Place<'_>, transform: Iwht) {
    let mut out = Aligned([0i16; 256]);
    iwht(transform, block(), &mut out);
    place.put_one(&out.0, 16 * 5);
}

pairs! {
    "sixtap 16x16 both": |p| sixtap(p, Width::W16, 16, 2, 6),
        predict(vp8_sixtap_predict16x16_ssse3, 2, 6);
    "sixtap 16x16 across": |p| sixtap(p, Width::W16, 16, 4, 0),
        predict(vp8_sixtap_predict16x16_ssse3, 4, 0);
    "sixtap 16x16 down": |p| sixtap(p, Width::W16, 16, 0, 4),
        predict(vp8_sixtap_predict16x16_ssse3, 0, 4);
    "sixtap 8x8 both": |p| sixtap(p, Width::W8, 8, 2, 6),
        predict(vp8_sixtap_predict8x8_ssse3, 2, 6);
    "sixtap 8x8 both, 4 taps": |p| sixtap(p, Width::W8, 8, 3, 5),
        predict(vp8_sixtap_predict8x8_ssse3, 3, 5);
    "sixtap 8x4 both": |p| sixtap(p, Width::W8, 4, 2, 6),
        predict(vp8_sixtap_predict8x4_ssse3, 2, 6);
    "sixtap 4x4 both": |p| sixtap(p, Width::W4, 4, 2, 6),
        predict(vp8_sixtap_predict4x4_ssse3, 2, 6);
    "bilinear 16x16 both": |p| bilinear(p, Width::W16, 16, 3, 5),
        predict(vp8_bilinear_predict16x16_ssse3, 3, 5);
    "bilinear 8x8 both": |p| bilinear(p, Width::W8, 8, 3, 5),
        predict(vp8_bilinear_predict8x8_ssse3, 3, 5);
    "bilinear 4x4 both": |p| bilinear(p, Width::W4, 4, 3, 5),
        predict(vp8_bilinear_predict4x4_sse2, 3, 5);
    "copy 16x16": copy_16x16, copy(vp8_copy_mem16x16_sse2);
    "idct_add": |p| p.dsp.idct_add(block(), p.dst, p.at, STRIDE),
        idct(vp8_short_idct4x4llm_mmx, block());
    "idct_dc_add": |p| p.dsp.idct_dc_add(black_box(133), p.dst, p.at, STRIDE),
        idct_dc(vp8_dc_only_idct_add_mmx, black_box(133));
    "16 of dequantise, 4 of idct_add_x4": luma_residual,
        luma_residual_theirs(vp8_dequant_idct_add_y_block_sse2);
    "iwht": |p| p.put_one(&p.dsp.iwht(block()), 5), iwht_theirs(vp8_short_inv_walsh4x4_sse2);
    "mb_left, luma and chroma": |p| edge(p, Dsp::filter_mb_left, Dsp::filter_mb_left_chroma),
        filter(vp8_loop_filter_mbv_sse2, &LINES);
    "mb_top, luma and chroma": |p| edge(p, Dsp::filter_mb_top, Dsp::filter_mb_top_chroma),
        filter(vp8_loop_filter_mbh_sse2, &LINES);
    "inner_left, luma and chroma": |p| edge(p, Dsp::filter_inner_left, Dsp::filter_inner_left_chroma),
        filter(vp8_loop_filter_bv_sse2, &LINES);
    "inner_top, luma and chroma": |p| edge(p, Dsp::filter_inner_top, Dsp::filter_inner_top_chroma),
        filter(vp8_loop_filter_bh_sse2, &LINES);
    "simple_mb_left": |p| p.dsp.simple_mb_left(p.dst, p.at, STRIDE, LIMITS.edge),
        simple(vp8_loop_filter_simple_vertical_edge_sse2, &LINES);
    "simple_mb_top": |p| p.dsp.simple_mb_top(p.dst, p.at, STRIDE, LIMITS.edge),
        simple(vp8_loop_filter_simple_horizontal_edge_sse2, &LINES);
    "simple_inner_left": |p| p.dsp.simple_inner_left(p.dst, p.at, STRIDE, LIMITS.edge),
        simple(vp8_loop_filter_bvs_sse2, &LINES);
    "simple_inner_top": |p| p.dsp.simple_inner_top(p.dst, p.at, STRIDE, LIMITS.edge),
        simple(vp8_loop_filter_bhs_sse2, &LINES);
    "true_motion 16x16": |p| true_motion(p, BlockSize::B16), intra(vpx_tm_predictor_16x16_sse2);
    "true_motion 8x8": |p| true_motion(p, BlockSize::B8), intra(vpx_tm_predictor_8x8_sse2);
    "vertical 16x16": vertical, intra(vpx_v_predictor_16x16_sse2);
    "horizontal 16x16": horizontal, intra(vpx_h_predictor_16x16_sse2);
}
