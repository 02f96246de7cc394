// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is uploaded, and what it is.

use crate::error::{JobError, Result};
use crate::job::look_up;
use crate::jobs::{names, Media};
use framemill_store::{self as store, Location, StoreError};
use framemill_worker::SourceRef;

/// A source and what it is; `None` where it is no more.
pub(super) async fn found(uri: &str) -> Result<Option<(SourceRef, Media)>> {
    let wrong = |error: StoreError| JobError::Failed(format!("{uri}: {error}"));
    let location = Location::parse(uri).map_err(wrong)?;
    let (blobs, key) = store::open(&location).await.map_err(wrong)?;
    match blobs.head(&key).await {
        Ok(_) => {}
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(wrong(error)),
    }
    let source = match look_up(uri).await {
        Ok(source) => source,
        Err(error) => return Err(JobError::Failed(error.to_string())),
    };
    match names::by_content(&blobs, &key, source.size).await {
        Ok(media) => Ok(Some((source, media))),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(wrong(error)),
    }
}
