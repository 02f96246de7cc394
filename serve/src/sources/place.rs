// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which store a source's URL means.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use framemill_store::{
    self as store, check_key, Blocking, DirStore, HttpStore, HttpUrl, Location, Meta, Store,
};
use reqwest::Url;
use tokio::runtime::Handle;

use super::remote::Remote;
use super::{Fetched, Identity, Look};
use crate::config::Config;
use crate::error::{Kind, Result, ServeError};
use crate::guard::{Guard, Lookup};

/// The stores that sources may be in.
pub struct Places {
    guard: Arc<Guard>,
    root: Option<(PathBuf, Arc<dyn Store>)>,
    s3: bool,
    buckets: Mutex<HashMap<String, Arc<dyn Store>>>,
    remote: Option<Remote>,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places")
            .field("root", &self.root.as_ref().map(|root| &root.0))
            .field("s3", &self.s3)
            .field("http", &self.remote.is_some())
            .finish_non_exhaustive()
    }
}

/// A source in a store, or at an HTTP server.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file below the root, whose path is given for its time of change.
    File {
        /// The root's store.
        store: Arc<dyn Store>,
        /// The key in it.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// A blob.
    Blob {
        /// The bucket.
        store: Arc<dyn Store>,
        /// The key in it.
        key: String,
    },
    /// A URL and the client that keeps to the server's rules.
    Remote {
        /// The URL.
        url: Url,
        /// The client.
        remote: Remote,
    },
}

/// A source to be read in parts, of one version.
#[derive(Clone, Debug)]
pub struct Ranged {
    /// Its store, for a thread that may block.
    pub store: Blocking,
    /// Its key there.
    pub key: String,
    /// Its size and version.
    pub meta: Meta,
    /// Which content it is.
    pub identity: Identity,
}

fn forbidden(text: &str) -> ServeError {
    ServeError::new(Kind::Forbidden, text)
}

fn absent() -> ServeError {
    ServeError::new(Kind::NotFound, "source: it does not exist")
}

impl Places {
    pub(super) fn new(config: &Config, lookup: Arc<dyn Lookup>) -> Result<Self> {
        let guard = Arc::new(config.guard.clone());
        let remote = match config.http {
            true => Some(Remote::new(config, Arc::clone(&guard), lookup)?),
            false => None,
        };
        let root = config.root.as_ref().map(|root| {
            let store: Arc<dyn Store> = Arc::new(DirStore::new(root));
            (root.clone(), store)
        });
        Ok(Self {
            guard,
            root,
            s3: config.s3,
            buckets: Mutex::default(),
            remote,
        })
    }

    /// The place of a source.
    pub(super) async fn find(&self, url: &str) -> Result<Place> {
        let Some((scheme, rest)) = url.split_once("://") else {
            let text = "source: write local:///PATH, s3://BUCKET/KEY or https://HOST/PATH";
            return Err(ServeError::new(Kind::BadRequest, text));
        };
        let scheme = scheme.to_ascii_lowercase();
        if matches!(scheme.as_str(), "local" | "s3") && !self.guard.allows_source(url) {
            return Err(forbidden("source: it is not on this server's list"));
        }
        match scheme.as_str() {
            "local" => self.file(rest).await,
            "s3" => self.blob(rest).await,
            "http" | "https" => {
                let remote = self.remote.as_ref();
                let remote = remote.ok_or_else(|| forbidden("source: http is not read here"))?;
                let parsed = Url::parse(url).map_err(|_| {
                    ServeError::new(Kind::BadRequest, "source: it is no URL of a file")
                })?;
                let check = self.guard.check_url(&parsed);
                check.map_err(|error| forbidden(&format!("source: {error}")))?;
                Ok(Place::Remote {
                    url: parsed,
                    remote: remote.clone(),
                })
            }
            _ => Err(forbidden("source: sources of this kind are not read here")),
        }
    }

