// SPDX-License-Identifier: MIT OR Apache-2.0
use crate::Failure;
use framemill_store::{
    self as store, Blocking, Location, Meta, RangeReader, ReadStats, ReaderOptions, Version,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::runtime::Handle;

/// A blob to read, and which content it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Absolute path or URI.
    pub uri: String,
    /// The store's version of the content; reads fail once it has another.
    pub version: String,
    /// Size in bytes.
    pub size: u64,
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

    /// A seekable reader of the whole blob, counting in `stats`.
    pub(crate) fn reader(
        &self,
        handle: &Handle,
        stats: &Arc<ReadStats>,
    ) -> Result<RangeReader, Failure> {
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

    /// The last part of the name, for messages and for recognition by extension.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.uri.rsplit('/').next().unwrap_or(&self.uri)
    }
}
