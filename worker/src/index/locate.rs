// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding a demuxed packet's bytes in the source, so that workers can fetch
//! them without the container.

use crate::Failure;
use framemill_store::RangeReader;
use std::io::{self, Read, Seek, SeekFrom};

/// How far behind the position that a demuxer names the payload may start:
/// Matroska's block header, FLV's tag and codec header, AVI's chunk header.
const HEADER_MAX: usize = 64;

/// Finds packets by comparing bytes.
pub struct Locator {
    reader: RangeReader,
    /// The distance that was right last; containers rarely change it.
    guess: usize,
    buffer: Vec<u8>,
}

impl Locator {
    pub fn new(reader: RangeReader) -> Self {
        Self {
            reader,
            guess: 0,
            buffer: Vec::new(),
        }
    }

    /// The offset at which `data` lies in one piece, near `pos`; `None` when it does not.
    pub fn find(&mut self, pos: u64, data: &[u8]) -> Result<Option<u64>, Failure> {
        if data.is_empty() || pos >= self.reader.size() {
            return Ok(None);
        }
        self.buffer.resize(data.len() + HEADER_MAX, 0);
        self.reader.seek(SeekFrom::Start(pos))?;
        let n = read_up_to(&mut self.reader, &mut self.buffer)?;
        let window = &self.buffer[..n];
        let fits = |skip: usize| window.get(skip..skip + data.len()) == Some(data);
        let found = std::iter::once(self.guess)
            .chain(0..=HEADER_MAX)
            .find(|&skip| fits(skip));
        if let Some(skip) = found {
            self.guess = skip;
        }
        Ok(found.map(|skip| pos + skip as u64))
    }
}

fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}
