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
//!
//! NEON is part of the target, so kernels need no `target_feature`; what they
//! call is `#[inline(always)]` all the same, to keep blocks in registers.
//!
//! # Safety
//! Functions here are unsafe for one reason: the block must lie in the slice,
//! as the method of [`Dsp`] that calls the kernel has checked.

mod bilinear;
mod intra;
mod loop_filter;
mod memory;
mod residual;
mod sixtap;
mod transpose;

use super::scalar::DSP as SCALAR;
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
    // What only an encoder calls has no NEON kernels yet.
    compare: Compare { ..SCALAR.compare },
    forward: Forward { ..SCALAR.forward },
    quant: Quant { ..SCALAR.quant },
    quality: Quality { ..SCALAR.quality },
};
