// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store in this process's memory: for tests, and for work that never touches a disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::key::check_key;
use crate::store::{check_limit, check_range, check_version};
use crate::{Entry, Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};

static VERSIONS: AtomicU64 = AtomicU64::new(1);
static NAMED: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Blob {
    bytes: Bytes,
    version: Version,
}

type Blobs = BTreeMap<String, Blob>;

/// Blobs in memory. Clones share them; the last one to go frees them.
#[derive(Clone, Default)]
pub struct MemoryStore {
    blobs: Arc<Mutex<Blobs>>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("blobs", &self.blobs().len())
            .finish()
    }
}

impl MemoryStore {
    /// An empty store that only its clones share.
    pub fn new() -> Self {
        Self::default()
    }

    /// The store that everything in this process shares under `name`, which lives as long as
    /// the process.
    pub fn named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named.entry(name.to_owned()).or_default().clone()
    }

    /// Every mutation is one map operation, so a poisoned lock still guards a sound map.
    fn blobs(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        operation: Operation,
        key: &str,
        read: impl FnOnce(&Blob) -> Result<T>,
    ) -> Result<T> {
        check_key(key)?;
        match self.blobs().get(key) {
            Some(blob) => read(blob),
            None => Err(StoreError::NotFound {
                operation,
                key: key.to_owned(),
            }),
        }
    }

    fn insert(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<Version> {
        let mut blobs = self.blobs();
        if mode == PutMode::Create && blobs.contains_key(key) {
            return Err(StoreError::Exists {
                key: key.to_owned(),
            });
        }
        let version = Version::new(format!("m{}", VERSIONS.fetch_add(1, Ordering::Relaxed)));
        let blob = Blob {
            bytes,
            version: version.clone(),
        };
        blobs.insert(key.to_owned(), blob);
        Ok(version)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn head(&self, key: &str) -> Result<Meta> {
        self.read(Operation::Head, key, |blob| {
            Ok(Meta {
                size: blob.bytes.len() as u64,
                version: blob.version.clone(),
            })
        })
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        self.read(Operation::Read, key, |blob| {
            check_version(key, expect, &blob.version)?;
            check_range(key, &range, blob.bytes.len() as u64)?;
            Ok(blob.bytes.slice(range.start as usize..range.end as usize))
        })
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        self.read(Operation::Read, key, |blob| {
            check_limit(key, blob.bytes.len() as u64, limit)?;
            Ok(blob.bytes.clone())
        })
    }

    async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        check_key(key)?;
        self.insert(key, body, mode)
    }

    async fn writer(&self, key: &str, mode: PutMode) -> Result<Box<dyn Upload>> {
        check_key(key)?;
        Ok(Box::new(MemoryUpload {
            store: self.clone(),
            key: key.to_owned(),
            mode,
            body: BytesMut::new(),
        }))
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page> {
        let limit = limit.max(1);
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let blobs = self.blobs();
        let mut found = blobs
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        let entries: Vec<Entry> = found
            .by_ref()
            .take(limit)
            .map(|(key, blob)| Entry {
                key: key.clone(),
                size: blob.bytes.len() as u64,
            })
            .collect();
        let next = found
            .next()
            .and_then(|_| entries.last())
            .map(|entry| entry.key.clone());
        Ok(Page { entries, next })
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.blobs().remove(key);
        Ok(())
    }
}

struct MemoryUpload {
    store: MemoryStore,
    key: String,
    mode: PutMode,
    body: BytesMut,
}

impl fmt::Debug for MemoryUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUpload")
            .field("key", &self.key)
            .field("written", &self.body.len())
            .finish()
    }
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        self.body.extend_from_slice(&part);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Meta> {
        let size = self.body.len() as u64;
        let version = self
            .store
            .insert(&self.key, self.body.freeze(), self.mode)?;
        Ok(Meta { size, version })
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
