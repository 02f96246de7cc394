// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that a decoder needs.

use super::{Aligned, Pair, Place, STRIDE, U, V};
use crate::libvpx::*;
use framemill_codec::dsp::{BlockSize, EdgeLimits, Width};
use std::hint::black_box;

const PITCH: i32 = STRIDE as i32;

const LIMITS: EdgeLimits = EdgeLimits {
    edge: 40,
    interior: 12,
    hev: 1,
};
static EDGE: Aligned<[u8; 16]> = Aligned([LIMITS.edge; 16]);
static INTERIOR: Aligned<[u8; 16]> = Aligned([LIMITS.interior; 16]);
static HEV: Aligned<[u8; 16]> = Aligned([LIMITS.hev; 16]);

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

/// libvpx's predictors.
type Predict = unsafe extern "C" fn(*const u8, i32, i32, i32, *mut u8, i32);

#[inline(always)]
fn predict(place: &mut Place<'_>, predict: Predict, x: i32, y: i32) {
    let src = place.src_at(3);
    // SAFETY: the block and what the filters read around it are in the buffers.
    unsafe { predict(src, PITCH, x, y, place.dst_at(0), PITCH) }
}

/// libvpx's filters of a macroblock's three planes.
type FilterAll = unsafe extern "C" fn(*mut u8, *mut u8, *mut u8, i32, i32, *const LoopFilter);

#[inline(always)]
fn filter(place: &mut Place<'_>, filter: FilterAll) {
    let limits = LoopFilter {
        mblim: EDGE.0.as_ptr(),
        blim: EDGE.0.as_ptr(),
        lim: INTERIOR.0.as_ptr(),
        hev_thr: HEV.0.as_ptr(),
    };
    let (y, u, v) = (place.dst_at(0), place.dst_at(U), place.dst_at(V));
    // SAFETY: the blocks and the 4 samples before their edges are in the buffer.
    unsafe { filter(y, u, v, PITCH, PITCH, &limits) }
}

/// libvpx's simple filters.
type FilterLuma = unsafe extern "C" fn(*mut u8, i32, *const u8);

#[inline(always)]
fn simple(place: &mut Place<'_>, filter: FilterLuma) {
    // SAFETY: the block and the 2 samples before its edge are in the buffer.
    unsafe { filter(place.dst_at(0), PITCH, EDGE.0.as_ptr()) }
}

/// libvpx's whole-block intra predictors.
type Intra = unsafe extern "C" fn(*mut u8, isize, *const u8, *const u8);

#[inline(always)]
fn intra(place: &mut Place<'_>, intra: Intra) {
    let (above, left) = (place.src_at(0), place.src_at(STRIDE));
    // SAFETY: the block, the 17 samples above and the 16 to the left are there.
    unsafe { intra(place.dst_at(0), STRIDE as isize, above, left) }
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

fn luma_residual_theirs(place: &mut Place<'_>) {
    // The kernel clears them.
    let mut levels = Aligned(black_box(LEVELS.0));
    let (dst, ends) = (place.dst_at(0), [16; 16]);
    // SAFETY: 16 blocks of levels, 16 steps and ends, and a block of 16×16.
    unsafe {
        let (levels, steps) = (levels.0.as_mut_ptr(), STEPS.0.as_ptr());
        vp8_dequant_idct_add_y_block_sse2(levels, steps, dst, PITCH, ends.as_ptr());
    }
    black_box(&levels.0);
}

fn block() -> &'static [i16; 16] {
    let first = LEVELS.0.first_chunk();
    black_box(first.expect("longer"))
}

fn idct_theirs(place: &mut Place<'_>) {
    let dst = place.dst_at(0);
    // SAFETY: 16 coefficients, and a block of 4×4 that is its own prediction.
    unsafe { vp8_short_idct4x4llm_mmx(block().as_ptr(), dst, PITCH, dst, PITCH) }
}

fn idct_dc_theirs(place: &mut Place<'_>) {
    let dst = place.dst_at(0);
    // SAFETY: a block of 4×4 that is its own prediction.
    unsafe { vp8_dc_only_idct_add_mmx(black_box(133), dst, PITCH, dst, PITCH) }
}

fn iwht_theirs(place: &mut Place<'_>) {
    let mut out = Aligned([0i16; 256]);
    // SAFETY: 16 coefficients; the DCs go to the first places of 16 blocks.
    unsafe { vp8_short_inv_walsh4x4_sse2(block().as_ptr(), out.0.as_mut_ptr()) }
    place.put_one(&out.0, 16 * 5);
}

