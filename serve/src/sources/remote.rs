// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources at HTTP servers, read by a client that keeps to the guard.

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use framemill_store::http_client_builder;
use reqwest::header::{
    HeaderMap, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};

use super::{Fetched, Identity, Look};
use crate::config::Config;
use crate::error::{Kind, Result, ServeError};
use crate::guard::{Guard, GuardedLookup, Lookup};

const ETAG_IS: &str = "etag ";
const DATE_IS: &str = "date ";

/// A client for sources. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Remote(Client);

impl Remote {
    pub(super) fn new(config: &Config, guard: Arc<Guard>, lookup: Arc<dyn Lookup>) -> Result<Self> {
        let bug = |text: String| ServeError::new(Kind::Bug, text);
        let (most, check) = (config.redirects, Arc::clone(&guard));
        let client = http_client_builder()
            .map_err(|error| bug(error.to_string()))?
            // A proxy would resolve names itself, out of the guard's sight.
            .no_proxy()
            .dns_resolver(GuardedLookup::new(guard, lookup))
            .redirect(Policy::custom(move |attempt| follow(attempt, &check, most)))
            .referer(false)
            .timeout(config.source_time)
            .pool_max_idle_per_host(32)
            .build();
        client
            .map(Self)
            .map_err(|error| bug(error.without_url().to_string()))
    }

    /// The client itself.
    pub(crate) fn client(&self) -> &Client {
        &self.0
    }

    async fn ask(&self, url: &Url, known: Option<&Identity>) -> Result<Response> {
        let mut request = self.0.get(url.clone());
        // A coding would make other bytes of the file.
        request = request.header(ACCEPT_ENCODING, "identity");
        if let Some(known) = known {
            if let Some(etag) = known.version.strip_prefix(ETAG_IS) {
                request = request.header(IF_NONE_MATCH, etag);
            } else if let Some(date) = known.version.strip_prefix(DATE_IS) {
                let date = date.split(" size ").next().unwrap_or(date);
                request = request.header(IF_MODIFIED_SINCE, date);
            }
        }
        request.send().await.map_err(|error| failure(&error))
    }

    /// Asks whether the source is still the one that is known; a server that says otherwise sends
    /// it along.
    pub(super) async fn look(
        &self,
        url: &Url,
        known: Option<&Identity>,
        most: u64,
    ) -> Result<Look> {
        let response = self.ask(url, known).await?;
        if known.is_some() && response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Look::Same);
        }
        take(response, most).await.map(Look::Whole)
    }

    pub(super) async fn read(&self, url: &Url, most: u64) -> Result<Fetched> {
        let response = self.ask(url, None).await?;
        take(response, most).await
    }
}

fn follow(attempt: Attempt<'_>, guard: &Guard, most: usize) -> reqwest::redirect::Action {
    let denied = |text: &'static str| io::Error::new(io::ErrorKind::PermissionDenied, text);
    let leaves_tls = attempt.url().scheme() != "https"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if leaves_tls {
        return attempt.error(denied("it redirects from https: to http:"));
    }
    if attempt.previous().len() > most {
        return attempt.error(denied("it redirects too often"));
    }
    match guard.check_url(attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(error) => attempt.error(error),
    }
}

/// Reads an answer up to a number of bytes, whether or not it tells its length.
async fn take(mut response: Response, most: u64) -> Result<Fetched> {
    check(response.status(), response.headers())?;
    let too_large = |bytes: u64| {
        let text = format!("source: {bytes} bytes or more, and at most {most} are read here");
        ServeError::new(Kind::TooLarge, text)
    };
    let told = header(response.headers(), CONTENT_LENGTH.as_str());
    let told: Option<u64> = told.and_then(|text| text.parse().ok());
    if let Some(bytes) = told.filter(|bytes| *bytes > most) {
        return Err(too_large(bytes));
    }
    let headers = response.headers().clone();
    let mut bytes = BytesMut::new();
    while let Some(part) = response.chunk().await.map_err(|error| failure(&error))? {
        if (bytes.len() + part.len()) as u64 > most {
            return Err(too_large((bytes.len() + part.len()) as u64));
        }
        bytes.extend_from_slice(&part);
    }
    let bytes = bytes.freeze();
    let identity = identity(&headers, &bytes);
    Ok(Fetched::new(bytes, identity))
}

fn check(status: StatusCode, headers: &HeaderMap) -> Result<()> {
    let kind = match status.as_u16() {
        200 => {
            return match header(headers, CONTENT_ENCODING.as_str()) {
                None | Some("" | "identity") => Ok(()),
                Some(_) => Err(ServeError::new(
                    Kind::Source,
                    "source: its server sends it compressed, though asked not to",
                )),
            }
        }
        429 | 503 => Kind::SourceBusy,
        408 | 500.. => Kind::Source,
        _ => Kind::NotFound,
    };
    let text = format!("source: its server answered {}", status.as_u16());
    Err(ServeError::new(kind, text))
}

/// Version and time of change of what a server sent.
fn identity(headers: &HeaderMap, bytes: &Bytes) -> Identity {
    let date = header(headers, LAST_MODIFIED.as_str());
    let version = match (header(headers, ETAG.as_str()), date) {
        (Some(etag), _) => format!("{ETAG_IS}{etag}"),
        (None, Some(date)) => format!("{DATE_IS}{date} size {}", bytes.len()),
        (None, None) => format!("blake3 {}", blake3::hash(bytes).to_hex()),
    };
    let modified = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let modified = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Identity {
        version,
        modified: modified.map(|since| since.as_secs()),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The client's own texts may hold the URL, so only the system's are passed on.
fn failure(error: &reqwest::Error) -> ServeError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let denied = inner.downcast_ref::<io::Error>();
        let denied = denied.filter(|e| e.kind() == io::ErrorKind::PermissionDenied);
        if let Some(denied) = denied {
            return ServeError::new(Kind::Forbidden, format!("source: {denied}"));
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return ServeError::new(Kind::SourceLate, "source: no answer in time");
    }
    if error.is_connect() {
        return ServeError::new(Kind::Source, "source: no connection to its server");
    }
    ServeError::new(Kind::Source, "source: the transfer broke off")
}
