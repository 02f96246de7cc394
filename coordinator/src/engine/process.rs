// SPDX-License-Identifier: MIT OR Apache-2.0
//! One task in a process of its own: this binary again, as `framemill work`.
//!
//! Some encoders keep tables in globals that every new instance writes anew
//! (SVT-AV1): two of them in one process crash or disturb each other. A process
//! each also means that a crash costs one attempt and not the job.
//!
//! ```text
//! parent → child   one line, Order; end of file means stop
//! child → parent   lines of Message: frames as they are done, then the result
//! ```

use super::{Invocation, InvokeError};
use framemill_codec::dsp::Dsp;
use framemill_worker::{Failure, Outcome, Task};
use serde::{Deserialize, Serialize};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long a child may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What the child is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The work store's place.
    pub work: String,
    /// The work.
    pub task: Task,
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Frames done so far.
    Frames(u64),
    /// Done; nothing follows.
    Done(Box<Outcome>),
    /// Failed; nothing follows.
    Failed(Failure),
}

/// Runs one attempt in a child process, with kernels of the level of `simd`
/// where they are chosen.
///
/// # Errors
/// What the task says, or [`InvokeError::Crashed`].
pub async fn invoke(
    invocation: &Invocation,
    work: &str,
    simd: Option<&'static Dsp>,
) -> Result<Outcome, InvokeError> {
    let crashed = |detail: String| InvokeError::Crashed { detail };
    let order = Order {
        work: work.to_owned(),
        task: (*invocation.task).clone(),
    };
    let mut line = serde_json::to_vec(&order).map_err(|e| crashed(e.to_string()))?;
    line.push(b'\n');
    let program = std::env::current_exe().map_err(|e| crashed(e.to_string()))?;
    let mut child = Command::new(program)
        .arg("work")
        .args(simd.map(|dsp| format!("--simd={}", dsp.level())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A Ctrl-C is for the parent, which tells its children in good order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Failure::Transient { detail: format!("cannot start a worker: {e}") })?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(crashed("a worker without pipes".into()));
    };
    // A child that died at once says so by its exit status.
    let _ = stdin.write_all(&line).await;
    let _ = stdin.flush().await;
    let mut lines = BufReader::new(stdout).lines();
    tokio::select! {
        result = listen(&mut lines, invocation) => match result {
            Some(result) => {
                // All is stored by now. Taking a large process down is not waited for.
                tokio::spawn(async move { child.wait().await });
                Ok(result?)
            }
            None => Err(crashed(status(&mut child).await)),
        },
        () = invocation.cancel.cancelled() => {
            stop(child, stdin, lines).await;
            Err(Failure::Cancelled.into())
        }
    }
}

/// Reads until the result; `None` when the child ends without one.
async fn listen(
    lines: &mut Lines<BufReader<ChildStdout>>,
    invocation: &Invocation,
) -> Option<Result<Outcome, Failure>> {
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Message::Frames(frames)) => invocation.progress.store(frames, Ordering::Relaxed),
            Ok(Message::Done(outcome)) => return Some(Ok(*outcome)),
            Ok(Message::Failed(failure)) => return Some(Err(failure)),
            // A codec library that prints to standard output is not our peer.
            Err(_) => {}
        }
    }
    None
}

async fn status(child: &mut Child) -> String {
    match child.wait().await {
        Ok(status) => format!("the worker's process ended with {status}"),
        Err(error) => error.to_string(),
    }
}

/// Tells the child to stop, and ends it if it does not.
async fn stop(mut child: Child, stdin: ChildStdin, lines: Lines<BufReader<ChildStdout>>) {
    drop(stdin);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    drop(lines);
}
