// SPDX-License-Identifier: MIT OR Apache-2.0
//! A blob as a seekable reader, for demuxers.
//!
//! What is fetched is kept as runs of blocks, the most recently used up to a limit. A miss where
//! a run ends continues that run, so the next one is twice as long, up to the read-ahead limit;
//! a miss elsewhere fetches one block. Growth belongs to the run, not to the reader, so that a
//! demuxer which alternates between two distant tracks still reads both of them in long runs.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;

use super::{fetch, ReadStats};
use crate::{Blocking, Meta, Result, Version};

/// How a [`RangeReader`] fetches and caches. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderOptions {
    /// The least that is fetched at once, and what fetches are aligned to. Zero counts as one.
    pub block: u64,
    /// The most that is fetched at once, if more than a block.
    pub read_ahead: u64,
    /// The most that is kept, if more than twice the most that is fetched at once.
    pub cache: u64,
}

impl Default for ReaderOptions {
    /// Blocks of 256 KiB, read-ahead up to 4 MiB, 8 MiB of cache.
    fn default() -> Self {
        Self {
            block: 256 << 10,
            read_ahead: 4 << 20,
            cache: 8 << 20,
        }
    }
}

/// Reads and seeks in one version of one blob.
///
/// Errors carry a [`crate::StoreError`] (see [`crate::StoreError::from_io`]); after one, the
/// position is where it was and the read may be tried again.
#[derive(Debug)]
pub struct RangeReader {
    store: Blocking,
    key: String,
    size: u64,
    version: Version,
    options: ReaderOptions,
    stats: Arc<ReadStats>,
    position: u64,
    horizon: u64,
    runs: Vec<Run>, // least recently used first
}

/// Fetched bytes and where they start in the blob; never empty.
#[derive(Debug)]
struct Run {
    start: u64,
    bytes: Bytes,
}

impl Run {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn end(&self) -> u64 {
        self.start + self.len()
    }
}

impl RangeReader {
    /// A reader at the start of the blob that `key` and `meta` describe.
    pub fn new(
        store: Blocking,
        key: impl Into<String>,
        meta: Meta,
        options: ReaderOptions,
        stats: Arc<ReadStats>,
    ) -> Self {
        let block = options.block.max(1);
        let read_ahead = options.read_ahead.max(block);
        let cache = options.cache.max(read_ahead.saturating_mul(2));
        Self {
            store,
            key: key.into(),
            size: meta.size,
            version: meta.version,
            options: ReaderOptions {
                block,
                read_ahead,
                cache,
            },
            stats,
            position: 0,
            horizon: meta.size,
            runs: Vec::new(),
        }
    }

    /// Looks the blob up, and gives a reader with default options at its start.
    ///
    /// # Errors
    /// Those of [`crate::Store::head`].
    pub fn open(store: Blocking, key: impl Into<String>, stats: Arc<ReadStats>) -> Result<Self> {
        let key = key.into();
        let meta = store.head(&key)?;
        Ok(Self::new(store, key, meta, ReaderOptions::default(), stats))
    }

    /// The blob's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The blob's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The version that is read; all reads fail once the blob has another.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What this reader counts its fetches in.
    pub fn stats(&self) -> &Arc<ReadStats> {
        &self.stats
    }

    /// Lets read-ahead go no further than the byte offset `end`: for a reader that knows where
    /// its work ends. Reads beyond it still work.
    pub fn set_horizon(&mut self, end: u64) {
        self.horizon = end;
    }

    /// Makes the run that covers `at` the most recently used, and gives it if there is one.
    fn cached(&mut self, at: u64) -> Option<&Run> {
        let index = self
            .runs
            .iter()
            .rposition(|run| run.start <= at && at < run.end())?;
        if index + 1 < self.runs.len() {
            let run = self.runs.remove(index);
            self.runs.push(run);
        }
        self.runs.last()
    }

    /// Fetches a run that covers `at`, which is inside the blob and in no run yet.
    fn fetch(&mut self, at: u64, wanted: u64) -> Result<()> {
        let ReaderOptions {
            block,
            read_ahead,
            cache,
        } = self.options;
        let aligned = at - at % block;
        let ends = self.runs.iter().map(Run::end);
        let start = ends
            .filter(|end| (aligned..=at).contains(end))
            .max()
            .unwrap_or(aligned);
        let before = self.runs.iter().find(|run| run.end() == start);
        let grown = before.map_or(0, |run| run.len() * 2);
        let needed = (at - start)
            .saturating_add(wanted)
            .clamp(at - start + 1, read_ahead.max(at - start + 1));
        let length = needed
            .max(grown)
            .next_multiple_of(block)
            .min(read_ahead)
            .max(needed);
        let end = start
            .saturating_add(length)
            .min(self.horizon.max(start + needed));
        let next = self
            .runs
            .iter()
            .map(|run| run.start)
            .filter(|at| *at > start);
        let end = next.fold(end.min(self.size), u64::min);

        let mut kept: u64 = self.runs.iter().map(Run::len).sum();
        while !self.runs.is_empty() && kept + (end - start) > cache {
            kept -= self.runs.remove(0).len();
        }
        let bytes = fetch(
            &self.store,
            &self.key,
            start..end,
            &self.version,
            &self.stats,
        )?;
        self.runs.push(Run { start, bytes });
        Ok(())
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.position;
        if at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        if self.cached(at).is_none() {
            self.fetch(at, buffer.len() as u64)?;
        }
        let Some(run) = self.cached(at) else {
            return Err(io::Error::other("the fetched bytes are not in the cache"));
        };
        let from = &run.bytes[(at - run.start) as usize..];
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for RangeReader {
    /// Any position from 0 on is fine; at and beyond the end, reads give nothing.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "cannot seek to before the start",
            )
        })?;
        Ok(self.position)
    }
}
