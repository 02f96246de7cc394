// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Error;
use crate::picture::{ChromaSampling, PictureView, PlaneView};
use serde::{Deserialize, Serialize};

/// The form that two pictures must share: depth, and size of each plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Geometry {
    /// Bits per sample, 8 to 16.
    pub depth: u8,
    /// Width and height of each plane in samples.
    pub planes: Vec<(usize, usize)>,
}

impl Geometry {
    /// The form of two comparable pictures, whose rows are then safe to read.
    pub fn of_pair(
        reference: &PictureView<'_>,
        distorted: &PictureView<'_>,
    ) -> Result<Self, Error> {
        let (a, b) = (Self::of(reference)?, Self::of(distorted)?);
        if reference.sampling != distorted.sampling {
            let (a, b) = (reference.sampling, distorted.sampling);
            return Err(mismatch("sampling", format!("{a:?}"), format!("{b:?}")));
        }
        a.require_equal(&b)?;
        Ok(a)
    }

    /// The form of one picture.
    fn of(picture: &PictureView<'_>) -> Result<Self, Error> {
        if !(8..=16).contains(&picture.depth) {
            return Err(malformed(
                "depth",
                picture.depth.to_string(),
                "8 to 16 bits",
            ));
        }
        let (count, expected) = match picture.sampling {
            ChromaSampling::Mono => (1, "1 plane"),
            _ => (3, "3 planes"),
        };
        if picture.planes.len() != count {
            return Err(malformed(
                "planes",
                picture.planes.len().to_string(),
                expected,
            ));
        }
        for plane in &picture.planes {
            check_plane(plane, picture.bytes_per_sample())?;
        }
        let planes = picture
            .planes
            .iter()
            .map(|plane| (plane.width, plane.height))
            .collect();
        Ok(Self {
            depth: picture.depth,
            planes,
        })
    }

    /// # Errors
    /// [`Error::Mismatch`] with the first difference.
    pub fn require_equal(&self, other: &Self) -> Result<(), Error> {
        if self.depth != other.depth {
            return Err(mismatch(
                "depth",
                self.depth.to_string(),
                other.depth.to_string(),
            ));
        }
        if self.planes != other.planes {
            let text = |planes: &[(usize, usize)]| {
                let sizes: Vec<_> = planes.iter().map(|(w, h)| format!("{w}x{h}")).collect();
                sizes.join("+")
            };
            return Err(mismatch("size", text(&self.planes), text(&other.planes)));
        }
        Ok(())
    }

    /// Greatest value of a sample.
    pub fn peak(&self) -> u32 {
        (1 << self.depth) - 1
    }

    /// The mean of one value per plane, weighted by the planes' sizes.
    pub fn weighted(&self, values: &[f64]) -> f64 {
        let area = |(width, height): &(usize, usize)| (width * height) as f64;
        let total: f64 = self.planes.iter().map(area).sum();
        let sum: f64 = self
            .planes
            .iter()
            .zip(values)
            .map(|(plane, v)| area(plane) * v)
            .sum();
        sum / total
    }
}

fn check_plane(plane: &PlaneView<'_>, bytes_per_sample: usize) -> Result<(), Error> {
    let size = || format!("{}x{}", plane.width, plane.height);
    if plane.width == 0 || plane.height == 0 {
        return Err(malformed("plane", size(), "at least 1x1"));
    }
    let needed = plane.width.checked_mul(bytes_per_sample).and_then(|row| {
        let above = plane.stride.checked_mul(plane.height - 1)?;
        (plane.stride >= row).then_some(above.checked_add(row)?)
    });
    if needed.is_none_or(|needed| plane.data.len() < needed) {
        let actual = format!(
            "{} bytes, stride {} for {}",
            plane.data.len(),
            plane.stride,
            size()
        );
        return Err(malformed("plane", actual, "whole rows that don't overlap"));
    }
    Ok(())
}

fn mismatch(what: &'static str, reference: String, distorted: String) -> Error {
    Error::Mismatch {
        what,
        reference,
        distorted,
    }
}

fn malformed(what: &'static str, actual: String, expected: &'static str) -> Error {
    Error::Malformed {
        what,
        actual,
        expected,
    }
}
