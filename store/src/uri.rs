// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users write to name a blob or a place for blobs, and the store behind it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::check_key;
use crate::{DirStore, MemoryStore, Operation, Result, Store, StoreError};

/// What this build can open, for messages.
pub const SUPPORTED: &str = "plain paths, file:///PATH and mem:NAME/KEY";

/// Which store a location is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreRoot {
    /// The [`DirStore`] at this directory.
    Dir(PathBuf),
    /// The process-wide [`MemoryStore`] of this name.
    Memory(String),
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
    /// `a/b/c.mp4` is `c.mp4` in the store at `a/b`. In `file:` URIs, `%` escapes are decoded;
    /// in paths and `mem:` every character means itself.
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
            Scheme::Memory { name, key } => {
                if key.is_empty() {
                    return Err(invalid(text, "it names no blob; write mem:NAME/KEY"));
                }
                check_key(&key)?;
                Ok(Self {
                    root: StoreRoot::Memory(name),
                    key,
                })
            }
        }
    }

    /// The place for blobs that `text` names: a directory, `mem:NAME` or `mem:NAME/PREFIX`.
    ///
    /// # Errors
    /// As [`Location::parse`].
    pub fn parse_place(text: &str) -> Result<Self> {
        match Scheme::of(text)? {
            Scheme::Path(path) => Ok(Self {
                root: StoreRoot::Dir(PathBuf::from(path)),
                key: String::new(),
            }),
            Scheme::Memory { name, key } => {
                let start = key.strip_suffix('/').unwrap_or(&key);
                if !start.is_empty() {
                    check_key(start)?;
                }
                let key = match start {
                    "" => String::new(),
                    start => format!("{start}/"),
                };
                Ok(Self {
                    root: StoreRoot::Memory(name),
                    key,
                })
            }
        }
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

/// As users write it; [`Location::parse`] gives an equivalent location again.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            StoreRoot::Dir(root) if root == Path::new(".") && !has_scheme(&self.key) => {
                f.write_str(if self.key.is_empty() { "." } else { &self.key })
            }
            StoreRoot::Dir(root) => write!(f, "{}", root.join(&self.key).display()),
            StoreRoot::Memory(name) => write!(f, "mem:{name}/{}", self.key),
        }
    }
}

/// The store that `location` is in, and the key in it. Nothing is read or created yet.
///
/// # Errors
/// Stores on a network will say here why they cannot be reached; those of this build do not fail.
pub async fn open(location: &Location) -> Result<(Arc<dyn Store>, String)> {
    let store: Arc<dyn Store> = match &location.root {
        StoreRoot::Dir(root) => Arc::new(DirStore::new(root)),
        StoreRoot::Memory(name) => Arc::new(MemoryStore::named(name)),
    };
    Ok((store, location.key.clone()))
}

enum Scheme {
    Path(String),
    Memory { name: String, key: String },
}

impl Scheme {
    fn of(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(invalid(text, "it is empty"));
        }
        if text.contains('\0') {
            return Err(invalid(text, "it contains a NUL byte"));
        }
        if let Some(rest) = after_scheme(text, "file:") {
            return file_path(text, rest).map(Self::Path);
        }
        if let Some(rest) = after_scheme(text, "mem:") {
            let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
            if name.is_empty() {
                return Err(invalid(text, "the store has no name; write mem:NAME/KEY"));
            }
            return Ok(Self::Memory {
                name: name.to_owned(),
                key: key.to_owned(),
            });
        }
        if let Some(scheme) = foreign_scheme(text) {
            return Err(StoreError::Unsupported {
                operation: Operation::Open,
                key: text.to_owned(),
                detail: format!("{scheme}:// is not supported in this build, which takes {SUPPORTED} (a file of such a name can be written as ./NAME)"),
            });
        }
        Ok(Self::Path(text.to_owned()))
    }
}

fn invalid(text: &str, detail: &str) -> StoreError {
    StoreError::InvalidLocation {
        location: text.to_owned(),
        detail: detail.to_owned(),
    }
}

/// What follows `scheme`, which is given in lower case with its colon, if `text` has it.
fn after_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The scheme of a URI such as `s3://…`.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let wellformed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    wellformed.then_some(scheme)
}

