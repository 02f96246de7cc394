// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks pictures and copies them into rav1e's frames.

use super::{Error, Rav1eConfig};
use crate::picture::{ChromaSampling, PictureView, PlaneView};
use rav1e::prelude::Frame;

/// Checks that `view`, picture number `picture`, is what `config` describes.
pub(super) fn check(
    view: &PictureView<'_>,
    config: &Rav1eConfig,
    picture: u64,
) -> Result<(), Error> {
    let wrong = |what, actual: String, expected: String| {
        Err(Error::Picture {
            picture,
            what,
            actual,
            expected,
        })
    };
    if view.depth != config.depth {
        return wrong("depth", view.depth.to_string(), config.depth.to_string());
    }
    if view.sampling != config.sampling {
        let (actual, expected) = (view.sampling, config.sampling);
        return wrong("sampling", format!("{actual:?}"), format!("{expected:?}"));
    }
    let sizes = plane_sizes(config);
    if view.planes.len() != sizes.len() {
        return wrong(
            "planes",
            view.planes.len().to_string(),
            sizes.len().to_string(),
        );
    }
    for (i, (plane, (width, height))) in view.planes.iter().zip(sizes).enumerate() {
        if (plane.width, plane.height) != (width, height) {
            let what = ["size of Y", "size of U", "size of V"][i];
            let actual = format!("{}x{}", plane.width, plane.height);
            return wrong(what, actual, format!("{width}x{height}"));
        }
        let needed = bytes_needed(plane, view.bytes_per_sample());
        if needed.is_none_or(|needed| plane.data.len() < needed) {
            let what = ["data of Y", "data of U", "data of V"][i];
            let actual = format!("{} bytes, stride {}", plane.data.len(), plane.stride);
            return wrong(what, actual, format!("{height} rows of {width} samples"));
        }
    }
    Ok(())
}

/// Width and height of every plane; chroma of odd sizes is rounded up.
fn plane_sizes(config: &Rav1eConfig) -> Vec<(usize, usize)> {
    let luma = (config.width, config.height);
    let half = (luma.0.div_ceil(2), luma.1.div_ceil(2));
    match config.sampling {
        ChromaSampling::Mono => vec![luma],
        ChromaSampling::Cs420 => vec![luma, half, half],
        ChromaSampling::Cs422 => vec![luma, (half.0, luma.1), (half.0, luma.1)],
        ChromaSampling::Cs444 => vec![luma; 3],
    }
}

/// Least length of a plane's data; `None` when rows overlap or the sum overflows.
fn bytes_needed(plane: &PlaneView<'_>, bytes_per_sample: usize) -> Option<usize> {
    let row = plane.width.checked_mul(bytes_per_sample)?;
    if plane.stride < row {
        return None;
    }
    plane
        .stride
        .checked_mul(plane.height.checked_sub(1)?)?
        .checked_add(row)
}

/// Copies 8-bit planes that passed [`check`].
pub(super) fn fill8(frame: &mut Frame<u8>, view: &PictureView<'_>) {
    for (target, source) in frame.planes.iter_mut().zip(&view.planes) {
        for (y, row) in target.rows_iter_mut().take(source.height).enumerate() {
            row[..source.width].copy_from_slice(source.row(y, 1));
        }
    }
}

/// Copies two-byte planes that passed [`check`]; samples above the depth's
/// greatest value become that value.
pub(super) fn fill16(frame: &mut Frame<u16>, view: &PictureView<'_>) {
    let peak = ((1u32 << view.depth) - 1) as u16;
    for (target, source) in frame.planes.iter_mut().zip(&view.planes) {
        for (y, row) in target.rows_iter_mut().take(source.height).enumerate() {
            let samples = source.row(y, 2).chunks_exact(2);
            for (to, from) in row.iter_mut().zip(samples) {
                *to = u16::from_le_bytes([from[0], from[1]]).min(peak);
            }
        }
    }
}
