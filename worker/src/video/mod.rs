// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures that FFmpeg decodes: frames of videos, AVIF and HEIC.
//!
//! | Module | What is in it |
//! |---|---|
//! | `seek` | the frame nearest to a time, and the best of several |
//! | `rgb` | a decoded frame as a picture |
//! | `still` | AVIF and HEIC |
//!
//! A video is read through a seekable reader that fetches ranges: its tables, and from the key
//! frame before the wanted one.

mod rgb;
mod seek;
mod still;

use std::io::{Read, Seek};

use framemill_thumbs::decode::{Facts, Frame, Source};
use framemill_thumbs::plan::Size;
use framemill_thumbs::url::VideoSecond;
use framemill_thumbs::{Format, Limits, Picture, Result, ThumbError};
use serde_json::{json, Value};

pub use still::Still;

/// Extensions of files that are read as videos, in lower case.
const EXTENSIONS: [&str; 16] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "flv", "ts", "m2ts", "mts", "mpg", "mpeg", "ogv",
    "3gp", "wmv", "ivf",
];

/// Whether a source's name is a video's.
#[must_use]
pub fn is_video(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// A frame of a video, as a source for the pipeline.
#[derive(Clone)]
pub struct VideoFrame {
    facts: Facts,
    picture: Option<Picture>,
    seconds: f64,
}

impl VideoFrame {
    /// Decodes a frame: the one nearest to a time, or one that is neither black nor blurred. A
    /// time behind the end gives the last frame.
    ///
    /// `name` helps to recognise the container; nothing is opened under it.
    ///
    /// # Errors
    /// [`ThumbError::Read`] where FFmpeg finds no video or no frame of it, [`ThumbError::TooLarge`],
    /// [`ThumbError::Cancelled`].
    pub fn read<R: Read + Seek + Send + 'static>(
        reader: R,
        name: &str,
        wanted: VideoSecond,
        limits: &Limits,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Self> {
        let mut video = seek::Video::open(reader, name, limits)?;
        let (frame, seconds) = match wanted {
            VideoSecond::At(seconds) => video.nearest(seconds, stopped)?,
            VideoSecond::Best => video.best(stopped)?,
        };
        let picture = rgb::picture(&frame, limits.pixels)?;
        let facts = Facts {
            orientation: video.exif_orientation(),
            // Videos have no format among pictures; what can be said of a JPEG can be said of
            // their frames.
            ..Facts::still(Format::Jpeg, picture.size())
        };
        Ok(Self {
            facts,
            picture: Some(picture),
            seconds,
        })
    }

    /// When the frame is shown, in seconds from the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// What a video's tables say.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFacts {
    container: String,
    codec: String,
    size: Size,
    orientation: u32,
    seconds: Option<f64>,
}

impl VideoFacts {
    /// Reads the tables.
    ///
    /// # Errors
    /// As [`VideoFrame::read`].
    pub fn read<R: Read + Seek + Send + 'static>(
        reader: R,
        name: &str,
        limits: &Limits,
    ) -> Result<Self> {
        Ok(seek::Video::open(reader, name, limits)?.facts())
    }

    /// As JSON has it, for a file of so many bytes.
    #[must_use]
    pub fn json(&self, bytes: u64) -> Value {
        json!({
            "format": self.container,
            "video_codec": self.codec,
            "width": self.size.width,
            "height": self.size.height,
            "orientation": self.orientation,
            "duration": self.seconds,
            "size": bytes,
        })
    }
}

impl Source for VideoFrame {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, _least: Size) -> Result<Option<Frame>> {
        Ok(self.picture.take().map(|picture| Frame {
            picture,
            milliseconds: 0,
        }))
    }
}

/// FFmpeg's complaint about a source.
fn broken(error: &framemill_codec::Error) -> ThumbError {
    let text = error.to_string();
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    match error {
        framemill_codec::Error::Limit { what, value, limit } => ThumbError::TooLarge {
            what,
            value: *value,
            limit: *limit,
        },
        framemill_codec::Error::Bug { .. } => ThumbError::Bug {
            what: "video",
            reason: line,
        },
        _ => ThumbError::Read { reason: line },
    }
}
