// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Invoke API of AWS Lambda in front of the host's workers, so that the engine
//! for Lambda can be driven with the real SDK against real processes.

use super::worker::Ended;
use super::{Fleet, HostOptions};
use crate::engine::InvokeError;
use bytes::Bytes;
use framemill_invocation::BODY_LIMIT;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on a port of 127.0.0.1, whatever function is asked for. It takes any
/// signature, and ends when this is dropped.
pub struct HostServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for HostServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Reply = Response<Full<Bytes>>;

impl HostServer {
    /// Serves on a free port. Needs a runtime of tokio's around it.
    ///
    /// # Errors
    /// The system's.
    pub async fn start(options: HostOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let fleet = Fleet::new(options);
        let task = tokio::spawn(async move {
            loop {
                // Out of sockets: those at work will leave some.
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let fleet = fleet.clone();
                let service = service_fn(move |request| {
                    let fleet = fleet.clone();
                    async move { Ok::<_, Infallible>(reply(&fleet, request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, task })
    }

    /// Its URL, for `AWS_ENDPOINT_URL_LAMBDA`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn reply(fleet: &Arc<Fleet>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    let function = path.strip_prefix("/2015-03-31/functions/");
    let function = function.and_then(|rest| rest.strip_suffix("/invocations"));
    if request.method() != Method::POST || function.is_none() {
        return error(StatusCode::NOT_FOUND, "ResourceNotFoundException");
    }
    let Ok(body) = Limited::new(request.into_body(), BODY_LIMIT)
        .collect()
        .await
    else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException");
    };
    match fleet.invoke(body.to_bytes()).await {
        Ok(Ended::Answered(body)) => json_reply(StatusCode::OK, body),
        Ok(Ended::Error(error)) => {
            // The worker's own words are JSON of the same form already.
            failed(error.detail.into())
        }
        Ok(Ended::Exited(detail)) => failed(words("Runtime.ExitError", &detail)),
        Ok(Ended::TimedOut) => failed(words("Sandbox.Timedout", "Task timed out")),
        Err(InvokeError::Throttled { .. }) => {
            error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException")
        }
        Err(InvokeError::Refused { .. }) => {
            error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException")
        }
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException"),
    }
}

fn words(kind: &str, message: &str) -> Bytes {
    json!({"errorType": kind, "errorMessage": message})
        .to_string()
        .into()
}

/// The end of a function that has not answered: a success of the service's.
fn failed(body: Bytes) -> Reply {
    let mut reply = json_reply(StatusCode::OK, body);
    let value = HeaderValue::from_static("Unhandled");
    reply.headers_mut().insert("x-amz-function-error", value);
    reply
}

fn error(status: StatusCode, code: &'static str) -> Reply {
    let body = json!({"Type": "User", "message": code}).to_string();
    let mut reply = json_reply(status, body.into());
    let value = HeaderValue::from_static(code);
    reply.headers_mut().insert("x-amzn-errortype", value);
    reply
}

fn json_reply(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let value = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, value);
    reply
}
