// SPDX-License-Identifier: MIT OR Apache-2.0
//! An HTTP server of a test's own, which answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its number, from 0.
    pub number: usize,
    /// `GET` and the like.
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What followed.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// First and last byte of a `Range: bytes=A-B`.
    #[must_use]
    pub fn range(&self) -> Option<(u64, u64)> {
        let (from, to) = self
            .header("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    }
}

/// What the server answers.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Its status; 0 hangs up without a word.
    pub status: u16,
    /// Headers besides `Content-Length` and `Connection`.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// What `Content-Length` says, where it is not the body's; `Some(None)` for no such header.
    pub length: Option<Option<u64>>,
}

impl Reply {
    /// An answer of that status.
    #[must_use]
    pub fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What a good server says to a request for `body`: all of it, the range that is asked for,
    /// or 416. With an ETag, `If-Range` and `If-Match` are heard.
    #[must_use]
    pub fn file(request: &Request, body: &[u8], etag: Option<&str>) -> Self {
        let size = body.len() as u64;
        let tagged = |reply: Self| match etag {
            Some(etag) => reply.with("ETag", etag),
            None => reply,
        };
        let unmet = |name| request.header(name).is_some_and(|tag| Some(tag) != etag);
        if unmet("if-match") {
            return Self::of(412, "");
        }
        let range = request.range().filter(|_| !unmet("if-range"));
        tagged(match range {
            None => Self::of(200, body),
            Some((from, _)) if from >= size => {
                Self::of(416, "").with("Content-Range", format!("bytes */{size}"))
            }
            Some((from, to)) => {
                let to = to.min(size - 1);
                let part = &body[from as usize..=to as usize];
                Self::of(206, part).with("Content-Range", format!("bytes {from}-{to}/{size}"))
            }
        })
    }

    fn send(&self, head: bool, mut to: &TcpStream) -> std::io::Result<()> {
        if self.status == 0 {
            return Ok(());
        }
        let mut text = format!("HTTP/1.1 {} Told\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = self.length.unwrap_or(Some(self.body.len() as u64)) {
            text += &format!("Content-Length: {length}\r\n");
        }
        to.write_all((text + "\r\n").as_bytes())?;
        to.write_all(if head { b"" } else { &self.body })
    }
}

/// A running server; it ends when this is dropped.
pub struct Web {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Web {
    /// Serves on a free port of 127.0.0.1. `answer` is called for every request, which are
    /// numbered as they come.
    ///
    /// # Panics
    /// Without a free port.
    pub fn serve(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let web = Self {
            address: listener.local_addr().expect("the port's number"),
            seen: Arc::default(),
            stop: Arc::default(),
        };
        let (seen, stop, answer) = (web.seen.clone(), web.stop.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, answer) = (seen.clone(), answer.clone());
                // A client that hangs up is its own affair.
                thread::spawn(move || serve_one(&stream, &seen, &*answer));
            }
        });
        web
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// All that was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("no request panics").clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve_one(
    stream: &TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let Some(mut request) = read(stream)? else {
        return Ok(());
    };
    {
        let mut seen = seen.lock().expect("no request panics");
        request.number = seen.len();
        seen.push(request.clone());
    }
    answer(&request).send(request.method == "HEAD", stream)
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method,
        target,
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let header = (name.to_ascii_lowercase(), value.trim().to_owned());
        request.headers.push(header);
    }
    let length = request
        .header("content-length")
        .and_then(|n| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body)?;
    request.body = body;
    Ok(Some(request))
}
