// SPDX-License-Identifier: MIT OR Apache-2.0
//! One worker process of the host, from its start to its end.

use super::runtime_api::{Answer, Event, Listener, WorkerError};
use bytes::Bytes;
use rustix::process::{kill_process, Pid, Signal};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long a worker may take to stop by itself: what its own child gets, and more.
const GRACE: Duration = Duration::from_secs(8);

/// What came of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The worker's answer.
    Answered(Bytes),
    /// The worker says that it could not answer.
    Error(WorkerError),
    /// The worker's process ended.
    Exited(String),
    /// The worker did not answer in time.
    TimedOut,
}

/// A worker that waits for an event, or has one. Dropped, it is told to stop, and
/// ended if it does not.
pub(super) struct Worker {
    process: Option<Child>,
    listener: Listener,
    /// When it last had something to do.
    pub used: Instant,
}

impl Worker {
    pub async fn start(program: &Path, args: &[OsString]) -> std::io::Result<Self> {
        let listener = Listener::start().await?;
        let process = Command::new(program)
            .args(args)
            .env("AWS_LAMBDA_RUNTIME_API", listener.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "framemill")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("_HANDLER", "bootstrap")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C is for us, who stop workers in good order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            process: Some(process),
            listener,
            used: Instant::now(),
        })
    }

    /// Whether it can take an event, as far as can be seen.
    pub fn is_alive(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_some_and(|p| matches!(p.try_wait(), Ok(None)))
    }

    /// Gives it an event and waits for the answer, for `time` at most.
    pub async fn run(&mut self, id: String, body: Bytes, time: Duration) -> Ended {
        let (answer, answered) = oneshot::channel();
        let event = Event {
            id,
            time,
            body,
            answer,
        };
        let Some(process) = &mut self.process else {
            return Ended::Exited("the worker was stopped".into());
        };
        if self.listener.events.send(event).await.is_err() {
            return Ended::Exited("the worker's listener has ended".into());
        }
        let ended = tokio::select! {
            // What was said counts before how it ended.
            biased;
            Ok(answer) = answered => said(answer),
            Some(error) = self.listener.init.recv() => Ended::Error(error),
            status = process.wait() => Ended::Exited(match status {
                Ok(status) => format!("the worker ended with {status}"),
                Err(error) => error.to_string(),
            }),
            () = tokio::time::sleep(time) => Ended::TimedOut,
        };
        self.used = Instant::now();
        ended
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill().await;
        }
    }

    /// Tells it to stop and waits for its end, which comes within seconds.
    pub async fn stop(mut self) {
        if let Some(process) = self.process.take() {
            stop(process).await;
        }
    }
}

fn said(answer: Answer) -> Ended {
    match answer {
        Ok(body) => Ended::Answered(body),
        Err(error) => Ended::Error(error),
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let (Some(process), Ok(handle)) = (self.process.take(), Handle::try_current()) else {
            return;
        };
        handle.spawn(stop(process));
    }
}

async fn stop(mut process: Child) {
    let id = process.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id.and_then(Pid::from_raw) {
        // Not reaped yet, so the number is still that of our child.
        let _ = kill_process(id, Signal::TERM);
    }
    if tokio::time::timeout(GRACE, process.wait()).await.is_err() {
        let _ = process.kill().await;
    }
}
