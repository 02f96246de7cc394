// SPDX-License-Identifier: MIT OR Apache-2.0
//! Readers that fetch little more of a blob than is wanted, and count what they fetch.

mod extent;
mod plan;
mod range;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::{Blocking, Operation, Result, StoreError, Version};

pub use extent::ExtentReader;
pub use plan::{plan_fetches, Extent, ExtentOptions, Fetch};
pub use range::{RangeReader, ReaderOptions};

/// How much readers have fetched. Any number of them may share one.
#[derive(Debug, Default)]
pub struct ReadStats {
    bytes: AtomicU64,
    requests: AtomicU64,
}

impl ReadStats {
    /// Bytes fetched, wanted or not.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Range requests that succeeded.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts one request for `bytes` bytes.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Fetches a range of one version of a blob, and counts it.
fn fetch(
    store: &Blocking,
    key: &str,
    range: Range<u64>,
    version: &Version,
    stats: &ReadStats,
) -> Result<Bytes> {
    let len = range.end - range.start;
    let bytes = store.get_range(key, range, Some(version))?;
    stats.add(bytes.len() as u64);
    if bytes.len() as u64 != len {
        return Err(StoreError::Bug {
            operation: Operation::Read,
            key: key.to_owned(),
            detail: format!("the store gave {} bytes instead of {len}", bytes.len()),
        });
    }
    Ok(bytes)
}
