// SPDX-License-Identifier: MIT OR Apache-2.0
//! A synchronous face on a store, for the threads in which codecs work.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::{Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};

/// A store whose methods block. Clones are cheap.
///
/// # Panics
/// Every method panics on a thread that runs async tasks; use it in `spawn_blocking` or on plain
/// threads, and keep the runtime running elsewhere.
#[derive(Clone, Debug)]
pub struct Blocking {
    store: Arc<dyn Store>,
    handle: Handle,
}

impl Blocking {
    /// Blocks on `store` by means of the runtime behind `handle`.
    pub fn new(store: Arc<dyn Store>, handle: Handle) -> Self {
        Self { store, handle }
    }

    /// The store behind it.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// See [`Store::head`].
    pub fn head(&self, key: &str) -> Result<Meta> {
        self.handle.block_on(self.store.head(key))
    }

    /// See [`Store::get_range`].
    pub fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        self.handle
            .block_on(self.store.get_range(key, range, expect))
    }

    /// See [`Store::get`].
    pub fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        self.handle.block_on(self.store.get(key, limit))
    }

    /// See [`Store::put`].
    pub fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        self.handle.block_on(self.store.put(key, body, mode))
    }

    /// See [`Store::writer`].
    pub fn writer(&self, key: &str, mode: PutMode) -> Result<BlockingUpload> {
        let upload = self.handle.block_on(self.store.writer(key, mode))?;
        Ok(BlockingUpload {
            upload: Some(upload),
            key: key.to_owned(),
            handle: self.handle.clone(),
        })
    }

    /// See [`Store::list`].
    pub fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page> {
        self.handle.block_on(self.store.list(prefix, after, limit))
    }

    /// See [`Store::delete`].
    pub fn delete(&self, key: &str) -> Result<()> {
        self.handle.block_on(self.store.delete(key))
    }
}

/// An [`Upload`] whose methods block; also an [`io::Write`], whose errors carry the
/// [`StoreError`] (see [`StoreError::from_io`]).
#[derive(Debug)]
pub struct BlockingUpload {
    upload: Option<Box<dyn Upload>>,
    key: String,
    handle: Handle,
}

impl BlockingUpload {
    /// See [`Upload::write`].
    pub fn write(&mut self, part: Bytes) -> Result<()> {
        let Some(upload) = self.upload.as_mut() else {
            return Err(self.dead());
        };
        let written = self.handle.block_on(upload.write(part));
        if written.is_err() {
            self.upload = None;
        }
        written
    }

    /// See [`Upload::finish`].
    pub fn finish(mut self) -> Result<Meta> {
        match self.upload.take() {
            Some(upload) => self.handle.block_on(upload.finish()),
            None => Err(self.dead()),
        }
    }

    /// See [`Upload::abort`].
    pub fn abort(mut self) -> Result<()> {
        match self.upload.take() {
            Some(upload) => self.handle.block_on(upload.abort()),
            None => Ok(()),
        }
    }

    fn dead(&self) -> StoreError {
        StoreError::Bug {
            operation: Operation::Write,
            key: self.key.clone(),
            detail: "the upload was used after it had failed".into(),
        }
    }
}

impl io::Write for BlockingUpload {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        Self::write(self, Bytes::copy_from_slice(part))?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
