// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of a location's text.

use super::{shown, SUPPORTED};
use crate::{HttpUrl, Operation, Result, StoreError};

pub(super) enum Scheme {
    Path(String),
    Memory { name: String, key: String },
    S3 { bucket: String, key: String },
    Http(HttpUrl),
}

impl Scheme {
    pub(super) fn of(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(invalid(text, "it is empty"));
        }
        if text.contains('\0') {
            return Err(invalid(text, "it contains a NUL byte"));
        }
        if let Some(rest) = after_scheme(text, "file:") {
            return file_path(text, rest).map(Self::Path);
        }
        if let Some(rest) = after_scheme(text, "mem:") {
            let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
            if name.is_empty() {
                return Err(invalid(text, "the store has no name; write mem:NAME/KEY"));
            }
            return Ok(Self::Memory {
                name: name.to_owned(),
                key: key.to_owned(),
            });
        }
        if let Some(rest) = after_scheme(text, "s3://") {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            crate::s3::check_bucket_name(bucket)?;
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            });
        }
        if after_scheme(text, "https://").is_some() || after_scheme(text, "http://").is_some() {
            return HttpUrl::parse(text).map(Self::Http);
        }
        if let Some(scheme) = foreign_scheme(text) {
            return Err(StoreError::Unsupported {
                operation: Operation::Open,
                key: shown(text),
                detail: format!("{scheme}:// is not supported in this build, which takes {SUPPORTED} (a file of such a name can be written as ./NAME)"),
            });
        }
        Ok(Self::Path(text.to_owned()))
    }
}

pub(super) fn invalid(text: &str, detail: &str) -> StoreError {
    StoreError::InvalidLocation {
        location: shown(text),
        detail: detail.to_owned(),
    }
}

/// What follows `scheme`, which is given in lower case with its colon, if `text` has it.
fn after_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The scheme of a URI such as `s3://…`.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let wellformed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    wellformed.then_some(scheme)
}

pub(super) fn has_scheme(text: &str) -> bool {
    after_scheme(text, "file:").is_some()
        || after_scheme(text, "mem:").is_some()
        || foreign_scheme(text).is_some()
}

/// The path of a `file:` URI (RFC 8089): no host but the local one, and `%` escapes decoded.
fn file_path(text: &str, rest: &str) -> Result<String> {
    let path = match rest.strip_prefix("//") {
        Some(authority) => authority.strip_prefix("localhost").unwrap_or(authority),
        None => rest,
    };
    if !path.starts_with('/') {
        return Err(invalid(text, "write file:///PATH with an absolute path"));
    }
    decode(path).ok_or_else(|| invalid(text, "it has a wrong % escape"))
}

/// The text with its `%` escapes decoded; `None` for a wrong one, a NUL, or what is no UTF-8.
pub(crate) fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digit = |at: usize| (*tail.get(at)? as char).to_digit(16);
        let byte = digit(0)? * 16 + digit(1)?;
        bytes.push(u8::try_from(byte).ok().filter(|byte| *byte != 0)?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}
