// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys under a directory in bytewise order, a page at a time.
//!
//! A directory sorts as its name and `/`, so walking each directory in the order of its names
//! gives whole keys in bytewise order, and subtrees outside the page are never read. Memory is
//! that of the names in the directories on one path.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::key::{check_key, TEMP_AREA};
use crate::{Entry, Operation, Page, Result, StoreError};

pub(super) fn list(root: &Path, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page> {
    let base = prefix.rfind('/').map_or("", |at| &prefix[..at + 1]);
    let start = base.strip_suffix('/').unwrap_or(base);
    if !base.is_empty() && check_key(start).is_err() {
        return Ok(Page::default()); // no key can start like this
    }
    let mut walk = Walk {
        prefix,
        after,
        limit,
        found: Vec::new(),
        more: false,
    };
    walk.visit(&root.join(start), base)
        .map_err(|e| StoreError::from_os(Operation::List, prefix, &e))?;
    let next = walk.found.last().filter(|_| walk.more);
    Ok(Page {
        next: next.map(|entry| entry.key.clone()),
        entries: walk.found,
    })
}

struct Walk<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<Entry>,
    more: bool,
}

impl Walk<'_> {
    /// Adds the blobs under `dir`, whose keys start with `base` (empty, or ending in `/`).
    fn visit(&mut self, dir: &Path, base: &str) -> io::Result<()> {
        for key in self.names(dir, base)? {
            if self.more {
                break;
            }
            let path = dir.join(&key[base.len()..]);
            if key.ends_with('/') {
                self.visit(&path, &key)?;
                continue;
            }
            match fs::metadata(&path) {
                Ok(found) if found.is_file() => self.add(key, found.len()),
                Ok(_) => {}
                Err(e) if is_gone(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The keys in `dir` that belong on the page or may lead to some that do, sorted;
    /// directories end in `/`.
    fn names(&self, dir: &Path, base: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Err(e) if is_gone(&e) => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue; // not Unicode: no key can name it
            };
            let mut key = format!("{base}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    key.push('/');
                    if self.leads(&key) && !(base.is_empty() && name == TEMP_AREA) {
                        names.push(key);
                    }
                }
                Ok(_) if self.wants(&key) && check_key(&key).is_ok() => names.push(key),
                Ok(_) => {}
                Err(e) if is_gone(&e) => {}
                Err(e) => return Err(e),
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn wants(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    /// Whether keys that start with `base` can be on the page.
    fn leads(&self, base: &str) -> bool {
        (base.starts_with(self.prefix) || self.prefix.starts_with(base))
            && self
                .after
                .is_none_or(|after| base > after || after.starts_with(base))
    }

    fn add(&mut self, key: String, size: u64) {
        if self.found.len() == self.limit {
            self.more = true;
        } else {
            self.found.push(Entry { key, size });
        }
    }
}

/// Whether the error says that a directory or file went away, or was never there.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
