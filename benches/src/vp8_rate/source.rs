// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clips as Y4M files, 4:2:0 and 8 bits, and their pictures.

use crate::media;
use framemill_codec::picture::{ChromaSampling, PictureView, PlaneView};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Frames that are kept of a clip, unless more are asked for.
const KEPT: u64 = 144;

/// The beginning of a clip.
#[derive(Clone, Debug)]
pub struct Source {
    /// The clip's file name without its ending.
    pub name: String,
    /// The Y4M file, which may have more frames.
    pub path: PathBuf,
    /// Width and height in samples.
    pub size: (u32, u32),
    /// Frames.
    pub frames: u64,
}

impl Source {
    /// The first `frames` frames of a clip, fewer if it has fewer, as a file in
    /// `target/bench-media`.
    ///
    /// # Errors
    /// `ffmpeg`'s, or the file system's.
    pub fn of(clip: &Path, frames: u64) -> Result<Self, String> {
        let kept = frames.max(KEPT);
        let name = clip.file_stem().unwrap_or_default().to_string_lossy();
        let (input, limit) = (clip.to_string_lossy(), kept.to_string());
        let args = [
            "-i",
            &input,
            "-map",
            "0:v:0",
            "-frames:v",
            &limit,
            "-fps_mode",
            "passthrough",
            "-pix_fmt",
            "yuv420p",
        ];
        let path = media::made(&format!("{kept}f-{name}.y4m"), &args)?;
        let header = Header::read(&mut open(&path)?)?;
        let bytes = path.metadata().map_err(|e| e.to_string())?.len();
        let has = (bytes - header.length) / (FRAME.len() as u64 + header.picture() as u64);
        Ok(Self {
            name: name.into_owned(),
            size: (header.width as u32, header.height as u32),
            frames: frames.min(has),
            path,
        })
    }
}

const FRAME: &[u8] = b"FRAME\n";

fn open(path: &Path) -> Result<BufReader<File>, String> {
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(BufReader::new(file))
}

/// What a Y4M file starts with.
#[derive(Clone, Copy, Debug)]
struct Header {
    width: usize,
    height: usize,
    length: u64,
}

impl Header {
    fn read(file: &mut impl BufRead) -> Result<Self, String> {
        let mut line = String::new();
        file.read_line(&mut line).map_err(|e| e.to_string())?;
        let side = |letter| {
            let word = line.split_whitespace().find_map(|w| w.strip_prefix(letter));
            word.and_then(|w| w.parse().ok())
        };
        match (side('W'), side('H')) {
            (Some(width), Some(height)) if line.starts_with("YUV4MPEG2 ") => Ok(Self {
                width,
                height,
                length: line.len() as u64,
            }),
            _ => Err(format!("not a Y4M header: {}", line.trim())),
        }
    }

    const fn chroma(&self) -> (usize, usize) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    /// Bytes of a picture.
    const fn picture(&self) -> usize {
        let (width, height) = self.chroma();
        self.width * self.height + 2 * width * height
    }
}

/// A source's pictures, one after the other.
#[derive(Debug)]
pub struct Pictures {
    file: BufReader<File>,
    header: Header,
    left: u64,
    samples: Vec<u8>,
}

impl Pictures {
    /// Opens the file.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(source: &Source) -> Result<Self, String> {
        let mut file = open(&source.path)?;
        let header = Header::read(&mut file)?;
        Ok(Self {
            file,
            header,
            left: source.frames,
            samples: vec![0; FRAME.len() + header.picture()],
        })
    }

    /// The next picture; `None` at the end.
    ///
    /// # Errors
    /// The file system's.
    pub fn next_picture(&mut self) -> Result<Option<PictureView<'_>>, String> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let whole = self.file.read_exact(&mut self.samples);
        whole.map_err(|e| format!("a picture: {e}"))?;
        let Some(mut rest) = self.samples.strip_prefix(FRAME) else {
            return Err("a picture with parameters of its own".into());
        };
        let chroma = self.header.chroma();
        let sizes = [(self.header.width, self.header.height), chroma, chroma];
        let planes = sizes.map(|(width, height)| {
            let (data, after) = rest.split_at(width * height);
            rest = after;
            PlaneView {
                data,
                stride: width,
                width,
                height,
            }
        });
        Ok(Some(PictureView {
            planes: planes.to_vec(),
            depth: 8,
            sampling: ChromaSampling::Cs420,
        }))
    }
}
