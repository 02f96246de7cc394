// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kernel at every level against the oracle, and the oracle against
//! simple truths.

mod canvas;
mod compare;
mod forward;
mod inter;
mod intra;
mod levels;
mod loop_filter;
mod macroblock;
mod quality;
mod quant;
mod residual;
mod truths;

use super::{Dsp, Level};
use canvas::{canvas, Canvas, Shape};

/// The levels that must run here, by name, with commas between.
const REQUIRED: &str = "FRAMEMILL_REQUIRE_LEVELS";

/// Makes a module per kernel with a test per level; `check` gets the kernels
/// of the level, and the oracle.
macro_rules! at_every_level {
    ($($kernel:ident: $check:path;)*) => {$(
        mod $kernel {
            #[test]
            fn ssse3() {
                $crate::dsp::tests::against_scalar($crate::dsp::Level::Ssse3, $check);
            }
            #[test]
            fn avx2() {
                $crate::dsp::tests::against_scalar($crate::dsp::Level::Avx2, $check);
            }
            #[test]
            fn neon() {
                $crate::dsp::tests::against_scalar($crate::dsp::Level::Neon, $check);
            }
        }
    )*};
}
use at_every_level;

/// Runs a check of one level, or says that it is skipped; fails if it may not
/// be.
fn against_scalar(level: Level, check: fn(&'static Dsp, &'static Dsp)) {
    let required = std::env::var(REQUIRED).unwrap_or_default();
    match (Dsp::get(level), Dsp::get(Level::Scalar)) {
        (Some(dsp), Some(oracle)) => check(dsp, oracle),
        _ if required.split(',').any(|name| name.trim() == level.name()) => {
            panic!("{REQUIRED} names {level}, which this machine lacks")
        }
        _ => println!("skipped: {level}"),
    }
}
