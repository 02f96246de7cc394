// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel tables, a file per group: private function pointers, and the
//! safe methods of [`Dsp`](super::Dsp) that check shapes and then call them.
//!
//! These calls are the only unsafe code outside the kernels. Each is sound for
//! the same two reasons: a table of a level is handed out only where the CPU
//! has the level, and the method has checked that the block lies in its slices.

mod compare;
mod forward;
mod inter;
mod intra;
mod loop_filter;
mod quality;
mod quant;
mod residual;

pub(super) use compare::Compare;
pub use compare::{BlockShape, Differences};
pub(super) use forward::Forward;
pub(super) use inter::Inter;
pub use inter::{Motion, Width};
pub(super) use intra::Intra;
pub use intra::{BlockSize, SubMode};
pub(super) use loop_filter::LoopFilter;
pub use loop_filter::{EdgeLimits, MacroblockEdges};
pub(super) use quality::Quality;
pub use quality::SsimSums;
pub(super) use quant::Quant;
pub use quant::Quantiser;
pub(crate) use quant::ZIGZAG;
pub(super) use residual::Residual;
