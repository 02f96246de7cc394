// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a request to an answer.
//!
//! | Path | Answer |
//! |---|---|
//! | `/health` | 200 while the process works |
//! | `/ready` | 200 while it takes requests, 503 once it is told to end |
//! | `/metrics` | counters, for Prometheus |
//! | `[prefix]/info/SIGNATURE/…` | what a source's headers say, as JSON |
//! | `[prefix]/SIGNATURE/…` | a thumbnail |

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use framemill_thumbs::url::{Grammar, Request as Asked};
use futures::FutureExt;
use hyper::header::{
    HeaderMap, HeaderValue, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    AUTHORIZATION,
};
use hyper::{Method, Request, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::{Kind, Result, ServeError};
use crate::gate::Phase;
use crate::maker::{Maker, Wish};
use crate::metrics::{Gauges, Metrics};
use crate::negotiate::negotiate;
use crate::respond::{self, none_match, Manner, Reply, CACHE};

const METHODS: &str = "GET, HEAD, OPTIONS";

/// All that answers need.
#[derive(Debug)]
pub struct Routes {
    pub(crate) config: Config,
    pub(crate) grammar: Grammar,
    pub(crate) maker: Arc<Maker>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) fallback: Option<Bytes>,
    /// Cancelled once no more requests are taken.
    pub(crate) ending: CancellationToken,
}

/// What a request asks for.
struct Wished {
    wish: Wish,
    /// Whether it is information, not a picture.
    info: bool,
    /// When, in seconds since 1970.
    now: i64,
}

