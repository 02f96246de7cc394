// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels for x86-64: SSSE3, and AVX2.
//!
//! | module | what it holds |
//! |---|---|
//! | `memory` | the loads and stores |
//! | `transpose` | rows to columns and back, for vertical edges |
//! | `sixtap` | six-tap prediction in 128 bits |
//! | `sixtap_wide`, `sixtap_wide8` | six-tap prediction in 256 bits, of 16 and of 8 columns |
//! | `predict_wide` | six-tap prediction of a macroblock in 256 bits |
//! | `bilinear` | bilinear prediction, copies |
//! | `residual`, `residual_wide` | inverse transforms in 128 and in 256 bits |
//! | `bytes` | registers of either width |
//! | `edge` | the arithmetic of the loop filters |
//! | `loop_filter`, `loop_filter_wide` | edges to filter, one by one in 128 bits and all of a macroblock in 256 |
//! | `intra` | intra prediction |
//! | `compare`, `compare_wide`, `satd` | comparison of blocks |
//! | `forward`, `forward_wide` | residuals and forward transforms |
//! | `quant` | quantisation |
//! | `quality` | the sums of SSIM |
//!
//! A 128-bit kernel is written once, as an `#[inline(always)]` function of no
//! CPU level; [`at_both_levels`] makes its two entries, each compiled for its
//! level. Everything such a kernel calls must be `#[inline(always)]` too, or
//! its instructions become calls.
//!
//! # Safety
//! Functions here are unsafe for one reason or both: the CPU must have the
//! level, and the block must lie in the slice as the method of
//! [`Dsp`] that calls the kernel has checked.

mod bilinear;
mod bytes;
mod compare;
mod compare_wide;
mod edge;
mod forward;
mod forward_wide;
mod intra;
mod loop_filter;
mod loop_filter_wide;
mod memory;
mod predict_wide;
mod quality;
mod quant;
mod residual;
mod residual_wide;
mod satd;
mod sixtap;
mod sixtap_wide;
mod sixtap_wide8;
mod transpose;

use super::table::{Compare, Forward, Inter, Intra, LoopFilter, Quality, Quant, Residual};
use super::{Dsp, Level};

/// Makes the entries of 128-bit kernels: modules `ssse3` and `avx2`.
macro_rules! at_both_levels {
    ($(fn $name:ident $(<$(const $n:ident: usize),*>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)?;)*) => {
        at_both_levels!(ssse3 "ssse3" $(fn $name $(<$(const $n: usize),*>)? ($($arg: $type),*) $(-> $out)?;)*);
        at_both_levels!(avx2 "avx2" $(fn $name $(<$(const $n: usize),*>)? ($($arg: $type),*) $(-> $out)?;)*);
    };
    ($module:ident $feature:literal $(fn $name:ident $(<$(const $n:ident: usize),*>)? ($($arg:ident: $type:ty),*) $(-> $out:ty)?;)*) => {
        #[doc = concat!("Entries compiled for ", $feature, ".")]
        // A level may have a wider kernel of its own in place of one.
        #[allow(dead_code)]
        pub(super) mod $module {
            // Not all kernels have types to name.
            #[allow(unused_imports)]
            use super::*;
            $(
                #[target_feature(enable = $feature)]
                pub unsafe fn $name $(<$(const $n: usize),*>)? ($($arg: $type),*) $(-> $out)? {
                    super::$name $(::<$($n),*>)? ($($arg),*)
                }
            )*
        }
    };
}
use at_both_levels;

