// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users write to name a blob or a place for blobs, and the store behind it.

mod scheme;
mod shown;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::check_key;
use crate::{
    DirStore, HttpStore, HttpUrl, MemoryStore, Operation, Result, S3Options, S3Store, Store,
    StoreError,
};
pub(crate) use scheme::decode;
use scheme::{has_scheme, invalid, Scheme};
pub use shown::shown;

/// What this build can open, for messages.
pub const SUPPORTED: &str =
    "plain paths, file:///PATH, s3://BUCKET/KEY, https://HOST/PATH (to read) and mem:NAME/KEY";

/// Which store a location is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreRoot {
    /// The [`DirStore`] at this directory.
    Dir(PathBuf),
    /// The process-wide [`MemoryStore`] of this name.
    Memory(String),
    /// The [`S3Store`] of this bucket.
    S3(String),
    /// The [`HttpStore`] of the file at this URL.
    Http(HttpUrl),
}

/// A store and a key in it, or the start that keys have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The store.
    pub root: StoreRoot,
    /// The key; for a place, empty or ending in `/`.
    pub key: String,
}

impl Location {
    /// The blob that `text` names.
    ///
    /// A path's store is rooted at its parent directory and its key is the file name:
    /// `a/b/c.mp4` is `c.mp4` in the store at `a/b`. In `file:` URIs, `%` escapes are decoded; in
    /// paths, `s3:` and `mem:` every character means itself. In `http:` and `https:` URLs, the
    /// key is the file name, decoded.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for other schemes, which names those that work, and
    /// [`StoreError::InvalidLocation`] for text that names no blob.
    pub fn parse(text: &str) -> Result<Self> {
        match Scheme::of(text)? {
            Scheme::Path(path) => {
                let (parent, name) = match path.rfind('/') {
                    Some(0) => ("/", &path[1..]),
                    Some(at) => (&path[..at], &path[at + 1..]),
                    None => (".", path.as_str()),
                };
                check_key(name).map_err(|_| invalid(text, "it does not name a file"))?;
                Ok(Self {
                    root: StoreRoot::Dir(PathBuf::from(parent)),
                    key: name.to_owned(),
                })
            }
            Scheme::Memory { key, .. } if key.is_empty() => {
                Err(invalid(text, "it names no blob; write mem:NAME/KEY"))
            }
            Scheme::S3 { key, .. } if key.is_empty() || key.ends_with('/') => {
                Err(invalid(text, "it names no blob; write s3://BUCKET/KEY"))
            }
            Scheme::Memory { name, key } => Self::blob(StoreRoot::Memory(name), key),
            Scheme::S3 { bucket, key } => Self::blob(StoreRoot::S3(bucket), key),
            Scheme::Http(url) => {
                let key = url.name().to_owned();
                Self::blob(StoreRoot::Http(url), key)
            }
        }
    }

    fn blob(root: StoreRoot, key: String) -> Result<Self> {
        check_key(&key)?;
        Ok(Self { root, key })
    }

    /// The place for blobs that `text` names: a directory, `s3://BUCKET`, `s3://BUCKET/PREFIX`,
    /// `mem:NAME` or `mem:NAME/PREFIX`.
    ///
    /// # Errors
    /// As [`Location::parse`]; [`StoreError::Unsupported`] for URLs of HTTP servers, where nothing
    /// can be written.
    pub fn parse_place(text: &str) -> Result<Self> {
        match Scheme::of(text)? {
            Scheme::Path(path) => Ok(Self {
                root: StoreRoot::Dir(PathBuf::from(path)),
                key: String::new(),
            }),
            Scheme::Memory { name, key } => Self::place(StoreRoot::Memory(name), &key),
            Scheme::S3 { bucket, key } => Self::place(StoreRoot::S3(bucket), &key),
            Scheme::Http(url) => Err(StoreError::Unsupported {
                operation: Operation::Write,
                key: url.to_string(),
                detail: "http: and https: can only be read".into(),
            }),
        }
    }

    fn place(root: StoreRoot, key: &str) -> Result<Self> {
        let start = key.strip_suffix('/').unwrap_or(key);
        if start.is_empty() {
            return Ok(Self {
                root,
                key: String::new(),
            });
        }
        check_key(start)?;
        Ok(Self {
            root,
            key: format!("{start}/"),
        })
    }

    /// The location of `name` below this one.
    pub fn join(&self, name: &str) -> Self {
        let slash = if self.key.is_empty() || self.key.ends_with('/') {
            ""
        } else {
            "/"
        };
        Self {
            root: self.root.clone(),
            key: format!("{}{slash}{name}", self.key),
        }
    }
}

/// As users write it; [`Location::parse`] gives an equivalent location again, but for the secrets
/// of a URL, which are left out.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            StoreRoot::Dir(root) if root == Path::new(".") && !has_scheme(&self.key) => {
                f.write_str(if self.key.is_empty() { "." } else { &self.key })
            }
            StoreRoot::Dir(root) => write!(f, "{}", root.join(&self.key).display()),
            StoreRoot::Memory(name) => write!(f, "mem:{name}/{}", self.key),
            StoreRoot::S3(bucket) => write!(f, "s3://{bucket}/{}", self.key),
            StoreRoot::Http(url) => url.fmt(f),
        }
    }
}

/// The store that `location` is in, and the key in it. Nothing is read or created yet, but a
/// bucket has to answer once to each process.
///
/// S3 is reached as [`S3Options::from_env`] says.
///
/// # Errors
/// Those of [`S3Store::connect`]; other stores say what is wrong when they are used.
pub async fn open(location: &Location) -> Result<(Arc<dyn Store>, String)> {
    let store: Arc<dyn Store> = match &location.root {
        StoreRoot::Dir(root) => Arc::new(DirStore::new(root)),
        StoreRoot::Memory(name) => Arc::new(MemoryStore::named(name)),
        StoreRoot::S3(bucket) => Arc::new(S3Store::connect(bucket, &S3Options::from_env()?).await?),
        StoreRoot::Http(url) => Arc::new(HttpStore::new(url.clone())?),
    };
    Ok((store, location.key.clone()))
}
