// SPDX-License-Identifier: MIT OR Apache-2.0
//! The oracle: every kernel in plain Rust, written to be read against the RFC.

mod compare;
mod forward;
mod inter;
mod intra;
mod loop_filter;
mod quality;
mod quant;
mod residual;

use super::table::{Compare, Forward, Inter, Intra, LoopFilter, Quality, Quant, Residual};
use super::{Dsp, Level};

pub(super) use inter::{BILINEAR_TAPS, SIX_TAPS};
pub(super) use quality::ssim_sums_from;

/// The table of [`Level::Scalar`].
pub(super) static DSP: Dsp = Dsp {
    level: Level::Scalar,
    inter: Inter {
        macroblock: None,
        sixtap: [inter::sixtap::<4>, inter::sixtap::<8>, inter::sixtap::<16>],
        bilinear: [
            inter::bilinear::<4>,
            inter::bilinear::<8>,
            inter::bilinear::<16>,
        ],
        copy: [inter::copy::<4>, inter::copy::<8>, inter::copy::<16>],
    },
    residual: Residual {
        iwht: residual::iwht,
        idct_add: residual::idct_add,
        idct_add_x2: residual::idct_add_blocks::<32>,
        idct_add_x4: residual::idct_add_blocks::<64>,
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
            compare::satd::<16, 16>,
            compare::satd::<16, 8>,
            compare::satd::<8, 16>,
            compare::satd::<8, 8>,
            compare::satd::<4, 4>,
        ],
    },
    forward: Forward {
        residual_4x4: forward::residual::<4, 16>,
        residual_8x8: forward::residual::<8, 64>,
        residual_16x16: forward::residual::<16, 256>,
        fdct: forward::fdct,
        fdct_x2: forward::fdct_blocks::<32>,
        fdct_x4: forward::fdct_blocks::<64>,
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
