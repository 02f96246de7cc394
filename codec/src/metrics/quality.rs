// SPDX-License-Identifier: MIT OR Apache-2.0

use super::geometry::Geometry;
use super::mse::mse_of;
use super::ssim::ssim_of;
use super::{psnr_from_mse, Error, Mse, Ssim};
use crate::picture::PictureView;
use serde::{Deserialize, Serialize};

/// Both measures of one pair of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameQuality {
    /// Squared errors and PSNR.
    pub mse: Mse,
    /// Structural similarity.
    pub ssim: Ssim,
}

/// Quality of a series of pictures of one geometry.
///
/// It holds sums of squared errors, never decibels, so it is finite, can be
/// serialized, and parts of a series can be [merged](Self::merge).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    geometry: Option<Geometry>,
    frames: u64,
    mse: f64,
    plane_mse: Vec<f64>,
    ssim: f64,
    plane_ssim: Vec<f64>,
    worst: Option<Worst>,
}

/// The frame with the greatest error; the first of equals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Worst {
    frame: u64,
    mse: f64,
}

impl Quality {
    /// A series without pictures.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares one more pair and returns its own figures.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the two differ in form, or from the pairs
    /// before; [`Error::Malformed`]; [`Error::TooSmall`]. The series is then
    /// as it was.
    pub fn add(
        &mut self,
        reference: &PictureView<'_>,
        distorted: &PictureView<'_>,
    ) -> Result<FrameQuality, Error> {
        let geometry = Geometry::of_pair(reference, distorted)?;
        if let Some(before) = &self.geometry {
            before.require_equal(&geometry)?;
        }
        let ssim = ssim_of(&geometry, reference, distorted)?;
        let mse = mse_of(&geometry, reference, distorted);
        self.merge(&Self {
            geometry: Some(geometry),
            frames: 1,
            mse: mse.all,
            plane_mse: mse.planes.clone(),
            ssim: ssim.all,
            plane_ssim: ssim.planes.clone(),
            worst: Some(Worst {
                frame: 0,
                mse: mse.all,
            }),
        })?;
        Ok(FrameQuality { mse, ssim })
    }

    /// Appends the series `next`, whose frames follow this one's.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the geometries differ; the series is then as it was.
    pub fn merge(&mut self, next: &Self) -> Result<(), Error> {
        let Some(geometry) = &next.geometry else {
            return Ok(());
        };
        if let Some(before) = &self.geometry {
            before.require_equal(geometry)?;
        }
        let worse = next
            .worst
            .filter(|worst| self.worst.is_none_or(|old| worst.mse > old.mse));
        if let Some(Worst { frame, mse }) = worse {
            self.worst = Some(Worst {
                frame: self.frames + frame,
                mse,
            });
        }
        self.geometry.get_or_insert_with(|| geometry.clone());
        self.frames += next.frames;
        self.mse += next.mse;
        self.ssim += next.ssim;
        add_each(&mut self.plane_mse, &next.plane_mse);
        add_each(&mut self.plane_ssim, &next.plane_ssim);
        Ok(())
    }

    /// Pairs compared.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// PSNR in dB of the mean squared error over all frames and planes,
    /// FFmpeg's `average`; infinite when all are equal, `None` without frames.
    #[must_use]
    pub fn mean_psnr(&self) -> Option<f64> {
        self.psnr(self.mean(self.mse)?)
    }

    /// As [`mean_psnr`](Self::mean_psnr) of one plane; `None` also when there is no such plane.
    #[must_use]
    pub fn mean_plane_psnr(&self, plane: usize) -> Option<f64> {
        self.psnr(self.mean(*self.plane_mse.get(plane)?)?)
    }

    /// PSNR in dB of the worst frame, over all planes.
    #[must_use]
    pub fn min_psnr(&self) -> Option<f64> {
        self.psnr(self.worst?.mse)
    }

    /// Number of the frame with the lowest PSNR, from 0; the first of equals.
    #[must_use]
    pub fn worst_frame(&self) -> Option<u64> {
        self.worst.map(|worst| worst.frame)
    }

    /// Mean SSIM over all frames and planes, FFmpeg's `All`.
    #[must_use]
    pub fn mean_ssim(&self) -> Option<f64> {
        self.mean(self.ssim)
    }

    /// Mean SSIM of one plane.
    #[must_use]
    pub fn mean_plane_ssim(&self, plane: usize) -> Option<f64> {
        self.mean(*self.plane_ssim.get(plane)?)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.frames > 0).then(|| sum / self.frames as f64)
    }

    fn psnr(&self, mse: f64) -> Option<f64> {
        self.geometry
            .as_ref()
            .map(|geometry| psnr_from_mse(mse, geometry.peak()))
    }
}

/// Adds one value per plane; `sums` is empty before the first frame.
fn add_each(sums: &mut Vec<f64>, values: &[f64]) {
    sums.resize(values.len(), 0.0);
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
