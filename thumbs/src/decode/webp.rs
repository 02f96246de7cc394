// SPDX-License-Identifier: MIT OR Apache-2.0
//! WebP, lossy, lossless and animated.

use std::io::Cursor;

use image_webp::{LoopCount, WebPDecoder};

use super::{bounded, checked_size, exif, from_channels, Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::plan::Size;
use crate::Format;

pub(super) struct Webp;

struct WebpSource<'a> {
    facts: Facts,
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    left: u32,
}

fn broken(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::broken(Format::Webp, error)
}

impl Decode for Webp {
    fn format(&self) -> Format {
        Format::Webp
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
        let (width, height) = decoder.dimensions();
        let size = checked_size(Format::Webp, width, height)?;
        let animated = decoder.is_animated();
        limits.check_source(size, animated)?;
        let pixels = usize::try_from(size.pixels() * 8).unwrap_or(usize::MAX);
        decoder.set_memory_limit(pixels.saturating_add(limits.profile_bytes));
        let mut facts = Facts::still(Format::Webp, size);
        let take = |what, bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| bounded(what, bytes, limits)).transpose()
        };
        let profile = decoder.icc_profile().map_err(broken)?;
        facts.profile = take("bytes of the colour profile", profile)?;
        let body = decoder.exif_metadata().map_err(broken)?;
        // Some writers keep JPEG's prefix.
        let body = body.map(|body| match body.strip_prefix(b"Exif\0\0") {
            Some(rest) => rest.to_vec(),
            None => body,
        });
        facts.exif = take("bytes of metadata", body)?;
        facts.orientation = facts.exif.as_deref().map_or(0, exif::orientation);
        facts.animated = animated;
        facts.loops = match decoder.loop_count() {
            LoopCount::Forever => 0,
            LoopCount::Times(times) => times.get(),
        };
        let left = if animated { decoder.num_frames() } else { 1 };
        Ok(Box::new(WebpSource {
            facts,
            decoder,
            left,
        }))
    }
}

impl Source for WebpSource<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, _least: Size) -> Result<Option<Frame>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let bytes = self.decoder.output_buffer_size();
        let bytes = bytes.ok_or_else(|| ThumbError::bug("webp", "its size overflows"))?;
        let mut samples = vec![0; bytes];
        let milliseconds = if self.facts.animated {
            self.decoder.read_frame(&mut samples).map_err(broken)?
        } else {
            self.decoder.read_image(&mut samples).map_err(broken)?;
            0
        };
        let channels = if self.decoder.has_alpha() { 4 } else { 3 };
        Ok(Some(Frame {
            picture: from_channels(self.facts.size, channels, samples)?,
            milliseconds,
        }))
    }
}
