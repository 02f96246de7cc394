// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stand-in for AWS Lambda that holds thousands of invocations at once: its
//! "function" does tasks on two threads of this process.

use super::runtime;
use framemill_invocation::{Answer, Request, Response, TaskRef};
use framemill_store::{open, Location};
use framemill_worker::encode::EncodeTask;
use framemill_worker::{Failure, Outcome, Task, Unwatched, WorkPlace};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{watch, Semaphore};

/// A server on a port of 127.0.0.1, as long as the test lives.
pub struct Service {
    address: SocketAddr,
    floor: Arc<Floor>,
}

/// What invocations share.
struct Floor {
    /// Encodes that are answered only once so many wait at the same time.
    wanted: usize,
    waiting: AtomicUsize,
    most: AtomicUsize,
    open: watch::Sender<bool>,
    turns: Semaphore,
}

impl Service {
    /// A service that answers no encode before `wanted` are in flight at once.
    pub fn start(wanted: usize) -> Self {
        let floor = Arc::new(Floor {
            wanted,
            waiting: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            open: watch::Sender::new(false),
            turns: Semaphore::new(2),
        });
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        runtime().spawn(serve(listener, floor.clone()));
        Self { address, floor }
    }

    /// Its URL, for `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Most encodes that were in flight at once.
    pub fn most(&self) -> usize {
        self.floor.most.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, floor: Arc<Floor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let floor = floor.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let floor = floor.clone();
            async move {
                let body = request.into_body().collect().await;
                let body = body.map(|b| b.to_bytes()).unwrap_or_default();
                let said = serde_json::to_vec(&Response::from(floor.answer(&body).await));
                let said = Bytes::from(said.expect("JSON"));
                Ok::<_, Infallible>(hyper::Response::new(Full::new(said)))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Floor {
    async fn answer(&self, body: &[u8]) -> Answer<Outcome, Failure> {
        let request: Request<Task> = serde_json::from_slice(body).expect("a request");
        let TaskRef::Inline(task) = request.task else {
            panic!("tasks of this test are short");
        };
        if matches!(&task, Task::Encode(task) if is_chunk(task)) {
            self.wait().await;
        }
        let _turn = self.turns.acquire().await.expect("it stays open");
        let location = Location::parse_place(&request.work).expect("a place");
        let (work, prefix) = open(&location).await.expect("a store");
        let place = WorkPlace {
            handle: Handle::current(),
            work,
            prefix,
            simd: None,
        };
        let run = move || framemill_worker::run(&task, &place, &Unwatched);
        match tokio::task::spawn_blocking(run).await.expect("no panic") {
            Ok(outcome) => Answer::Done(outcome),
            Err(failure) => Answer::Failed(failure),
        }
    }

    /// Waits until enough wait.
    async fn wait(&self) {
        let now = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        if now >= self.wanted {
            self.open.send_replace(true);
        }
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("it stays there");
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn is_chunk(task: &EncodeTask) -> bool {
    task.encoder.encoder == "libx264"
}