impl Routes {
    /// The answer to a request; its body is not read.
    pub async fn answer<B>(&self, request: &Request<B>) -> Reply {
        let started = Instant::now();
        let _under = self.metrics.request();
        let mut reply = self.route(request).await;
        if let Some(origin) = &self.config.allow_origin {
            if let Ok(origin) = HeaderValue::try_from(origin) {
                let headers = reply.headers_mut();
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                let methods = HeaderValue::from_static(METHODS);
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
        }
        let bytes = hyper::body::Body::size_hint(reply.body()).lower();
        let status = reply.status().as_u16();
        self.metrics.answered(status, bytes, started.elapsed());
        reply
    }

    async fn route<B>(&self, request: &Request<B>) -> Reply {
        let plain = "text/plain; charset=utf-8";
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => {
                let mut reply = respond::text(StatusCode::NO_CONTENT, plain, "");
                reply
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static(METHODS));
                return reply;
            }
            _ => {
                let text = "only GET, HEAD and OPTIONS are answered here\n";
                let mut reply = respond::text(StatusCode::METHOD_NOT_ALLOWED, plain, text);
                reply
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static(METHODS));
                return reply;
            }
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        if target.len() > self.config.url_bytes {
            let text = format!("the URL has more than {} bytes\n", self.config.url_bytes);
            return respond::text(StatusCode::URI_TOO_LONG, plain, text);
        }
        match request.uri().path() {
            "/health" => respond::text(StatusCode::OK, plain, "ok\n"),
            "/ready" if self.ending.is_cancelled() => {
                respond::text(StatusCode::SERVICE_UNAVAILABLE, plain, "ending\n")
            }
            "/ready" => respond::text(StatusCode::OK, plain, "ok\n"),
            "/metrics" => {
                let text = self.metrics.text(&self.gauges());
                respond::text(StatusCode::OK, "text/plain; version=0.0.4", text)
            }
            path => {
                self.picture(request.method(), request.headers(), path)
                    .await
            }
        }
    }

    fn gauges(&self) -> Gauges {
        let (memory_bytes, store_bytes) = self.maker.results().bytes();
        Gauges {
            entered: self.maker.gate().entered(),
            working: self.maker.gate().working(),
            memory_bytes,
            store_bytes,
            source_bytes: self.maker.sources().bytes(),
        }
    }

    async fn picture(&self, method: &Method, headers: &HeaderMap, path: &str) -> Reply {
        let asked = match self.asked(headers, path) {
            Ok(asked) => asked,
            Err(error) => return self.failed(&error, None),
        };
        let phase = Phase::default();
        // Boxed, since the type of all that is awaited below is too deep for the compiler.
        let reply = self.reply(method, headers, &asked, &phase).boxed();
        let reply = match tokio::time::timeout(self.config.request_time, reply).await {
            Ok(reply) => reply,
            Err(_) => Err(phase.late()),
        };
        match reply {
            Ok(reply) => reply,
            Err(error) => match self.fallback(&asked, &error).await {
                Some(reply) => reply,
                None => self.failed(&error, Some(&asked.wish.source)),
            },
        }
    }

    /// The answer for an error, whose source is this.
    fn failed(&self, error: &ServeError, source: Option<&str>) -> Reply {
        self.metrics.failed(error.kind());
        if error.kind() == Kind::Bug {
            // Without what URLs keep secret.
            let source = source.map_or_else(|| "a request".into(), framemill_store::shown);
            tracing::error!("{source}: {error}");
        }
        respond::error(error)
    }

    /// What a request asks for, before anything is done for it.
    fn asked(&self, headers: &HeaderMap, path: &str) -> Result<Wished> {
        self.authorise(headers)?;
        let (info, path) = self.split_info(path);
        let asked = self.grammar.parse(&path)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs() as i64);
        asked.check_expiry(now)?;
        let Asked {
            mut options,
            source,
            ..
        } = asked;
        let formats = negotiate(headers, &self.config, &mut options);
        let wish = Wish {
            source,
            options,
            formats,
        };
        Ok(Wished { wish, info, now })
    }

    fn manner<'a>(&'a self, asked: &'a Wished) -> Manner<'a> {
        Manner {
            config: &self.config,
            options: &asked.wish.options,
            source: &asked.wish.source,
            now: asked.now,
        }
    }

    async fn reply(
        &self,
        method: &Method,
        headers: &HeaderMap,
        asked: &Wished,
        phase: &Phase,
    ) -> Result<Reply> {
        let wish = &asked.wish;
        if asked.info {
            return self.info(wish, phase).await;
        }
        let manner = self.manner(asked);
        if self.config.etag && headers.contains_key(hyper::header::IF_NONE_MATCH) {
            // What a client has may be right though it is in no cache here.
            if let Some(identity) = self.maker.sources().fresh(&wish.source) {
                let tag = respond::etag(&self.maker.key(wish, &identity));
                if none_match(headers, &tag) {
                    return Ok(manner.not_modified(&tag));
                }
            }
        }
        let found = self.maker.result(wish.clone(), phase).await?;
        self.metrics.result(found.from);
        let mut reply = manner.found(headers, method, &found.key, &found.result);
        let from = HeaderValue::from_static(found.from.name());
        reply.headers_mut().insert(CACHE, from);
        Ok(reply)
    }

    /// The fallback image, where there is one and the source is at fault.
    async fn fallback(&self, asked: &Wished, error: &ServeError) -> Option<Reply> {
        let image = self.fallback.as_ref();
        let image = image.filter(|_| error.kind().is_sources() && !asked.info)?;
        match self.maker.fallback(asked.wish.clone(), image).await {
            Ok(result) => {
                self.metrics.failed(error.kind());
                self.metrics.fell_back();
                Some(self.manner(asked).fallback(error, &result))
            }
            Err(error) => Some(self.failed(&error, Some("the fallback image"))),
        }
    }

    /// Passes requests that state the secret, where there is one; takes as long for any that is
    /// wrong.
    fn authorise(&self, headers: &HeaderMap) -> Result<()> {
        let Some(secret) = &self.config.secret else {
            return Ok(());
        };
        let given = headers.get(AUTHORIZATION).map_or(&[][..], |v| v.as_bytes());
        let wanted = format!("Bearer {secret}");
        // Digests are compared, so that nothing is told by where texts differ.
        if blake3::hash(given) == blake3::hash(wanted.as_bytes()) {
            return Ok(());
        }
        let text = "the Authorization header does not state this server's secret";
        Err(ServeError::new(Kind::Unauthorized, text))
    }

    /// Whether information is asked for, and the path without that.
    fn split_info(&self, path: &str) -> (bool, String) {
        let prefix = self.grammar.prefix.trim_end_matches('/');
        let rest = path.strip_prefix(prefix);
        match rest.and_then(|rest| rest.strip_prefix("/info/")) {
            Some(rest) => (true, format!("{prefix}/{rest}")),
            None => (false, path.to_owned()),
        }
    }

    async fn info(&self, wish: &Wish, phase: &Phase) -> Result<Reply> {
        let text = self.maker.info(wish, phase).await?;
        let mut reply = respond::text(StatusCode::OK, "application/json", format!("{text}\n"));
        reply.headers_mut().insert(
            hyper::header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        );
        Ok(reply)
    }
}
