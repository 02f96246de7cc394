// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading MP4 and MOV tables without the media between them.

use crate::Failure;
use framemill_store::RangeReader;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Boxes at the top of a file that we walk before giving up.
const MAX_BOXES: usize = 4096;
/// Bytes at either end of a stretch of media that are always read.
const MARGIN: u64 = 64;

/// The media in an MP4 or MOV file.
pub struct Media {
    /// Stretches that hold nothing but media.
    pub stretches: Vec<Range<u64>>,
    /// True when the last of them is stated to reach beyond the file's end.
    pub overruns: bool,
}

/// The stretches of media in an MP4 or MOV file whose tables are complete
/// without them: not fragmented, all of `moov` in place. `None` otherwise.
///
/// ISO/IEC 14496-12 §4.2: boxes are `size:u32 type [size:u64] payload`.
pub fn media_stretches(reader: &mut RangeReader) -> Result<Option<Media>, Failure> {
    let end = reader.size();
    let (mut at, mut moov, mut stretches) = (0u64, false, Vec::new());
    for _ in 0..MAX_BOXES {
        if at + 8 > end {
            return Ok(moov.then_some(Media {
                stretches,
                overruns: at > end,
            }));
        }
        reader.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        reader.read_exact(&mut head)?;
        let kind: [u8; 4] = [head[4], head[5], head[6], head[7]];
        let (mut size, mut header) = (
            u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])),
            8,
        );
        if size == 1 {
            let mut large = [0; 8];
            if at + 16 > end {
                return Ok(None);
            }
            reader.read_exact(&mut large)?;
            (size, header) = (u64::from_be_bytes(large), 16);
        }
        let next = if size == 0 {
            end
        } else {
            at.saturating_add(size)
        };
        if next < at + header {
            return Ok(None);
        }
        match &kind {
            b"moov" => moov = true,
            b"moof" | b"sidx" | b"mfra" | b"styp" => return Ok(None),
            b"mdat" => {
                let (from, to) = (at + header + MARGIN, next.min(end).saturating_sub(MARGIN));
                if from < to {
                    stretches.push(from..to);
                }
            }
            _ => {}
        }
        at = next;
    }
    Ok(None)
}

/// Passes reads on, but once it is armed answers those inside the given
/// stretches without fetching: the bytes are then whatever the buffer held.
pub struct SparseReader {
    inner: RangeReader,
    stretches: Vec<Range<u64>>,
    armed: Arc<AtomicBool>,
    at: u64,
}

impl SparseReader {
    pub fn new(inner: RangeReader, stretches: Vec<Range<u64>>) -> (Self, Arc<AtomicBool>) {
        let armed = Arc::new(AtomicBool::new(false));
        (
            Self {
                inner,
                stretches,
                armed: armed.clone(),
                at: 0,
            },
            armed,
        )
    }
}

impl Read for SparseReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.armed.load(Ordering::Relaxed) {
            if let Some(stretch) = self.stretches.iter().find(|s| s.contains(&self.at)) {
                let n = (stretch.end - self.at).min(buffer.len() as u64);
                self.at += n;
                return Ok(n as usize);
            }
        }
        self.inner.seek(SeekFrom::Start(self.at))?;
        let n = self.inner.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for SparseReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.inner.size().checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
