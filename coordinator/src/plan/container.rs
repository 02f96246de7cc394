// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fits into which file.

use super::options::VideoCodec;
use crate::error::{JobError, Result};
use framemill_codec::libav;

/// A container that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4 (ISO/IEC 14496-14).
    Mp4,
    /// QuickTime.
    Mov,
    /// Matroska.
    Mkv,
    /// WebM.
    Webm,
}

const ALL: [Container; 4] = [
    Container::Mp4,
    Container::Mov,
    Container::Mkv,
    Container::Webm,
];

impl Container {
    /// By a file name's extension.
    ///
    /// # Errors
    /// [`JobError::Usage`] naming the known ones.
    pub fn of(name: &str) -> Result<Self> {
        let extension = name
            .rsplit_once('.')
            .map_or("", |(_, e)| e)
            .to_ascii_lowercase();
        ALL.into_iter()
            .find(|c| c.extension() == extension)
            .ok_or_else(|| {
                JobError::Usage(format!(
                    "{name}: the container is told by the extension: .mp4, .mov, .mkv or .webm"
                ))
            })
    }

    /// The extension that stands for it.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
            Self::Webm => "webm",
        }
    }

    /// libavformat's muxer.
    #[must_use]
    pub const fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
            Self::Webm => "webm",
        }
    }

    /// True for the two whose index tells where each packet is.
    #[must_use]
    pub const fn is_isobmff(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// True for the two that keep a display matrix.
    #[must_use]
    pub const fn keeps_rotation(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// True when the container holds that video.
    #[must_use]
    pub const fn holds_video(self, codec: VideoCodec) -> bool {
        match self {
            Self::Mp4 => !matches!(codec, VideoCodec::Vp8),
            Self::Mov => matches!(codec, VideoCodec::H264 | VideoCodec::Hevc),
            Self::Mkv => true,
            Self::Webm => matches!(codec, VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1),
        }
    }

    /// True when sound of that codec can be put there and players expect it.
    #[must_use]
    pub fn holds_audio(self, codec: &str) -> bool {
        match self {
            Self::Mp4 => matches!(
                codec,
                "aac" | "mp3" | "ac3" | "eac3" | "alac" | "flac" | "opus"
            ),
            Self::Mov => {
                matches!(codec, "aac" | "mp3" | "ac3" | "eac3" | "alac")
                    || codec.starts_with("pcm_s")
            }
            Self::Mkv => libav::container_holds("matroska", codec),
            Self::Webm => matches!(codec, "opus" | "vorbis"),
        }
    }

    /// True when subtitles of that codec can be put there.
    #[must_use]
    pub fn holds_subtitles(self, codec: &str) -> bool {
        match self {
            Self::Mp4 | Self::Mov => codec == "mov_text",
            Self::Mkv => matches!(
                codec,
                "subrip"
                    | "ass"
                    | "ssa"
                    | "webvtt"
                    | "text"
                    | "hdmv_pgs_subtitle"
                    | "dvd_subtitle"
                    | "dvb_subtitle"
            ),
            Self::Webm => codec == "webvtt",
        }
    }

    /// Refuses video that does not fit, and says what would.
    ///
    /// # Errors
    /// [`JobError::Usage`].
    pub fn check_video(self, name: &str, codec: VideoCodec) -> Result<()> {
        if self.holds_video(codec) {
            return Ok(());
        }
        let codecs = [
            VideoCodec::Av1,
            VideoCodec::H264,
            VideoCodec::Hevc,
            VideoCodec::Vp9,
            VideoCodec::Vp8,
        ];
        let fit: Vec<&str> = codecs
            .into_iter()
            .filter(|&c| self.holds_video(c))
            .map(VideoCodec::name)
            .collect();
        let files: Vec<String> = ALL
            .into_iter()
            .filter(|c| c.holds_video(codec))
            .map(|c| format!(".{}", c.extension()))
            .collect();
        Err(JobError::Usage(format!(
            "{name}: .{} cannot hold {}; it takes {}, and {} fits in {}",
            self.extension(),
            codec.name(),
            fit.join(", "),
            codec.name(),
            files.join(", ")
        )))
    }
}
