// SPDX-License-Identifier: MIT OR Apache-2.0
//! The oracle: every kernel in plain Rust, written to be read against the RFC.

mod inter;
mod intra;
mod loop_filter;
mod residual;

use super::table::{Inter, Intra, LoopFilter, Residual};
use super::{Dsp, Level};

pub(super) use inter::{BILINEAR_TAPS, SIX_TAPS};

/// The table of [`Level::Scalar`].
pub(super) static DSP: Dsp = Dsp {
    level: Level::Scalar,
    inter: Inter {
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
};
