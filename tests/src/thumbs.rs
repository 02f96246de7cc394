// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill serve thumbs` on a port of its own.

use crate::place;
use rustix::process::{kill_process, Pid, Signal};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

/// Status and body of what a server has at a path.
///
/// # Panics
/// When nobody answers, or without a status.
#[must_use]
pub fn get(at: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(at).expect("a server");
    let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let status = std::str::from_utf8(&answer[9..12]).expect("a status");
    let body = answer[end.expect("an end of headers") + 4..].to_vec();
    (status.parse().expect("a number"), body)
}

/// A server that listens; it is killed when this is dropped.
pub struct ThumbServer {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
}

impl ThumbServer {
    /// Starts one with these arguments and this environment besides.
    ///
    /// # Panics
    /// When it does not listen.
    #[must_use]
    pub fn start<A: AsRef<OsStr>>(args: &[A], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(place::binary())
            .args(["serve", "thumbs", "--listen", "127.0.0.1:0"])
            .args(args)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = lines.next().expect("a line").expect("text");
        let address = line.rsplit(' ').next().expect("an address");
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        // What else it says must not meet a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            base: format!("http://{address}"),
            child,
        }
    }

    /// Status and body of a path.
    ///
    /// # Panics
    /// As [`get`].
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let address = self.base.trim_start_matches("http://");
        get(address.parse().expect("an address"), path)
    }

    /// Its resident memory in KiB.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.map(|line| line.trim_end_matches("kB").trim().parse());
        kib.expect("a line").expect("a number")
    }

    /// Tells it to end.
    pub fn terminate(&self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Unless it ends well.
    pub fn ends_well(mut self) {
        let status = self.child.wait().expect("it can be waited for");
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for ThumbServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
