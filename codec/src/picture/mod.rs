// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures as borrowed planes, and the plain values that describe them.
//!
//! A [`PictureView`] borrows the planes of a decoded picture wherever they
//! live, so that kernels, metrics and encoders share one input type.

mod colour;
mod rational;

pub use colour::{ColourInfo, ContentLight, MasteringDisplay};
pub use rational::Rational;

/// One plane of samples: `height` rows of `width` samples, `stride` bytes apart.
///
/// Samples are one byte when the picture's depth is 8, else two bytes in
/// little-endian order with the value in the low bits.
#[derive(Clone, Copy, Debug)]
pub struct PlaneView<'a> {
    /// The samples, first row first; at least `stride * (height - 1) + width * bytes` long.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl<'a> PlaneView<'a> {
    /// Row `y` as `width * bytes_per_sample` bytes.
    ///
    /// # Panics
    /// When `y` is not below `height`.
    #[must_use]
    pub fn row(&self, y: usize, bytes_per_sample: usize) -> &'a [u8] {
        assert!(
            y < self.height,
            "row {y} of a plane of {} rows",
            self.height
        );
        let start = y * self.stride;
        &self.data[start..start + self.width * bytes_per_sample]
    }
}

/// How chroma planes relate to luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChromaSampling {
    /// Luma only.
    Mono,
    /// Halved both ways.
    Cs420,
    /// Halved horizontally.
    Cs422,
    /// Full size.
    Cs444,
}

/// A planar YUV (or grey) picture, borrowed.
#[derive(Clone, Debug)]
pub struct PictureView<'a> {
    /// Y, then U and V unless the sampling is [`ChromaSampling::Mono`].
    pub planes: Vec<PlaneView<'a>>,
    /// Bits per sample: 8, 10 or 12.
    pub depth: u8,
    /// Relation of chroma to luma.
    pub sampling: ChromaSampling,
}

impl PictureView<'_> {
    /// Bytes that one sample takes: 1 up to 8 bits, else 2.
    #[must_use]
    pub fn bytes_per_sample(&self) -> usize {
        if self.depth > 8 {
            2
        } else {
            1
        }
    }
}
