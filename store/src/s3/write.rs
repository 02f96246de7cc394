// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole puts, and which of two tries a create was.
//!
//! A create whose answer is lost may have won: its second try is then told that the blob exists.
//! So each write that another try could take for somebody else's carries a random mark.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use rand::Rng;

use super::content_type::content_type;
use super::read::{exists, meta, unmet, version};
use super::Bucket;
use crate::retry::retried;
use crate::{Meta, Operation, PutMode, Result, StoreError, Version};

/// The metadata that holds a write's mark.
pub(super) const MARK: &str = "framemill-write";

/// A mark that no other write has.
pub(super) fn mark() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

impl Bucket {
    pub(super) async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        let site = self.site(Operation::Write, key);
        let mark = (mode == PutMode::Create).then(mark);
        retried(|attempt| {
            let (mark, body) = (mark.as_deref(), body.clone());
            async move {
                let request = self.client.put_object().bucket(&self.name).key(key);
                let request = request.set_content_type(content_type(key).map(str::to_owned));
                let request = match mark {
                    Some(mark) => request.if_none_match("*").metadata(MARK, mark),
                    None => request,
                };
                match (request.body(ByteStream::from(body)).send().await, mark) {
                    (Ok(answer), _) => version(site, answer.e_tag()),
                    (Err(e), Some(mark)) if unmet(&e) => {
                        Ok(self.ours(key, mark, attempt).await?.version)
                    }
                    (Err(e), _) => Err(site.fault(&e)),
                }
            }
        })
        .await
    }

    /// What is under a key, if the write with this mark put it there in an earlier attempt.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where another write did.
    pub(super) async fn ours(&self, key: &str, mark: &str, attempt: u32) -> Result<Meta> {
        if attempt == 1 {
            return Err(exists(key));
        }
        let site = self.site(Operation::Write, key);
        let there = match self.look_up(Operation::Write, key).await {
            Err(StoreError::NotFound { .. }) => {
                return Err(site.transient("it was there and is gone again"))
            }
            there => there?,
        };
        let found = there.metadata().and_then(|metadata| metadata.get(MARK));
        match found {
            Some(found) if found == mark => meta(site, &there),
            _ => Err(exists(key)),
        }
    }
}
