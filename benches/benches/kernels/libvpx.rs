// SPDX-License-Identifier: MIT OR Apache-2.0
//! libvpx's kernels, as its static library has them (1.8 to 1.15; their C
//! declarations are in its `vp8_rtcd.h` and `vpx_dsp_rtcd.h`).

use std::ffi::c_char;

/// `loop_filter_info`: 16 equal bytes behind each.
#[repr(C)]
pub struct LoopFilter {
    pub mblim: *const u8,
    pub blim: *const u8,
    pub lim: *const u8,
    pub hev_thr: *const u8,
}

/// `BLOCK`, what the quantisers read of an encoder's block.
#[repr(C)]
pub struct Block {
    pub src_diff: *const i16,
    pub coeff: *const i16,
    pub quant: *const i16,
    pub quant_fast: *const i16,
    pub quant_shift: *const i16,
    pub zbin: *const i16,
    pub zrun_zbin_boost: *const i16,
    pub round: *const i16,
    pub zbin_extra: i16,
    pub base_src: *const *const u8,
    pub src: i32,
    pub src_stride: i32,
}

/// `BLOCKD`, what they write.
#[repr(C)]
pub struct BlockD {
    pub qcoeff: *mut i16,
    pub dqcoeff: *mut i16,
    pub predictor: *const u8,
    pub dequant: *const i16,
    pub offset: i32,
    pub eob: *mut c_char,
    pub bmi: u32,
}

/// Declares the functions of each type, and the type.
macro_rules! functions {
    ($(type $type:ident = ($($args:tt)*) -> $out:ty: $($name:ident)*;)*) => {$(
        pub type $type = unsafe extern "C" fn($($args)*) -> $out;
        functions!(($($args)*) -> $out: $($name)*);
    )*};
    ($args:tt -> $out:ty: $($name:ident)*) => {
        extern "C" {
            $(pub fn $name $args -> $out;)*
        }
    };
}

functions! {
    type Predict = (src: *const u8, stride: i32, x: i32, y: i32, dst: *mut u8, to_stride: i32) -> ():
        vp8_sixtap_predict16x16_ssse3
        vp8_sixtap_predict8x8_ssse3
        vp8_sixtap_predict8x4_ssse3
        vp8_sixtap_predict4x4_ssse3
        vp8_bilinear_predict16x16_ssse3
        vp8_bilinear_predict8x8_ssse3
        vp8_bilinear_predict4x4_sse2;
    type Copy = (src: *const u8, stride: i32, dst: *mut u8, to_stride: i32) -> ():
        vp8_copy_mem16x16_sse2;
    type Idct = (input: *const i16, pred: *const u8, stride: i32, dst: *mut u8, to_stride: i32) -> ():
        vp8_short_idct4x4llm_mmx;
    type IdctDc = (dc: i16, pred: *const u8, stride: i32, dst: *mut u8, to_stride: i32) -> ():
        vp8_dc_only_idct_add_mmx;
    type Luma = (q: *mut i16, dq: *const i16, dst: *mut u8, stride: i32, eobs: *const c_char) -> ():
        vp8_dequant_idct_add_y_block_sse2;
    type Iwht = (input: *const i16, output: *mut i16) -> ():
        vp8_short_inv_walsh4x4_sse2;
    type FilterAll = (y: *mut u8, u: *mut u8, v: *mut u8, stride: i32, uv_stride: i32, limits: *const LoopFilter) -> ():
        vp8_loop_filter_mbv_sse2
        vp8_loop_filter_mbh_sse2
        vp8_loop_filter_bv_sse2
        vp8_loop_filter_bh_sse2;
    type FilterLuma = (y: *mut u8, stride: i32, limit: *const u8) -> ():
        vp8_loop_filter_simple_vertical_edge_sse2
        vp8_loop_filter_simple_horizontal_edge_sse2
        vp8_loop_filter_bvs_sse2
        vp8_loop_filter_bhs_sse2;
    type Intra = (dst: *mut u8, stride: isize, above: *const u8, left: *const u8) -> ():
        vpx_tm_predictor_16x16_sse2
        vpx_tm_predictor_8x8_sse2
        vpx_v_predictor_16x16_sse2
        vpx_h_predictor_16x16_sse2;
    type Sad = (a: *const u8, a_stride: i32, b: *const u8, b_stride: i32) -> u32:
        vpx_sad16x16_sse2
        vpx_sad16x8_sse2
        vpx_sad8x16_sse2
        vpx_sad8x8_sse2
        vpx_sad4x4_sse2;
    type SadOfFour = (a: *const u8, a_stride: i32, b: *const *const u8, b_stride: i32, sads: *mut u32) -> ():
        vpx_sad16x16x4d_sse2;
    type Squares = (a: *const u8, a_stride: i32, b: *const u8, b_stride: i32, sse: *mut u32) -> u32:
        vpx_mse16x16_avx2
        vpx_mse8x8_sse2
        vpx_variance16x16_avx2
        vpx_variance8x8_sse2
        vpx_variance4x4_sse2;
    type Subtract = (
        rows: i32, columns: i32, out: *mut i16, out_stride: isize,
        src: *const u8, src_stride: isize, pred: *const u8, pred_stride: isize,
    ) -> ():
        vpx_subtract_block_sse2;
    type Transform = (input: *const i16, output: *mut i16, pitch: i32) -> ():
        vp8_short_fdct4x4_sse2
        vp8_short_fdct8x4_sse2
        vp8_short_walsh4x4_sse2
        vp8_short_fdct4x4_c
        vp8_short_walsh4x4_c;
    type Quantise = (block: *const Block, out: *const BlockD) -> ():
        vp8_fast_quantize_b_ssse3
        vp8_regular_quantize_b_sse4_1;
    type Dequantise = (block: *const BlockD, step: *const i16) -> ():
        vp8_dequantize_b_mmx;
}
