// SPDX-License-Identifier: MIT OR Apache-2.0
//! A server of a test's own, an origin of a test's own, and pictures.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use framemill_serve::guard::{Lookup, SystemLookup};
use framemill_serve::{Config, Server};
use framemill_thumbs::url::Options;
use framemill_thumbs::{thumbnail, Format, Settings};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest that anything may take before it counts as hung.
pub const HANG: Duration = Duration::from_secs(300);

/// A server under test.
pub struct Served {
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub end: CancellationToken,
    pub run: JoinHandle<()>,
    pub root: tempfile::TempDir,
}

/// What came back.
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Served {
    /// A server with these settings over a directory with `photo.png` (64 × 48).
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_with(settings, Arc::new(SystemLookup)).await
    }

    pub async fn start_with(settings: &[(&str, &str)], lookup: Arc<dyn Lookup>) -> Self {
        framemill_codec::libav::init();
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("photo.png"), photo(64, 48, Format::Png)).unwrap();
        let mut config = Config::default();
        config.set("listen", "127.0.0.1:0").unwrap();
        config.set("root", root.path().to_str().unwrap()).unwrap();
        for (key, value) in settings {
            let here = root.path().to_str().unwrap();
            config.set(key, &value.replace("ROOT", here)).unwrap();
        }
        let server = Server::open_with(config, lookup).await.unwrap();
        let address = server.address().unwrap();
        let end = CancellationToken::new();
        let run = tokio::spawn(server.run(end.clone()));
        Self {
            address,
            client: client(),
            end,
            run,
            root,
        }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> Got {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.ask("GET", path, headers).await
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.timeout(HANG).send().await.unwrap();
        Got {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap(),
        }
    }

    /// A thumbnail of the photo with these options.
    pub async fn photo(&self, options: &str) -> Got {
        self.get(&format!("/-/{options}/plain/local:///photo.png"))
            .await
    }

    /// The status of a path that nothing was done to on its way.
    pub async fn raw_status(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// One number of `/metrics`.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name}\n{text}"))
            .parse()
            .unwrap()
    }

    /// Ends the server, and waits for that.
    pub async fn stop(self) -> tempfile::TempDir {
        self.end.cancel();
        tokio::time::timeout(HANG, self.run).await.unwrap().unwrap();
        self.root
    }
}

pub fn client() -> reqwest::Client {
    let builder = framemill_store::http_client_builder().unwrap();
    builder.no_proxy().redirect(Policy::none()).build().unwrap()
}

/// A picture with a gradient and a mark in its upper left corner.
pub fn photo(width: u32, height: u32, format: Format) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in (0..height).rev() {
        for x in 0..width {
            let corner = x < width / 4 && y < height / 4;
            let (r, g) = (x * 255 / width, y * 255 / height);
            let pixel = if corner {
                [0, 0, 255]
            } else {
                [128, g as u8, r as u8]
            };
            pixels.extend_from_slice(&pixel);
        }
        pixels.resize(pixels.len().next_multiple_of(4), 0);
    }
    let mut bmp = b"BM".to_vec();
    let words = [
        54 + pixels.len() as u32,
        0,
        54,
        40,
        width,
        height,
        1 | 24 << 16,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    words
        .iter()
        .for_each(|word| bmp.extend_from_slice(&word.to_le_bytes()));
    bmp.extend_from_slice(&pixels);
    if format == Format::Bmp {
        return bmp;
    }
    let options = Options {
        format: Some(format),
        ..Options::default()
    };
    thumbnail(&bmp, &options, &Settings::default(), &|| false)
        .unwrap()
        .bytes
}

/// Format and size of a picture.
pub fn look(bytes: &[u8]) -> (Format, u32, u32) {
    let source = Settings::default()
        .decoders
        .open(bytes, &Default::default())
        .unwrap();
    let facts = source.facts();
    (facts.format, facts.size.width, facts.size.height)
}

/// Red, green and blue of a pixel.
pub fn pixel(bytes: &[u8], x: u32, y: u32) -> [u8; 3] {
    let mut source = Settings::default()
        .decoders
        .open(bytes, &Default::default())
        .unwrap();
    let size = source.facts().size;
    let picture = source.next_frame(size).unwrap().unwrap().picture;
    let channels = picture.layout().bytes();
    let at = (y * size.width + x) as usize * channels;
    picture.samples()[at..at + 3].try_into().unwrap()
}

type Handler = dyn Fn(&Request<Incoming>) -> (Duration, Response<Full<Bytes>>) + Send + Sync;

/// An HTTP server that sources come from.
pub struct Origin {
    pub address: SocketAddr,
    pub requests: Arc<AtomicUsize>,
}

impl Origin {
    pub async fn start(
        handler: impl Fn(&Request<Incoming>) -> (Duration, Response<Full<Bytes>>)
            + Send
            + Sync
            + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let handler: Arc<Handler> = Arc::new(handler);
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, count) = (Arc::clone(&handler), Arc::clone(&count));
                let service = service_fn(move |request: Request<Incoming>| {
                    count.fetch_add(1, Ordering::SeqCst);
                    let (wait, response) = handler(&request);
                    async move {
                        tokio::time::sleep(wait).await;
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, requests }
    }

    /// An origin that answers every path with one picture.
    pub async fn of(bytes: Vec<u8>) -> Self {
        let bytes = Bytes::from(bytes);
        Self::start(move |_| (Duration::ZERO, Response::new(Full::new(bytes.clone())))).await
    }

    /// An origin of one file, of which ranges alone are asked for; `wait` tells how long each takes.
    pub async fn of_ranges(
        file: Bytes,
        wait: impl Fn(Range<usize>) -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request| {
            let range = request.headers().get("range");
            let range = range.map(|value| value.to_str().unwrap());
            let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            let (first, last) = range.expect("only ranges are asked for");
            let first: usize = first.parse().unwrap();
            let end = (last.parse::<usize>().unwrap() + 1).min(file.len());
            let mut response = Response::new(Full::new(file.slice(first..end)));
            *response.status_mut() = 206.try_into().unwrap();
            let told = format!("bytes {first}-{}/{}", end - 1, file.len());
            let headers = response.headers_mut();
            headers.insert("content-range", told.parse().unwrap());
            headers.insert("etag", "\"v\"".parse().unwrap());
            (wait(first..end), response)
        })
        .await
    }

    pub fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Waits until a number of the server's is as wanted.
pub async fn reached(server: &Served, name: &str, wanted: impl Fn(u64) -> bool) {
    let reach = async {
        while !wanted(server.metric(name).await) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(HANG, reach).await.expect(name);
}

/// Files below a folder, however deep.
pub fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path().is_dir() {
            true => files(&entry.path()),
            false => 1,
        })
        .sum()
}
