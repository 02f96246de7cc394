// SPDX-License-Identifier: MIT OR Apache-2.0
//! Children with a time limit; `ffmpeg` and `ffprobe`.

pub use rustix::process::Signal;
use rustix::process::{kill_process, Pid};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest that any child may take before it counts as hung.
pub const LIMIT: Duration = Duration::from_secs(300);

/// What a child left behind.
#[derive(Debug)]
pub struct Done {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: String,
    /// Highest resident size seen, in bytes.
    pub peak_memory: u64,
    /// Seconds that it ran.
    pub seconds: f64,
}

/// A running child whose output is being collected.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    started: Instant,
    peak_memory: u64,
    what: String,
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends the text early, which the assertions will notice.
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

impl Running {
    /// Starts `command` with its output collected and no input.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let what = format!("{command:?}").replace('"', "");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {what}: {e}"));
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self {
            child,
            stdout,
            stderr,
            started: Instant::now(),
            peak_memory: 0,
            what,
        }
    }

    /// The child's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.peak_memory = self.peak_memory.max(peak_memory(self.id()));
        self.child
            .try_wait()
            .expect("the child can be waited for")
            .is_some()
    }

    /// Sends a signal; a bare Debian has no `kill` program to do it with.
    pub fn signal(&mut self, signal: Signal) {
        if self.child.try_wait().is_ok_and(|s| s.is_none()) {
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// Waits for the end, or for `wake` to give true; says whether it has ended.
    pub fn wait_until(&mut self, mut wake: impl FnMut() -> bool) -> bool {
        while !self.has_ended() {
            if wake() {
                return false;
            }
            self.check_limit();
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    fn check_limit(&mut self) {
        if self.started.elapsed() > LIMIT {
            let _ = self.child.kill();
            let _ = self.child.wait();
            panic!("hung for {} s: {}", LIMIT.as_secs(), self.what);
        }
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Done {
        while !self.has_ended() {
            self.check_limit();
            thread::sleep(Duration::from_millis(4));
        }
        let status = self.child.wait().expect("the child can be waited for");
        let seconds = self.started.elapsed().as_secs_f64();
        let text = |handle: &mut Option<JoinHandle<Vec<u8>>>| {
            handle
                .take()
                .map(|h| h.join().expect("output is collected"))
                .unwrap_or_default()
        };
        Done {
            code: status.code(),
            signal: status.signal(),
            stdout: text(&mut self.stdout),
            stderr: String::from_utf8_lossy(&text(&mut self.stderr)).into_owned(),
            peak_memory: self.peak_memory,
            seconds,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that panics must not leave its child at work.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Highest resident size of a process so far in bytes; 0 when it is gone.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Runs `ffmpeg`; gives its stdout and its complaints.
///
/// # Panics
/// When it fails.
pub fn ffmpeg<S: AsRef<OsStr>>(args: &[S]) -> (Vec<u8>, String) {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-v", "error"])
        .args(args);
    let what = format!("{command:?}").replace('"', "");
    let done = Running::start(command).finish();
    assert_eq!(done.code, Some(0), "{what}\n{}", done.stderr);
    (done.stdout, done.stderr)
}

/// Runs `ffprobe` on `path` and parses its JSON.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn ffprobe(args: &str, path: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error", "-of", "json"])
        .args(args.split_whitespace())
        .arg(path);
    let what = format!("{command:?}").replace('"', "");
    let done = Running::start(command).finish();
    assert_eq!(done.code, Some(0), "{what}\n{}", done.stderr);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{what}: {e}"))
}
