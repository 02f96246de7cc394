// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store in an S3 bucket, at AWS or at anything that speaks its protocol.
//!
//! | Module | What is in it |
//! |---|---|
//! | `connect` | options, credentials, one client for each runtime |
//! | `fault` | the SDK's errors as ours, without anything secret |
//! | `read` | look-ups and reads of one version |
//! | `write` | whole puts, and which of two tries a create was |
//! | `upload` | streams, as multipart uploads from the second part on |
//! | `list` | listings and deletes |
//! | `content_type` | what browsers are told of blobs |

mod connect;
mod content_type;
mod fault;
mod list;
mod read;
mod upload;
mod write;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::Client;
use bytes::Bytes;

use crate::key::check_key;
use crate::{Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};

pub(crate) use connect::check_bucket_name;
pub use connect::{S3Credentials, S3Options};
use fault::Site;
use upload::S3Upload;

/// Blobs in an S3 bucket.
///
/// A blob's version is its ETag, so writing the same bytes again may give the same version.
/// Requests are tried up to four times in all, with jitter. Every request and every whole read
/// is checked by CRC-32 or whatever checksum S3 keeps; reads of a range are checked by length
/// alone, since S3 keeps no checksums of ranges.
///
/// Keys are those of [`check_key`]: of what a bucket may hold, keys with empty, `.` or `..`
/// segments cannot be reached.
#[derive(Clone)]
pub struct S3Store {
    bucket: Bucket,
}

/// A bucket and the client to reach it with. Clones are cheap.
#[derive(Clone)]
struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    fn site<'a>(&'a self, operation: Operation, key: &'a str) -> Site<'a> {
        Site {
            operation,
            bucket: &self.name,
            key,
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.name)
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({:?})", self.bucket)
    }
}

/// A URL that lets its holder read one blob for a while. Neither its `Debug` form nor any error
/// shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl(String);

impl PresignedUrl {
    /// The URL itself, which is a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresignedUrl(..)")
    }
}

impl S3Store {
    /// The store in `bucket`, once credentials are found and the bucket has answered.
    ///
    /// Credentials, region and endpoint that `options` leave open come from the environment,
    /// profiles, web identities, containers and instances, in the order of AWS's own tools.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] without such a bucket, without a region or with a wrong
    /// one; [`StoreError::Denied`] where credentials are missing or refused;
    /// [`StoreError::Transient`] where nothing answers.
    pub async fn connect(bucket: &str, options: &S3Options) -> Result<Self> {
        check_bucket_name(bucket)?;
        let bucket = Bucket {
            client: connect::client(bucket, options).await?,
            name: bucket.to_owned(),
        };
        Ok(Self { bucket })
    }

    /// A URL that reads the blob without credentials, for `valid` (at most seven days). Whether
    /// there is such a blob is not looked at.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for a longer time, and those of finding credentials.
    pub async fn presigned_read(&self, key: &str, valid: Duration) -> Result<PresignedUrl> {
        check_key(key)?;
        let limits = PresigningConfig::expires_in(valid).map_err(|_| StoreError::Unsupported {
            operation: Operation::Read,
            key: key.to_owned(),
            detail: "a presigned URL is valid for at most seven days".into(),
        })?;
        let site = self.bucket.site(Operation::Read, key);
        let request = self.bucket.client.get_object();
        let signed = request.bucket(&self.bucket.name).key(key);
        let signed = signed.presigned(limits).await;
        signed
            .map(|request| PresignedUrl(request.uri().to_owned()))
            .map_err(|e| site.fault(&e))
    }
}

#[async_trait]
impl Store for S3Store {
    async fn head(&self, key: &str) -> Result<Meta> {
        check_key(key)?;
        self.bucket.head(Operation::Head, key).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        check_key(key)?;
        self.bucket.get_range(key, range, expect).await
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        check_key(key)?;
        self.bucket.get(key, limit).await
    }

    async fn put(&self, key: &str, body: Bytes, mode: PutMode) -> Result<Version> {
        check_key(key)?;
        if body.len() as u64 <= upload::WHOLE_MAX {
            return self.bucket.put(key, body, mode).await;
        }
        let mut upload = Box::new(S3Upload::new(self.bucket.clone(), key, mode));
        upload.write(body).await?;
        Ok(upload.finish().await?.version)
    }

    async fn writer(&self, key: &str, mode: PutMode) -> Result<Box<dyn Upload>> {
        check_key(key)?;
        Ok(Box::new(S3Upload::new(self.bucket.clone(), key, mode)))
    }

    async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page> {
        self.bucket.list(prefix, after, limit).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.bucket.delete(key).await
    }
}
