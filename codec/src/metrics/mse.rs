// SPDX-License-Identifier: MIT OR Apache-2.0

use super::geometry::Geometry;
use super::Error;
use crate::dsp::Dsp;
use crate::picture::{PictureView, PlaneView};

/// Mean squared errors of one pair of pictures, in squared sample values.
#[derive(Clone, Debug, PartialEq)]
pub struct Mse {
    /// Of each plane: Y, or Y, U, V.
    pub planes: Vec<f64>,
    /// Over all planes, weighted by their sizes.
    pub all: f64,
    /// Greatest value of a sample: 255 for 8 bits.
    pub peak: u32,
}

impl Mse {
    /// PSNR over all planes in dB, FFmpeg's `psnr_avg`; infinite for equal pictures.
    #[must_use]
    pub fn psnr(&self) -> f64 {
        psnr_from_mse(self.all, self.peak)
    }

    /// PSNR of one plane in dB; infinite for equal planes, `None` when there is no such plane.
    #[must_use]
    pub fn plane_psnr(&self, plane: usize) -> Option<f64> {
        self.planes
            .get(plane)
            .map(|&mse| psnr_from_mse(mse, self.peak))
    }
}

/// `10 log10(peak² / mse)` in dB; [`f64::INFINITY`] when `mse` is 0.
#[must_use]
pub fn psnr_from_mse(mse: f64, peak: u32) -> f64 {
    let peak = f64::from(peak);
    10.0 * (peak * peak / mse).log10()
}

/// Mean squared errors of two pictures.
///
/// # Errors
/// [`Error::Mismatch`] or [`Error::Malformed`].
pub fn mse(reference: &PictureView<'_>, distorted: &PictureView<'_>) -> Result<Mse, Error> {
    let geometry = Geometry::of_pair(reference, distorted)?;
    Ok(mse_of(&geometry, reference, distorted))
}

/// As [`mse`], of pictures known to have this geometry.
pub(super) fn mse_of(geometry: &Geometry, a: &PictureView<'_>, b: &PictureView<'_>) -> Mse {
    let pairs = a.planes.iter().zip(&b.planes);
    let planes: Vec<f64> = pairs
        .map(|(a, b)| plane_mse(a, b, geometry.depth > 8))
        .collect();
    Mse {
        all: geometry.weighted(&planes),
        planes,
        peak: geometry.peak(),
    }
}

fn plane_mse(a: &PlaneView<'_>, b: &PlaneView<'_>, wide: bool) -> f64 {
    let dsp = Dsp::best();
    let row_sum = |y: usize| match wide {
        false => dsp.sse_row(a.row(y, 1), b.row(y, 1)),
        true => row16(a.row(y, 2), b.row(y, 2)),
    };
    let sum: u64 = (0..a.height).map(row_sum).sum();
    sum as f64 / (a.width * a.height) as f64
}

/// Sum of squared differences of two-byte samples, low byte first.
fn row16(a: &[u8], b: &[u8]) -> u64 {
    let squares = a.chunks_exact(2).zip(b.chunks_exact(2)).map(|(a, b)| {
        let (a, b) = (
            u16::from_le_bytes([a[0], a[1]]),
            u16::from_le_bytes([b[0], b[1]]),
        );
        let difference = u32::from(a.abs_diff(b));
        u64::from(difference * difference)
    });
    squares.sum()
}
