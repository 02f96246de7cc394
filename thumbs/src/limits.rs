// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a source and a result may cost. All are checked before anything of that size is allocated.

use crate::error::{Result, ThumbError};
use crate::plan::Size;
use crate::url::AskedLimits;

/// What a source and a result may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the source.
    pub bytes: u64,
    /// Pixels of a source, or of a frame of it.
    pub pixels: u64,
    /// Frames of an animation that are read; further ones are left out. With 1 the result is
    /// still.
    pub frames: u32,
    /// Pixels of a frame of an animation, 0 for [`Limits::pixels`].
    pub frame_pixels: u64,
    /// Bytes of a colour profile, and of metadata.
    pub profile_bytes: usize,
    /// Pixels of the result's longer side: larger results are scaled down. 0 for any.
    pub result_side: u32,
    /// Pixels of a frame of the result.
    pub result_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            pixels: 50_000_000,
            frames: 1,
            frame_pixels: 0,
            profile_bytes: 4 << 20,
            result_side: 0,
            result_pixels: 50_000_000,
        }
    }
}

impl Limits {
    /// These limits with those that a URL asks for in place of the server's.
    #[must_use]
    pub fn asked(self, asked: &AskedLimits) -> Self {
        let pixels = |megapixels: f64| (megapixels * 1e6).clamp(0.0, 1e15) as u64;
        Self {
            bytes: asked.bytes.filter(|bytes| *bytes > 0).unwrap_or(self.bytes),
            pixels: asked.megapixels.map_or(self.pixels, pixels),
            frames: asked.frames.unwrap_or(self.frames),
            frame_pixels: asked.frame_megapixels.map_or(self.frame_pixels, pixels),
            result_side: asked.result_side.unwrap_or(self.result_side),
            ..self
        }
    }

    /// Passes a source, or a frame of an animation, of this size.
    pub(crate) fn check_source(&self, size: Size, animated: bool) -> Result<()> {
        let limit = match self.frame_pixels {
            pixels if pixels > 0 && animated => pixels,
            _ => self.pixels,
        };
        check("pixels of the source", size.pixels(), limit)
    }

    /// Passes a result of this size.
    pub(crate) fn check_result(&self, size: Size) -> Result<()> {
        check("pixels of the result", size.pixels(), self.result_pixels)
    }

    /// Passes a source of this many bytes.
    pub(crate) fn check_bytes(&self, bytes: usize) -> Result<()> {
        check("bytes of the source", bytes as u64, self.bytes)
    }
}

fn check(what: &'static str, value: u64, limit: u64) -> Result<()> {
    if value > limit {
        return Err(ThumbError::TooLarge { what, value, limit });
    }
    Ok(())
}
