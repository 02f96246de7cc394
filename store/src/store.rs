// SPDX-License-Identifier: MIT OR Apache-2.0
//! The trait that every store implements, and the values that cross it.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Result, StoreError};

/// Which content a key holds: an opaque text that differs after every write of other bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(String);

impl Version {
    /// The version with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be stored or sent and given to [`Version::new`] again.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store knows about a blob without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meta {
    /// Size in bytes.
    pub size: u64,
    /// The content's version.
    pub version: Version,
}

/// What a put does when the key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PutMode {
    /// Replaces the blob.
    Overwrite,
    /// Fails with [`StoreError::Exists`]; of any number of concurrent creates exactly one wins.
    Create,
}

/// One listed blob.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The whole key, prefix included.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Blobs in bytewise order of their keys, in stores that keep one (see
    /// [`crate::contract::Deviations`]). A page may be short, even empty, before the last.
    pub entries: Vec<Entry>,
    /// What to pass as `after` for the next page; `None` on the last. It need not be a key.
    pub next: Option<String>,
}

/// Blobs by key.
///
/// Blobs appear whole or not at all: a reader sees all of the old content or all of the new. The
/// suite in [`crate::contract`] says the rest. Dropping a future midway leaves the old content or
/// the new, and nothing that can be seen besides.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Size and version of a blob.
    async fn head(&self, key: &str) -> Result<Meta>;

    /// Exactly the bytes `range` of a blob; an empty range within `0..=size` gives no bytes.
    ///
    /// # Errors
    /// [`StoreError::OutOfRange`] where the range is reversed or leaves the blob, and
    /// [`StoreError::Changed`] where the blob's version is not `expect` (this is checked first).
    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes>;

    /// The whole blob.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] where it has more than `limit` bytes; none of it is kept then.
    async fn get(&self, key: &str, limit: u64) -> Result<Bytes>;

    /// Writes a whole blob, and gives its version.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where `mode` is [`PutMode::Create`] and the key is taken.
    async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version>;

    /// Starts to write a blob of unknown size, which replaces any other when it is finished; with
    /// [`PutMode::Create`], finishing it fails where the key is taken by then.
    async fn writer(&self, key: &str, mode: PutMode) -> Result<Box<dyn Upload>>;

    /// Up to `limit` (at least one) blobs whose keys start with `prefix` and come after `after`.
    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page>;

    /// Removes a blob; one that is not there is no error.
    async fn delete(&self, key: &str) -> Result<()>;
}

/// A blob that is being written. Nothing is visible before [`Upload::finish`]; dropping it
/// unfinished leaves nothing behind.
#[async_trait]
pub trait Upload: Send + fmt::Debug {
    /// Appends bytes. After an error, or a call that was dropped midway, the upload is dead:
    /// every later call fails.
    async fn write(&mut self, part: Bytes) -> Result<()>;

    /// Makes the blob visible under its key.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for a create whose key is taken; nothing is left of it then.
    async fn finish(self: Box<Self>) -> Result<Meta>;

    /// Gives up, and removes what was written.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// Checks a range against a blob's size.
pub(crate) fn check_range(key: &str, range: &Range<u64>, size: u64) -> Result<()> {
    if range.start <= range.end && range.end <= size {
        return Ok(());
    }
    Err(StoreError::OutOfRange {
        key: key.to_owned(),
        start: range.start,
        end: range.end,
        size: Some(size),
    })
}

/// Checks a blob's version against the one that the caller expects.
pub(crate) fn check_version(key: &str, expect: Option<&Version>, found: &Version) -> Result<()> {
    match expect {
        Some(expected) if expected != found => Err(StoreError::Changed {
            key: key.to_owned(),
            expected: expected.clone(),
            found: Some(found.clone()),
        }),
        _ => Ok(()),
    }
}

/// Checks a blob's size against the caller's limit.
pub(crate) fn check_limit(key: &str, size: u64, limit: u64) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(StoreError::TooLarge {
        key: key.to_owned(),
        size,
        limit,
    })
}
