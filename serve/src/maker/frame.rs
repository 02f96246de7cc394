// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails of videos.

use std::sync::Arc;

use framemill_store::{RangeReader, ReaderOptions};
use framemill_thumbs::url::{Options, VideoSecond};
use framemill_thumbs::{thumbnail_of, Format, Settings, Thumbnail};

use crate::sources::Ranged;
use crate::video::VideoFrame;

/// How videos are read: in smaller pieces than a transcode would, since little is wanted.
const FRAME_READS: ReaderOptions = ReaderOptions {
    block: 64 << 10,
    read_ahead: 1 << 20,
    cache: 4 << 20,
};

/// A thumbnail of a frame of a video, which is read by ranges. For a thread that may block.
///
/// # Errors
/// Any [`framemill_thumbs::ThumbError`].
pub fn frame_thumbnail(
    video: &Ranged,
    second: VideoSecond,
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stopped: &dyn Fn() -> bool,
) -> framemill_thumbs::Result<Thumbnail> {
    let limits = settings.limits.asked(&options.limits);
    let frame = VideoFrame::read(reader(video), &video.key, second, &limits, stopped)?;
    thumbnail_of(Box::new(frame), options, formats, settings, stopped)
}

/// A seekable reader of a video.
pub(super) fn reader(video: &Ranged) -> RangeReader {
    let (store, key, meta) = (video.store.clone(), video.key.clone(), video.meta.clone());
    RangeReader::new(store, key, meta, FRAME_READS, Arc::default())
}
