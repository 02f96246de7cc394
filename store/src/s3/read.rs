// SPDX-License-Identifier: MIT OR Apache-2.0
//! Look-ups and reads of one version.

use std::ops::Range;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};

use super::fault::{status, Site};
use super::Bucket;
use crate::retry::retried;
use crate::store::{check_limit, check_range, check_version};
use crate::{Meta, Operation, Result, StoreError, Version};

/// The largest blob that S3 keeps is far smaller; larger positions confuse some servers.
const POSITIONS: u64 = 1 << 50;

impl Bucket {
    /// Size and version.
    pub(super) async fn head(&self, operation: Operation, key: &str) -> Result<Meta> {
        meta(
            self.site(operation, key),
            &self.look_up(operation, key).await?,
        )
    }

    /// All that S3 says of a blob without its bytes.
    pub(super) async fn look_up(
        &self,
        operation: Operation,
        key: &str,
    ) -> Result<HeadObjectOutput> {
        let site = self.site(operation, key);
        retried(|_| async move {
            let request = self.client.head_object().bucket(&self.name).key(key);
            request.send().await.map_err(|e| site.fault(&e))
        })
        .await
    }

    pub(super) async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        if range.start >= range.end || range.end > POSITIONS {
            // No request asks for nothing, so the rules are checked on what is there.
            return self.check(key, &range, expect).await.map(|()| Bytes::new());
        }
        let site = self.site(Operation::Read, key);
        let part = retried(|_| self.try_range(site, &range, expect)).await?;
        match part {
            Some(part) => Ok(part),
            // The blob ends before the range begins, or did a moment ago.
            None => match self.check(key, &range, expect).await {
                Ok(()) => Err(site.transient("its size changed during the read")),
                Err(error) => Err(error),
            },
        }
    }

    /// The rules for a range, on what is there now.
    async fn check(&self, key: &str, range: &Range<u64>, expect: Option<&Version>) -> Result<()> {
        let meta = self.head(Operation::Read, key).await?;
        check_version(key, expect, &meta.version)?;
        check_range(key, range, meta.size)
    }

    /// One request for a range; `None` where the service finds it beyond the blob's end.
    async fn try_range(
        &self,
        site: Site<'_>,
        range: &Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Option<Bytes>> {
        let request = self.client.get_object().bucket(&self.name).key(site.key);
        let answer = request
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .set_if_match(expect.map(|version| version.as_str().to_owned()))
            .send()
            .await;
        let answer = match (answer, expect) {
            (Ok(answer), _) => answer,
            (Err(e), Some(expected)) if status(&e) == Some(412) => {
                return Err(site.changed(expected))
            }
            (Err(e), _) if status(&e) == Some(416) => return Ok(None),
            (Err(e), _) => return Err(site.fault(&e)),
        };
        if let (Some(expected), Some(found)) = (expect, answer.e_tag()) {
            check_version(site.key, Some(expected), &Version::new(found))?;
        }
        let (from, size) = extent(site, &answer)?;
        check_range(site.key, range, size)?;
        if from != range.start {
            return Err(site.unsupported("the store answers with other bytes than it is asked for"));
        }
        let wanted = range.end - range.start;
        collect(site, answer.body, wanted).await.map(Some)
    }

    pub(super) async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        let site = self.site(Operation::Read, key);
        retried(|_| async move {
            let request = self.client.get_object().bucket(&self.name).key(key);
            let answer = request.send().await.map_err(|e| site.fault(&e))?;
            let size = length(site, answer.content_length())?;
            check_limit(key, size, limit)?;
            collect(site, answer.body, size).await
        })
        .await
    }
}

/// Where an answer starts in the blob, and the blob's size.
fn extent(site: Site<'_>, answer: &GetObjectOutput) -> Result<(u64, u64)> {
    let Some(text) = answer.content_range() else {
        return Ok((0, length(site, answer.content_length())?)); // the whole blob
    };
    crate::http_range::parse(text)
        .and_then(|range| Some((range.from?, range.size?)))
        .ok_or_else(|| site.transient("the answer does not say which bytes it holds"))
}

fn length(site: Site<'_>, length: Option<i64>) -> Result<u64> {
    length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| site.transient("the answer does not say how long it is"))
}

pub(super) fn meta(site: Site<'_>, head: &HeadObjectOutput) -> Result<Meta> {
    Ok(Meta {
        size: length(site, head.content_length())?,
        version: version(site, head.e_tag())?,
    })
}

pub(super) fn version(site: Site<'_>, etag: Option<&str>) -> Result<Version> {
    etag.map(Version::new)
        .ok_or_else(|| site.transient("the answer holds no ETag"))
}

/// Exactly `wanted` bytes of a body; the SDK checks its checksum, where there is one, at its end.
async fn collect(site: Site<'_>, mut body: ByteStream, wanted: u64) -> Result<Bytes> {
    let broken = || site.transient("the transfer ended early or late");
    let wanted = usize::try_from(wanted).map_err(|_| site.unsupported("it exceeds memory"))?;
    let mut bytes = BytesMut::new();
    let mut first = None;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|e| site.broken_body(&e))?;
        if first.is_none() && piece.len() == wanted {
            first = Some(piece); // what came in one piece need not be copied
            continue;
        }
        if bytes.capacity() == 0 {
            bytes.reserve(wanted);
        }
        if first.is_some() && !piece.is_empty() || bytes.len() + piece.len() > wanted {
            return Err(broken());
        }
        bytes.extend_from_slice(&piece);
    }
    match first {
        Some(first) => Ok(first),
        None if bytes.len() == wanted => Ok(bytes.freeze()),
        None => Err(broken()),
    }
}

/// Whether S3 says that a condition on a write does not hold.
pub(super) fn unmet<E>(error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> bool {
    status(error) == Some(412)
}

/// The error of a create that lost.
pub(super) fn exists(key: &str) -> StoreError {
    StoreError::Exists {
        key: key.to_owned(),
    }
}
