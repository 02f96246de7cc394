// SPDX-License-Identifier: MIT OR Apache-2.0
//! NEON kernels for AArch64.
//!
//! | module | what it holds |
//! |---|---|
//! | `memory` | the loads and stores |
//! | `transpose` | rows to columns and back |
//! | `sixtap` | six-tap prediction |
//! | `bilinear` | bilinear prediction, copies |
//! | `residual` | inverse transforms |
//! | `loop_filter` | loop filters |
//! | `intra` | intra prediction |
//! | `compare`, `satd` | comparison of blocks |
//! | `forward` | residuals and forward transforms |
//! | `quant` | quantisation |
//! | `quality` | the sums of SSIM |
//!
//! NEON is part of the target, so kernels need no `target_feature`; what they
//! call is `#[inline(always)]` all the same, to keep blocks in registers.
//!
//! # Safety
//! Functions here are unsafe for one reason: the block must lie in the slice,
//! as the method of [`Dsp`] that calls the kernel has checked.

mod bilinear;
mod compare;
mod forward;
mod intra;
mod loop_filter;
mod memory;
mod quality;
mod quant;
mod residual;
mod satd;
mod sixtap;
mod transpose;

use super::table::{Compare, Forward, Inter, Intra, LoopFilter, Quality, Quant, Residual};
use super::{Dsp, Level};

/// The table of [`Level::Neon`].
pub(super) static NEON: Dsp = Dsp {
    level: Level::Neon,
    inter: Inter {
        macroblock: None,
        sixtap: [sixtap::sixtap4, sixtap::sixtap8, sixtap::sixtap16],
        bilinear: [
            bilinear::bilinear::<4>,
            bilinear::bilinear::<8>,
            bilinear::bilinear::<16>,
        ],
        copy: [
            bilinear::copy::<4>,
            bilinear::copy::<8>,
            bilinear::copy::<16>,
        ],
    },
    residual: Residual {
        iwht: residual::iwht,
        idct_add: residual::idct_add,
        idct_add_x2: residual::idct_add_x2,
        idct_add_x4: residual::idct_add_x4,
        idct_dc_add: residual::idct_dc_add,
        idct_dc_add_x4: residual::idct_dc_add_x4,
    },
    filter: LoopFilter {
        macroblock: None,
        mb_left: loop_filter::mb_left,
        mb_top: loop_filter::mb_top,
        inner_left: loop_filter::inner_left,
        inner_top: loop_filter::inner_top,
        mb_left_chroma: loop_filter::mb_left_chroma,
        mb_top_chroma: loop_filter::mb_top_chroma,
        inner_left_chroma: loop_filter::inner_left_chroma,
        inner_top_chroma: loop_filter::inner_top_chroma,
        simple_mb_left: loop_filter::simple_mb_left,
        simple_mb_top: loop_filter::simple_mb_top,
        simple_inner_left: loop_filter::simple_inner_left,
        simple_inner_top: loop_filter::simple_inner_top,
    },
    intra: Intra {
        fill: [intra::fill::<8>, intra::fill::<16>],
        vertical: [intra::vertical::<8>, intra::vertical::<16>],
        horizontal: [intra::horizontal::<8>, intra::horizontal::<16>],
        true_motion: [intra::true_motion::<8>, intra::true_motion::<16>],
        sub: intra::sub,
    },
    compare: Compare {
        sad: [
            compare::sad::<16, 16>,
            compare::sad::<16, 8>,
            compare::sad::<8, 16>,
            compare::sad::<8, 8>,
            compare::sad::<4, 4>,
        ],
        sad_16x16_x4: compare::sad_16x16_x4,
        sse: [
            compare::sse::<16, 16>,
            compare::sse::<16, 8>,
            compare::sse::<8, 16>,
            compare::sse::<8, 8>,
            compare::sse::<4, 4>,
        ],
        sse_region: compare::sse_region,
        differences: [
            compare::differences::<16, 16>,
            compare::differences::<16, 8>,
            compare::differences::<8, 16>,
            compare::differences::<8, 8>,
            compare::differences::<4, 4>,
        ],
        satd: [
            satd::satd::<16, 16>,
            satd::satd::<16, 8>,
            satd::satd::<8, 16>,
            satd::satd::<8, 8>,
            satd::satd_4x4,
        ],
    },
    forward: Forward {
        residual_4x4: forward::residual_4x4,
        residual_8x8: forward::residual::<8, 64>,
        residual_16x16: forward::residual::<16, 256>,
        fdct: forward::fdct,
        fdct_x2: forward::fdct_x2,
        fdct_x4: forward::fdct_x4,
        fwht: forward::fwht,
    },
    quant: Quant {
        quantise: quant::quantise,
        dequantise: quant::dequantise,
    },
    quality: Quality {
        ssim_sums: quality::ssim_sums,
    },
};
