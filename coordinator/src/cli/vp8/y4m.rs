// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures as a Y4M file.

use super::staged::Staged;
use crate::error::Result;
use framemill_codec::picture::PictureView;

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
