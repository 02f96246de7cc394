// SPDX-License-Identifier: MIT OR Apache-2.0
//! An IVF file of VP8, packet by packet.

use crate::error::{JobError, Result};
use framemill_codec::ivf::{Header, Reader};
use std::fmt::Display;
use std::fs::File;
use std::io::BufReader;

/// An open file, and the number of its next packet.
pub struct Source {
    name: String,
    reader: Reader<BufReader<File>>,
    next: u64,
}

impl Source {
    /// Opens a file.
    pub fn open(name: &str) -> Result<Self> {
        let wrong = |detail: String| JobError::Input {
            file: name.to_owned(),
            detail,
        };
        let file = File::open(name).map_err(|e| wrong(e.to_string()))?;
        let reader = Reader::new(BufReader::new(file)).map_err(|e| wrong(e.to_string()))?;
        let fourcc = reader.header().fourcc;
        if &fourcc != b"VP80" {
            let codec = fourcc.escape_ascii();
            return Err(wrong(format!("its codec is \"{codec}\", not VP80")));
        }
        Ok(Self {
            name: name.to_owned(),
            reader,
            next: 0,
        })
    }

    /// Frames a second as a fraction, by the least time between the first shown
    /// frames; 0:0 when that is unknown. Reads the file's beginning anew.
    pub fn frame_rate(&self) -> Result<(u64, u64)> {
        let mut ahead = Self::open(&self.name)?;
        let mut times = Vec::new();
        // What is wrong further on is told when decoding gets there.
        while let Ok(Some(packet)) = ahead.reader.next_packet() {
            let shown = packet.data.first().is_some_and(|tag| tag & 0x10 != 0);
            times.extend(shown.then_some(packet.pts));
            if times.len() == 50 {
                break;
            }
        }
        let Header { rate, scale, .. } = *ahead.reader.header();
        let gaps = times.windows(2).filter_map(|t| t[1].checked_sub(t[0]));
        let gap = gaps.filter(|&gap| gap > 0).min().unwrap_or(1);
        let (rate, period) = (u64::from(rate), u64::from(scale).saturating_mul(gap));
        if rate == 0 || period == 0 {
            return Ok((0, 0));
        }
        let (mut divisor, mut rest) = (rate, period);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Ok((rate / divisor, period / divisor))
    }

    /// Packets read so far.
    pub fn count(&self) -> u64 {
        self.next
    }

    /// The next packet.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let packet = self
            .reader
            .next_packet()
            .map_err(|e| self.input(e.to_string()))?;
        self.next += u64::from(packet.is_some());
        Ok(packet.map(|p| p.data))
    }

    /// Leaves out the first packets.
    pub fn skip(&mut self, packets: u64) -> Result<()> {
        while self.next < packets {
            if self.next()?.is_none() {
                let has = self.next;
                return Err(self.input(format!("it has {has} frames, {packets} are to be skipped")));
            }
        }
        Ok(())
    }

    /// The file is at fault.
    pub fn input(&self, detail: String) -> JobError {
        JobError::Input {
            file: self.name.clone(),
            detail,
        }
    }

    /// The last packet that was read is at fault.
    pub fn at_frame(&self, detail: impl Display) -> JobError {
        self.input(format!("frame {}: {detail}", self.next.saturating_sub(1)))
    }
}
