// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of a list of extents, fetched as planned.

use std::sync::Arc;
use std::vec;

use bytes::Bytes;

use super::{fetch, plan_fetches, Extent, ExtentOptions, Fetch, ReadStats};
use crate::{Blocking, Meta, Result, StoreError, Version};

/// Gives each extent's bytes, in the order of the list. It ends after the first error.
///
/// One fetch is held at a time. The bytes given share its memory, so a caller that keeps a small
/// extent for long should copy it.
#[derive(Debug)]
pub struct ExtentReader {
    store: Blocking,
    key: String,
    version: Version,
    stats: Arc<ReadStats>,
    extents: Vec<Extent>,
    next: usize,
    fetches: vec::IntoIter<Fetch>,
    held: Option<(Fetch, Bytes)>,
}

impl ExtentReader {
    /// A reader of `extents` of the blob that `key` and `meta` describe. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`StoreError::OutOfRange`] for an extent that reaches beyond the end.
    pub fn new(
        store: Blocking,
        key: impl Into<String>,
        meta: Meta,
        extents: Vec<Extent>,
        options: ExtentOptions,
        stats: Arc<ReadStats>,
    ) -> Result<Self> {
        let key = key.into();
        let beyond = |extent: &&Extent| match extent.offset.checked_add(extent.len) {
            Some(end) => end > meta.size,
            None => true,
        };
        if let Some(extent) = extents.iter().find(beyond) {
            return Err(StoreError::OutOfRange {
                key,
                start: extent.offset,
                end: extent.end(),
                size: Some(meta.size),
            });
        }
        let fetches = plan_fetches(&extents, &options).into_iter();
        Ok(Self {
            store,
            key,
            version: meta.version,
            stats,
            extents,
            next: 0,
            fetches,
            held: None,
        })
    }

    /// Fetches for the extent `self.next` unless it is held; `None` after the last.
    fn hold(&mut self) -> Option<Result<&(Fetch, Bytes)>> {
        let held = |(planned, _): &(Fetch, Bytes)| planned.extents.contains(&self.next);
        if !self.held.as_ref().is_some_and(held) {
            self.held = None; // before the next is fetched, to hold one at a time
            let planned = self.fetches.next()?;
            let range = planned.range.clone();
            let fetched = if range.is_empty() {
                Ok(Bytes::new())
            } else {
                fetch(&self.store, &self.key, range, &self.version, &self.stats)
            };
            match fetched {
                Ok(bytes) => self.held = Some((planned, bytes)),
                Err(error) => {
                    self.fetches = Vec::new().into_iter();
                    self.next = self.extents.len();
                    return Some(Err(error));
                }
            }
        }
        self.held.as_ref().map(Ok)
    }
}

impl Iterator for ExtentReader {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let extent = *self.extents.get(self.next)?;
        let (planned, bytes) = match self.hold()? {
            Ok(held) => held,
            Err(error) => return Some(Err(error)),
        };
        let body = if extent.len == 0 {
            Bytes::new()
        } else {
            let from = (extent.offset - planned.range.start) as usize;
            bytes.slice(from..from + extent.len as usize)
        };
        self.next += 1;
        if self.next == self.extents.len() {
            self.held = None;
        }
        Some(Ok(body))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.extents.len() - self.next;
        (0, Some(left))
    }
}
