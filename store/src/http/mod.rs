// SPDX-License-Identifier: MIT OR Apache-2.0
//! One file at a URL, as a store that is read only.
//!
//! | Module | What is in it |
//! |---|---|
//! | `url` | the URL, which shows neither passwords nor queries |
//! | `client` | one client for each runtime; redirects |
//! | `fault` | failures as our errors |
//! | `answer` | what an answer says of the file: size, version, the bytes that follow |

mod answer;
mod client;
mod fault;
mod url;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderValue, ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{Client, RequestBuilder, StatusCode};

use crate::retry::retried;
use crate::store::{check_limit, check_range, check_version};
use crate::{Meta, Operation, Page, PutMode, Result, Store, StoreError, Upload, Version};

use answer::Answer;
pub use client::{http_client_builder, tls_by_system_roots};
use fault::Site;
pub use url::HttpUrl;

/// The largest file that is read, in bytes: 1 TiB.
const SIZE_MAX: u64 = 1 << 40;
/// From a server that ignores ranges, only what ends before this many bytes is read: every read
/// there begins at the file's start.
const SKIP_MAX: u64 = 16 << 20;

/// The file at an `http:` or `https:` URL; its only key is the URL's file name.
///
/// A version is the ETag, or the date of change and the size where there is no ETag, or the size
/// alone. Reads are `GET`s of ranges, since servers and presigned URLs may refuse `HEAD`. At most
/// five redirects are followed, none from `https:` to `http:`. Requests are tried up to four
/// times in all, with jitter.
#[derive(Clone)]
pub struct HttpStore {
    client: Client,
    url: HttpUrl,
}

impl fmt::Debug for HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpStore({})", self.url)
    }
}

impl HttpStore {
    /// The store for a URL. Nothing is asked for yet.
    ///
    /// # Errors
    /// [`StoreError::Bug`] where no client can be made.
    pub fn new(url: HttpUrl) -> Result<Self> {
        Ok(Self {
            client: client::client()?,
            url,
        })
    }

    /// The store for a URL, asked for by a client of the caller's own.
    #[must_use]
    pub fn with_client(url: HttpUrl, client: Client) -> Self {
        Self { client, url }
    }

    fn check_key(&self, operation: Operation, key: &str) -> Result<()> {
        crate::check_key(key)?;
        if key == self.url.name() {
            return Ok(());
        }
        Err(StoreError::NotFound {
            operation,
            key: key.to_owned(),
        })
    }

    fn site(&self, operation: Operation) -> Site<'_> {
        Site {
            operation,
            key: self.url.name(),
            url: &self.url,
        }
    }

    fn get_request(&self) -> RequestBuilder {
        let request = self.client.get(self.url.secret().clone());
        // A coding would make other bytes, and other positions, of the file.
        request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    async fn ask(&self, site: Site<'_>, request: RequestBuilder) -> Result<Answer> {
        let response = request.send().await.map_err(|e| site.failure(&e))?;
        Answer::of(site, response)
    }

    async fn look_up(&self, operation: Operation) -> Result<Meta> {
        let site = self.site(operation);
        retried(|_| async move {
            let answer = self.ask(site, self.get_request().header(RANGE, "bytes=0-0"));
            let mut answer = answer.await?;
            if answer.status == StatusCode::RANGE_NOT_SATISFIABLE {
                // An empty file has no first byte; without a range it has an answer.
                answer = self.ask(site, self.get_request()).await?;
            }
            answer.check_success(site)?;
            answer.meta(site)
        })
        .await
    }

    async fn try_range(
        &self,
        site: Site<'_>,
        range: &Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Option<Bytes>> {
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let mut request = self.get_request().header(RANGE, bytes);
        if let Some(validator) = expect.and_then(answer::validator) {
            request = request.header(IF_RANGE, validator);
        }
        let answer = self.ask(site, request).await?;
        if answer.status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(None);
        }
        answer.check_success(site)?;
        let meta = answer.meta(site)?;
        check_version(site.key, expect, &meta.version)?;
        check_range(site.key, range, meta.size)?;
        let skip = range.start.checked_sub(answer.from).ok_or_else(|| {
            site.unsupported("the server answers with other bytes than it is asked for")
        })?;
        if skip > 0 && range.end > SKIP_MAX {
            return Err(site.unsupported(
                "the server does not send parts of files, which larger files need; download it first",
            ));
        }
        let part = collect(site, answer, skip, range.end - range.start).await;
        part.map(Some)
    }

    /// The rules for a range, on what is there now.
    async fn check(&self, range: &Range<u64>, expect: Option<&Version>) -> Result<()> {
        let meta = self.look_up(Operation::Read).await?;
        check_version(self.url.name(), expect, &meta.version)?;
        check_range(self.url.name(), range, meta.size)
    }

    fn read_only(&self, operation: Operation) -> StoreError {
        let site = self.site(operation);
        site.unsupported("http: and https: can only be read")
    }
}

