// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams: one put where all fits into a part, else a multipart upload.

use std::fmt;

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::content_type::content_type;
use super::fault::status;
use super::read::{unmet, version};
use super::write::{mark, MARK};
use super::Bucket;
use crate::retry::retried;
use crate::{Meta, Operation, PutMode, Result, StoreError, Upload};

/// Size of the first 1,000 parts in bytes. Each further thousand is twice as large, so that the
/// 10,000 parts that S3 takes hold 8 TB.
const PART: usize = 8 << 20;
/// Parts on their way at once, beside the one that is being gathered.
const IN_FLIGHT: usize = 3;
/// What is larger goes in parts even where all of it is at hand.
pub(super) const WHOLE_MAX: u64 = 64 << 20;

/// A blob on its way. It holds at most four parts: 32 MB up to 8 GB.
pub(super) struct S3Upload {
    bucket: Bucket,
    key: String,
    mode: PutMode,
    gathered: BytesMut,
    size: u64,
    parts: Option<Parts>,
    dead: bool,
}

impl fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Upload")
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("written", &self.size)
            .finish()
    }
}

impl S3Upload {
    pub(super) fn new(bucket: Bucket, key: &str, mode: PutMode) -> Self {
        Self {
            bucket,
            key: key.to_owned(),
            mode,
            gathered: BytesMut::new(),
            size: 0,
            parts: None,
            dead: false,
        }
    }

    fn check_alive(&self) -> Result<()> {
        match self.dead {
            false => Ok(()),
            true => Err(StoreError::Bug {
                operation: Operation::Write,
                key: self.key.clone(),
                detail: "the upload was used after it had failed".into(),
            }),
        }
    }

    /// Gathers bytes, and sends each part that is full.
    async fn gather(&mut self, mut rest: Bytes) -> Result<()> {
        while !rest.is_empty() {
            let full = self.parts.as_ref().map_or(PART, Parts::next_size);
            let room = full - self.gathered.len();
            let piece = rest.split_to(room.min(rest.len()));
            if piece.len() == full {
                self.send(piece).await?;
                continue;
            }
            if self.gathered.capacity() == 0 {
                self.gathered
                    .reserve(if rest.is_empty() { piece.len() } else { full });
            }
            self.gathered.extend_from_slice(&piece);
            if self.gathered.len() == full {
                let part = std::mem::take(&mut self.gathered).freeze();
                self.send(part).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, part: Bytes) -> Result<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(Parts::begin(&self.bucket, &self.key).await?),
        };
        parts.send(part).await
    }

