// SPDX-License-Identifier: MIT OR Apache-2.0
//! From pictures to bytes.
//!
//! | Module | What is in it |
//! |---|---|
//! | `jpeg`, `png`, `webp`, `avif`, `gif` | an encoder each |

mod avif;
mod gif;
mod jpeg;
mod png;
mod webp;

use crate::error::{Result, ThumbError};
use crate::picture::Picture;
use crate::plan::Size;
use crate::Format;

pub(crate) use self::gif::GifAnimation;
pub(crate) use self::webp::WebpAnimation;

/// What an encoder is told beside the picture.
#[derive(Clone, Debug)]
pub(crate) struct Coding {
    /// 1 to 100.
    pub(crate) quality: u8,
    /// Code WebP without loss.
    pub(crate) lossless: bool,
    /// AVIF's speed, 1 (slow) to 10.
    pub(crate) speed: u8,
    /// The colour profile to keep.
    pub(crate) profile: Option<Vec<u8>>,
    /// The body of EXIF to keep.
    pub(crate) exif: Option<Vec<u8>>,
}

/// Whether there is an encoder for a format.
pub(crate) fn can_write(format: Format) -> bool {
    matches!(
        format,
        Format::Jpeg | Format::Png | Format::Webp | Format::Avif | Format::Gif
    )
}

/// Whether a format has several frames here.
pub(crate) fn can_animate(format: Format) -> bool {
    matches!(format, Format::Webp | Format::Gif)
}

/// Whether a format has opacities.
pub(crate) fn has_alpha(format: Format) -> bool {
    format != Format::Jpeg
}

/// Whether a format carries a colour profile here.
pub(crate) fn has_profile(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::Webp)
}

/// Whether a quality makes a difference.
pub(crate) fn has_quality(format: Format, coding: &Coding) -> bool {
    match format {
        Format::Jpeg | Format::Avif => true,
        Format::Webp => !coding.lossless,
        _ => false,
    }
}

/// Most pixels of a side that a format can have.
pub(crate) fn most_side(format: Format) -> u32 {
    match format {
        Format::Webp => 16_383,
        Format::Jpeg => 65_500,
        Format::Png => i32::MAX as u32,
        _ => 65_535,
    }
}

/// A still picture.
pub(crate) fn still(format: Format, picture: &Picture, coding: &Coding) -> Result<Vec<u8>> {
    match format {
        Format::Jpeg => jpeg::encode(picture, coding),
        Format::Png => png::encode(picture, coding),
        Format::Webp => webp::encode(picture, coding),
        Format::Avif => avif::encode(picture, coding),
        Format::Gif => {
            let mut animation = GifAnimation::new(picture.size(), None)?;
            animation.add(picture, 0)?;
            animation.finish()
        }
        format => Err(ThumbError::Unsupported {
            verb: "write",
            format,
            reason: "there is no encoder for it here".into(),
        }),
    }
}

/// Frames under way to an animation.
pub(crate) enum Animation {
    Gif(Box<GifAnimation>),
    Webp(Box<WebpAnimation>),
}

impl Animation {
    pub(crate) fn new(format: Format, size: Size, loops: u16, coding: &Coding) -> Result<Self> {
        match format {
            Format::Webp => Ok(Self::Webp(Box::new(WebpAnimation::new(
                size, loops, coding,
            )?))),
            _ => Ok(Self::Gif(Box::new(GifAnimation::new(size, Some(loops))?))),
        }
    }

    pub(crate) fn add(&mut self, picture: &Picture, milliseconds: u32) -> Result<()> {
        match self {
            Self::Gif(animation) => animation.add(picture, milliseconds),
            Self::Webp(animation) => animation.add(picture, milliseconds),
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Gif(animation) => animation.finish(),
            Self::Webp(animation) => animation.finish(),
        }
    }
}
