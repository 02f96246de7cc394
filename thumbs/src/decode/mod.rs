// SPDX-License-Identifier: MIT OR Apache-2.0
//! From bytes to pictures. Headers first, so that limits and sizes are known before any pixel.
//!
//! | Module | What is in it |
//! |---|---|
//! | `jpeg`, `png`, `gif`, `webp`, `svg` | a decoder each |
//! | `svg_work` | how much work an SVG is |
//! | `image` | TIFF, BMP and ICO |
//! | `shrink` | pictures made smaller row by row |
//! | `exif` | the orientation |
//!
//! The seam is [`Decode`]: [`Decoders::with`] adds formats, or other decoders for those here.

mod exif;
mod gif;
mod image;
mod jpeg;
mod png;
mod shrink;
mod svg;
mod svg_work;
mod webp;

use std::fmt;
use std::sync::Arc;

use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::{Layout, Picture};
use crate::plan::Size;
use crate::Format;

pub use svg::Fonts;

/// What a source's headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The format.
    pub format: Format,
    /// Width and height as stored.
    pub size: Size,
    /// EXIF's orientation, 1 to 8; 0 for none.
    pub orientation: u32,
    /// The colour profile, as ICC has them.
    pub profile: Option<Vec<u8>>,
    /// The body of EXIF, from its byte order on.
    pub exif: Option<Vec<u8>>,
    /// Whether there may be more than one frame.
    pub animated: bool,
    /// How often an animation plays; 0 for ever.
    pub loops: u16,
    /// Whether it can be decoded at any size without loss.
    pub vector: bool,
}

impl Facts {
    /// A still picture of this format and size, of which nothing else is known.
    #[must_use]
    pub fn still(format: Format, size: Size) -> Self {
        Self {
            format,
            size,
            orientation: 0,
            profile: None,
            exif: None,
            animated: false,
            loops: 0,
            vector: false,
        }
    }
}

/// A frame, and how long it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// All of the canvas.
    pub picture: Picture,
    /// How long it is shown, in milliseconds; 0 in still pictures.
    pub milliseconds: u32,
}

/// A source whose headers have been read.
pub trait Source {
    /// What the headers say.
    fn facts(&self) -> &Facts;

    /// The next frame, as stored: not turned, in the colours of the profile. `None` behind the
    /// last one.
    ///
    /// Where that is cheaper, decoders return smaller pictures: of at least `least` in width and
    /// height, and of the same shape. Those of vectors are as close to `least` as can be.
    ///
    /// # Errors
    /// Any [`ThumbError`].
    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>>;

    /// How many of the source's pixels one of the last frame stands for, across and down, where
    /// the decoder knows: pixels at the right and at the bottom may stand for fewer. Else it is
    /// the frame's size that tells.
    fn shrunk_by(&self) -> Option<f64> {
        None
    }
}

/// A decoder of one format.
pub trait Decode: Send + Sync {
    /// The format.
    fn format(&self) -> Format;

    /// Reads the headers, and checks them against the limits before anything of their size is
    /// allocated.
    ///
    /// # Errors
    /// Any [`ThumbError`].
    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>>;
}

/// The decoders of a server or program.
#[derive(Clone)]
pub struct Decoders(Vec<Arc<dyn Decode>>);

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|decoder| decoder.format()))
            .finish()
    }
}

impl Default for Decoders {
    /// JPEG, PNG, GIF, WebP, TIFF, BMP, ICO and SVG, the latter without fonts.
    fn default() -> Self {
        Self(vec![
            Arc::new(jpeg::Jpeg),
            Arc::new(png::Png),
            Arc::new(gif::Gif),
            Arc::new(webp::Webp),
            Arc::new(image::Other(Format::Tiff)),
            Arc::new(image::Other(Format::Bmp)),
            Arc::new(image::Other(Format::Ico)),
            Arc::new(svg::Svg::new(Fonts::none())),
        ])
    }
}

impl Decoders {
    /// These, and one more, which goes before others of its format.
    #[must_use]
    pub fn with(mut self, decoder: Arc<dyn Decode>) -> Self {
        self.0.retain(|other| other.format() != decoder.format());
        self.0.push(decoder);
        self
    }

    /// These, where texts in SVG are drawn with these fonts.
    #[must_use]
    pub fn with_fonts(self, fonts: Fonts) -> Self {
        self.with(Arc::new(svg::Svg::new(fonts)))
    }

    /// Reads the headers of a source, whose format is known by its first bytes.
    ///
    /// # Errors
    /// Any [`ThumbError`].
    pub fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        limits.check_bytes(bytes.len())?;
        let format = Format::sniff(bytes).ok_or(ThumbError::UnknownFormat)?;
        let decoder = self.0.iter().find(|decoder| decoder.format() == format);
        let decoder = decoder.ok_or_else(|| ThumbError::Unsupported {
            verb: "read",
            format,
            reason: "there is no decoder for it here".into(),
        })?;
        decoder.open(bytes, limits)
    }
}

/// A size from what headers say; nothing may be 0.
fn checked_size(format: Format, width: u32, height: u32) -> Result<Size> {
    if width == 0 || height == 0 {
        let reason = format!("a picture of {width} × {height} pixels");
        return Err(ThumbError::broken(format, reason));
    }
    Ok(Size::new(width, height))
}

/// A colour profile or metadata, unless it is larger than allowed.
fn bounded(what: &'static str, bytes: Vec<u8>, limits: &Limits) -> Result<Vec<u8>> {
    if bytes.len() > limits.profile_bytes {
        return Err(ThumbError::TooLarge {
            what,
            value: bytes.len() as u64,
            limit: limits.profile_bytes as u64,
        });
    }
    Ok(bytes)
}

/// RGB or RGBA from samples of eight bits, of which a pixel has one to four.
fn from_channels(size: Size, channels: usize, samples: Vec<u8>) -> Result<Picture> {
    let spread = |alpha: bool| {
        let mut out = Vec::with_capacity(samples.len() / channels * if alpha { 4 } else { 3 });
        for pixel in samples.chunks_exact(channels) {
            out.extend_from_slice(&[pixel[0]; 3]);
            if alpha {
                out.push(pixel[1]);
            }
        }
        out
    };
    match channels {
        1 => Picture::new(size, Layout::Rgb, spread(false)),
        2 => Picture::new(size, Layout::Rgba, spread(true)),
        3 => Picture::new(size, Layout::Rgb, samples),
        4 => Picture::new(size, Layout::Rgba, samples),
        _ => Err(ThumbError::bug("decode", "no pixel has so many channels")),
    }
}

/// Eight bits for sixteen, rounded.
fn eight_bits(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32_767) / 65_535) as u8
}
