// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store that fails, as a proxy in front of an S3 server: errors, connections that
//! break off before, amid and after what was asked, and slow answers, from a seed.

use super::runtime;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{client, server, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How much goes wrong. Shares are of all requests, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct StoreFaults {
    pub seed: u64,
    /// Answered 503 `SlowDown` or 500 `InternalError`.
    pub errors: f64,
    /// Not passed on: the connection breaks off.
    pub broken: f64,
    /// Done, but the connection breaks off before the answer.
    pub lost: f64,
    /// Answered with half of the body.
    pub cut: f64,
    /// Answered late.
    pub slow: f64,
    pub slow_by: Duration,
    /// Faults of one method and path in a row, at most.
    pub in_a_row: u32,
}

impl StoreFaults {
    /// A store that does as it is asked.
    pub const NONE: Self = Self {
        seed: 0,
        errors: 0.0,
        broken: 0.0,
        lost: 0.0,
        cut: 0.0,
        slow: 0.0,
        slow_by: Duration::ZERO,
        in_a_row: 0,
    };
}

/// A server on a port of 127.0.0.1, as long as the test lives.
pub struct Proxy {
    address: SocketAddr,
    desk: Arc<Desk>,
}

struct Desk {
    /// Host and port of the server behind.
    upstream: String,
    faults: StoreFaults,
    requests: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    number: u64,
    /// Faults in a row, by method and target.
    in_a_row: HashMap<String, u32>,
    faults: u64,
    /// Methods and targets.
    seen: Vec<(String, String)>,
    /// Bytes of answers to reads, by path.
    read: HashMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Pass,
    Error,
    Broken,
    Lost,
    Cut,
    Slow,
}

type Body = BoxBody<Bytes, io::Error>;

impl Proxy {
    /// A proxy in front of the server at `endpoint`.
    pub fn start(endpoint: &str, faults: StoreFaults) -> Self {
        let upstream = endpoint.strip_prefix("http://").expect("plain HTTP");
        let desk = Arc::new(Desk {
            upstream: upstream.to_owned(),
            faults,
            requests: Mutex::default(),
        });
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        runtime().spawn(serve(listener, desk.clone()));
        Self { address, desk }
    }

    /// Its URL, for `AWS_ENDPOINT_URL_S3`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Methods and targets of all requests so far.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.desk.requests.lock().expect("no panic").seen.clone()
    }

    /// Bytes that were read of a path so far.
    pub fn read(&self, path: &str) -> u64 {
        let counts = self.desk.requests.lock().expect("no panic");
        counts.read.get(path).copied().unwrap_or(0)
    }

    /// Requests that did not go well so far.
    pub fn faults(&self) -> u64 {
        self.desk.requests.lock().expect("no panic").faults
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        let desk = desk.clone();
        let service = service_fn(move |request| {
            let desk = desk.clone();
            async move { desk.pass(request).await }
        });
        let http = server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// The first half of the bytes, and then the end of the connection.
fn half(bytes: &Bytes) -> Body {
    let part = Frame::data(bytes.slice(..bytes.len() / 2));
    StreamBody::new(stream::iter([Ok(part), Err(broken())])).boxed()
}

impl Desk {
    /// What becomes of the next request.
    fn fate(&self, request: &Request<Incoming>) -> (Fate, u64) {
        let mut counts = self.requests.lock().expect("no panic");
        counts.number += 1;
        let number = counts.number;
        let mut rng = ChaCha8Rng::seed_from_u64(self.faults.seed);
        rng.set_stream(number);
        let draw: f64 = rng.random();
        let f = &self.faults;
        let fates = [
            (f.errors, Fate::Error),
            (f.broken, Fate::Broken),
            (f.lost, Fate::Lost),
            (f.cut, Fate::Cut),
            (f.slow, Fate::Slow),
        ];
        let mut sum = 0.0;
        let drawn = fates.iter().find(|(share, _)| {
            sum += share;
            draw < sum
        });
        let fate = drawn.map_or(Fate::Pass, |(_, fate)| *fate);
        let (method, target) = (request.method().to_string(), request.uri().to_string());
        let name = format!("{method} {target}");
        counts.seen.push((method, target));
        let row = counts.in_a_row.entry(name).or_default();
        if matches!(fate, Fate::Pass | Fate::Slow) || *row >= self.faults.in_a_row {
            *row = 0;
            return (if fate == Fate::Slow { fate } else { Fate::Pass }, number);
        }
        *row += 1;
        counts.faults += 1;
        (fate, number)
    }

    async fn pass(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (fate, number) = self.fate(&request);
        match fate {
            Fate::Error => return Ok(refusal(number)),
            Fate::Broken => return Err(broken()),
            Fate::Slow => tokio::time::sleep(self.faults.slow_by).await,
            Fate::Pass | Fate::Lost | Fate::Cut => {}
        }
        let read = request.method() == Method::GET;
        let path = request.uri().path().to_owned();
        let (mut head, body) = self.forward(request).await?.into_parts();
        if read {
            let mut counts = self.requests.lock().expect("no panic");
            *counts.read.entry(path).or_default() += body.len() as u64;
        }
        for name in [CONNECTION, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        match fate {
            Fate::Lost => Err(broken()),
            Fate::Cut if body.len() > 1 => Ok(Response::from_parts(head, half(&body))),
            Fate::Cut => Err(broken()),
            _ => Ok(Response::from_parts(head, whole(body))),
        }
    }

    async fn forward(&self, request: Request<Incoming>) -> io::Result<Response<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let stream = TcpStream::connect(&self.upstream).await?;
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        let answer = sender
            .send_request(Request::from_parts(head, Full::new(body)))
            .await
            .map_err(io::Error::other)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

fn refusal(number: u64) -> Response<Body> {
    let (status, code) = match number % 2 {
        0 => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    };
    let text = format!("<Error><Code>{code}</Code><Message>by a fault</Message></Error>");
    let mut reply = Response::new(whole(text.into()));
    *reply.status_mut() = status;
    reply
}
