// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and places: the output, its staging file, the work folder.

use super::JobRequest;
use crate::error::{JobError, Result};
use framemill_store::{self as store, Blocking, Class, Location, PutMode, StoreError, StoreRoot};
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempPath;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Bytes that go to a store at once.
const PART: usize = 1 << 20;

/// Where the output goes once it is whole.
#[derive(Clone, Debug)]
pub enum Output {
    /// A local file.
    File(PathBuf),
    /// A blob in a store.
    Blob(Location),
}

/// Where the output grows before it gets its name.
#[derive(Debug)]
pub struct Stage {
    /// The file.
    pub path: PathBuf,
    /// Removes it, where it lies in the system's temporary folder.
    _removed: Option<TempPath>,
}

impl Output {
    /// The output that `name` means.
    ///
    /// # Errors
    /// [`JobError::Usage`] for what cannot be written to.
    pub fn of(name: &str) -> Result<Self> {
        if let Ok(Location {
            root: StoreRoot::Dir(_),
            ..
        }) = Location::parse_place(name)
        {
            return Ok(Self::File(PathBuf::from(absolute(name)?)));
        }
        let location = Location::parse(name).map_err(|e| JobError::Usage(e.to_string()))?;
        match location.root {
            StoreRoot::S3(_) => Ok(Self::Blob(location)),
            _ => Err(JobError::Usage(format!(
                "{location}: nothing can be kept there; name a file or s3://BUCKET/KEY"
            ))),
        }
    }

    fn file_name(&self) -> String {
        let name = match self {
            Self::File(path) => path.file_name().map(|n| n.to_string_lossy().into_owned()),
            Self::Blob(location) => location.key.rsplit('/').next().map(str::to_owned),
        };
        name.unwrap_or_default()
    }

    /// The work folder where none is chosen: beside the file, or in the current folder for a
    /// blob.
    ///
    /// # Errors
    /// [`JobError::Usage`] without a current folder.
    pub fn default_work_dir(&self) -> Result<String> {
        let name = format!(".{}.framemill", self.file_name());
        match self {
            Self::File(path) => Ok(path.with_file_name(name).to_string_lossy().into_owned()),
            Self::Blob(_) => absolute(&name),
        }
    }

    /// Refuses, before anything is done, what could not get its name at the end.
    ///
    /// # Errors
    /// [`JobError`].
    pub async fn check(&self, request: &JobRequest) -> Result<()> {
        match self {
            Self::File(path) => check_file(request, path),
            Self::Blob(location) => check_blob(request, location).await,
        }
    }

    /// A file for the output to grow in: on its file system, or in the system's temporary folder
    /// for a blob.
    ///
    /// # Errors
    /// [`JobError::Failed`] where none can be made.
    pub fn stage(&self) -> Result<Stage> {
        match self {
            Self::File(path) => Ok(Stage {
                path: stage_path(path),
                _removed: None,
            }),
            Self::Blob(location) => {
                let file = tempfile::Builder::new()
                    .prefix("framemill-")
                    .suffix(".part")
                    .tempfile();
                let failed = |e| JobError::Failed(format!("{location}: no temporary file: {e}"));
                let path = file.map_err(failed)?.into_temp_path();
                Ok(Stage {
                    path: path.to_path_buf(),
                    _removed: Some(path),
                })
            }
        }
    }

    /// Gives the finished file its name, never over one that must not be replaced.
    ///
    /// # Errors
    /// [`JobError`]; what was under that name before is then there still.
    pub async fn publish(
        &self,
        stage: &Stage,
        overwrite: bool,
        cancel: &CancellationToken,
    ) -> Result<()> {
        match self {
            Self::File(path) => publish_file(&stage.path, path, overwrite),
            Self::Blob(location) => {
                let (location, path) = (location.clone(), stage.path.clone());
                let (blobs, key) = store::open(&location)
                    .await
                    .map_err(|e| store_failed(&location, &e))?;
                let (blobs, cancel) = (Blocking::new(blobs, Handle::current()), cancel.clone());
                let mode = match overwrite {
                    true => PutMode::Overwrite,
                    false => PutMode::Create,
                };
                let send = move || upload(&path, &blobs, &key, mode, &location, &cancel);
                tokio::task::spawn_blocking(send)
                    .await
                    .map_err(|e| JobError::Failed(format!("writing the output: {e}")))?
            }
        }
    }
}

/// The path as the stores take it: absolute, unless it names another store.
///
/// # Errors
/// [`JobError::Usage`] without a current directory.
pub fn absolute(uri: &str) -> Result<String> {
    let path = match Location::parse_place(uri) {
        Ok(Location {
            root: StoreRoot::Dir(path),
            ..
        }) => path,
        _ => return Ok(uri.to_owned()),
    };
    let path = std::path::absolute(path).map_err(|e| JobError::Usage(format!("{uri}: {e}")))?;
    Ok(path.to_string_lossy().into_owned())
}

fn exists(name: impl std::fmt::Display) -> JobError {
    JobError::Usage(format!("{name}: exists; --overwrite replaces it"))
}

