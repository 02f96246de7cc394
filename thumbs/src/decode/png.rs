// SPDX-License-Identifier: MIT OR Apache-2.0
//! PNG. Of animated ones the default picture is read.

use std::io::Cursor;

use png::{BitDepth, Decoder, Limits as PngLimits, Reader, Transformations};

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
            done: false,
        }))
    }
}

impl Source for PngSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, _least: Size) -> Result<Option<Frame>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (color, depth) = self.reader.output_color_type();
        let sixteen = depth == BitDepth::Sixteen;
        // Rows of sixteen bits become eight as they come, where they come in order.
        let samples = if sixteen && !self.reader.info().interlaced {
            let pixels = self.facts.size.pixels() as usize;
            let mut samples = Vec::with_capacity(pixels * color.samples());
            while let Some(row) = self.reader.next_row().map_err(broken)? {
                samples.extend(to_eight(row.data()));
            }
            samples
        } else {
            let bytes = self.reader.output_buffer_size();
            let bytes = bytes.ok_or_else(|| ThumbError::bug("png", "its size overflows"))?;
            let mut samples = vec![0; bytes];
            let info = self.reader.next_frame(&mut samples).map_err(broken)?;
            samples.truncate(info.buffer_size());
            match sixteen {
                true => to_eight(&samples).collect(),
                false => samples,
            }
        };
        Ok(Some(Frame {
            picture: from_channels(self.facts.size, color.samples(), samples)?,
            milliseconds: 0,
        }))
    }
}

/// Eight bits for each sixteen, which PNG stores with the high byte first.
fn to_eight(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| eight_bits(u16::from_be_bytes([pair[0], pair[1]])))
}
