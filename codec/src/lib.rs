// SPDX-License-Identifier: MIT OR Apache-2.0
//! framemill's media core: synchronous, no network, no clock, no environment.
//!
//! | module | what it holds |
//! |---|---|
//! | [`picture`] | pictures as borrowed planes; colour, HDR and time values |
//! | [`libav`] | the only FFI: demux, decode, filter, encode and mux over FFmpeg's libraries |
//! | [`av1`] | AV1 encoding by the rav1e crate |
//! | [`dsp`] | VP8's sample kernels, a table for each CPU level |
//! | [`ivf`] | the plain container of VP8 streams |
//! | [`vp8`] | our own VP8: decoder and state |
//! | [`metrics`] | PSNR and SSIM |
//! | [`packet`] | compressed frames as plain values, and the packet file that carries an encoded chunk |
//!
//! Everything here is a function of its arguments; scheduling, storage and
//! progress belong to the crates above.

pub mod av1;
pub mod dsp;
mod error;
pub mod ivf;
pub mod libav;
pub mod metrics;
pub mod packet;
pub mod picture;
pub mod vp8;

pub use error::{Class, Error, Result};
