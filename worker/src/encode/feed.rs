// SPDX-License-Identifier: MIT OR Apache-2.0
//! From byte ranges to the frames of the span, in display order.

use super::decoder::SpanDecoder;
use super::packets::{PacketItem, ITEM_HANDLE, ITEM_LEAD};
use super::task::{EncodeTask, PacketSource, Timing};
use crate::run::WorkPlace;
use crate::Failure;
use bytes::Bytes;
use framemill_codec::libav::{log, Frame, InputPacket};
use framemill_codec::packet::{SideData, FLAG_CORRUPT, FLAG_DISCARD, FLAG_KEY};
use framemill_store::{Extent, ExtentOptions, ExtentReader, Meta, ReadStats};
use std::collections::VecDeque;
use std::sync::Arc;

/// Flags that go to the decoder.
const CODEC_FLAGS: u32 = FLAG_KEY | FLAG_CORRUPT | FLAG_DISCARD;
/// Errors in a row after which a decoder counts as stuck.
const MAX_ERRORS: usize = 1000;

/// Places of accepted damage that a chunk tells of.
const MAX_WARNINGS: usize = 4;

/// A decoded frame that the chunk wants.
pub struct FedFrame {
    pub frame: Frame,
    /// How often it is encoded; 0 for handles.
    pub repeat: u32,
    /// Its time on the output's line.
    pub pts: i64,
}

/// Fetches, decodes and selects.
pub struct Feed<'a> {
    task: &'a EncodeTask,
    extents: ExtentReader,
    decoder: SpanDecoder,
    next: usize,
    ready: VecDeque<FedFrame>,
    seen: Vec<bool>,
    flushed: bool,
    emitted: u64,
    /// Damage that was accepted, in words; the first few places.
    pub warnings: Vec<String>,
}

impl<'a> Feed<'a> {
    pub fn new(
        task: &'a EncodeTask,
        place: &WorkPlace,
        stats: &Arc<ReadStats>,
    ) -> Result<Self, Failure> {
        let extents = task
            .packets
            .0
            .iter()
            .map(|p| Extent {
                offset: p.pos,
                len: u64::from(p.size),
            })
            .collect();
        let (store, key, meta) = match &task.source {
            PacketSource::Source(source) => {
                let (store, key) = source.open(&place.handle)?;
                (store, key, source.meta())
            }
            PacketSource::Work { key, size } => {
                let (store, key) = place.reader_of(key);
                let meta = store.head(&key)?;
                if meta.size != *size {
                    return Err(Failure::Transient {
                        detail: format!("{key} has changed its size"),
                    });
                }
                (
                    store,
                    key,
                    Meta {
                        size: *size,
                        version: meta.version,
                    },
                )
            }
        };
        Ok(Self {
            task,
            extents: ExtentReader::new(
                store,
                key,
                meta,
                extents,
                ExtentOptions::default(),
                stats.clone(),
            )?,
            decoder: SpanDecoder::open(&task.decoder, task.source_time_base, place.simd)?,
            next: 0,
            ready: VecDeque::new(),
            seen: vec![false; task.packets.0.len()],
            flushed: false,
            emitted: 0,
            warnings: Vec::new(),
        })
    }

