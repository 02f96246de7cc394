// SPDX-License-Identifier: MIT OR Apache-2.0
//! AWS Lambda's custom runtime: a loop over the Runtime API, which is plain
//! HTTP/1.1 at `AWS_LAMBDA_RUNTIME_API`.
//!
//! A client of our own, since it is this small: the crate `lambda_runtime` brings
//! layers, streams and tracing that would be most of this program.

use crate::pool::Pool;
use bytes::Bytes;
use framemill_invocation::{Response as Envelope, BODY_LIMIT};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{handshake, SendRequest};
use hyper::header::{HeaderMap, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::signal::unix::{signal, SignalKind};

/// How long before the platform's own limit an attempt is given up, so that the
/// answer still says so.
const MARGIN: Duration = Duration::from_millis(500);
/// Room for a body whose sender does not keep to the limit, in bytes.
const EVENT_LIMIT: usize = 2 * BODY_LIMIT;

/// Asks for work and does it, until SIGTERM.
///
/// # Errors
/// The Runtime API cannot be spoken to; the platform starts another worker then.
pub async fn run(pool: Pool, api: &str) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut api = Api::new(api);
    loop {
        let event = tokio::select! {
            event = api.next() => event?,
            _ = terminate.recv() => break,
        };
        let ending = async {
            terminate.recv().await;
        };
        let answer = pool.answer(&event.body, event.left(), ending).await;
        let text = serde_json::to_vec(&Envelope::from(answer)).map_err(|e| e.to_string())?;
        api.respond(&event.id, text).await?;
    }
    pool.end().await;
    Ok(())
}

/// Tells the platform that this worker cannot start.
///
/// # Errors
/// The reason, whether or not it could be told.
pub async fn fail(api: &str, reason: String) -> Result<(), String> {
    let mut api = Api::new(api);
    let body = error_body("Runtime.InitError", &reason);
    let _ = api.send(Method::POST, "init/error", body).await;
    Err(reason)
}

fn error_body(kind: &str, message: &str) -> Vec<u8> {
    serde_json::json!({"errorType": kind, "errorMessage": message, "stackTrace": []})
        .to_string()
        .into_bytes()
}

/// An invocation.
struct Event {
    id: String,
    /// Milliseconds since 1970.
    deadline_ms: Option<u64>,
    body: Bytes,
}

impl Event {
    /// Time left for it.
    fn left(&self) -> Option<Duration> {
        let deadline = UNIX_EPOCH + Duration::from_millis(self.deadline_ms?);
        let left = deadline.duration_since(SystemTime::now());
        Some(left.unwrap_or_default().saturating_sub(MARGIN))
    }
}

/// The Runtime API, by one connection that is made anew when it breaks off.
struct Api {
    at: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Api {
    fn new(at: &str) -> Self {
        Self {
            at: at.to_owned(),
            sender: None,
        }
    }

    async fn next(&mut self) -> Result<Event, String> {
        let (status, headers, body) = self
            .send(Method::GET, "invocation/next", Vec::new())
            .await?;
        let header = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        match (status, header("lambda-runtime-aws-request-id")) {
            (StatusCode::OK, Some(id)) => Ok(Event {
                id,
                deadline_ms: header("lambda-runtime-deadline-ms").and_then(|d| d.parse().ok()),
                body,
            }),
            _ => Err(format!(
                "the Runtime API answers {status} to a request for work"
            )),
        }
    }

    async fn respond(&mut self, id: &str, body: Vec<u8>) -> Result<(), String> {
        let path = format!("invocation/{id}/response");
        let (status, ..) = self.send(Method::POST, &path, body).await?;
        if status != StatusCode::PAYLOAD_TOO_LARGE {
            return Ok(());
        }
        let path = format!("invocation/{id}/error");
        let body = error_body("Function.ResponseSizeTooLarge", "the answer is too long");
        self.send(Method::POST, &path, body).await.map(drop)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let failed = |e: &dyn std::fmt::Display| format!("the Runtime API at {}: {e}", self.at);
        let request = Request::builder()
            .method(method)
            .uri(format!("/2018-06-01/runtime/{path}"))
            .header(HOST, &self.at)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| failed(&e))?;
        let mut sender = match self.sender.take().filter(|s| !s.is_closed()) {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(&self.at).await.map_err(|e| failed(&e))?;
                let _ = stream.set_nodelay(true);
                let (sender, connection) = handshake(TokioIo::new(stream))
                    .await
                    .map_err(|e| failed(&e))?;
                tokio::spawn(connection);
                sender
            }
        };
        sender.ready().await.map_err(|e| failed(&e))?;
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, EVENT_LIMIT).collect().await;
        let body = body.map_err(|e| failed(&e))?.to_bytes();
        self.sender = Some(sender);
        Ok((head.status, head.headers, body))
    }
}
