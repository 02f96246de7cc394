// SPDX-License-Identifier: MIT OR Apache-2.0
//! AV1 encoding by rav1e, as a safe push and pull encoder over [`PictureView`].
//!
//! For one build and architecture the bytes depend on [`Rav1eConfig`] and the
//! pictures only: tiles are fixed by the configuration, never derived from the
//! machine, and every encoder owns a private pool of `threads` threads.
//!
//! [`PictureView`]: crate::picture::PictureView

mod colour;
mod config;
mod encoder;
mod error;
mod frame;
mod level;
mod options;
mod sequence;
#[cfg(test)]
mod tests;

pub use config::{RateControl, Rav1eConfig};
pub use encoder::{EncodedUnit, Rav1eEncoder};
pub use error::Error;
pub use options::{OptionHelp, OPTIONS};