    async fn give_up(&mut self) -> Result<()> {
        self.dead = true;
        match self.parts.take() {
            Some(parts) => parts.abort().await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Upload for S3Upload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        self.check_alive()?;
        self.size += part.len() as u64;
        self.dead = true; // unless this call gets to its end
        match self.gather(part).await {
            Ok(()) => {
                self.dead = false;
                Ok(())
            }
            Err(error) => {
                let _ = self.give_up().await; // the first error says more
                Err(error)
            }
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Meta> {
        self.check_alive()?;
        let rest = std::mem::take(&mut self.gathered).freeze();
        let Some(parts) = &mut self.parts else {
            let version = self.bucket.put(&self.key, rest, self.mode).await?;
            return Ok(Meta {
                size: self.size,
                version,
            });
        };
        let sent = match rest.is_empty() {
            true => Ok(()),
            false => parts.send(rest).await,
        };
        let done = match sent {
            Ok(()) => parts.complete(self.mode, self.size).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            let _ = self.give_up().await;
        }
        done
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.give_up().await
    }
}

/// A multipart upload. Dropped, it is aborted in the background.
struct Parts {
    // Before `begun`: no part may be on its way when the upload is aborted.
    tasks: JoinSet<Result<CompletedPart>>,
    done: Vec<CompletedPart>,
    sent: usize,
    mark: String,
    begun: Begun,
}

/// What has to be aborted unless it is completed.
struct Begun {
    bucket: Bucket,
    key: String,
    id: String,
    open: bool,
    handle: Handle,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.open {
            let (bucket, key) = (self.bucket.clone(), std::mem::take(&mut self.key));
            let id = std::mem::take(&mut self.id);
            self.handle.spawn(async move {
                if let Err(error) = bucket.abort_parts(&key, &id).await {
                    tracing::warn!(%error, "an upload's parts may be left behind");
                }
            });
        }
    }
}

impl Parts {
    async fn begin(bucket: &Bucket, key: &str) -> Result<Self> {
        let site = bucket.site(Operation::Write, key);
        let mark = mark();
        // A try whose answer is lost leaves an empty upload, which holds no parts.
        let id = retried(|_| async {
            let request = bucket.client.create_multipart_upload();
            let request = request.bucket(&bucket.name).key(key).metadata(MARK, &mark);
            let request = request.set_content_type(content_type(key).map(str::to_owned));
            let begun = request
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .send()
                .await;
            let begun = begun.map_err(|e| site.fault(&e))?;
            let id = begun.upload_id.filter(|id| !id.is_empty());
            id.ok_or_else(|| site.transient("the answer holds no upload id"))
        })
        .await?;
        Ok(Self {
            tasks: JoinSet::new(),
            done: Vec::new(),
            sent: 0,
            mark,
            begun: Begun {
                bucket: bucket.clone(),
                key: key.to_owned(),
                id,
                open: true,
                handle: Handle::current(),
            },
        })
    }

    /// Size in bytes of the part that is next.
    fn next_size(&self) -> usize {
        PART << (self.sent / 1000)
    }

    /// Starts to send a part, once there is room for it.
    async fn send(&mut self, part: Bytes) -> Result<()> {
        while self.tasks.len() >= IN_FLIGHT {
            self.join().await?;
        }
        self.sent += 1;
        let (number, begun) = (self.sent as i32, &self.begun);
        let (bucket, key, id) = (begun.bucket.clone(), begun.key.clone(), begun.id.clone());
        self.tasks
            .spawn(async move { bucket.send_part(&key, &id, number, part).await });
        Ok(())
    }

    async fn join(&mut self) -> Result<()> {
        match self.tasks.join_next().await {
            None => Ok(()),
            Some(Ok(part)) => {
                self.done.push(part?);
                Ok(())
            }
            Some(Err(_)) => {
                let site = self.begun.bucket.site(Operation::Write, &self.begun.key);
                Err(site.transient("the runtime is shutting down"))
            }
        }
    }

    async fn complete(&mut self, mode: PutMode, size: u64) -> Result<Meta> {
        while !self.tasks.is_empty() {
            self.join().await?;
        }
        self.done.sort_unstable_by_key(CompletedPart::part_number);
        let Begun {
            bucket, key, id, ..
        } = &self.begun;
        let site = bucket.site(Operation::Write, key);
        let (parts, mark) = (&self.done, self.mark.as_str());
        let meta = retried(|attempt| async move {
            let list = CompletedMultipartUpload::builder().set_parts(Some(parts.clone()));
            let request = bucket.client.complete_multipart_upload();
            let request = request.bucket(&bucket.name).key(key).upload_id(id);
            let request = match mode {
                PutMode::Create => request.if_none_match("*"),
                PutMode::Overwrite => request,
            };
            match request.multipart_upload(list.build()).send().await {
                Ok(answer) => Ok(Meta {
                    size,
                    version: version(site, answer.e_tag())?,
                }),
                Err(e) if unmet(&e) => bucket.ours(key, mark, attempt).await,
                // An earlier attempt may have completed it.
                Err(e) if attempt > 1 && status(&e) == Some(404) => {
                    match bucket.ours(key, mark, attempt).await {
                        Err(StoreError::Exists { .. }) => Err(site.fault(&e)),
                        ours => ours,
                    }
                }
                Err(e) => Err(site.fault(&e)),
            }
        })
        .await?;
        self.begun.open = false;
        Ok(meta)
    }

    async fn abort(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        let aborted = self
            .begun
            .bucket
            .abort_parts(&self.begun.key, &self.begun.id);
        let aborted = aborted.await;
        self.begun.open = false; // another try would go no better
        aborted
    }
}

impl Bucket {
    async fn send_part(
        &self,
        key: &str,
        id: &str,
        number: i32,
        part: Bytes,
    ) -> Result<CompletedPart> {
        let site = self.site(Operation::Write, key);
        retried(|_| {
            let body = ByteStream::from(part.clone());
            async move {
                let request = self.client.upload_part().bucket(&self.name).key(key);
                let request = request.upload_id(id).part_number(number);
                let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
                let sent = request.body(body).send().await;
                let sent = sent.map_err(|e| site.fault(&e))?;
                Ok(CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(sent.e_tag)
                    .set_checksum_crc32(sent.checksum_crc32)
                    .build())
            }
        })
        .await
    }

    /// Aborts an upload until it is gone: a part that was on its way may arrive after the first
    /// time.
    async fn abort_parts(&self, key: &str, id: &str) -> Result<()> {
        let site = self.site(Operation::Write, key);
        for _ in 0..3 {
            let aborted = retried(|_| async move {
                let request = self.client.abort_multipart_upload().bucket(&self.name);
                match request.key(key).upload_id(id).send().await {
                    Err(e) if status(&e) != Some(404) => Err(site.fault(&e)),
                    _ => Ok(()),
                }
            });
            aborted.await?;
            let request = self.client.list_parts().bucket(&self.name).key(key);
            let left = request.upload_id(id).max_parts(1).send().await;
            if left.map_or(true, |left| left.parts().is_empty()) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_to_hold_what_s3_does() {
        let total: u64 = (0..10_000).map(|sent| (PART as u64) << (sent / 1000)).sum();
        assert!(total > 8_000_000_000_000);
        let last = (PART as u64) << 9;
        assert!(last <= 5 << 30, "S3 takes no larger part");
    }
}
