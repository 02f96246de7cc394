// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that gets its name only when it is whole.

use crate::error::{JobError, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that grows under a hidden name, and is gone unless it is finished.
pub struct Staged {
    path: PathBuf,
    stage: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Staged {
    /// Starts a file; one of that name must not be there unless `overwrite`.
    pub fn new(name: &str, overwrite: bool) -> Result<Self> {
        let refused = |e: String| JobError::Usage(format!("{name}: {e}"));
        let path = PathBuf::from(name);
        let Some(file_name) = path.file_name() else {
            return Err(refused("not the name of a file".into()));
        };
        if path.is_dir() {
            return Err(refused("it is a folder".into()));
        }
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(refused("it exists; --overwrite replaces it".into()));
        }
        let hidden = format!(".{}.framemill-part", file_name.to_string_lossy());
        let stage = path.with_file_name(hidden);
        let file = File::create(&stage).map_err(|e| refused(format!("cannot be written: {e}")))?;
        Ok(Self {
            path,
            stage,
            file: Some(BufWriter::new(file)),
        })
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        };
        written.map_err(|e| failed(&self.path, &e))
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> Result<()> {
        let file = self.file.take();
        let whole = match file.map(BufWriter::into_inner) {
            Some(Ok(file)) => file.sync_all(),
            Some(Err(e)) => Err(e.into_error()),
            None => Ok(()),
        };
        whole
            .and_then(|()| std::fs::rename(&self.stage, &self.path))
            .map_err(|e| failed(&self.path, &e))
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already after success.
        let _ = std::fs::remove_file(&self.stage);
    }
}

fn failed(path: &Path, error: &io::Error) -> JobError {
    JobError::Failed(format!("{}: {error}", path.display()))
}
