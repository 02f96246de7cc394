// SPDX-License-Identifier: MIT OR Apache-2.0
//! JPEG by libjpeg-turbo, scaled down in the inverse DCT.
//!
//! | Module | What is in it |
//! |---|---|
//! | `segments` | metadata and colour profile |
//! | `eighth` | baseline pictures at an eighth of their size, without the library |
//! | `frame` | their headers |
//! | `huffman` | their bits and codes |

mod eighth;
mod frame;
mod huffman;
mod segments;

use segments::Segments;
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor};

use super::{bounded, checked_size, exif, Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::{byte_count, Layout, Picture};
use crate::plan::Size;
use crate::Format;

/// Most scans of a progressive picture. Encoders make about ten; each costs a pass over all
/// coefficients, so a small file of many is a bomb.
const MOST_SCANS: u32 = 100;

pub(super) struct Jpeg;

struct JpegSource<'a> {
    bytes: &'a [u8],
    facts: Facts,
    decompressor: Decompressor,
    ink: bool,
    /// Whether it is grey, or of brightness and two differences of colour, by Huffman codes.
    usual: bool,
    /// Whether Adobe's marker is there, which says that ink is stored inverted.
    adobe: bool,
    lossless: bool,
    factor: ScalingFactor,
    done: bool,
}

fn broken(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::broken(Format::Jpeg, error)
}

impl Decode for Jpeg {
    fn format(&self) -> Format {
        Format::Jpeg
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let mut decompressor = Decompressor::new().map_err(|e| ThumbError::bug("jpeg", e))?;
        decompressor
            .set_scan_limit(MOST_SCANS)
            .map_err(|e| ThumbError::bug("jpeg", e))?;
        let header = decompressor.read_header(bytes).map_err(broken)?;
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let size = checked_size(Format::Jpeg, side(header.width), side(header.height))?;
        limits.check_source(size, false)?;
        let segments = Segments::read(bytes);
        let mut facts = Facts::still(Format::Jpeg, size);
        facts.profile = segments
            .profile()
            .map(|profile| bounded("bytes of the colour profile", profile, limits))
            .transpose()?;
        facts.exif = segments.exif.map(<[u8]>::to_vec);
        facts.orientation = segments.exif.map_or(0, exif::orientation);
        Ok(Box::new(JpegSource {
            bytes,
            facts,
            decompressor,
            ink: matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK),
            usual: !header.is_arithmetic
                && matches!(header.colorspace, Colorspace::Gray | Colorspace::YCbCr),
            adobe: segments.adobe,
            lossless: header.is_lossless,
            factor: ScalingFactor::ONE,
            done: false,
        }))
    }
}

impl Source for JpegSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let factor = if self.lossless {
            ScalingFactor::ONE
        } else {
            scaling(self.facts.size, least)
        };
        self.factor = factor;
        if self.usual && factor == ScalingFactor::ONE_EIGHTH {
            if let Some(picture) = eighth::decode(self.bytes, self.facts.size) {
                return Ok(Some(Frame {
                    picture,
                    milliseconds: 0,
                }));
            }
        }
        self.decompressor
            .set_scaling_factor(factor)
            .map_err(|e| ThumbError::bug("jpeg", e))?;
        let side = |side: u32| factor.scale(side as usize);
        let (width, height) = (side(self.facts.size.width), side(self.facts.size.height));
        let (layout, format) = if self.ink {
            (Layout::Cmyk, PixelFormat::CMYK)
        } else {
            (Layout::Rgb, PixelFormat::RGB)
        };
        let size = Size::new(width as u32, height as u32);
        let mut samples = vec![0; byte_count(size, layout)?];
        let image = Image {
            pixels: &mut samples[..],
            width,
            pitch: width * layout.bytes(),
            height,
            format,
        };
        self.decompressor
            .decompress(self.bytes, image)
            .map_err(broken)?;
        if self.ink && self.adobe {
            for sample in &mut samples {
                *sample = 255 - *sample;
            }
        }
        Ok(Some(Frame {
            picture: Picture::new(size, layout, samples)?,
            milliseconds: 0,
        }))
    }

    fn shrunk_by(&self) -> Option<f64> {
        Some(self.factor.denom() as f64 / self.factor.num() as f64)
    }
}

/// How much larger than needed a picture is decoded, as a fraction: frequencies that the inverse
/// DCT cuts off sharply would ring, and the filter of the resize has to have some left to cut.
const RESERVE: (u64, u64) = (3, 2);

/// The least of 1/8 to 8/8 with which no side gets below `least` and the reserve.
fn scaling(size: Size, least: Size) -> ScalingFactor {
    let enough = |eighths: u32| {
        let side = |side: u32, least: u32| {
            u64::from(side) * u64::from(eighths) * RESERVE.1 / 8 >= u64::from(least) * RESERVE.0
        };
        side(size.width, least.width) && side(size.height, least.height)
    };
    let eighths = (1..8).find(|eighths| enough(*eighths)).unwrap_or(8);
    ScalingFactor::new(eighths as usize, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_never_goes_below_what_is_needed_and_the_reserve() {
        let size = Size::new(4000, 3000);
        for (least, eighths) in [
            ((4000, 3000), 8),
            ((300, 225), 1),
            ((333, 250), 1),
            ((334, 250), 2),
            ((300, 251), 2),
            ((2400, 1), 8),
            ((9000, 9000), 8),
        ] {
            let factor = scaling(size, Size::new(least.0, least.1));
            assert_eq!(factor, ScalingFactor::new(eighths, 8), "{least:?}");
        }
    }
}
