// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a picture is from its reference: PSNR and SSIM, with the numbers
//! that FFmpeg's `psnr` and `ssim` filters give.
//!
//! Planes are compared sample by sample, 8 to 16 bits, any sampling. Sums are
//! integers, so a result doesn't depend on the machine's vector width.

#[cfg(test)]
pub(crate) mod clip;
mod error;
mod geometry;
mod mse;
mod quality;
mod ssim;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use mse::{mse, psnr_from_mse, Mse};
pub use quality::{FrameQuality, Quality};
pub use ssim::{ssim, Ssim};