fn appeared(name: impl std::fmt::Display) -> JobError {
    JobError::Failed(format!(
        "{name}: appeared while the job ran; --overwrite replaces it"
    ))
}

/// What a store's error means for the job; the message names the key, and this the whole place.
fn store_failed(location: &Location, error: &StoreError) -> JobError {
    let text = format!("{location}: {error}");
    match error.class() {
        Class::BadInput => JobError::Usage(text),
        _ => JobError::Failed(text),
    }
}

async fn check_blob(request: &JobRequest, location: &Location) -> Result<()> {
    if Location::parse(&request.input).as_ref() == Ok(location) {
        return Err(JobError::Usage(format!(
            "{location}: the output is the input"
        )));
    }
    let failed = |e: StoreError| store_failed(location, &e);
    let (blobs, key) = store::open(location).await.map_err(failed)?;
    if request.overwrite {
        return Ok(());
    }
    match blobs.head(&key).await {
        Ok(_) => Err(exists(location)),
        // Who may write need not be allowed to look; a create at the end looks for itself.
        Err(StoreError::NotFound { .. } | StoreError::Denied { .. }) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Sends a file to a store, where it appears at once and whole.
fn upload(
    path: &Path,
    blobs: &Blocking,
    key: &str,
    mode: PutMode,
    location: &Location,
    cancel: &CancellationToken,
) -> Result<()> {
    let failed = |e: StoreError| match e {
        StoreError::Exists { .. } => appeared(location),
        e => JobError::Failed(format!("{location}: {e}")),
    };
    let mut file = File::open(path).map_err(|e| JobError::Failed(format!("{location}: {e}")))?;
    let mut blob = blobs.writer(key, mode).map_err(failed)?;
    loop {
        let mut part = Vec::with_capacity(PART);
        let read = file.by_ref().take(PART as u64).read_to_end(&mut part);
        read.map_err(|e| JobError::Failed(format!("{location}: {e}")))?;
        if part.is_empty() {
            break;
        }
        if cancel.is_cancelled() {
            blob.abort().map_err(failed)?;
            return Err(JobError::Interrupted("interrupted".into()));
        }
        blob.write(part.into()).map_err(failed)?;
    }
    blob.finish().map_err(failed)?;
    Ok(())
}

fn check_file(request: &JobRequest, output: &Path) -> Result<()> {
    let name = &request.options.output;
    if output.is_dir() {
        return Err(JobError::Usage(format!(
            "{name}: is a directory; name a file"
        )));
    }
    if same_file(output, &request.input) {
        return Err(JobError::Usage(format!("{name}: the output is the input")));
    }
    if output.symlink_metadata().is_ok() && !request.overwrite {
        return Err(exists(name));
    }
    let folder = output.parent().unwrap_or(Path::new("/"));
    if !folder.is_dir() {
        return Err(JobError::Usage(format!(
            "{name}: there is no folder {}",
            folder.display()
        )));
    }
    // Whether a file can be made here is best known by making one.
    // Whatever lies under the staging name is a leftover: it is never written through.
    let probe = stage_path(output);
    let _ = std::fs::remove_file(&probe);
    File::create_new(&probe)
        .map_err(|e| JobError::Usage(format!("{name}: cannot be written: {e}")))?;
    let _ = std::fs::remove_file(probe);
    Ok(())
}

/// True when a path and a source as the user names it are one file.
pub fn same_file(path: &Path, source: &str) -> bool {
    let source = match Location::parse(source) {
        Ok(Location {
            root: StoreRoot::Dir(root),
            key,
        }) => root.join(key),
        _ => return false,
    };
    matches!((path.canonicalize(), source.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Where a local file grows: on the same file system.
fn stage_path(output: &Path) -> PathBuf {
    let name = output
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    output.with_file_name(format!(".{name}.framemill-part"))
}

fn publish_file(stage: &Path, output: &Path, overwrite: bool) -> Result<()> {
    let failed = |e: std::io::Error| JobError::Failed(format!("{}: {e}", output.display()));
    File::open(stage)
        .and_then(|f| f.sync_all())
        .map_err(failed)?;
    if overwrite {
        return std::fs::rename(stage, output).map_err(failed);
    }
    let link = std::fs::hard_link(stage, output);
    match link {
        Ok(()) => std::fs::remove_file(stage).map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(appeared(output.display())),
        // File systems without hard links get the plain rename.
        Err(_) => std::fs::rename(stage, output).map_err(failed),
    }
}

/// Keeps a second run off the work folder while the file is held.
///
/// # Errors
/// [`JobError::Usage`] when another run holds it.
pub fn lock_folder(folder: &str) -> Result<File> {
    let failed = |e: std::io::Error| JobError::Usage(format!("{folder}: {e}"));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(Path::new(folder).join("lock")).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(JobError::Usage(format!(
            "{folder}: another run is at work on this output"
        ))),
        // File systems without locks go without.
        _ => Ok(file),
    }
}
