// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sample kernels of VP8: prediction, residual and loop filters, and what
//! an encoder adds to them: comparison, forward transforms and quantisation.
//! One table of them for each CPU level, all bit-exact.
//!
//! | module | what it holds |
//! |---|---|
//! | `table/` | the tables: safe methods of [`Dsp`] that check shapes and then call, a file per group |
//! | `scalar/` | the oracle: each kernel in plain Rust, the first row of the table |
//! | `x86/` | SSSE3 and AVX2 kernels |
//! | `aarch64/` | NEON kernels |
//! | `block` | a place in a plane, and the one bounds check |
//! | `edge` | what the loop filters of both architectures share |
//! | `level` | the CPU levels and their detection |
//! | `routine` | other code, compiled for each level |
//!
//! Samples are bytes. All planes of a picture live in one buffer, so a plane
//! is an offset. A stride is at most [`MAX_STRIDE`] bytes.
//!
//! A kernel is a safe function that takes slices; it gets into a table as an
//! `unsafe fn` pointer, since a level's kernels may run only on a CPU that has
//! the level. [`Dsp::get`] is the only door, and it asks the CPU first.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod block;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod edge;
mod level;
mod routine;
mod scalar;
mod table;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use block::MAX_STRIDE;
pub use level::Level;
pub(crate) use routine::Routine;
pub(crate) use table::ZIGZAG;
pub use table::{
    BlockShape, BlockSize, Differences, EdgeLimits, MacroblockEdges, Motion, Quantiser, SsimSums,
    SubMode, Width,
};

/// The kernels of one CPU level.
///
/// Every level gives the same bits as [`Level::Scalar`] for every input that a
/// method accepts.
#[derive(Debug)]
pub struct Dsp {
    level: Level,
    inter: table::Inter,
    residual: table::Residual,
    filter: table::LoopFilter,
    intra: table::Intra,
    compare: table::Compare,
    forward: table::Forward,
    quant: table::Quant,
    quality: table::Quality,
}

impl Dsp {
    /// The kernels of `level`; `None` where this machine lacks the level.
    pub fn get(level: Level) -> Option<&'static Self> {
        if !level.is_available() {
            return None;
        }
        match level {
            Level::Scalar => Some(&scalar::DSP),
            #[cfg(target_arch = "x86_64")]
            Level::Ssse3 => Some(&x86::SSSE3),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Some(&x86::AVX2),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Some(&aarch64::NEON),
            _ => None,
        }
    }

    /// The kernels of the best level that this machine has.
    ///
    /// The CPU is asked once per process (the standard library keeps the
    /// answer); callers keep the reference all the same.
    pub fn best() -> &'static Self {
        Self::get(Level::best()).unwrap_or(&scalar::DSP)
    }

    /// The level of these kernels.
    pub fn level(&self) -> Level {
        self.level
    }
}
