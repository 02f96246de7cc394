// SPDX-License-Identifier: MIT OR Apache-2.0
//! Health, readiness and metrics over HTTP.
//!
//! | path | answer |
//! |---|---|
//! | `/health` | 200 as long as the process answers |
//! | `/ready` | 200 while messages are taken, else 503 with the reason |
//! | `/metrics` | [`Metrics`] |

use super::metrics::Metrics;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// Connections at once.
const CONNECTIONS: usize = 64;
/// How long after messages could be asked for last the service counts as ready.
const FRESH: Duration = Duration::from_secs(90);

/// What the service says of itself.
#[derive(Debug)]
pub struct Health {
    /// Its counters.
    pub metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    asked: Instant,
    trouble: Option<String>,
    ending: bool,
}

impl Health {
    /// A service that has just begun.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            metrics: Metrics::default(),
            state: Mutex::new(State {
                asked: Instant::now(),
                trouble: None,
                ending: false,
            }),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Messages could be asked for, or not.
    pub fn asked(&self, result: Result<(), String>) {
        let mut state = self.state();
        match result {
            Ok(()) => (state.asked, state.trouble) = (Instant::now(), None),
            Err(trouble) => state.trouble = Some(trouble),
        }
    }

    /// No message is taken any more.
    pub fn end(&self) {
        self.state().ending = true;
    }

    /// Why the service takes no messages, if it takes none.
    #[must_use]
    pub fn unready(&self) -> Option<String> {
        let state = self.state();
        if state.ending {
            return Some("it is ending".into());
        }
        // Who has as many jobs as there is room for asks for no more.
        let busy = self.metrics.running.load(Ordering::Relaxed) > 0;
        match &state.trouble {
            Some(trouble) => Some(trouble.clone()),
            None if busy || state.asked.elapsed() <= FRESH => None,
            None => Some("no messages are asked for".into()),
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/health") => (StatusCode::OK, "ok\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/ready") => match self.unready() {
                None => (StatusCode::OK, "ready\n".to_owned()),
                Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            },
            (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, self.metrics.text()),
            (&Method::GET | &Method::HEAD, _) => (
                StatusCode::NOT_FOUND,
                "/health, /ready, /metrics\n".to_owned(),
            ),
            _ => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        if let Ok(kind) = kind.parse() {
            response.headers_mut().insert("content-type", kind);
        }
        response
    }
}

/// Listens; gives the address. Serves until the runtime ends.
///
/// # Errors
/// The system's, where it cannot listen there.
pub async fn serve(listen: SocketAddr, health: Arc<Health>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let at = listener.local_addr()?;
    let room = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    tokio::spawn(async move {
        loop {
            let Ok(place) = room.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of sockets: those that are open will end.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let health = health.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = health.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(HEAD);
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                drop(place);
            });
        }
    });
    Ok(at)
}