/// The table of [`Level::Ssse3`].
pub(super) static SSSE3: Dsp = Dsp {
    level: Level::Ssse3,
    inter: Inter {
        macroblock: None,
        sixtap: [
            sixtap::ssse3::sixtap4,
            sixtap::ssse3::sixtap8,
            sixtap::ssse3::sixtap16,
        ],
        bilinear: [
            bilinear::ssse3::bilinear4,
            bilinear::ssse3::bilinear8,
            bilinear::ssse3::bilinear16,
        ],
        copy: [
            bilinear::ssse3::copy4,
            bilinear::ssse3::copy8,
            bilinear::ssse3::copy16,
        ],
    },
    residual: Residual {
        iwht: residual::ssse3::iwht,
        idct_add: residual::ssse3::idct_add,
        idct_add_x2: residual::ssse3::idct_add_x2,
        idct_add_x4: residual::ssse3::idct_add_x4,
        idct_dc_add: residual::ssse3::idct_dc_add,
        idct_dc_add_x4: residual::ssse3::idct_dc_add_x4,
    },
    filter: LoopFilter {
        macroblock: None,
        mb_left: loop_filter::ssse3::mb_left,
        mb_top: loop_filter::ssse3::mb_top,
        inner_left: loop_filter::ssse3::inner_left,
        inner_top: loop_filter::ssse3::inner_top,
        mb_left_chroma: loop_filter::ssse3::mb_left_chroma,
        mb_top_chroma: loop_filter::ssse3::mb_top_chroma,
        inner_left_chroma: loop_filter::ssse3::inner_left_chroma,
        inner_top_chroma: loop_filter::ssse3::inner_top_chroma,
        simple_mb_left: loop_filter::ssse3::simple_mb_left,
        simple_mb_top: loop_filter::ssse3::simple_mb_top,
        simple_inner_left: loop_filter::ssse3::simple_inner_left,
        simple_inner_top: loop_filter::ssse3::simple_inner_top,
    },
    intra: Intra {
        fill: [intra::ssse3::fill8, intra::ssse3::fill16],
        vertical: [intra::ssse3::vertical8, intra::ssse3::vertical16],
        horizontal: [intra::ssse3::horizontal8, intra::ssse3::horizontal16],
        true_motion: [intra::ssse3::true_motion8, intra::ssse3::true_motion16],
        sub: intra::ssse3::sub,
    },
    compare: Compare {
        sad: [
            compare::ssse3::sad::<16, 16>,
            compare::ssse3::sad::<16, 8>,
            compare::ssse3::sad::<8, 16>,
            compare::ssse3::sad::<8, 8>,
            compare::ssse3::sad::<4, 4>,
        ],
        sad_16x16_x4: compare::ssse3::sad_16x16_x4,
        sse: [
            compare::ssse3::sse::<16, 16>,
            compare::ssse3::sse::<16, 8>,
            compare::ssse3::sse::<8, 16>,
            compare::ssse3::sse::<8, 8>,
            compare::ssse3::sse::<4, 4>,
        ],
        sse_region: compare::ssse3::sse_region,
        differences: [
            compare::ssse3::differences::<16, 16>,
            compare::ssse3::differences::<16, 8>,
            compare::ssse3::differences::<8, 16>,
            compare::ssse3::differences::<8, 8>,
            compare::ssse3::differences::<4, 4>,
        ],
        satd: [
            satd::ssse3::satd::<16, 16>,
            satd::ssse3::satd::<16, 8>,
            satd::ssse3::satd::<8, 16>,
            satd::ssse3::satd::<8, 8>,
            satd::ssse3::satd_4x4,
        ],
    },
    forward: Forward {
        residual_4x4: forward::ssse3::residual_4x4,
        residual_8x8: forward::ssse3::residual_8x8,
        residual_16x16: forward::ssse3::residual_16x16,
        fdct: forward::ssse3::fdct,
        fdct_x2: forward::ssse3::fdct_x2,
        fdct_x4: forward::ssse3::fdct_x4,
        fwht: forward::ssse3::fwht,
    },
    quant: Quant {
        quantise: quant::ssse3::quantise,
        dequantise: quant::ssse3::dequantise,
    },
    quality: Quality {
        ssim_sums: quality::ssse3::ssim_sums,
    },
};

