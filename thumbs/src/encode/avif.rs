// SPDX-License-Identifier: MIT OR Apache-2.0
//! AVIF by rav1e.

use ravif::{BitDepth, Encoder, Img};
use rgb::FromSlice;

use super::Coding;
use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};

fn bug(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::bug("avif", error)
}

/// The result has sRGB's colours, which the file states itself: a profile is not kept.
pub(super) fn encode(picture: &Picture, coding: &Coding) -> Result<Vec<u8>> {
    let quality = f32::from(coding.quality.clamp(1, 100));
    // One thread, since the number of tiles follows the number of threads, and bytes with it.
    let mut encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(coding.speed.clamp(1, 10))
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(1));
    if let Some(exif) = &coding.exif {
        encoder = encoder.with_exif(exif.as_slice());
    }
    let (width, height) = (
        picture.size().width as usize,
        picture.size().height as usize,
    );
    let encoded = match picture.layout() {
        Layout::Rgb => encoder.encode_rgb(Img::new(picture.samples().as_rgb(), width, height)),
        Layout::Rgba => encoder.encode_rgba(Img::new(picture.samples().as_rgba(), width, height)),
        Layout::Cmyk => return Err(bug("it has no ink")),
    };
    Ok(encoded.map_err(bug)?.avif_file)
}
