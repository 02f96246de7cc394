// SPDX-License-Identifier: MIT OR Apache-2.0
//! PNG. Of animated ones the default picture is read.

use std::io::Cursor;

use png::{BitDepth, Decoder, Limits as PngLimits, Reader, Transformations};

use super::shrink::{self, Shrink};
use super::{bounded, checked_size, eight_bits, exif, from_channels};
use super::{Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::plan::Size;
use crate::Format;

pub(super) struct Png;

struct PngSource<'a> {
    facts: Facts,
    reader: Reader<Cursor<&'a [u8]>>,
    /// Pixels of the source to one of the frame, across and down.
    side: u32,
    done: bool,
}

fn broken(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::broken(Format::Png, error)
}

/// Width and height in `IHDR`, which is always first (PNG 5.6): before the library allocates.
fn header_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some((field(16)?, field(20)?))
}

impl Decode for Png {
    fn format(&self) -> Format {
        Format::Png
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let (width, height) = header_size(bytes).ok_or_else(|| broken("it has no header"))?;
        let size = checked_size(Format::Png, width, height)?;
        limits.check_source(size, false)?;
        let row = (width as usize).saturating_mul(8);
        let most = row.saturating_mul(4) + limits.profile_bytes * 2 + (1 << 20);
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), PngLimits { bytes: most });
        decoder.set_ignore_text_chunk(true);
        decoder.set_transformations(Transformations::EXPAND);
        let reader = decoder.read_info().map_err(broken)?;
        let info = reader.info();
        let mut facts = Facts::still(Format::Png, size);
        let take = |what, bytes: Option<&[u8]>| {
            bytes
                .map(|bytes| bounded(what, bytes.to_vec(), limits))
                .transpose()
        };
        facts.profile = take("bytes of the colour profile", info.icc_profile.as_deref())?;
        facts.exif = take("bytes of metadata", info.exif_metadata.as_deref())?;
        facts.orientation = facts.exif.as_deref().map_or(0, exif::orientation);
        Ok(Box::new(PngSource {
            facts,
            reader,
            side: 1,
            done: false,
        }))
    }
}

impl Source for PngSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (color, depth) = self.reader.output_color_type();
        let channels = color.samples();
        let sixteen = depth == BitDepth::Sixteen;
        // Rows become smaller, and of eight bits, as they come, where they come in order.
        let in_order = !self.reader.info().interlaced;
        self.side = match in_order {
            true => shrink::side(self.facts.size, least),
            false => 1,
        };
        let (size, samples) = if in_order && (sixteen || self.side > 1) {
            let mut shrink = Shrink::new(self.facts.size, self.side, channels);
            let mut eight = Vec::new();
            while let Some(row) = self.reader.next_row().map_err(broken)? {
                if sixteen {
                    eight.clear();
                    eight.extend(to_eight(row.data()));
                    shrink.row(&eight);
                } else {
                    shrink.row(row.data());
                }
            }
            (shrink.small(), shrink.finish())
        } else {
            let bytes = self.reader.output_buffer_size();
            let bytes = bytes.ok_or_else(|| ThumbError::bug("png", "its size overflows"))?;
            let mut samples = vec![0; bytes];
            let info = self.reader.next_frame(&mut samples).map_err(broken)?;
            samples.truncate(info.buffer_size());
            let samples = match sixteen {
                true => to_eight(&samples).collect(),
                false => samples,
            };
            (self.facts.size, samples)
        };
        Ok(Some(Frame {
            picture: from_channels(size, channels, samples)?,
            milliseconds: 0,
        }))
    }

    fn shrunk_by(&self) -> Option<f64> {
        Some(f64::from(self.side))
    }
}

/// Eight bits for each sixteen, which PNG stores with the high byte first.
fn to_eight(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| eight_bits(u16::from_be_bytes([pair[0], pair[1]])))
}
