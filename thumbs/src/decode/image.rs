// SPDX-License-Identifier: MIT OR Apache-2.0
//! TIFF, BMP and ICO by the image crate.

use std::io::Cursor;

use image::error::ImageError;
use image::{
    ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits as ImageLimits,
};

use super::{bounded, checked_size, eight_bits, from_channels, Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::plan::Size;
use crate::Format;

/// Bytes that a library may allocate beside the picture and its profile.
const BESIDE: u64 = 32 << 20;

/// A decoder of one of the formats.
pub(super) struct Other(pub(super) Format);

struct OtherSource<'a> {
    bytes: &'a [u8],
    facts: Facts,
    beside: u64,
    done: bool,
}

/// A reader that allocates no more than this many bytes.
fn reader(bytes: &[u8], format: Format, most: u64) -> Result<impl ImageDecoder + '_> {
    let kind = match format {
        Format::Tiff => ImageFormat::Tiff,
        Format::Bmp => ImageFormat::Bmp,
        _ => ImageFormat::Ico,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
    let mut limits = ImageLimits::no_limits();
    limits.max_alloc = Some(most);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| fault(format, &error))
}

fn fault(format: Format, error: &ImageError) -> ThumbError {
    match error {
        ImageError::Unsupported(error) => ThumbError::Unsupported {
            verb: "read",
            format,
            reason: error.to_string(),
        },
        error => ThumbError::broken(format, error),
    }
}

impl Decode for Other {
    fn format(&self) -> Format {
        self.0
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let format = self.0;
        let beside = BESIDE + limits.profile_bytes as u64;
        let mut decoder = reader(bytes, format, beside)?;
        let (width, height) = decoder.dimensions();
        let size = checked_size(format, width, height)?;
        limits.check_source(size, false)?;
        let mut facts = Facts::still(format, size);
        let profile = decoder
            .icc_profile()
            .map_err(|error| fault(format, &error))?;
        facts.profile = profile
            .map(|profile| bounded("bytes of the colour profile", profile, limits))
            .transpose()?;
        let orientation = decoder
            .orientation()
            .map_err(|error| fault(format, &error))?;
        facts.orientation = u32::from(orientation.to_exif());
        Ok(Box::new(OtherSource {
            bytes,
            facts,
            beside,
            done: false,
        }))
    }
}

impl Source for OtherSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, _least: Size) -> Result<Option<Frame>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let format = self.facts.format;
        // What is unpacked may be there twice: as stored, and as it is returned.
        let most = reader(self.bytes, format, self.beside)?.total_bytes() * 2;
        let decoder = reader(self.bytes, format, most.saturating_add(self.beside))?;
        let color = decoder.color_type();
        let decoded = DynamicImage::from_decoder(decoder).map_err(|error| fault(format, &error))?;
        let size = checked_size(format, decoded.width(), decoded.height())?;
        let channels = usize::from(color.channel_count());
        let samples = match color {
            ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
                decoded.into_bytes()
            }
            _ if color.has_alpha() => to_eight(&decoded.into_rgba16()),
            _ => to_eight(&decoded.into_rgb16()),
        };
        let channels = match color {
            ColorType::L8 | ColorType::La8 => channels,
            _ if color.has_alpha() => 4,
            _ => 3,
        };
        Ok(Some(Frame {
            picture: from_channels(size, channels, samples)?,
            milliseconds: 0,
        }))
    }
}

fn to_eight(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|sample| eight_bits(*sample)).collect()
}