    /// The next wanted frame in display order; `None` after the last.
    pub fn next_frame(&mut self) -> Result<Option<FedFrame>, Failure> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if self.flushed {
                return Ok(None);
            }
            match self.extents.next() {
                Some(bytes) => self.decode(self.next, Some(bytes?))?,
                None => {
                    self.flushed = true;
                    self.decode(self.next.saturating_sub(1), None)?;
                }
            }
            self.next += 1;
        }
    }

    fn decode(&mut self, position: usize, bytes: Option<Bytes>) -> Result<(), Failure> {
        let _ = log::take();
        let side = self.side_of(position);
        let item = self.task.packets.0.get(position).copied();
        let input = bytes.as_ref().map(|data| InputPacket {
            data,
            // Numbers in place of times come back with the frames and name their packets.
            pts: Some(position as i64),
            dts: Some(position as i64),
            flags: item.map_or(0, |i| u32::from(i.flags) & CODEC_FLAGS),
            side,
        });
        let mut failed = self
            .decoder
            .send(input.as_ref())
            .err()
            .map(|e| e.to_string());
        for _ in 0..MAX_ERRORS {
            match self.decoder.receive() {
                Ok(Some(frame)) => self.select(frame)?,
                Ok(None) => break,
                Err(error) => {
                    failed.get_or_insert(error.to_string());
                }
            }
        }
        let messages = log::take();
        if failed.is_some() || messages.count > 0 {
            let detail = messages
                .lines
                .first()
                .cloned()
                .or(failed)
                .unwrap_or_default();
            self.complain(position, item, detail)?;
        }
        Ok(())
    }

    fn side_of(&self, position: usize) -> &'a [SideData] {
        let side = &self.task.side;
        side.binary_search_by_key(&(position as u64), |(at, _)| *at)
            .map_or(&[], |i| &side[i].1)
    }

    fn select(&mut self, frame: Frame) -> Result<(), Failure> {
        let Some(position) = frame.pts().and_then(|p| usize::try_from(p).ok()) else {
            return Err(Failure::bug("a decoded frame without its packet's number"));
        };
        let Some(item) = self.task.packets.0.get(position).copied() else {
            return Err(Failure::bug(
                "a decoded frame from a packet that was never sent",
            ));
        };
        if std::mem::replace(&mut self.seen[position], true) {
            return Ok(());
        }
        let handle = item.flags & ITEM_HANDLE != 0;
        if item.repeat == 0 && !handle {
            return Ok(());
        }
        if frame.is_damaged() && item.flags & ITEM_LEAD == 0 {
            self.complain(position, Some(item), "the picture is damaged".into())?;
        }
        let pts = match self.task.timing {
            Timing::Source { origin } => item.pts - origin,
            Timing::Constant { .. } => 0,
        };
        self.emitted += u64::from(item.repeat > 0);
        self.ready.push_back(FedFrame {
            frame,
            repeat: item.repeat,
            pts,
        });
        Ok(())
    }

    /// Fails on damage, unless it is expected or accepted.
    fn complain(
        &mut self,
        position: usize,
        item: Option<PacketItem>,
        detail: String,
    ) -> Result<(), Failure> {
        let lead = item.is_some_and(|i| i.flags & ITEM_LEAD != 0);
        if lead {
            return Ok(());
        }
        let unit = self.task.source_time_base.as_f64();
        if !self.task.strict {
            if self.warnings.len() < MAX_WARNINGS {
                let time = item.map_or(0.0, |i| i.pts as f64 * unit);
                let packet = self.task.first_packet + position as u64;
                let stream = self.task.stream;
                let warning =
                    format!("damaged at stream {stream}, packet {packet}, {time:.3} s: {detail}");
                self.warnings.push(warning);
            }
            return Ok(());
        }
        Err(Failure::Damaged {
            stream: self.task.stream,
            packet: Some(self.task.first_packet + position as u64),
            offset: item
                .filter(|_| matches!(self.task.source, PacketSource::Source(_)))
                .map(|i| i.pos),
            time_s: item.map(|i| i.pts as f64 * unit),
            from_start: self.task.first_packet == 0,
            detail,
        })
    }

    /// Compares what came with what the plan expects.
    pub fn check_count(&self, task: &EncodeTask) -> Result<(), Failure> {
        let expected = task.packets.0.iter().filter(|p| p.repeat > 0).count() as u64;
        if self.emitted == expected {
            return Ok(());
        }
        let missing = task
            .packets
            .0
            .iter()
            .zip(&self.seen)
            .position(|(p, seen)| p.repeat > 0 && !seen);
        let detail = missing.map_or(String::new(), |at| {
            let time = task.packets.0[at].pts as f64 * task.source_time_base.as_f64();
            format!(
                ": packet {} ({time:.3} s) shows no frame",
                task.first_packet + at as u64
            )
        });
        Err(Failure::Mismatch {
            expected,
            got: self.emitted,
            detail,
            from_start: task.first_packet == 0,
        })
    }
}
