// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill-worker http` on a port of its own.

use crate::place;
use rustix::process::{kill_process, Pid, Signal};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A worker that listens; it is told to end when this is dropped.
pub struct HttpWorker {
    child: Child,
    address: String,
}

impl HttpWorker {
    /// Starts one with these arguments besides, split at blanks.
    ///
    /// # Panics
    /// When it does not listen.
    #[must_use]
    pub fn start(args: &str) -> Self {
        let mut child = Command::new(place::worker())
            .args(["http", "--listen", "127.0.0.1:0"])
            .args(args.split_whitespace())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let line = lines.next().expect("a line").expect("text");
        let address = line.rsplit(' ').next().expect("an address").to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        // It has no more to say, and must not die of a closed pipe if it does.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the worker can be waited for") {
                return status;
            }
            assert!(started.elapsed() < limit, "the worker goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for HttpWorker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
