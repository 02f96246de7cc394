// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a server is told: by a TOML file, by the environment, by flags. Later ones win.
//!
//! | Module | What is in it |
//! |---|---|
//! | `settings` | every setting: its key, imgproxy's name for it, what it means |
//! | `read` | files and environments |
//! | `values` | truth values, seconds, sizes, lists as texts |
//!
//! A setting `source_ttl` is `source_ttl = 60` in the file, `FRAMEMILL_SOURCE_TTL` in the
//! environment and `--set source_ttl=60` on the command line. Where imgproxy has a setting that
//! means the same, its name (`IMGPROXY_…`) is taken from the environment too; `FRAMEMILL_…` wins.

mod read;
mod settings;
mod values;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use framemill_thumbs::url::{Grammar, Keys, Rgb, VideoSecond};
use framemill_thumbs::{Format, Limits};

use crate::guard::Guard;

pub use settings::{Setting, SETTINGS};

/// Why settings cannot be used. One line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl ConfigError {
    /// An error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Everything that a server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The directory of `local:///` sources; without it there are none.
    pub root: Option<PathBuf>,
    /// Whether `s3://` sources are read.
    pub s3: bool,
    /// Whether `http://` and `https://` sources are read.
    pub http: bool,
    /// Serve unsigned URLs on addresses that others reach.
    pub insecure_urls: bool,
    /// Keys of signatures, as hexadecimal texts.
    pub(crate) keys: Vec<String>,
    /// Salts of signatures, as hexadecimal texts.
    pub(crate) salts: Vec<String>,
    /// Bytes of a signature.
    pub(crate) signature_size: usize,
    /// Signatures that always pass.
    pub(crate) trusted: Vec<String>,
    /// What comes before the signature.
    pub path_prefix: String,
    /// What is put in front of every source.
    pub base_url: String,
    /// Named lists of options.
    pub presets: BTreeMap<String, String>,
    /// Options that every URL starts with.
    pub(crate) defaults: Vec<String>,
    /// Take names of presets in place of options.
    pub only_presets: bool,
    /// Let URLs set limits.
    pub limits_allowed: bool,
    /// A secret that requests have to state as `Authorization: Bearer SECRET`.
    pub secret: Option<String>,
    /// What `Access-Control-Allow-Origin` says.
    pub allow_origin: Option<String>,

    /// What sources and results may cost.
    pub limits: Limits,
    /// Quality of JPEG.
    pub quality: u8,
    /// Quality of WebP.
    pub webp_quality: u8,
    /// Quality of AVIF.
    pub avif_quality: u8,
    /// AVIF's speed, 1 to 10.
    pub avif_speed: u8,
    /// Most pixels of an AVIF result; larger ones become WebP.
    pub avif_pixels: u64,
    /// How long an AVIF result may take; after that WebP is made.
    pub avif_time: Duration,
    /// What is behind transparent parts where the format has no opacities.
    pub background: Rgb,
    /// Resize amounts of light.
    pub linear_light: bool,
    /// The watermark's file.
    pub watermark: Option<PathBuf>,
    /// Its opacity.
    pub watermark_opacity: f64,
    /// Whether WebP is chosen for clients that accept it.
    pub auto_webp: bool,
    /// Whether AVIF is chosen for clients that accept it.
    pub auto_avif: bool,
    /// Whether WebP is chosen for them even where the URL names a format.
    pub enforce_webp: bool,
    /// Whether AVIF is.
    pub enforce_avif: bool,
    /// Whether frames of videos are shown.
    pub video: bool,
    /// Which frame where the URL does not say.
    pub video_second: VideoSecond,
    /// Whether `DPR` and `Width` are listened to.
    pub client_hints: bool,

    /// What may be connected to, and which sources may be read.
    pub guard: Guard,
    /// Most redirects of an HTTP source.
    pub redirects: usize,
    /// How long an HTTP source may take.
    pub source_time: Duration,
    /// How long a source counts as unchanged once it was looked at.
    pub source_ttl: Duration,
    /// Bytes of sources kept in memory.
    pub source_bytes: u64,

    /// Where results are kept: a directory or `s3://BUCKET/PREFIX`.
    pub cache: Option<String>,
    /// Bytes of results kept there.
    pub cache_bytes: u64,
    /// Bytes of results kept in memory.
    pub memory_bytes: u64,
    /// How long clients may keep a result.
    pub ttl: Duration,
    /// Whether results have an `ETag`.
    pub etag: bool,
    /// Whether results say when their source changed.
    pub last_modified: bool,
    /// The picture to serve where a source cannot be.
    pub fallback: Option<PathBuf>,
    /// The status to serve it with; 0 for the failure's own.
    pub fallback_status: u16,
    /// How long clients may keep it.
    pub fallback_ttl: Duration,

    /// Pictures that are worked on at once.
    pub workers: usize,
    /// Requests that may wait for work beside those.
    pub queue: usize,
    /// Connections at once; 0 for any number.
    pub max_clients: usize,
    /// How long a request may take.
    pub request_time: Duration,
    /// How long a client may take to send a request.
    pub header_time: Duration,
    /// How long requests may go on once the server is told to end.
    pub grace: Duration,
    /// Most bytes of a URL's path and query.
    pub url_bytes: usize,
    /// Most bytes of a request's head.
    pub header_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            root: None,
            s3: false,
            http: true,
            insecure_urls: false,
            keys: Vec::new(),
            salts: Vec::new(),
            signature_size: 32,
            trusted: Vec::new(),
            path_prefix: String::new(),
            base_url: String::new(),
            presets: BTreeMap::new(),
            defaults: Vec::new(),
            only_presets: false,
            limits_allowed: false,
            secret: None,
            allow_origin: None,
            limits: Limits::default(),
            quality: 80,
            webp_quality: 79,
            avif_quality: 63,
            avif_speed: 8,
            avif_pixels: 2_000_000,
            avif_time: seconds(3),
            background: Rgb([255; 3]),
            linear_light: false,
            watermark: None,
            watermark_opacity: 1.0,
            auto_webp: true,
            auto_avif: true,
            enforce_webp: false,
            enforce_avif: false,
            video: true,
            video_second: VideoSecond::Best,
            client_hints: false,
            guard: Guard::default(),
            redirects: 10,
            source_time: seconds(5),
            source_ttl: seconds(60),
            source_bytes: 128 << 20,
            cache: None,
            cache_bytes: 1 << 30,
            memory_bytes: 64 << 20,
            ttl: seconds(31_536_000),
            etag: true,
            last_modified: true,
            fallback: None,
            fallback_status: 200,
            fallback_ttl: seconds(60),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            queue: 512,
            max_clients: 2048,
            request_time: seconds(10),
            header_time: seconds(10),
            grace: seconds(20),
            url_bytes: 8192,
            header_bytes: 16 << 10,
        }
    }
}