/// Exactly `wanted` bytes of a body, after `skip` others.
async fn collect(site: Site<'_>, mut answer: Answer, skip: u64, wanted: u64) -> Result<Bytes> {
    let wanted = usize::try_from(wanted).map_err(|_| site.unsupported("it exceeds memory"))?;
    let mut skip = usize::try_from(skip).map_err(|_| site.unsupported("it exceeds memory"))?;
    let mut bytes = BytesMut::with_capacity(wanted);
    while bytes.len() < wanted {
        let piece = answer
            .response
            .chunk()
            .await
            .map_err(|e| site.failure(&e))?;
        let Some(mut piece) = piece else {
            return Err(site.transient("the transfer ended early"));
        };
        let passed = piece.split_to(skip.min(piece.len()));
        skip -= passed.len();
        let left = wanted - bytes.len();
        bytes.extend_from_slice(&piece[..left.min(piece.len())]);
    }
    Ok(bytes.freeze())
}

#[async_trait]
impl Store for HttpStore {
    async fn head(&self, key: &str) -> Result<Meta> {
        self.check_key(Operation::Head, key)?;
        self.look_up(Operation::Head).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<Bytes> {
        self.check_key(Operation::Read, key)?;
        if range.start >= range.end || range.end > SIZE_MAX {
            // No request asks for nothing, so the rules are checked on what is there.
            return self.check(&range, expect).await.map(|()| Bytes::new());
        }
        let site = self.site(Operation::Read);
        let part = retried(|_| self.try_range(site, &range, expect)).await?;
        match part {
            Some(part) => Ok(part),
            // The file ends before the range begins, or did a moment ago.
            None => match self.check(&range, expect).await {
                Ok(()) => Err(site.transient("its size changed during the read")),
                Err(error) => Err(error),
            },
        }
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Bytes> {
        self.check_key(Operation::Read, key)?;
        let site = self.site(Operation::Read);
        retried(|_| async move {
            let answer = self.ask(site, self.get_request()).await?;
            answer.check_success(site)?;
            let size = answer.meta(site)?.size;
            check_limit(site.key, size, limit)?;
            collect(site, answer, 0, size).await
        })
        .await
    }

    async fn put(&self, key: &str, _: Bytes, _: PutMode) -> Result<Version> {
        crate::check_key(key)?;
        Err(self.read_only(Operation::Write))
    }

    async fn writer(&self, key: &str, _: PutMode) -> Result<Box<dyn Upload>> {
        crate::check_key(key)?;
        Err(self.read_only(Operation::Write))
    }

    async fn list(&self, _: &str, _: Option<&str>, _: usize) -> Result<Page> {
        Err(self.read_only(Operation::List))
    }

    async fn delete(&self, key: &str) -> Result<()> {
        crate::check_key(key)?;
        Err(self.read_only(Operation::Delete))
    }
}