    async fn file(&self, path: &str) -> Result<Place> {
        let Some((root, store)) = &self.root else {
            return Err(forbidden("source: local files are not read here"));
        };
        let key = path.trim_start_matches('/').to_owned();
        check_key(&key).map_err(|_| absent())?;
        let (root, wanted) = (root.clone(), key.clone());
        let path = tokio::task::spawn_blocking(move || inside(&root, &wanted)).await;
        let path = path.map_err(|_| absent())?.ok_or_else(absent)?;
        Ok(Place::File {
            store: Arc::clone(store),
            key,
            path,
        })
    }

    async fn blob(&self, rest: &str) -> Result<Place> {
        if !self.s3 {
            return Err(forbidden("source: S3 is not read here"));
        }
        let location = Location::parse(&format!("s3://{rest}"))?;
        let bucket = rest.split('/').next().unwrap_or_default().to_owned();
        let lock = || self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&bucket).cloned();
        let store = match known {
            Some(store) => store,
            None => {
                let (store, _) = store::open(&location).await?;
                lock().insert(bucket, Arc::clone(&store));
                store
            }
        };
        Ok(Place::Blob {
            store,
            key: location.key,
        })
    }
}

/// The file of a key, unless links lead out of the root.
fn inside(root: &Path, key: &str) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let path = root.join(key).canonicalize().ok()?;
    path.starts_with(&root).then_some(path)
}

impl Place {
    /// Looks at the source again.
    pub(super) async fn look(&self, known: Option<&Identity>, most: u64) -> Result<Look> {
        match self {
            Self::File { store, key, path } => {
                let meta = store.head(key).await?;
                Ok(Look::Identity(Identity {
                    version: meta.version.as_str().to_owned(),
                    modified: modified(path).await,
                }))
            }
            Self::Blob { store, key } => {
                let meta = store.head(key).await?;
                Ok(Look::Identity(Identity {
                    version: meta.version.as_str().to_owned(),
                    modified: None,
                }))
            }
            Self::Remote { url, remote } => remote.look(url, known, most).await,
        }
    }

    /// The source, to be read in parts.
    pub(super) async fn ranged(&self) -> Result<Ranged> {
        let (store, key, path): (Arc<dyn Store>, _, _) = match self {
            Self::File { store, key, path } => (Arc::clone(store), key.clone(), Some(path)),
            Self::Blob { store, key } => (Arc::clone(store), key.clone(), None),
            Self::Remote { url, remote } => {
                let url = HttpUrl::parse(url.as_str())?;
                let key = url.name().to_owned();
                let client = remote.client().clone();
                (Arc::new(HttpStore::with_client(url, client)), key, None)
            }
        };
        let meta = store.head(&key).await?;
        let identity = Identity {
            version: meta.version.as_str().to_owned(),
            modified: match path {
                Some(path) => modified(path).await,
                None => None,
            },
        };
        Ok(Ranged {
            store: Blocking::new(store, Handle::current()),
            key,
            meta,
            identity,
        })
    }

    /// Reads all of the source.
    pub(super) async fn read(&self, most: u64) -> Result<Fetched> {
        let (store, key, path) = match self {
            Self::File { store, key, path } => (store, key, Some(path)),
            Self::Blob { store, key } => (store, key, None),
            Self::Remote { url, remote } => return remote.read(url, most).await,
        };
        let meta = store.head(key).await?;
        if meta.size > most {
            let text = format!(
                "source: {} bytes, and at most {most} are read here",
                meta.size
            );
            return Err(ServeError::new(Kind::TooLarge, text));
        }
        let bytes = store
            .get_range(key, 0..meta.size, Some(&meta.version))
            .await?;
        let identity = Identity {
            version: meta.version.as_str().to_owned(),
            modified: match path {
                Some(path) => modified(path).await,
                None => None,
            },
        };
        Ok(Fetched::new(bytes, identity))
    }
}

/// When a file changed, in seconds since 1970.
async fn modified(path: &Path) -> Option<u64> {
    let found = tokio::fs::metadata(path).await.ok()?;
    let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}
