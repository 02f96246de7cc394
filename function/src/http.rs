// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests over HTTP: `POST /run` (or `/`, where a platform calls that) and
//! `GET /health`.
//!
//! What a worker has to say comes with status 200. Other statuses are those of
//! a server: 413 for too long a request, 429 when all slots are taken, 503 while
//! it ends. Who hangs up, cancels.

use crate::pool::{Pool, Said};
use bytes::Bytes;
use framemill_invocation::{Refusal, Response as Envelope, BODY_LIMIT};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::watch;
use tokio::task::JoinSet;

type Reply = Response<Full<Bytes>>;

/// Where a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Takes requests.
    Open,
    /// Takes no more; those under way go on.
    Draining,
    /// Those under way are stopped.
    Ending,
}

struct Server {
    pool: Pool,
    stage: watch::Receiver<Stage>,
}

/// Serves until SIGTERM or SIGINT, then for at most `grace` what is under way.
///
/// # Errors
/// The address cannot be listened on.
pub async fn run(pool: Pool, listen: SocketAddr, grace: Duration) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{listen}: {e}");
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (tell, stage) = watch::channel(Stage::Open);
    let server = Arc::new(Server { pool, stage });
    let mut open = JoinSet::new();
    // Whoever asked for port 0 learns here which one it became.
    let _ = writeln!(std::io::stderr(), "framemill-worker: listening on {at}");
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    open.spawn(serve(server.clone(), stream));
                }
                // Out of sockets: those at work will leave some.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = open.join_next() => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    let _ = tell.send(Stage::Draining);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all).await.is_err() {
        let _ = tell.send(Stage::Ending);
        while open.join_next().await.is_some() {}
    }
    server.pool.end().await;
    Ok(())
}

async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // The sender lives as long as the server.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

async fn serve(server: Arc<Server>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut stage = server.stage.clone();
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.reply(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off is its own affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = reached(&mut stage, Stage::Draining) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

impl Server {
    async fn reply(&self, request: Request<Incoming>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/health") if self.is_open() => {
                text(StatusCode::OK, "ok")
            }
            (&Method::GET | &Method::HEAD, "/health") => ending(),
            (&Method::POST, "/run" | "/") => self.task(request).await,
            (_, "/run" | "/") => refused_method("POST"),
            (_, "/health") => refused_method("GET, HEAD"),
            _ => text(StatusCode::NOT_FOUND, "POST /run or GET /health"),
        }
    }

    fn is_open(&self) -> bool {
        *self.stage.borrow() == Stage::Open
    }

    async fn task(&self, request: Request<Incoming>) -> Reply {
        let body = match Limited::new(request.into_body(), BODY_LIMIT)
            .collect()
            .await
        {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let refusal = Refusal::TooLarge {
                    limit: BODY_LIMIT as u64,
                };
                return said(StatusCode::PAYLOAD_TOO_LARGE, refusal.into());
            }
            Err(error) => return text(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        if !self.is_open() {
            return ending();
        }
        let Some(_slot) = self.pool.slot() else {
            return later(StatusCode::TOO_MANY_REQUESTS, "all slots are taken");
        };
        let mut stage = self.stage.clone();
        let ending = reached(&mut stage, Stage::Ending);
        said(StatusCode::OK, self.pool.answer(&body, None, ending).await)
    }
}

fn said(status: StatusCode, answer: Said) -> Reply {
    match serde_json::to_vec(&Envelope::from(answer)) {
        Ok(body) => reply(status, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn text(status: StatusCode, body: &str) -> Reply {
    reply(status, "text/plain", format!("{body}\n").into_bytes())
}

fn later(status: StatusCode, body: &str) -> Reply {
    let mut reply = text(status, body);
    reply.headers_mut().insert(RETRY_AFTER, 1.into());
    reply
}

fn ending() -> Reply {
    later(StatusCode::SERVICE_UNAVAILABLE, "the worker ends")
}

fn refused_method(allowed: &'static str) -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, allowed);
    let value = hyper::header::HeaderValue::from_static(allowed);
    reply.headers_mut().insert(ALLOW, value);
    reply
}

fn reply(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    let value = hyper::header::HeaderValue::from_static(kind);
    reply.headers_mut().insert(CONTENT_TYPE, value);
    reply
}
