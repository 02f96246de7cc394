// SPDX-License-Identifier: MIT OR Apache-2.0
//! The process that does a worker's tasks, from the worker's side.
//!
//! A process of its own means that a crash costs one attempt and not the worker,
//! and that a worker which waits holds no codec library in memory.

use crate::{Answer, Message, Order};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{self, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How long a child may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of a child's last words that are passed on.
const WORDS: usize = 400;
/// Bytes of a line that are read at once.
const LINE: u64 = 4096;
/// How long they are waited for once the child has ended; what it has started itself
/// may hold the pipe open.
const LISTEN: Duration = Duration::from_millis(200);

struct Pipes {
    process: process::Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    words: Words,
}

/// The end of what a child says on standard error.
struct Words {
    last: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Words {
    /// Listens to the end of the pipe.
    fn of(stderr: ChildStderr) -> Self {
        let last = Arc::new(Mutex::new(String::new()));
        let kept = last.clone();
        let task = tokio::spawn(async move {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            // Bytes, since what libraries print need not be text.
            loop {
                // A line without an end must not fill the memory.
                let mut piece = (&mut stderr).take(LINE);
                let read = piece.read_until(b'\n', &mut line).await;
                if !read.is_ok_and(|n| n > 0) {
                    return;
                }
                keep(&kept, &String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { last, task }
    }

    /// The last words of a child that has ended.
    async fn last(&mut self) -> String {
        let _ = tokio::time::timeout(LISTEN, &mut self.task).await;
        self.task.abort();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

/// Adds a line, and drops from the front what is too much.
fn keep(kept: &Mutex<String>, line: &str) {
    let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
    if line.is_empty() {
        return;
    }
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept.is_empty() {
        kept.push_str("; ");
    }
    kept.push_str(&line);
    let mut from = kept.len().saturating_sub(WORDS);
    while !kept.is_char_boundary(from) {
        from += 1;
    }
    kept.drain(..from);
}

/// A child that takes one order at a time. Dropped, it is told to stop, and
/// ended if it does not.
pub struct Child {
    pipes: Option<Pipes>,
}

impl Child {
    /// Starts `program`, in a process group of its own.
    ///
    /// # Errors
    /// The system's.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        let mut process = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C is for the parent, which tells its children in good order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipes = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a child without pipes"));
        };
        Ok(Self {
            pipes: Some(Pipes {
                process,
                stdin,
                lines: BufReader::new(stdout).lines(),
                words: Words::of(stderr),
            }),
        })
    }

    /// Whether it can still take an order, as far as can be seen.
    pub fn is_alive(&mut self) -> bool {
        let pipes = self.pipes.as_mut();
        pipes.is_some_and(|p| matches!(p.process.try_wait(), Ok(None)))
    }

    /// Gives an order and waits for the answer; `frames` hears how many are done.
    /// After [`Answer::Crashed`], or when this is dropped midway, the child is of
    /// no more use.
    pub async fn run<T, O, F>(
        &mut self,
        order: &Order<T>,
        mut frames: impl FnMut(u64),
    ) -> Answer<O, F>
    where
        T: Serialize,
        O: DeserializeOwned,
        F: DeserializeOwned,
    {
        let crashed = |detail: String| Answer::Crashed { detail };
        let Some(pipes) = &mut self.pipes else {
            return crashed("the worker's process was stopped".into());
        };
        let mut line = match serde_json::to_vec(order) {
            Ok(line) => line,
            Err(error) => return crashed(error.to_string()),
        };
        line.push(b'\n');
        // A child that has died says so by its exit status.
        let _ = pipes.stdin.write_all(&line).await;
        let _ = pipes.stdin.flush().await;
        while let Ok(Some(line)) = pipes.lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(Message::Frames(done)) => frames(done),
                Ok(Message::Answer(answer)) => return answer,
                Err(error) => {
                    return crashed(format!("the worker's process does not make sense: {error}"))
                }
            }
        }
        let ended = match pipes.process.wait().await {
            Ok(status) => format!("the worker's process ended with {status}"),
            Err(error) => error.to_string(),
        };
        crashed(match pipes.words.last().await {
            words if words.is_empty() => ended,
            words => format!("{ended}; it said: {words}"),
        })
    }

    /// Tells it to stop and waits for its end, which comes within seconds.
    pub async fn stop(mut self) {
        if let Some(pipes) = self.pipes.take() {
            stop(pipes).await;
        }
    }

    /// Ends it at once.
    pub async fn kill(mut self) {
        if let Some(mut pipes) = self.pipes.take() {
            let _ = pipes.process.kill().await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let (Some(pipes), Ok(handle)) = (self.pipes.take(), Handle::try_current()) else {
            return;
        };
        handle.spawn(stop(pipes));
    }
}

async fn stop(pipes: Pipes) {
    let Pipes {
        mut process,
        stdin,
        lines,
        words: _words,
    } = pipes;
    drop(stdin);
    if tokio::time::timeout(GRACE, process.wait()).await.is_err() {
        let _ = process.kill().await;
    }
    drop(lines);
}
