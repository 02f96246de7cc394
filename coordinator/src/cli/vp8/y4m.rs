// SPDX-License-Identifier: MIT OR Apache-2.0
//! A Y4M file that gets its name only when it is whole.

use crate::error::{JobError, Result};
use framemill_codec::picture::PictureView;
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

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already after success.
        let _ = std::fs::remove_file(&self.stage);
    }
}

fn failed(path: &Path, error: &io::Error) -> JobError {
    JobError::Failed(format!("{}: {error}", path.display()))
}

/// Pictures of one size after a header.
pub struct Y4m {
    file: Staged,
    rate: (u64, u64),
    size: Option<(usize, usize)>,
}

impl Y4m {
    /// Starts a file of `rate` frames a second, a fraction; 0:0 is unknown.
    pub fn new(file: Staged, rate: (u64, u64)) -> Self {
        Self {
            file,
            rate,
            size: None,
        }
    }

    /// Adds a picture; gives the size so far when that is another.
    pub fn push(&mut self, picture: &PictureView<'_>) -> Result<Result<(), (usize, usize)>> {
        let size = (picture.planes[0].width, picture.planes[0].height);
        match self.size {
            None => self.start(size)?,
            Some(before) if before != size => return Ok(Err(before)),
            Some(_) => {}
        }
        self.file.write(b"FRAME\n")?;
        for plane in &picture.planes {
            for y in 0..plane.height {
                self.file.write(plane.row(y, 1))?;
            }
        }
        Ok(Ok(()))
    }

    fn start(&mut self, size: (usize, usize)) -> Result<()> {
        self.size = Some(size);
        let (rate, scale) = self.rate;
        let header = format!(
            "YUV4MPEG2 W{} H{} F{rate}:{scale} Ip C420jpeg\n",
            size.0, size.1
        );
        self.file.write(header.as_bytes())
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<()> {
        self.file.finish()
    }
}
