// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that is being written.

use std::io::Write;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tempfile::NamedTempFile;

use super::blocking;
use super::files::Root;
use crate::{Meta, Operation, PutMode, Result, StoreError, Upload};

/// Small parts are gathered to this many bytes before a thread is bothered with them.
const GATHER: usize = 1 << 20;

/// An upload to a file. The temporary file goes with whatever step holds it, so that an error, a
/// dropped call and a dropped upload all remove it.
#[derive(Debug)]
pub(super) struct DirUpload {
    temp: Option<NamedTempFile>, // before `root`, which removes the area when it is empty
    gathered: BytesMut,
    key: String,
    mode: PutMode,
    root: Arc<Root>,
}

impl DirUpload {
    pub(super) fn new(root: Arc<Root>, key: String, mode: PutMode, temp: NamedTempFile) -> Self {
        Self {
            temp: Some(temp),
            gathered: BytesMut::new(),
            key,
            mode,
            root,
        }
    }

    fn take(&mut self) -> Result<NamedTempFile> {
        self.temp.take().ok_or_else(|| StoreError::Bug {
            operation: Operation::Write,
            key: self.key.clone(),
            detail: "the upload was used after it had failed".into(),
        })
    }

    async fn append(&mut self, parts: [Bytes; 2]) -> Result<()> {
        let mut temp = self.take()?;
        let key = self.key.clone();
        let temp = blocking(Operation::Write, self.key.clone(), move || {
            for part in &parts {
                temp.write_all(part)
                    .map_err(|e| StoreError::from_os(Operation::Write, &key, &e))?;
            }
            Ok(temp)
        })
        .await?;
        self.temp = Some(temp);
        Ok(())
    }
}

#[async_trait]
impl Upload for DirUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        if self.temp.is_none() {
            return self.take().map(drop);
        }
        if self.gathered.len() + part.len() < GATHER {
            self.gathered.extend_from_slice(&part);
            return Ok(());
        }
        let gathered = self.gathered.split().freeze();
        self.append([gathered, part]).await
    }

    async fn finish(mut self: Box<Self>) -> Result<Meta> {
        let mut temp = self.take()?;
        let (root, key, mode) = (Arc::clone(&self.root), self.key.clone(), self.mode);
        let gathered = self.gathered.split().freeze();
        blocking(Operation::Write, self.key.clone(), move || {
            temp.write_all(&gathered)
                .map_err(|e| StoreError::from_os(Operation::Write, &key, &e))?;
            root.commit(&key, temp, mode)
        })
        .await
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        let Some(temp) = self.temp.take() else {
            return Ok(()); // it failed, and is gone already
        };
        let key = self.key.clone();
        blocking(Operation::Write, self.key.clone(), move || {
            temp.close()
                .map_err(|e| StoreError::from_os(Operation::Write, &key, &e))
        })
        .await
    }
}
