// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Runtime API of AWS Lambda for one worker: it asks for an event, and
//! answers it. `AWS_LAMBDA_RUNTIME_API` is host and port and no path, so each
//! worker has a listener of its own, on the loopback address.

use bytes::Bytes;
use framemill_invocation::BODY_LIMIT;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as Blocking, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, Mutex};
use tokio::task::JoinHandle;

const PREFIX: &str = "/2018-06-01/runtime/";

/// What a worker makes of an event.
pub(super) type Answer = Result<Bytes, WorkerError>;

/// What a worker reports in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerError {
    /// Whether it could not even start.
    pub init: bool,
    /// Its words, as JSON.
    pub detail: String,
}

/// An event for a worker, and where its answer goes.
pub(super) struct Event {
    pub id: String,
    pub time: Duration,
    pub body: Bytes,
    pub answer: oneshot::Sender<Answer>,
}

struct Api {
    events: Mutex<mpsc::Receiver<Event>>,
    /// The event that is at the worker.
    current: Blocking<Option<(String, oneshot::Sender<Answer>)>>,
    /// Why the worker did not start.
    init: mpsc::Sender<WorkerError>,
}

/// A listener of one worker; it ends when this is dropped.
pub(super) struct Listener {
    pub address: SocketAddr,
    pub events: mpsc::Sender<Event>,
    /// Says why the worker did not start.
    pub init: mpsc::Receiver<WorkerError>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, receiver) = mpsc::channel(1);
        let (init, failed) = mpsc::channel(1);
        let api = Arc::new(Api {
            events: Mutex::new(receiver),
            current: Blocking::default(),
            init,
        });
        let task = tokio::spawn(async move {
            // A worker has one connection, and a new one when that breaks off.
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let api = api.clone();
                let service = service_fn(move |request| {
                    let api = api.clone();
                    async move { Ok::<_, Infallible>(api.reply(request).await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let _ = connection.await;
            }
        });
        Ok(Self {
            address,
            events,
            init: failed,
            task,
        })
    }
}

impl Api {
    async fn reply(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let words: Vec<&str> = path.strip_prefix(PREFIX).unwrap_or("").split('/').collect();
        match (request.method(), words.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => {
                let body = Limited::new(request.into_body(), BODY_LIMIT)
                    .collect()
                    .await;
                match body {
                    Ok(body) => self.settle(id, Ok(body.to_bytes())),
                    Err(_) => status(StatusCode::PAYLOAD_TOO_LARGE),
                }
            }
            (&Method::POST, ["invocation", id, "error"]) => {
                let error = error_of(request, false).await;
                self.settle(id, Err(error))
            }
            (&Method::POST, ["init", "error"]) => {
                let _ = self.init.try_send(error_of(request, true).await);
                status(StatusCode::ACCEPTED)
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    /// Waits for an event as long as it takes.
    async fn next(&self) -> Response<Full<Bytes>> {
        let Some(event) = self.events.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let deadline = since.saturating_add(event.time).as_millis();
        let deadline = u64::try_from(deadline).unwrap_or(u64::MAX);
        let mut reply = Response::new(Full::new(event.body));
        let headers = reply.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&event.id) {
            headers.insert("lambda-runtime-aws-request-id", id);
        }
        headers.insert("lambda-runtime-deadline-ms", deadline.into());
        *self.current() = Some((event.id, event.answer));
        reply
    }

    fn settle(&self, id: &str, answer: Answer) -> Response<Full<Bytes>> {
        let current = self.current().take_if(|(current, _)| current == id);
        match current {
            Some((_, sender)) => {
                // Who asked may have gone.
                let _ = sender.send(answer);
                status(StatusCode::ACCEPTED)
            }
            None => status(StatusCode::BAD_REQUEST),
        }
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<(String, oneshot::Sender<Answer>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn error_of(request: Request<Incoming>, init: bool) -> WorkerError {
    const MOST: usize = 64 << 10;
    let body = Limited::new(request.into_body(), MOST).collect().await;
    let text = body.map(|b| String::from_utf8_lossy(&b.to_bytes()).into_owned());
    WorkerError {
        init,
        detail: text.unwrap_or_default().replace(['\n', '\r'], " "),
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}
