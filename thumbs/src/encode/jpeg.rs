// SPDX-License-Identifier: MIT OR Apache-2.0
//! JPEG by libjpeg-turbo: baseline, 4:2:0, with Huffman tables made for the picture.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::Coding;
use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};

/// Most bytes of a segment's body, its length of two bytes left out.
const SEGMENT: usize = 65_533;

/// What comes before each part of a profile, and two bytes of numbers.
const PROFILE: &[u8] = b"ICC_PROFILE\0";

fn bug(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::bug("jpeg", error)
}

pub(super) fn encode(picture: &Picture, coding: &Coding) -> Result<Vec<u8>> {
    let mut compressor = Compressor::new().map_err(bug)?;
    compressor
        .set_quality(i32::from(coding.quality.clamp(1, 100)))
        .map_err(bug)?;
    compressor.set_subsamp(Subsamp::Sub2x2).map_err(bug)?;
    compressor.set_optimize(true).map_err(bug)?;
    let format = match picture.layout() {
        Layout::Rgb => PixelFormat::RGB,
        _ => return Err(bug("it takes pictures without opacities")),
    };
    let size = picture.size();
    let image = Image {
        pixels: picture.samples(),
        width: size.width as usize,
        pitch: picture.row_bytes(),
        height: size.height as usize,
        format,
    };
    let bytes = compressor.compress_to_vec(image).map_err(bug)?;
    Ok(with_segments(bytes, coding))
}

/// Puts metadata and profile behind the first segment, which is JFIF's and has to stay first.
fn with_segments(bytes: Vec<u8>, coding: &Coding) -> Vec<u8> {
    let mut segments = Vec::new();
    if let Some(exif) = &coding.exif {
        // What does not fit into one segment is left out: EXIF has no way to go on in another.
        if exif.len() + 6 <= SEGMENT {
            push(&mut segments, 0xe1, &[b"Exif\0\0", exif]);
        }
    }
    if let Some(profile) = &coding.profile {
        let parts: Vec<&[u8]> = profile.chunks(SEGMENT - PROFILE.len() - 2).collect();
        if let Ok(count) = u8::try_from(parts.len()) {
            for (number, part) in (1..=count).zip(parts) {
                push(&mut segments, 0xe2, &[PROFILE, &[number, count], part]);
            }
        }
    }
    if segments.is_empty() || bytes.len() < 6 {
        return bytes;
    }
    let at = 4 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    let at = if bytes[3] == 0xe0 {
        at.min(bytes.len())
    } else {
        2
    };
    [&bytes[..at], &segments, &bytes[at..]].concat()
}

fn push(segments: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 2;
    segments.extend_from_slice(&[0xff, marker]);
    segments.extend_from_slice(&(length as u16).to_be_bytes());
    for part in parts {
        segments.extend_from_slice(part);
    }
}
