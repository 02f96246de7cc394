// SPDX-License-Identifier: MIT OR Apache-2.0
use crate::Failure;
use framemill_store::{
    self as store, Blocking, Location, Meta, RangeReader, ReadStats, ReaderOptions, Version,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;

/// A blob to read, and which content it must have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Absolute path or URI, with the secrets that a URL may hold: `Debug` leaves them out.
    pub uri: String,
    /// The store's version of the content; reads fail once it has another.
    pub version: String,
    /// Size in bytes.
    pub size: u64,
}

impl fmt::Debug for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uri, version, size } = self;
        f.debug_struct("SourceRef")
            .field("uri", &store::shown(uri))
            .field("version", version)
            .field("size", size)
            .finish()
    }
}

impl SourceRef {
    /// Looks the blob up.
    ///
    /// # Errors
    /// [`Failure::BadInput`] when there is none.
    pub async fn look_up(uri: &str) -> Result<Self, Failure> {
        let (blobs, key) = store::open(&Location::parse(uri)?).await?;
        let meta = blobs.head(&key).await?;
        Ok(Self {
            uri: uri.to_owned(),
            version: meta.version.as_str().to_owned(),
            size: meta.size,
        })
    }

    /// The store and key, for a worker thread.
    pub(crate) fn open(&self, handle: &Handle) -> Result<(Blocking, String), Failure> {
        let location = Location::parse(&self.uri)?;
        let (blobs, key) = handle.block_on(store::open(&location))?;
        Ok((Blocking::new(blobs, handle.clone()), key))
    }

    /// A seekable reader of the whole blob, counting in `stats`, for a thread that may block.
    ///
    /// # Errors
    /// The store's.
    pub fn reader(&self, handle: &Handle, stats: &Arc<ReadStats>) -> Result<RangeReader, Failure> {
        let (blobs, key) = self.open(handle)?;
        Ok(RangeReader::new(
            blobs,
            key,
            self.meta(),
            ReaderOptions::default(),
            stats.clone(),
        ))
    }

    /// What the store is expected to say of the blob.
    #[must_use]
    pub fn meta(&self) -> Meta {
        Meta {
            size: self.size,
            version: Version::new(self.version.clone()),
        }
    }

    /// The last part of the name, without a URL's query, for messages and for recognition by
    /// extension.
    #[must_use]
    pub fn file_name(&self) -> String {
        let key = Location::parse(&self.uri).map_or(String::new(), |location| location.key);
        key.rsplit('/').next().unwrap_or("").to_owned()
    }
}
