// SPDX-License-Identifier: MIT OR Apache-2.0

use super::geometry::Geometry;
use super::Error;
use crate::picture::{PictureView, PlaneView};

/// Samples per inner loop: 65,536 squares of 8 bits just fit a `u32`.
const RUN: usize = 4096;

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
    let bytes = if wide { 2 } else { 1 };
    let row_sum = |y: usize| {
        let (a, b) = (a.row(y, bytes), b.row(y, bytes));
        let runs = a.chunks(RUN).zip(b.chunks(RUN));
        runs.map(|(a, b)| if wide { run16(a, b) } else { run8(a, b) })
            .sum::<u64>()
    };
    let sum: u64 = (0..a.height).map(row_sum).sum();
    sum as f64 / (a.width * a.height) as f64
}

/// Sum of squared differences of 8-bit samples.
fn run8(a: &[u8], b: &[u8]) -> u64 {
    let squares = a.iter().zip(b).map(|(&a, &b)| {
        let difference = i16::from(a) - i16::from(b);
        (i32::from(difference) * i32::from(difference)) as u32
    });
    u64::from(squares.sum::<u32>())
}

/// Sum of squared differences of two-byte samples, low byte first.
fn run16(a: &[u8], b: &[u8]) -> u64 {
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
