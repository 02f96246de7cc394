// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill serve`.

mod events;

use super::console;
use crate::error::{JobError, Result};
use framemill_serve::{Config, ConfigError, Server, SETTINGS};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{signal, SignalKind};
use tokio_util::sync::CancellationToken;

/// How deep, and through how many entries, an example is looked for.
const LOOKED_AT: (usize, usize) = (3, 2000);

/// Arguments of `framemill serve`.
#[derive(clap::Args, Clone, Debug)]
pub struct ServeArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum What {
    /// Answer imgproxy's URLs with thumbnails
    ///
    /// Settings come from --config, then from the environment (FRAMEMILL_… and imgproxy's
    /// IMGPROXY_… names), then from flags; later ones win. docs/thumbnails.md tells of URLs,
    /// settings and statuses.
    Thumbs(Box<ThumbsArgs>),
    /// Do what rules say of each video and picture that is put into a bucket or a folder
    ///
    /// Jobs are kept in the work place alone: coordinators may come and go. docs/operations.md
    /// tells of rules, queues and metrics.
    Events(Box<events::EventsArgs>),
}

/// Arguments of `framemill serve thumbs`.
#[derive(clap::Args, Clone, Debug)]
struct ThumbsArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Directory of local:///PATH sources
    #[arg(long, value_name = "DIR")]
    root: Option<String>,
    /// Where results are kept: a directory or s3://BUCKET/PREFIX [default: in memory alone]
    #[arg(long, value_name = "URI")]
    cache: Option<String>,
    /// Settings as a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any other setting; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Serve unsigned URLs on addresses that others reach
    #[arg(long)]
    insecure_urls: bool,
    /// List all settings, and end
    #[arg(long)]
    list_settings: bool,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`JobError::Usage`] for settings that cannot be used.
pub async fn run(args: ServeArgs, quiet: bool) -> Result<()> {
    match args.what {
        What::Thumbs(args) => thumbs(*args, quiet).await,
        What::Events(args) => events::run(*args, quiet, end_of_service()?).await,
    }
}

/// Told to end by the first SIGTERM or SIGINT; the second ends the process.
fn end_of_service() -> Result<CancellationToken> {
    let failed = |error: std::io::Error| JobError::Failed(format!("serve: {error}"));
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate()).map_err(failed)?,
        signal(SignalKind::interrupt()).map_err(failed)?,
    );
    let end = CancellationToken::new();
    let told = end.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(130);
            }
            told.cancel();
        }
    });
    Ok(end)
}

async fn thumbs(args: ThumbsArgs, quiet: bool) -> Result<()> {
    if args.list_settings {
        list_settings();
        return Ok(());
    }
    let wrong = |error: ConfigError| JobError::Usage(error.to_string());
    let config = args.config().map_err(wrong)?;
    let root = config.root.clone();
    let server = Server::open(config).await.map_err(wrong)?;
    let failed = |error: std::io::Error| JobError::Failed(format!("serve: {error}"));
    let at = server.address().map_err(failed)?;
    let end = end_of_service()?;
    if !quiet {
        console::say(&format!("framemill: listening on {at}"));
        let example = root.and_then(|root| example(&root));
        let example = example.map_or_else(
            || "https://HOST/PICTURE.jpg".to_owned(),
            |name| format!("local:///{name}"),
        );
        let path = server.example(&format!("/rs:fill:300:200/plain/{example}"));
        console::say(&format!("try {}", url(at, &path)));
    }
    server.run(end).await;
    Ok(())
}

impl ThumbsArgs {
    fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))?;
            config
                .read_toml(&text)
                .map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))?;
        }
        config.read_environment(|name| std::env::var(name).ok())?;
        let flags = [
            ("listen", &self.listen),
            ("root", &self.root),
            ("cache", &self.cache),
        ];
        for (key, value) in flags {
            if let Some(value) = value {
                config
                    .set(key, value)
                    .map_err(|error| ConfigError::new(format!("--{error}")))?;
            }
        }
        for setting in &self.settings {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| ConfigError::new(format!("--set {setting:?}: write KEY=VALUE")))?;
            config.set(key, value)?;
        }
        config.insecure_urls |= self.insecure_urls;
        Ok(config)
    }
}

fn list_settings() {
    for setting in SETTINGS {
        let theirs = setting.imgproxy.map(|name| format!(" (IMGPROXY_{name})"));
        let theirs = theirs.unwrap_or_default();
        console::say(&format!("{:32} {}{theirs}", setting.key, setting.help));
    }
}

/// The URL under which this machine reaches a path.
fn url(at: SocketAddr, path: &str) -> String {
    match at.ip().is_unspecified() {
        true => format!("http://localhost:{}{path}", at.port()),
        false => format!("http://{at}{path}"),
    }
}

/// A picture below the root, as a URL's path names it.
fn example(root: &Path) -> Option<String> {
    let (depth, mut left) = LOOKED_AT;
    let found = look(root, depth, &mut left)?;
    let name = found.strip_prefix(root).ok()?.to_str()?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let written = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    Some(name.bytes().map(written).collect())
}

fn look(folder: &Path, depth: usize, left: &mut usize) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .take(*left)
        .map(|entry| entry.path())
        .collect();
    *left -= entries.len();
    entries.sort();
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let known = ["jpg", "jpeg", "png", "webp", "gif"];
        known.contains(&extension.to_ascii_lowercase().as_str()) && path.is_file()
    };
    if let Some(found) = entries.iter().find(|path| is_picture(path)) {
        return Some(found.clone());
    }
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|n| n.as_encoded_bytes()[0] == b'.')
    };
    let folders = entries.iter().filter(|path| path.is_dir() && !hidden(path));
    if depth == 0 {
        return None;
    }
    folders
        .into_iter()
        .find_map(|folder| look(folder, depth - 1, left))
}
