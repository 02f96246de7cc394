// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an answer says of the file, and the bytes that follow it.

use reqwest::header::{
    HeaderName, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED,
};
use reqwest::{Response, StatusCode};

use super::fault::Site;
use super::SIZE_MAX;
use crate::store::check_limit;
use crate::{http_range, Meta, Result, Version};

/// An answer whose body has not been read.
pub(super) struct Answer {
    pub status: StatusCode,
    /// Where the body starts in the file, in bytes.
    pub from: u64,
    /// Size of the whole file in bytes, where it is told.
    size: Option<u64>,
    pub response: Response,
}

impl Answer {
    pub fn of(site: Site<'_>, response: Response) -> Result<Self> {
        let status = response.status();
        let (from, size) = if status == StatusCode::PARTIAL_CONTENT {
            let range = header(&response, &CONTENT_RANGE).and_then(http_range::parse);
            let from = range.and_then(|range| range.from);
            let from = from.ok_or_else(|| {
                site.unsupported("the server does not say which part of the file it sends")
            })?;
            (from, range.and_then(|range| range.size))
        } else {
            // `content_length` of the client is what is left of the body, not what was told.
            let told = header(&response, &CONTENT_LENGTH).and_then(|text| text.parse().ok());
            (0, told)
        };
        Ok(Self {
            status,
            from,
            size,
            response,
        })
    }

    /// Refuses all but the file or a part of it, as it is.
    pub fn check_success(&self, site: Site<'_>) -> Result<()> {
        if !matches!(self.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Err(site.status(self.status));
        }
        match header(&self.response, &CONTENT_ENCODING) {
            None | Some("" | "identity") => Ok(()),
            Some(_) => Err(site.unsupported("the server sends it compressed, though asked not to")),
        }
    }

    /// Size and version of the file.
    pub fn meta(&self, site: Site<'_>) -> Result<Meta> {
        let size = self
            .size
            .ok_or_else(|| site.unsupported("the server does not say how large it is"))?;
        check_limit(site.key, size, SIZE_MAX)?;
        let etag = header(&self.response, &ETAG);
        let date = header(&self.response, &LAST_MODIFIED);
        let version = match (etag, date) {
            (Some(etag), _) => format!("{ETAG_IS}{etag}"),
            (None, Some(date)) => format!("{DATE_IS}{date}, {size} bytes"),
            (None, None) => format!("{size} bytes"),
        };
        Ok(Meta {
            size,
            version: Version::new(version),
        })
    }
}

const ETAG_IS: &str = "etag ";
const DATE_IS: &str = "of ";

/// What `If-Range` takes for a version: a strong ETag (RFC 9110 §13.1.5). Dates are compared
/// here alone, since servers may only use them where they are strong.
pub(super) fn validator(version: &Version) -> Option<&str> {
    let etag = version.as_str().strip_prefix(ETAG_IS)?;
    etag.starts_with('"').then_some(etag)
}

fn header<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok().map(str::trim)
}
