// SPDX-License-Identifier: MIT OR Apache-2.0
//! The blocking half of the dir store.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use crate::key::TEMP_AREA;
use crate::store::{check_limit, check_range, check_version};
use crate::{Meta, Operation, PutMode, Result, StoreError, Version};

/// How often a step is tried again when another task or process removed its directory meanwhile.
const RACES: usize = 64;
/// Unfinished files that nobody wrote to for so long belong to a process that was killed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest file name in bytes on the filesystems that matter.
const MAX_NAME: usize = 255;

/// The root directory and its area for unfinished files.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    area: PathBuf,
    area_used: AtomicBool,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        let path = if path.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            path
        };
        let path = std::path::absolute(&path).unwrap_or(path);
        let area = path.join(TEMP_AREA);
        Self {
            path,
            area,
            area_used: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn head(&self, key: &str) -> Result<Meta> {
        let found = fs::metadata(self.file(key)?).map_err(|e| missing(Operation::Head, key, &e))?;
        blob_meta(Operation::Head, key, &found)
    }

    pub(super) fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
        expect: Option<&Version>,
    ) -> Result<bytes::Bytes> {
        let (file, meta) = self.open(key)?;
        check_version(key, expect, &meta.version)?;
        check_range(key, &range, meta.size)?;
        let body = read_exactly(&file, key, range, &meta)?;
        if expect.is_some() {
            // Somebody may have rewritten the file in place during the read.
            let now = file
                .metadata()
                .map_err(|e| StoreError::from_os(Operation::Read, key, &e))?;
            check_version(key, expect, &version_of(&now))?;
        }
        Ok(body)
    }

    pub(super) fn get(&self, key: &str, limit: u64) -> Result<bytes::Bytes> {
        let (file, meta) = self.open(key)?;
        check_limit(key, meta.size, limit)?;
        read_exactly(&file, key, 0..meta.size, &meta)
    }

    pub(super) fn put(&self, key: &str, body: &[u8], mode: PutMode) -> Result<Version> {
        let path = self.file(key)?;
        if mode == PutMode::Create && path.is_file() {
            // Losers that come late need not write anything; the rename below decides the race.
            return Err(StoreError::Exists {
                key: key.to_owned(),
            });
        }
        let mut temp = self.temp(key)?;
        temp.write_all(body)
            .map_err(|e| StoreError::from_os(Operation::Write, key, &e))?;
        Ok(self.commit(key, temp, mode)?.version)
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let path = self.file(key)?;
        match fs::remove_file(&path) {
            Ok(()) => self.prune(&path),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            // The key's parent is a file, or the key is a directory: there is no such blob.
            Err(e) if e.kind() == ErrorKind::NotADirectory || path.is_dir() => {}
            Err(e) => return Err(StoreError::from_os(Operation::Delete, key, &e)),
        }
        Ok(())
    }

    /// A new file in the area for unfinished ones; it is removed when dropped.
    pub(super) fn temp(&self, key: &str) -> Result<NamedTempFile> {
        self.file(key)?;
        if !self.area_used.swap(true, Ordering::Relaxed) {
            self.sweep();
        }
        let create = || {
            make_folder(&self.area)?;
            tempfile::Builder::new()
                .prefix("")
                .rand_bytes(12)
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(&self.area)
        };
        racing(create).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => StoreError::InvalidLocation {
                location: self.path.display().to_string(),
                detail: "it is not a directory".into(),
            },
            _ => StoreError::from_os(Operation::Write, key, &e),
        })
    }

    /// Makes a finished file visible under its key.
    pub(super) fn commit(&self, key: &str, temp: NamedTempFile, mode: PutMode) -> Result<Meta> {
        let write_error = |e: &io::Error| StoreError::from_os(Operation::Write, key, e);
        let file = temp.as_file();
        // The kernel's own stamps have the coarse clock's resolution, so two writes in one tick
        // could look alike. A filesystem that refuses leaves us with its own stamp.
        let _ = file.set_modified(unique_time());
        file.sync_all().map_err(|e| write_error(&e))?;
        let meta = meta_of(&file.metadata().map_err(|e| write_error(&e))?);

        let path = self.file(key)?;
        let parent = path.parent().unwrap_or(&self.path);
        let mut temp = Some(temp);
        let place = || {
            make_folder(parent)?;
            let Some(unplaced) = temp.take() else {
                return Err(io::Error::other("the unfinished file is lost"));
            };
            let placed = match mode {
                PutMode::Overwrite => unplaced.persist(&path),
                PutMode::Create => unplaced.persist_noclobber(&path),
            };
            placed.map_err(|failed| {
                temp = Some(failed.file);
                failed.error
            })
        };
        match racing(place) {
            Ok(_) => Ok(meta),
            Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_file() => {
                Err(StoreError::Exists {
                    key: key.to_owned(),
                })
            }
            Err(_) if path.is_dir() => Err(StoreError::InvalidKey {
                key: key.to_owned(),
                detail: "there is a directory of that name".into(),
            }),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::AlreadyExists | ErrorKind::NotADirectory
                ) =>
            {
                Err(StoreError::InvalidKey {
                    key: key.to_owned(),
                    detail: "one of its parents is a file".into(),
                })
            }
            Err(e) => Err(write_error(&e)),
        }
    }

    fn file(&self, key: &str) -> Result<PathBuf> {
        match key.split('/').find(|segment| segment.len() > MAX_NAME) {
            None => Ok(self.path.join(key)),
            Some(_) => Err(StoreError::InvalidKey {
                key: key.to_owned(),
                detail: format!("a file name in it is longer than {MAX_NAME} bytes"),
            }),
        }
    }

    fn open(&self, key: &str) -> Result<(File, Meta)> {
        let path = self.file(key)?;
        // Looked at before it is opened, because opening a pipe would wait for its writer.
        let before = fs::metadata(&path).map_err(|e| missing(Operation::Read, key, &e))?;
        blob_meta(Operation::Read, key, &before)?;
        let file = File::open(&path).map_err(|e| missing(Operation::Read, key, &e))?;
        let found = file
            .metadata()
            .map_err(|e| StoreError::from_os(Operation::Read, key, &e))?;
        Ok((file, meta_of(&found)))
    }

    /// Removes the directories that a deletion left empty, up to the root.
    fn prune(&self, path: &Path) {
        for parent in path.ancestors().skip(1) {
            if parent == self.path || fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }

    /// Removes what killed processes left unfinished.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.area).into_iter().flatten().flatten() {
            let idle = entry
                .metadata()
                .and_then(|found| found.modified())
                .ok()
                .and_then(|modified| modified.elapsed().ok());
            if idle > Some(STALE) {
                tracing::debug!(path = %entry.path().display(), "removing a stale unfinished file");
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if *self.area_used.get_mut() {
            // Fails, as it should, while others have unfinished files there.
            let _ = fs::remove_dir(&self.area);
        }
    }
}

