// SPDX-License-Identifier: MIT OR Apache-2.0
//! AVIF and HEIC, where FFmpeg's libraries read them.
//!
//! FFmpeg's demuxer hands out the primary picture alone. Opacities and pictures of tiles come in
//! other ways, so files that have them are refused rather than shown in part.

use std::io::Cursor;

use framemill_thumbs::decode::{Decode, Facts, Frame, Source};
use framemill_thumbs::plan::Size;
use framemill_thumbs::url::VideoSecond;
use framemill_thumbs::{Format, Limits, Result, ThumbError};

use super::VideoFrame;

/// The decoder of AVIF or HEIC.
#[derive(Clone, Copy, Debug)]
pub struct Still(Format);

impl Still {
    /// The decoder of AVIF.
    #[must_use]
    pub fn avif() -> Self {
        Self(Format::Avif)
    }

    /// The decoder of HEIC.
    #[must_use]
    pub fn heic() -> Self {
        Self(Format::Heic)
    }
}

struct Opened {
    facts: Facts,
    inner: VideoFrame,
}

impl Decode for Still {
    fn format(&self) -> Format {
        self.0
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let unsupported = |reason: &str| ThumbError::Unsupported {
            verb: "read",
            format: self.0,
            reason: reason.into(),
        };
        for (mark, reason) in [
            (
                &b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"[..],
                "it has opacities",
            ),
            (b"urn:mpeg:hevc:2015:auxid:1", "it has opacities"),
            (b"grid", "it is made of tiles"),
        ] {
            // All of that is said in `meta`, which comes first.
            let head = &bytes[..bytes.len().min(16 << 10)];
            if head.windows(mark.len()).any(|window| window == mark) {
                return Err(unsupported(reason));
            }
        }
        let reader = Cursor::new(bytes.to_vec());
        let wanted = VideoSecond::At(0.0);
        let inner = VideoFrame::read(reader, "still", wanted, limits, &|| false);
        let inner = inner.map_err(|error| match error {
            // FFmpeg before 7.1 knows no HEIC, and has no word for that.
            ThumbError::Read { .. } if self.0 == Format::Heic => {
                unsupported("the FFmpeg libraries here do not read it")
            }
            ThumbError::Read { reason } => ThumbError::BrokenSource {
                format: self.0,
                reason,
            },
            other => other,
        })?;
        let facts = Facts {
            orientation: inner.facts().orientation,
            ..Facts::still(self.0, inner.facts().size)
        };
        Ok(Box::new(Opened { facts, inner }))
    }
}

impl Source for Opened {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>> {
        self.inner.next_frame(least)
    }
}
