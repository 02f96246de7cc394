// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and places: the output, its staging file, the work folder.

use super::JobRequest;
use crate::error::{JobError, Result};
use framemill_store::{Location, StoreRoot};
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Name of the work folder of an output.
pub fn default_work_dir(output: &Path) -> String {
    let name = output
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    output
        .with_file_name(format!(".{name}.framemill"))
        .to_string_lossy()
        .into_owned()
}

/// The path as the stores take it: absolute, unless it names a scheme.
///
/// # Errors
/// [`JobError::Failed`] without a current directory.
pub fn absolute(uri: &str) -> Result<String> {
    if uri.contains("://") || uri.starts_with("mem:") {
        return Ok(uri.to_owned());
    }
    let path = std::path::absolute(uri).map_err(|e| JobError::Usage(format!("{uri}: {e}")))?;
    Ok(path.to_string_lossy().into_owned())
}

pub fn check_output(request: &JobRequest, output: &Path) -> Result<()> {
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
        return Err(JobError::Usage(format!(
            "{name}: exists; --overwrite replaces it"
        )));
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

/// Where the output grows before it gets its name: on the same file system.
pub fn stage_path(output: &Path) -> PathBuf {
    let name = output
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    output.with_file_name(format!(".{name}.framemill-part"))
}

/// Gives the finished file its name, never over one that must not be replaced.
pub fn publish(stage: &Path, output: &Path, overwrite: bool) -> Result<()> {
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
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(JobError::Failed(format!(
            "{}: appeared while the job ran; --overwrite replaces it",
            output.display()
        ))),
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
