// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails of videos.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use framemill_store::RangeReader;
use framemill_thumbs::url::{Options, VideoSecond};
use framemill_thumbs::{thumbnail_of, Format, Settings, Thumbnail};
use framemill_worker::thumb::FRAME_READS;
use framemill_worker::video::VideoFrame;
use tokio_util::sync::CancellationToken;

use crate::sources::Ranged;

/// A thumbnail of a frame of a video, which is read by ranges. For a thread that may block.
///
/// # Errors
/// Any [`framemill_thumbs::ThumbError`].
pub(super) fn frame_thumbnail(
    video: &Ranged,
    second: VideoSecond,
    options: &Options,
    formats: &[Format],
    settings: &Settings,
    stop: &CancellationToken,
) -> framemill_thumbs::Result<Thumbnail> {
    let limits = settings.limits.asked(&options.limits);
    let (reader, stopped) = (reader(video, stop), || stop.is_cancelled());
    let frame = VideoFrame::read(reader, &video.key, second, &limits, &stopped)?;
    thumbnail_of(Box::new(frame), options, formats, settings, &stopped)
}

/// A seekable reader of a video, whose reads fail once it is told to stop: FFmpeg asks for range
/// after range, and nothing else is asked meanwhile.
pub(super) fn reader(video: &Ranged, stop: &CancellationToken) -> Stoppable {
    let (store, key, meta) = (video.store.clone(), video.key.clone(), video.meta.clone());
    Stoppable {
        inner: RangeReader::new(store, key, meta, FRAME_READS, Arc::default()),
        stop: stop.clone(),
    }
}

/// See [`reader`].
pub(super) struct Stoppable {
    inner: RangeReader,
    stop: CancellationToken,
}

impl Read for Stoppable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("nobody waits any more"));
        }
        self.inner.read(into)
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
