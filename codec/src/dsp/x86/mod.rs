// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels for x86-64: SSSE3, and AVX2.
//!
//! | module | what it holds |
//! |---|---|
//! | `memory` | the loads and stores |
//! | `transpose` | rows to columns and back, for vertical edges |
//! | `sixtap` | six-tap prediction in 128 bits |
//! | `sixtap_wide`, `sixtap_wide8` | six-tap prediction in 256 bits, of 16 and of 8 columns |
//! | `bilinear` | bilinear prediction, copies |
//! | `residual`, `residual_wide` | inverse transforms in 128 and in 256 bits |
//! | `loop_filter` | loop filters |
//! | `intra` | intra prediction |
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
mod intra;
mod loop_filter;
mod memory;
mod residual;
mod residual_wide;
mod sixtap;
mod sixtap_wide;
mod sixtap_wide8;
mod transpose;

use super::table::{Inter, Intra, LoopFilter, Residual};
use super::{Dsp, Level};

/// Makes the entries of 128-bit kernels: modules `ssse3` and `avx2`.
macro_rules! at_both_levels {
    ($(fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)?;)*) => {
        at_both_levels!(ssse3 "ssse3" $(fn $name($($arg: $type),*) $(-> $out)?;)*);
        at_both_levels!(avx2 "avx2" $(fn $name($($arg: $type),*) $(-> $out)?;)*);
    };
    ($module:ident $feature:literal $(fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?;)*) => {
        #[doc = concat!("Entries compiled for ", $feature, ".")]
        // A level may have a wider kernel of its own in place of one.
        #[allow(dead_code)]
        pub(super) mod $module {
            use super::*;
            $(
                #[target_feature(enable = $feature)]
                pub unsafe fn $name($($arg: $type),*) $(-> $out)? {
                    super::$name($($arg),*)
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
};

/// The table of [`Level::Avx2`].
pub(super) static AVX2: Dsp = Dsp {
    level: Level::Avx2,
    inter: Inter {
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
};