/// Makes a folder and those above it. One that another store removes just now, by a delete or at
/// its end, looks like something else in its place: that is [`ErrorKind::NotFound`], to be tried
/// again.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists if !folder.ancestors().any(Path::is_file) => {
            io::Error::from(ErrorKind::NotFound)
        }
        _ => e,
    })
}

/// Tries again while the directory that `step` made and needs keeps being removed by others.
fn racing<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut tries = 1;
    loop {
        match step() {
            Err(e) if e.kind() == ErrorKind::NotFound && tries < RACES => tries += 1,
            other => return other,
        }
    }
}

fn read_exactly(file: &File, key: &str, range: Range<u64>, meta: &Meta) -> Result<bytes::Bytes> {
    let os_error = |e: io::Error| StoreError::from_os(Operation::Read, key, &e);
    let len = range.end - range.start;
    let mut body = Vec::new();
    let size = usize::try_from(len).map_err(|_| os_error(ErrorKind::OutOfMemory.into()))?;
    body.try_reserve_exact(size)
        .map_err(|_| os_error(ErrorKind::OutOfMemory.into()))?;
    let mut file = file;
    file.seek(SeekFrom::Start(range.start)).map_err(os_error)?;
    file.take(len).read_to_end(&mut body).map_err(os_error)?;
    if body.len() < size {
        return Err(StoreError::Changed {
            key: key.to_owned(),
            expected: meta.version.clone(),
            found: file.metadata().ok().map(|found| version_of(&found)),
        });
    }
    Ok(body.into())
}

/// The error for a path that could not be found or read.
fn missing(operation: Operation, key: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotADirectory => StoreError::NotFound {
            operation,
            key: key.to_owned(),
        },
        _ => StoreError::from_os(operation, key, error),
    }
}

fn blob_meta(operation: Operation, key: &str, found: &fs::Metadata) -> Result<Meta> {
    if found.is_file() {
        return Ok(meta_of(found));
    }
    let key = key.to_owned();
    Err(if found.is_dir() {
        StoreError::NotFound { operation, key }
    } else {
        StoreError::InvalidKey {
            key,
            detail: "it is not a regular file".into(),
        }
    })
}

fn meta_of(found: &fs::Metadata) -> Meta {
    Meta {
        size: found.len(),
        version: version_of(found),
    }
}

fn version_of(found: &fs::Metadata) -> Version {
    Version::new(format!(
        "{:x}-{:x}.{:09}-{:x}",
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
        found.ino()
    ))
}

/// The time now, but later than all that this process was given before.
fn unique_time() -> SystemTime {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64);
    let later = |last: u64| now.max(last + 1);
    let last = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(later(last))
        })
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_nanos(later(last))
}