fn has_scheme(text: &str) -> bool {
    after_scheme(text, "file:").is_some()
        || after_scheme(text, "mem:").is_some()
        || foreign_scheme(text).is_some()
}

/// The path of a `file:` URI (RFC 8089): no host but the local one, and `%` escapes decoded.
fn file_path(text: &str, rest: &str) -> Result<String> {
    let path = match rest.strip_prefix("//") {
        Some(authority) => authority.strip_prefix("localhost").unwrap_or(authority),
        None => rest,
    };
    if !path.starts_with('/') {
        return Err(invalid(text, "write file:///PATH with an absolute path"));
    }
    decode(path).ok_or_else(|| invalid(text, "it has a wrong % escape"))
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digit = |at: usize| (*tail.get(at)? as char).to_digit(16);
        let byte = digit(0)? * 16 + digit(1)?;
        bytes.push(u8::try_from(byte).ok().filter(|byte| *byte != 0)?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(root: &str, key: &str) -> Location {
        Location {
            root: StoreRoot::Dir(root.into()),
            key: key.into(),
        }
    }

    fn memory(name: &str, key: &str) -> Location {
        Location {
            root: StoreRoot::Memory(name.into()),
            key: key.into(),
        }
    }

    #[test]
    fn blobs() {
        let cases = [
            ("a/b/c.mp4", dir("a/b", "c.mp4")),
            ("c.mp4", dir(".", "c.mp4")),
            ("/c.mp4", dir("/", "c.mp4")),
            ("a/../c d%20+é.mp4", dir("a/..", "c d%20+é.mp4")),
            ("./mem:x", dir(".", "mem:x")),
            ("12:30.mp4", dir(".", "12:30.mp4")),
            ("file:///a%20b/c%25.mp4", dir("/a b", "c%.mp4")),
            ("FILE://localhost/a/c+.mp4", dir("/a", "c+.mp4")),
            ("file:/a/c.mp4", dir("/a", "c.mp4")),
            ("mem:test/a/b", memory("test", "a/b")),
        ];
        for (text, expected) in cases {
            let location = Location::parse(text).unwrap();
            assert_eq!(location, expected, "{text}");
            assert_eq!(Location::parse(&location.to_string()), Ok(location));
        }
    }

    #[test]
    fn places() {
        let cases = [
            ("out", dir("out", ""), "out/x"),
            ("/", dir("/", ""), "/x"),
            ("..", dir("..", ""), "../x"),
            (".", dir(".", ""), "x"),
            ("mem:test", memory("test", ""), "mem:test/x"),
            ("mem:test/p", memory("test", "p/"), "mem:test/p/x"),
            ("mem:test/p/q/", memory("test", "p/q/"), "mem:test/p/q/x"),
        ];
        for (text, expected, below) in cases {
            let place = Location::parse_place(text).unwrap();
            assert_eq!(place, expected, "{text}");
            assert_eq!(place.join("x").to_string(), below);
        }
    }

    #[test]
    fn text_that_names_no_blob() {
        for text in [
            "",
            "/",
            "a/",
            ".",
            "..",
            "a/..",
            "a\0",
            "mem:",
            "mem:a",
            "mem:/a",
            "mem:a//b",
            "file:a",
            "file://host/a",
            "file:///%zz",
            "file:///%00",
            "file:///%",
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.class(), crate::Class::BadInput, "{text:?}");
        }
    }

    #[test]
    fn other_schemes_say_what_works() {
        for text in ["s3://bucket/key", "https://host/a.mp4"] {
            let error = Location::parse(text).unwrap_err();
            assert!(matches!(error, StoreError::Unsupported { .. }));
            assert!(error.to_string().contains(SUPPORTED));
        }
    }

    #[tokio::test]
    async fn named_memory_is_shared() {
        let location = Location::parse("mem:uri-tests/a").unwrap();
        let (store, key) = open(&location).await.unwrap();
        let body = bytes::Bytes::from_static(b"1");
        store
            .put(&key, body.clone(), crate::PutMode::Create)
            .await
            .unwrap();
        let (again, key) = open(&location).await.unwrap();
        assert_eq!(again.get(&key, 1).await, Ok(body));
    }
}
