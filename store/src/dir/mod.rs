// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store in a directory: each key is a file's path under the root.
//!
//! A blob is written to a temporary file under the root (so on the same filesystem), synced, and
//! renamed into place: a reader, or a machine that lost power, finds the old content or the new.
//! No file stays open between calls, except in an upload. Links to files are followed; links to
//! directories are followed when a key names them, but not listed. A key cannot be both a blob and
//! the parent of others, as `a` and `a/b`, which object stores allow.
//!
//! Files that other programs rewrite in place have no such protection; reads that expect a version
//! notice it by size, inode and modification time.

mod files;
mod list;
mod upload;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::key::check_key;
use crate::{Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};
use files::Root;

/// Blobs as files under one directory. Clones are cheap and share it.
#[derive(Clone, Debug)]
pub struct DirStore {
    root: Arc<Root>,
}

impl DirStore {
    /// The store rooted at `root`, which the first write creates if it is not there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: Arc::new(Root::new(root.into())),
        }
    }

    /// The root directory, as an absolute path.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Does `work` with the root and the key on a thread where it may block.
    async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        key: &str,
        work: impl FnOnce(&Root, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = Arc::clone(&self.root);
        let key = key.to_owned();
        blocking(operation, key.clone(), move || work(&root, &key)).await
    }
}

/// Runs `work` on a thread where it may block.
async fn blocking<T: Send + 'static>(
    operation: Operation,
    key: String,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => Err(StoreError::Transient {
            operation,
            key,
            detail: "the runtime is shutting down".into(),
        }),
        Err(error) => Err(StoreError::Bug {
            operation,
            key,
            detail: error.to_string(),
        }),
    }
}

#[async_trait]
impl Store for DirStore {
    async fn head(&self, key: &str) -> Result<Meta> {
        check_key(key)?;
        self.run(Operation::Head, key, |root, key| root.head(key))
            .await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        check_key(key)?;
        let expect = expect.cloned();
        self.run(Operation::Read, key, move |root, key| {
            root.get_range(key, range, expect.as_ref())
        })
        .await
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        check_key(key)?;
        self.run(Operation::Read, key, move |root, key| root.get(key, limit))
            .await
    }

    async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        check_key(key)?;
        self.run(Operation::Write, key, move |root, key| {
            root.put(key, &body, mode)
        })
        .await
    }

    async fn writer(&self, key: &str, mode: PutMode) -> Result<Box<dyn Upload>> {
        check_key(key)?;
        let temp = self
            .run(Operation::Write, key, |root, key| root.temp(key))
            .await?;
        Ok(Box::new(upload::DirUpload::new(
            Arc::clone(&self.root),
            key.to_owned(),
            mode,
            temp,
        )))
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page> {
        let after = after.map(str::to_owned);
        self.run(Operation::List, prefix, move |root, prefix| {
            list::list(root.path(), prefix, after.as_deref(), limit.max(1))
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.run(Operation::Delete, key, |root, key| root.delete(key))
            .await
    }
}

#[cfg(test)]
mod tests;
