// SPDX-License-Identifier: MIT OR Apache-2.0
//! A real browser that plays a file: Chromium without a window, on a page of a
//! server of its own at 127.0.0.1.

use crate::place;
use crate::process::{Running, Signal};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Longest that a start of the browser and a play may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Plays the file and tells how that ended.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>play</title>
<video id="v" muted autoplay playsinline src="/media"></video>
<script>
const v = document.getElementById("v");
const tell = (ended, error) => fetch("/result", { method: "POST", body: JSON.stringify({
  ended, error, width: v.videoWidth, height: v.videoHeight, seconds: v.currentTime,
  frames: v.getVideoPlaybackQuality().totalVideoFrames }) });
v.onended = () => tell(true, "");
v.onerror = () => tell(false, v.error.code + " " + v.error.message);
v.play().catch(e => tell(false, String(e)));
</script>"#;

/// How a play ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    /// Whether the end was reached.
    pub ended: bool,
    /// The browser's complaint; empty if there is none.
    pub error: String,
    /// Width and height of the pictures.
    pub width: u64,
    /// See `width`.
    pub height: u64,
    /// The last time shown.
    pub seconds: f64,
    /// Pictures that were decoded, those that came too late included.
    pub frames: u64,
}

impl Played {
    fn read(body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let number = |name: &str| json[name].as_u64().unwrap_or_default();
        Self {
            ended: json["ended"].as_bool().unwrap_or_default(),
            error: json["error"].as_str().unwrap_or("no result").to_owned(),
            width: number("width"),
            height: number("height"),
            seconds: json["seconds"].as_f64().unwrap_or_default(),
            frames: number("frames"),
        }
    }
}

/// A browser that is installed.
#[derive(Clone, Copy, Debug)]
pub struct Browser(&'static str);

impl Browser {
    /// Looks for one; `None`, said on stdout, where there is none.
    ///
    /// # Panics
    /// When there is none and `CI` is set.
    #[must_use]
    pub fn find(test: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |name: &&str| std::env::split_paths(&path).any(|p| p.join(name).is_file());
        let found = NAMES.into_iter().find(there).map(Self);
        if found.is_none() {
            assert!(
                std::env::var_os("CI").is_none(),
                "{test}: no browser: BROWSER=1 make setup installs one"
            );
            println!("skipped: {test}: no browser (BROWSER=1 make setup installs one)");
        }
        found
    }

    /// The browser without a window, and without anything that it does on its own.
    fn command(self, profile: &Path) -> Command {
        let mut command = Command::new(self.0);
        command
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--mute-audio",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-extensions",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args([
                "--disable-sync",
                "--no-default-browser-check",
                "--no-proxy-server",
            ])
            .arg("--autoplay-policy=no-user-gesture-required")
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("HOME", profile);
        command
    }

    /// Plays a file of a type that the browser recognises.
    ///
    /// # Panics
    /// When there is no result in three minutes.
    #[must_use]
    pub fn play(self, file: &Path) -> Played {
        let media = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let what = file.display().to_string();
        Played::read(&self.show(&what, PAGE.to_owned(), media))
    }

    /// What a page posts to `/result`.
    ///
    /// # Panics
    /// When there is no result in three minutes.
    #[must_use]
    pub fn ask(self, page: String) -> String {
        let said = self.show("a page", page, Vec::new());
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Opens a page, beside which `/media` lies, and waits for what it posts.
    fn show(self, what: &str, page: String, media: Vec<u8>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a local port");
        let port = listener.local_addr().expect("a local address").port();
        let (sender, result) = channel();
        thread::spawn(move || serve(&listener, &Arc::new((page, media)), &sender));
        let profile = place::scratch();
        let mut command = self.command(profile.path());
        command.arg(format!("http://127.0.0.1:{port}/"));
        let mut running = Running::start(command);
        let mut said = None;
        let started = std::time::Instant::now();
        let ended = running.wait_until(|| {
            said = result.try_recv().ok();
            said.is_some() || started.elapsed() > LIMIT
        });
        // What it says on its way out is of no interest unless there is no result.
        running.signal(Signal::TERM);
        said.unwrap_or_else(|| {
            let done = running.finish();
            let how = if ended { "ended" } else { "was silent" };
            panic!("{what}: the browser {how}: {}", done.stderr)
        })
    }
}

/// Answers until the process ends.
fn serve(listener: &TcpListener, shown: &Arc<(String, Vec<u8>)>, result: &Sender<Vec<u8>>) {
    for stream in listener.incoming().flatten() {
        let (shown, result) = (Arc::clone(shown), result.clone());
        thread::spawn(move || {
            // A browser that hangs up asks again, or its play fails.
            let _ = answer(&stream, &shown, &result);
        });
    }
}

/// One request, one answer.
fn answer(
    mut stream: &TcpStream,
    (page, media): &(String, Vec<u8>),
    result: &Sender<Vec<u8>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut start, mut line) = (0, None, String::new());
    while reader.read_line(&mut line)? > 2 {
        let lower = line.trim().to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        if let Some(range) = lower.strip_prefix("range: bytes=") {
            start = range.split('-').next().and_then(|n| n.parse().ok());
        }
        line.clear();
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let mut words = first.split_whitespace();
    let (status, kind, bytes) = match (words.next(), words.next()) {
        (Some("GET"), Some("/")) => ("200 OK".into(), "text/html", page.as_bytes()),
        (Some("GET"), Some("/media")) => part(media, start),
        (Some("POST"), Some("/result")) => {
            let _ = result.send(body);
            ("200 OK".into(), "text/plain", &b""[..])
        }
        _ => ("404 Not Found".into(), "text/plain", &b""[..]),
    };
    let size = bytes.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(bytes)
}

/// The media from a byte on, or all of it.
fn part(media: &[u8], start: Option<usize>) -> (String, &'static str, &[u8]) {
    let Some(start) = start.filter(|&start| start < media.len()) else {
        return ("200 OK".into(), "video/webm", media);
    };
    let (last, size) = (media.len() - 1, media.len());
    let status = format!("206 Partial Content\r\nContent-Range: bytes {start}-{last}/{size}");
    (status, "video/webm", &media[start..])
}
