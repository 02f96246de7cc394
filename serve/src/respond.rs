// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers: conditions, ranges, and what caches are told.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use bytes::Bytes;
use framemill_thumbs::url::Options;
use framemill_thumbs::Format;
use http_body_util::Full;
use hyper::header::{
    HeaderMap, HeaderName, HeaderValue, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION,
    CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Response, StatusCode};
use percent_encoding::{utf8_percent_encode, AsciiSet, NON_ALPHANUMERIC};

use crate::cache::{Key, Stored};
use crate::config::Config;
use crate::error::ServeError;
use crate::negotiate;

/// An answer.
pub type Reply = Response<Full<Bytes>>;

/// Where a result came from.
pub const CACHE: HeaderName = HeaderName::from_static("x-framemill-cache");
/// The format that was to be made and would have cost too much.
pub const INSTEAD_OF: HeaderName = HeaderName::from_static("x-framemill-instead-of");
/// What was asked for and could not be done.
pub const WARNINGS: HeaderName = HeaderName::from_static("x-framemill-warnings");
/// Says that the fallback image is served; imgproxy's name.
pub const FALLBACK: HeaderName = HeaderName::from_static("fallback-image");

/// The last second that HTTP's dates can tell: the end of the year 9999.
const LAST_DATE: u64 = 253_402_300_799;

/// What RFC 8187 §3.2.1 lets stand as it is.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The bare answer with a text in it.
pub fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// The answer for an error.
pub fn error(error: &ServeError) -> Reply {
    let status = StatusCode::from_u16(error.kind().status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = text(status, "text/plain; charset=utf-8", format!("{error}\n"));
    if let Some(seconds) = error.kind().retry_after() {
        reply
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// The entity tag of a key.
pub fn etag(key: &Key) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&key[..18]))
}

/// The entity tag of a result: another one where it is not what was asked for.
fn etag_of(key: &Key, result: &Stored) -> String {
    match result.instead_of {
        None => etag(key),
        Some(_) => format!(
            "\"{}.{}\"",
            URL_SAFE_NO_PAD.encode(&key[..18]),
            result.format
        ),
    }
}