fn copy_theirs(place: &mut Place<'_>) {
    let src = place.src_at(3);
    // SAFETY: two blocks of 16×16.
    unsafe { vp8_copy_mem16x16_sse2(src, PITCH, place.dst_at(0), PITCH) }
}

pub const PAIRS: &[Pair] = &[
    Pair {
        name: "sixtap 16x16 both",
        ours: |p| sixtap(p, Width::W16, 16, 2, 6),
        theirs: ("vp8_sixtap_predict16x16_ssse3", |p| {
            predict(p, vp8_sixtap_predict16x16_ssse3, 2, 6)
        }),
    },
    Pair {
        name: "sixtap 16x16 across",
        ours: |p| sixtap(p, Width::W16, 16, 4, 0),
        theirs: ("vp8_sixtap_predict16x16_ssse3", |p| {
            predict(p, vp8_sixtap_predict16x16_ssse3, 4, 0)
        }),
    },
    Pair {
        name: "sixtap 16x16 down",
        ours: |p| sixtap(p, Width::W16, 16, 0, 4),
        theirs: ("vp8_sixtap_predict16x16_ssse3", |p| {
            predict(p, vp8_sixtap_predict16x16_ssse3, 0, 4)
        }),
    },
    Pair {
        name: "sixtap 8x8 both",
        ours: |p| sixtap(p, Width::W8, 8, 2, 6),
        theirs: ("vp8_sixtap_predict8x8_ssse3", |p| {
            predict(p, vp8_sixtap_predict8x8_ssse3, 2, 6)
        }),
    },
    Pair {
        name: "sixtap 8x8 both, 4 taps",
        ours: |p| sixtap(p, Width::W8, 8, 3, 5),
        theirs: ("vp8_sixtap_predict8x8_ssse3", |p| {
            predict(p, vp8_sixtap_predict8x8_ssse3, 3, 5)
        }),
    },
    Pair {
        name: "sixtap 8x4 both",
        ours: |p| sixtap(p, Width::W8, 4, 2, 6),
        theirs: ("vp8_sixtap_predict8x4_ssse3", |p| {
            predict(p, vp8_sixtap_predict8x4_ssse3, 2, 6)
        }),
    },
    Pair {
        name: "sixtap 4x4 both",
        ours: |p| sixtap(p, Width::W4, 4, 2, 6),
        theirs: ("vp8_sixtap_predict4x4_ssse3", |p| {
            predict(p, vp8_sixtap_predict4x4_ssse3, 2, 6)
        }),
    },
    Pair {
        name: "bilinear 16x16 both",
        ours: |p| bilinear(p, Width::W16, 16, 3, 5),
        theirs: ("vp8_bilinear_predict16x16_ssse3", |p| {
            predict(p, vp8_bilinear_predict16x16_ssse3, 3, 5)
        }),
    },
    Pair {
        name: "bilinear 8x8 both",
        ours: |p| bilinear(p, Width::W8, 8, 3, 5),
        theirs: ("vp8_bilinear_predict8x8_ssse3", |p| {
            predict(p, vp8_bilinear_predict8x8_ssse3, 3, 5)
        }),
    },
    Pair {
        name: "bilinear 4x4 both",
        ours: |p| bilinear(p, Width::W4, 4, 3, 5),
        theirs: ("vp8_bilinear_predict4x4_sse2", |p| {
            predict(p, vp8_bilinear_predict4x4_sse2, 3, 5)
        }),
    },
    Pair {
        name: "copy 16x16",
        ours: |p| {
            p.dsp
                .copy(Width::W16, p.src, p.at + 3, STRIDE, p.dst, p.at, STRIDE, 16)
        },
        theirs: ("vp8_copy_mem16x16_sse2", copy_theirs),
    },
    Pair {
        name: "idct_add",
        ours: |p| p.dsp.idct_add(block(), p.dst, p.at, STRIDE),
        theirs: ("vp8_short_idct4x4llm_mmx", idct_theirs),
    },
    Pair {
        name: "idct_dc_add",
        ours: |p| p.dsp.idct_dc_add(black_box(133), p.dst, p.at, STRIDE),
        theirs: ("vp8_dc_only_idct_add_mmx", idct_dc_theirs),
    },
    Pair {
        name: "16 of dequantise, 4 of idct_add_x4",
        ours: luma_residual,
        theirs: ("vp8_dequant_idct_add_y_block_sse2", luma_residual_theirs),
    },
    Pair {
        name: "iwht",
        ours: |p| p.put_one(&p.dsp.iwht(block()), 5),
        theirs: ("vp8_short_inv_walsh4x4_sse2", iwht_theirs),
    },
    Pair {
        name: "mb_left, luma and chroma",
        ours: |p| {
            p.dsp.filter_mb_left(p.dst, p.at, STRIDE, LIMITS);
            p.dsp
                .filter_mb_left_chroma(p.dst, p.at + U, p.at + V, STRIDE, LIMITS);
        },
        theirs: ("vp8_loop_filter_mbv_sse2", |p| {
            filter(p, vp8_loop_filter_mbv_sse2)
        }),
    },
    Pair {
        name: "mb_top, luma and chroma",
        ours: |p| {
            p.dsp.filter_mb_top(p.dst, p.at, STRIDE, LIMITS);
            p.dsp
                .filter_mb_top_chroma(p.dst, p.at + U, p.at + V, STRIDE, LIMITS);
        },
        theirs: ("vp8_loop_filter_mbh_sse2", |p| {
            filter(p, vp8_loop_filter_mbh_sse2)
        }),
    },
    Pair {
        name: "inner_left, luma and chroma",
        ours: |p| {
            p.dsp.filter_inner_left(p.dst, p.at, STRIDE, LIMITS);
            p.dsp
                .filter_inner_left_chroma(p.dst, p.at + U, p.at + V, STRIDE, LIMITS);
        },
        theirs: ("vp8_loop_filter_bv_sse2", |p| {
            filter(p, vp8_loop_filter_bv_sse2)
        }),
    },
    Pair {
        name: "inner_top, luma and chroma",
        ours: |p| {
            p.dsp.filter_inner_top(p.dst, p.at, STRIDE, LIMITS);
            p.dsp
                .filter_inner_top_chroma(p.dst, p.at + U, p.at + V, STRIDE, LIMITS);
        },
        theirs: ("vp8_loop_filter_bh_sse2", |p| {
            filter(p, vp8_loop_filter_bh_sse2)
        }),
    },
    Pair {
        name: "simple_mb_left",
        ours: |p| p.dsp.simple_mb_left(p.dst, p.at, STRIDE, LIMITS.edge),
        theirs: ("vp8_loop_filter_simple_vertical_edge_sse2", |p| {
            simple(p, vp8_loop_filter_simple_vertical_edge_sse2)
        }),
    },
    Pair {
        name: "simple_mb_top",
        ours: |p| p.dsp.simple_mb_top(p.dst, p.at, STRIDE, LIMITS.edge),
        theirs: ("vp8_loop_filter_simple_horizontal_edge_sse2", |p| {
            simple(p, vp8_loop_filter_simple_horizontal_edge_sse2)
        }),
    },
    Pair {
        name: "simple_inner_left",
        ours: |p| p.dsp.simple_inner_left(p.dst, p.at, STRIDE, LIMITS.edge),
        theirs: ("vp8_loop_filter_bvs_sse2", |p| {
            simple(p, vp8_loop_filter_bvs_sse2)
        }),
    },
    Pair {
        name: "simple_inner_top",
        ours: |p| p.dsp.simple_inner_top(p.dst, p.at, STRIDE, LIMITS.edge),
        theirs: ("vp8_loop_filter_bhs_sse2", |p| {
            simple(p, vp8_loop_filter_bhs_sse2)
        }),
    },
    Pair {
        name: "true_motion 16x16",
        ours: |p| true_motion(p, BlockSize::B16),
        theirs: ("vpx_tm_predictor_16x16_sse2", |p| {
            intra(p, vpx_tm_predictor_16x16_sse2)
        }),
    },
    Pair {
        name: "true_motion 8x8",
        ours: |p| true_motion(p, BlockSize::B8),
        theirs: ("vpx_tm_predictor_8x8_sse2", |p| {
            intra(p, vpx_tm_predictor_8x8_sse2)
        }),
    },
    Pair {
        name: "vertical 16x16",
        ours: |p| {
            p.dsp
                .intra_vertical(BlockSize::B16, &p.src[p.at..], p.dst, p.at, STRIDE)
        },
        theirs: ("vpx_v_predictor_16x16_sse2", |p| {
            intra(p, vpx_v_predictor_16x16_sse2)
        }),
    },
    Pair {
        name: "horizontal 16x16",
        ours: |p| {
            p.dsp
                .intra_horizontal(BlockSize::B16, &p.src[p.at + STRIDE..], p.dst, p.at, STRIDE)
        },
        theirs: ("vpx_h_predictor_16x16_sse2", |p| {
            intra(p, vpx_h_predictor_16x16_sse2)
        }),
    },
];