impl Config {
    /// The grammar of this server's URLs.
    ///
    /// # Errors
    /// [`ConfigError`] for keys that are none.
    pub fn grammar(&self) -> Result<Grammar, ConfigError> {
        let wrong = |error: framemill_thumbs::url::KeyError| ConfigError(error.to_string());
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let salts: Vec<&str> = self.salts.iter().map(String::as_str).collect();
        let keys = Keys::from_hex(&keys, &salts)
            .and_then(|keys| keys.with_size(self.signature_size))
            .map_err(wrong)?
            .with_trusted(self.trusted.clone());
        let mut presets = self.presets.clone();
        if !self.defaults.is_empty() {
            let own = presets.entry("default".into()).or_default();
            *own = format!("{}/{own}", self.defaults.join("/"));
        }
        let grammar = Grammar {
            prefix: self.path_prefix.clone(),
            keys,
            presets,
            only_presets: self.only_presets,
            limits_allowed: self.limits_allowed,
            base_url: self.base_url.clone(),
        };
        for (name, text) in &grammar.presets {
            // A preset that is wrong is found now, not by the first URL that names it.
            let path = format!("/{text}/plain/x");
            let loose = Grammar {
                only_presets: false,
                limits_allowed: true,
                ..grammar.clone()
            };
            loose
                .parse_unsigned(&path.replace("//", "/"))
                .map_err(|error| ConfigError(format!("preset {name:?}: {error}")))?;
        }
        Ok(grammar)
    }

    /// Refuses to serve unsigned URLs to the world unless told to.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to do.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        let unsigned = self.keys.is_empty() && self.secret.is_none();
        if unsigned && !self.listen.ip().is_loopback() && !self.insecure_urls {
            return Err(ConfigError(format!(
                "{} can be reached by others, and URLs are not signed: set key and salt \
                 (IMGPROXY_KEY, IMGPROXY_SALT), or say --insecure-urls",
                self.listen
            )));
        }
        if self.root.is_none() && !self.s3 && !self.http {
            return Err(ConfigError(
                "there are no sources: set --root, s3 or http".into(),
            ));
        }
        Ok(())
    }

    /// Qualities by format, in the order of [`Format`].
    pub(crate) fn set_quality(&mut self, format: Format, quality: u8) -> Result<(), String> {
        match format {
            Format::Jpeg => self.quality = quality,
            Format::Webp => self.webp_quality = quality,
            Format::Avif => self.avif_quality = quality,
            other => return Err(format!("{other} has no quality here")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
