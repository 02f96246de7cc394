// SPDX-License-Identifier: MIT OR Apache-2.0
//! The connections to Lambda's API: one for each invocation that is under way, for as long
//! as its function runs. There are thousands, which do nothing but wait, and what each of
//! them takes is most of the coordinator's memory. The SDK's own connector keeps 8 KiB to
//! read into and a request of 370 bytes in a queue of 32 places; neither can be set there.

use aws_smithy_runtime_api::client::http::{
    http_client_fn, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, DispatchFailure};
use aws_smithy_types::body::SdkBody;
use framemill_store::{tls_by_system_roots, StoreError};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::time::Duration;

/// Bytes that are read at once, and the longest head of a response. Lambda's are some
/// 500 bytes: a tail of the function's log, which can be longer, is not asked for.
const READ: usize = 2 << 10;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an unused one is kept.
const IDLE: Duration = Duration::from_secs(90);

/// A response that is not Lambda's.
#[derive(Debug, thiserror::Error)]
#[error("the head of the answer is longer than {READ} bytes")]
struct LongHead;

/// Whether there was an answer, with a head that is too long to be Lambda's.
pub(super) fn is_long_head(failure: &DispatchFailure) -> bool {
    let cause = failure.as_connector_error().and_then(|e| e.source());
    cause.is_some_and(|e| e.is::<LongHead>())
}

/// Sends requests over HTTP/1.1, each on a connection of its own while it lasts.
#[derive(Clone, Debug)]
struct Connector(Client<HttpsConnector<TcpConnector>, Box<SdkBody>>);

/// A client for the SDK. Of the SDK's own settings it keeps to none: how long an answer
/// may take is for the attempt's time-out to say.
///
/// # Errors
/// [`StoreError::Bug`] where the TLS library does not take its own defaults.
pub(super) fn client() -> Result<SharedHttpClient, StoreError> {
    let connector = connector()?;
    Ok(http_client_fn(move |_, _| connector.clone()))
}

fn connector() -> Result<SharedHttpConnector, StoreError> {
    let mut tcp = TcpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls_by_system_roots()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_read_buf_exact_size(READ)
        .build(connector);
    Ok(SharedHttpConnector::new(Connector(client)))
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request.map(Box::new),
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())))
            }
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = answer.await.map_err(broken)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// What a request without a response means: whatever the connection met, another may
/// not, unless it is what the service itself says.
fn broken(error: Error) -> ConnectorError {
    let cause = error
        .source()
        .and_then(|e| e.downcast_ref::<hyper::Error>());
    if cause.is_some_and(hyper::Error::is_parse_too_large) {
        return ConnectorError::other(LongHead.into(), None);
    }
    ConnectorError::io(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// What a request gets from a server that says `answer` and hangs up.
    async fn asked(answer: String) -> Result<(u16, usize), ConnectorError> {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let request = HttpRequest::get(url).unwrap();
        let mut response = connector().unwrap().call(request).await?;
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let body = body.collect().await.unwrap().to_bytes();
        Ok((response.status().as_u16(), body.len()))
    }

    #[tokio::test]
    async fn bodies_may_be_longer_than_what_is_read_at_once() {
        let body = "x".repeat(5 * READ);
        let head = format!(
            "HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        assert_eq!(asked(head + &body).await.unwrap(), (202, body.len()));
    }

    #[tokio::test]
    async fn a_long_head_is_named_and_a_broken_connection_is_io() {
        let long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(READ));
        let error = asked(long).await.unwrap_err();
        let error = DispatchFailure::builder().source(error).build();
        assert!(is_long_head(&error), "{error:?}");
        for broken in ["", "HTTP/1.1 2"] {
            let error = asked(broken.into()).await.unwrap_err();
            assert!(error.is_io(), "{error:?}");
        }
    }
}
