// SPDX-License-Identifier: MIT OR Apache-2.0
//! PNG, eight bits a channel.

use std::borrow::Cow;

use png::{BitDepth, ColorType, Compression, Encoder, Info};

use super::Coding;
use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};

fn bug(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::bug("png", error)
}

pub(super) fn encode(picture: &Picture, coding: &Coding) -> Result<Vec<u8>> {
    let size = picture.size();
    let mut info = Info::with_size(size.width, size.height);
    info.bit_depth = BitDepth::Eight;
    info.color_type = match picture.layout() {
        Layout::Rgb => ColorType::Rgb,
        Layout::Rgba => ColorType::Rgba,
        Layout::Cmyk => return Err(bug("it has no ink")),
    };
    info.icc_profile = coding.profile.as_deref().map(Cow::Borrowed);
    info.exif_metadata = coding.exif.as_deref().map(Cow::Borrowed);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::with_info(&mut bytes, info).map_err(bug)?;
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header().map_err(bug)?;
    writer.write_image_data(picture.samples()).map_err(bug)?;
    writer.finish().map_err(bug)?;
    Ok(bytes)
}
