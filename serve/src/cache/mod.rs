// SPDX-License-Identifier: MIT OR Apache-2.0
//! Results that have been made: the latest in memory, more of them in a store.
//!
//! | Module | What is in it |
//! |---|---|
//! | `shelf` | what was used latest, up to a number of bytes |
//! | `form` | a result as a blob, with its digest |
//!
//! A key is a digest of all that a result depends on, so what lies under a key never changes.
//! Stores show blobs whole or not at all, and each is checked by its digest when it is read, so a
//! partial or damaged one is as good as none. After a restart the store is listed, and all that is
//! in it counts as used at that moment.

mod form;
mod shelf;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use framemill_store::{self as store, Class, Location, PutMode, Store};
use framemill_thumbs::Format;
use tokio::sync::Semaphore;

use crate::metrics::Metrics;

pub use shelf::Shelf;

/// A digest of all that a result depends on.
pub type Key = [u8; 32];

/// Results that are being written at once.
const WRITERS: usize = 8;
/// Results that may wait to be written; further ones are not kept in the store.
const BACKLOG: usize = 1024;

/// A result, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The file.
    pub body: Bytes,
    /// Its format.
    pub format: Format,
    /// Its width and height in pixels, where the source did not pass through untouched.
    pub size: Option<(u32, u32)>,
    /// When its source changed, in seconds since 1970.
    pub modified: Option<u64>,
    /// The format that was to be made and would have cost too much.
    pub instead_of: Option<Format>,
    /// What was asked for and could not be done.
    pub warnings: Vec<String>,
}

impl Stored {
    /// Bytes that it takes in memory, about.
    fn weight(&self) -> u64 {
        self.body.len() as u64 + 512
    }
}

/// The results of a server.
#[derive(Debug)]
pub struct Results {
    memory: Mutex<Shelf<Key, Arc<Stored>>>,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    store: Arc<dyn Store>,
    prefix: String,
    index: Mutex<Shelf<Key, ()>>,
    writers: Arc<Semaphore>,
    backlog: Arc<Semaphore>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Results {
    /// Results in `memory` bytes of memory, and, where there is one, in a place for blobs up to
    /// `kept` bytes. The place is listed first.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(memory: u64, place: Option<&str>, kept: u64) -> store::Result<Self> {
        let kept = match place {
            None => None,
            Some(place) => {
                let location = Location::parse_place(place)?;
                let (store, prefix) = store::open(&location).await?;
                Some(Kept::open(store, prefix, kept).await?)
            }
        };
        Ok(Self {
            memory: Mutex::new(Shelf::new(memory)),
            kept,
        })
    }

    /// A result in memory.
    #[must_use]
    pub fn in_memory(&self, key: &Key) -> Option<Arc<Stored>> {
        lock(&self.memory).get(key).cloned()
    }

    /// A result in the store; it is in memory then. What cannot be read is not there.
    pub async fn in_store(&self, key: &Key) -> Option<Arc<Stored>> {
        let found = Arc::new(self.kept.as_ref()?.read(key).await?);
        self.remember(key, &found);
        Some(found)
    }

    fn remember(&self, key: &Key, result: &Arc<Stored>) {
        lock(&self.memory).put(*key, Arc::clone(result), result.weight());
    }

    /// Keeps a result: in memory at once, in the store soon.
    pub fn keep(self: &Arc<Self>, key: Key, result: &Arc<Stored>, metrics: &Arc<Metrics>) {
        self.remember(&key, result);
        let Some(kept) = &self.kept else {
            return;
        };
        let Ok(turn) = Arc::clone(&kept.backlog).try_acquire_owned() else {
            metrics.cache_failed();
            return;
        };
        let (results, result) = (Arc::clone(self), Arc::clone(result));
        let metrics = Arc::clone(metrics);
        tokio::spawn(async move {
            if let Some(kept) = &results.kept {
                if !kept.write(key, &result).await {
                    metrics.cache_failed();
                }
            }
            drop(turn);
        });
    }

    /// Waits until all that is to be kept is in the store.
    pub async fn settle(&self) {
        if let Some(kept) = &self.kept {
            let _ = kept.backlog.acquire_many(BACKLOG as u32).await;
        }
    }

    /// Bytes in memory and in the store.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let kept = self.kept.as_ref().map(|kept| lock(&kept.index).bytes());
        (lock(&self.memory).bytes(), kept.unwrap_or(0))
    }
}

impl Kept {
    async fn open(store: Arc<dyn Store>, prefix: String, most: u64) -> store::Result<Self> {
        let mut index = Shelf::new(most);
        let mut superfluous = Vec::new();
        let mut after = None;
        loop {
            let page = store.list(&prefix, after.as_deref(), 1000).await?;
            for entry in &page.entries {
                // Other files are none of ours, and stay.
                if let Some(key) = form::key_of(&entry.key[prefix.len()..]) {
                    superfluous.extend(index.put(key, (), entry.size));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let kept = Self {
            store,
            prefix,
            index: Mutex::new(index),
            writers: Arc::new(Semaphore::new(WRITERS)),
            backlog: Arc::new(Semaphore::new(BACKLOG)),
        };
        for key in superfluous {
            kept.store.delete(&kept.name(&key)).await?;
        }
        Ok(kept)
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{}", self.prefix, form::name_of(key))
    }

    async fn read(&self, key: &Key) -> Option<Stored> {
        let size = {
            let mut index = lock(&self.index);
            index.get(key)?;
            index.weight(key)?
        };
        let name = self.name(key);
        let found = match self.store.get(&name, size).await {
            Ok(bytes) => form::read(key, &bytes),
            Err(error) => {
                if error.class() != Class::NotFound {
                    tracing::warn!("a kept result cannot be read: {error}");
                }
                None
            }
        };
        if found.is_none() {
            lock(&self.index).remove(key);
        }
        found
    }

    async fn write(&self, key: Key, result: &Stored) -> bool {
        let Ok(_turn) = self.writers.acquire().await else {
            return false;
        };
        let blob = form::write(&key, result);
        let size = blob.len() as u64;
        let name = self.name(&key);
        let written = self.store.put(&name, blob, PutMode::Overwrite);
        if let Err(error) = written.await {
            tracing::warn!("a result cannot be kept: {error}");
            return false;
        }
        let superfluous = lock(&self.index).put(key, (), size);
        for key in superfluous {
            if let Err(error) = self.store.delete(&self.name(&key)).await {
                tracing::warn!("an old result cannot be removed: {error}");
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