/// The table of [`Level::Avx2`].
pub(super) static AVX2: Dsp = Dsp {
    level: Level::Avx2,
    inter: Inter {
        macroblock: Some(predict_wide::macroblock),
        sixtap: [
            sixtap::avx2::sixtap4,
            sixtap_wide8::sixtap8,
            sixtap_wide::sixtap16,
        ],
        bilinear: [
            bilinear::avx2::bilinear4,
            bilinear::avx2::bilinear8,
            bilinear::avx2::bilinear16,
        ],
        copy: [
            bilinear::avx2::copy4,
            bilinear::avx2::copy8,
            bilinear::avx2::copy16,
        ],
    },
    residual: Residual {
        iwht: residual::avx2::iwht,
        idct_add: residual::avx2::idct_add,
        idct_add_x2: residual::avx2::idct_add_x2,
        idct_add_x4: residual_wide::idct_add_x4,
        idct_dc_add: residual::avx2::idct_dc_add,
        idct_dc_add_x4: residual::avx2::idct_dc_add_x4,
    },
    filter: LoopFilter {
        macroblock: Some(loop_filter_wide::macroblock),
        mb_left: loop_filter::avx2::mb_left,
        mb_top: loop_filter::avx2::mb_top,
        inner_left: loop_filter::inner_left_wide,
        inner_top: loop_filter::avx2::inner_top,
        mb_left_chroma: loop_filter::avx2::mb_left_chroma,
        mb_top_chroma: loop_filter::avx2::mb_top_chroma,
        inner_left_chroma: loop_filter::avx2::inner_left_chroma,
        inner_top_chroma: loop_filter::avx2::inner_top_chroma,
        simple_mb_left: loop_filter::avx2::simple_mb_left,
        simple_mb_top: loop_filter::avx2::simple_mb_top,
        simple_inner_left: loop_filter::avx2::simple_inner_left,
        simple_inner_top: loop_filter::avx2::simple_inner_top,
    },
    intra: Intra {
        fill: [intra::avx2::fill8, intra::avx2::fill16],
        vertical: [intra::avx2::vertical8, intra::avx2::vertical16],
        horizontal: [intra::avx2::horizontal8, intra::avx2::horizontal16],
        true_motion: [intra::avx2::true_motion8, intra::avx2::true_motion16],
        sub: intra::avx2::sub,
    },
    compare: Compare {
        sad: [
            compare::avx2::sad::<16, 16>,
            compare::avx2::sad::<16, 8>,
            compare::avx2::sad::<8, 16>,
            compare::avx2::sad::<8, 8>,
            compare::avx2::sad::<4, 4>,
        ],
        sad_16x16_x4: compare::avx2::sad_16x16_x4,
        sse: [
            compare_wide::sse16::<16>,
            compare_wide::sse16::<8>,
            compare::avx2::sse::<8, 16>,
            compare::avx2::sse::<8, 8>,
            compare::avx2::sse::<4, 4>,
        ],
        sse_region: compare_wide::sse_region,
        differences: [
            compare_wide::differences16::<16>,
            compare_wide::differences16::<8>,
            compare::avx2::differences::<8, 16>,
            compare::avx2::differences::<8, 8>,
            compare::avx2::differences::<4, 4>,
        ],
        satd: [
            satd::satd16_wide::<16>,
            satd::satd16_wide::<8>,
            satd::avx2::satd::<8, 16>,
            satd::avx2::satd::<8, 8>,
            satd::avx2::satd_4x4,
        ],
    },
    forward: Forward {
        residual_4x4: forward::avx2::residual_4x4,
        residual_8x8: forward::avx2::residual_8x8,
        residual_16x16: forward_wide::residual_16x16,
        fdct: forward::avx2::fdct,
        fdct_x2: forward::avx2::fdct_x2,
        fdct_x4: forward_wide::fdct_x4,
        fwht: forward::avx2::fwht,
    },
    quant: Quant {
        quantise: quant::quantise_wide,
        dequantise: quant::dequantise_wide,
    },
    quality: Quality {
        ssim_sums: quality::ssim_sums_wide,
    },
};