/// Whether `If-None-Match` names a tag, compared weakly (RFC 9110 §13.1.2).
pub fn none_match(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

/// What a result is sent with beside itself.
pub struct Manner<'a> {
    /// The server's settings.
    pub config: &'a Config,
    /// The URL's options.
    pub options: &'a Options,
    /// The source's URL.
    pub source: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

impl Manner<'_> {
    /// What caches may do: until the URL expires at most.
    fn cache_control(&self, ttl: Duration) -> HeaderValue {
        let left = self
            .options
            .expires
            .map_or(i64::MAX, |end| (end - self.now).max(0));
        let seconds = ttl.as_secs().min(left.unsigned_abs());
        let text = match seconds {
            0 => "no-cache".to_owned(),
            seconds => format!("max-age={seconds}, public"),
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-cache"))
    }

    /// The headers that a 304 has too.
    fn common(&self, headers: &mut HeaderMap, ttl: Duration) {
        headers.insert(CACHE_CONTROL, self.cache_control(ttl));
        if let Some(vary) = negotiate::vary(self.config) {
            headers.insert(VARY, HeaderValue::from_static(vary));
        }
    }

    /// The answer for a client whose copy is the right one.
    pub fn not_modified(&self, tag: &str) -> Reply {
        let mut reply = Response::new(Full::default());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        self.common(reply.headers_mut(), self.config.ttl);
        if self.config.etag {
            if let Ok(tag) = HeaderValue::try_from(tag) {
                reply.headers_mut().insert(ETAG, tag);
            }
        }
        reply
    }

    /// The answer with a result, or what the request's conditions make of it.
    pub fn found(&self, request: &HeaderMap, method: &Method, key: &Key, result: &Stored) -> Reply {
        let tag = etag_of(key, result);
        let tagged = self.config.etag;
        if tagged && none_match(request, &tag) {
            return self.not_modified(&tag);
        }
        let modified = result
            .modified
            .filter(|&at| self.config.last_modified && at <= LAST_DATE);
        if !request.contains_key(IF_NONE_MATCH) && unchanged_since(request, modified) {
            return self.not_modified(&tag);
        }
        let size = result.body.len();
        let range = if *method == Method::GET && range_applies(request, &tag, tagged) {
            ranged(request, size)
        } else {
            Ok(None)
        };
        let (status, body) = match &range {
            Ok(None) => (StatusCode::OK, result.body.clone()),
            Ok(Some(range)) => (
                StatusCode::PARTIAL_CONTENT,
                result.body.slice(range.clone()),
            ),
            Err(()) => (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new()),
        };
        let mut reply = Response::new(Full::new(body));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        self.common(headers, self.config.ttl);
        self.describe(headers, result);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if range.is_err() {
            // A cache that knows no ranges would keep it in place of the picture.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        let told = match range {
            Ok(None) => None,
            Ok(Some(range)) => Some(format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            Err(()) => Some(format!("bytes */{size}")),
        };
        let mut insert = |name, text: Option<String>| {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        };
        insert(CONTENT_RANGE, told);
        insert(ETAG, tagged.then_some(tag));
        insert(LAST_MODIFIED, modified.map(date));
        reply
    }

    /// The answer with the fallback image.
    pub fn fallback(&self, error: &ServeError, result: &Stored) -> Reply {
        let status = match self.config.fallback_status {
            0 => error.kind().status(),
            status => status,
        };
        let mut reply = Response::new(Full::new(result.body.clone()));
        *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let headers = reply.headers_mut();
        self.common(headers, self.config.fallback_ttl);
        self.describe(headers, result);
        headers.insert(FALLBACK, HeaderValue::from_static("1"));
        reply
    }

    /// What a result is.
    fn describe(&self, headers: &mut HeaderMap, result: &Stored) {
        let kind = result.format.content_type();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if result.format == Format::Svg {
            // It comes from strangers, and browsers run what is in it.
            let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        headers.insert(CONTENT_DISPOSITION, self.disposition(result.format));
        if let Some(format) = result.instead_of {
            headers.insert(INSTEAD_OF, HeaderValue::from_static(format.extension()));
        }
        if !result.warnings.is_empty() {
            let line: String = result.warnings.join("; ").chars().take(500).collect();
            let line = line.replace(|c: char| !(' '..='~').contains(&c), "?");
            if let Ok(line) = HeaderValue::try_from(line) {
                headers.insert(WARNINGS, line);
            }
        }
    }

    /// `Content-Disposition` (RFC 6266): the name asked for, or the source's, with the extension
    /// of the result.
    fn disposition(&self, format: Format) -> HeaderValue {
        let how = match self.options.return_attachment {
            true => "attachment",
            false => "inline",
        };
        let stem = match self.options.filename.as_str() {
            "" => stem(self.source),
            name => name.to_owned(),
        };
        let name = format!("{stem}.{format}");
        let plain = |c: char| (' '..='~').contains(&c) && !matches!(c, '"' | '\\' | '%');
        let text = if name.chars().all(plain) {
            format!("{how}; filename=\"{name}\"")
        } else {
            let ascii = name.replace(|c| !plain(c), "_");
            let encoded = utf8_percent_encode(&name, NAME);
            format!("{how}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("inline"))
    }
}

/// A source's file name without its extension, cut where it is long.
fn stem(source: &str) -> String {
    let path = source.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match stem {
        "" => "image".to_owned(),
        stem => stem.chars().take(100).collect(),
    }
}

fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Whether `If-Modified-Since` is not before the time of change.
fn unchanged_since(request: &HeaderMap, modified: Option<u64>) -> bool {
    let Some(modified) = modified else {
        return false;
    };
    let since = request.get(IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok());
    let since = since.and_then(|text| httpdate::parse_http_date(text).ok());
    since.is_some_and(|since: SystemTime| since >= UNIX_EPOCH + Duration::from_secs(modified))
}

/// Whether a range may be answered with: `If-Range` is absent or names this very tag.
fn range_applies(request: &HeaderMap, tag: &str, tagged: bool) -> bool {
    match request.get(IF_RANGE) {
        None => true,
        Some(value) => tagged && value.as_bytes() == tag.as_bytes(),
    }
}

/// The one range of bytes that is asked for (RFC 9110 §14.2). Several, and what is no range, are
/// answered with all of it.
fn ranged(request: &HeaderMap, size: usize) -> Result<Option<Range<usize>>, ()> {
    let Some(text) = request.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let range = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if range.start >= range.end {
        return Err(());
    }
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))]
            .into_iter()
            .collect()
    }

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-0", Ok(Some(0..1))),
            ("bytes=2-", Ok(Some(2..10))),
            ("bytes=2-99", Ok(Some(2..10))),
            ("bytes=-3", Ok(Some(7..10))),
            ("bytes=-30", Ok(Some(0..10))),
            ("bytes=10-", Err(())),
            ("bytes=-0", Err(())),
            ("bytes=5-2", Ok(None)),
            ("bytes=0-1,3-4", Ok(None)),
            ("lines=0-1", Ok(None)),
            ("bytes=a-b", Ok(None)),
        ];
        for (text, wanted) in cases {
            assert_eq!(ranged(&headers(RANGE, text), 10), wanted, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (text, wanted) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("a", false),
            ("\"ab\"", false),
        ] {
            assert_eq!(none_match(&headers(IF_NONE_MATCH, text), "\"a\""), wanted);
        }
    }

    #[test]
    fn names_are_safe_in_headers() {
        let config = Config::default();
        let name = |source: &str, filename: &str| {
            let options = Options {
                filename: filename.into(),
                ..Options::default()
            };
            let manner = Manner {
                config: &config,
                options: &options,
                source,
                now: 0,
            };
            manner
                .disposition(Format::Webp)
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(name("local:///a/b.jpg", ""), "inline; filename=\"b.webp\"");
        assert_eq!(
            name("https://h/?x=/y", ""),
            "inline; filename=\"image.webp\""
        );
        assert_eq!(
            name("", "a\"\r\nX: é"),
            "inline; filename=\"a___X: _.webp\"; filename*=UTF-8''a%22%0D%0AX%3A%20%C3%A9.webp"
        );
    }
}
