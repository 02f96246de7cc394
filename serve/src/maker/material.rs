// SPDX-License-Identifier: MIT OR Apache-2.0
//! What thumbnails are made of.

use std::sync::Arc;

use framemill_thumbs::url::VideoSecond;
use framemill_thumbs::{thumbnail_as, Settings, Thumbnail};
use tokio_util::sync::CancellationToken;

use super::frame::frame_thumbnail;
use super::Wish;
use crate::gate::Phase;
use crate::sources::{Fetched, Ranged};

/// What a thumbnail is made of. Clones share it.
#[derive(Clone)]
pub(super) enum Material {
    /// All of an image.
    Whole(Arc<Fetched>),
    /// A frame of a video, which is read by ranges.
    Frame(Arc<Ranged>, VideoSecond),
}

impl Material {
    /// Makes the thumbnail, on a thread that may block.
    pub fn thumbnail(
        &self,
        wish: &Wish,
        settings: &Settings,
        phase: &Phase,
        stop: &CancellationToken,
    ) -> framemill_thumbs::Result<Thumbnail> {
        let (options, formats) = (&wish.options, &wish.formats);
        match self {
            Self::Whole(fetched) => {
                let stopped = || stop.is_cancelled();
                thumbnail_as(&fetched.bytes, options, formats, settings, &stopped)
            }
            Self::Frame(video, second) => {
                phase.fetching();
                frame_thumbnail(video, *second, options, formats, settings, stop)
            }
        }
    }
}
