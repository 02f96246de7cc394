// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk: fetch packets, decode, keep the span, filter, encode.

mod decoder;
mod feed;
mod filters;
mod packets;
mod sink;
mod task;

pub use filters::{FilterSpec, Filters, Turn};
pub use packets::{PacketItem, PacketList, ITEM_HANDLE, ITEM_LEAD};
pub use sink::{AV1_BY_RAV1E, DIGEST, SCENE};
pub use task::{EncodeTask, EncoderSpec, PacketSource, Timing};

use crate::run::{BlobWriter, Monitor, WorkPlace};
use crate::task::{Outcome, TaskKey, TaskStats};
use crate::Failure;
use feed::Feed;
use framemill_codec::libav::Frame;
use framemill_codec::packet::{Packet, PacketFileWriter, StreamHeader};
use framemill_store::ReadStats;
use sink::Sink;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Runs an [`EncodeTask`].
pub(crate) fn run(
    task: &EncodeTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Outcome, Failure> {
    let mut feed = Feed::new(task, place, stats)?;
    let mut chunk = Chunk {
        task,
        place,
        monitor,
        filters: Filters::new(&task.filter, task.encoder.width, task.encoder.height),
        sink: None,
        writer: None,
        data_key: key.data_key(),
        emitted: 0,
        waiting: Default::default(),
        last_pts: None,
        first_pts: None,
        reorder: Reorder::default(),
    };
    while let Some(frame) = feed.next_frame()? {
        monitor.check()?;
        chunk.take(frame)?;
    }
    feed.check_count(task)?;
    chunk.finish(key, feed.warnings)
}

/// A frame on its way through the filters.
struct Waiting {
    /// How often the encoder gets it.
    repeat: u32,
    /// Its time on the output's line.
    pts: i64,
}

/// How far an encoder reorders, seen from its packets: not all encoders say.
#[derive(Default)]
struct Reorder {
    recent: VecDeque<i64>,
    depth: u32,
}

impl Reorder {
    /// No codec of ours reorders further.
    const WINDOW: usize = 64;

    fn see(&mut self, packet: &Packet) {
        let later = self.recent.iter().filter(|&&pts| pts > packet.pts).count();
        self.depth = self.depth.max(later as u32);
        if self.recent.len() == Self::WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(packet.pts);
    }
}

/// A chunk in the making.
struct Chunk<'a> {
    task: &'a EncodeTask,
    place: &'a WorkPlace,
    monitor: &'a dyn Monitor,
    filters: Filters,
    sink: Option<Sink>,
    writer: Option<PacketFileWriter<BlobWriter>>,
    data_key: String,
    emitted: u64,
    /// Frames inside the filters, by the number they went in under.
    waiting: BTreeMap<i64, Waiting>,
    last_pts: Option<i64>,
    first_pts: Option<i64>,
    reorder: Reorder,
}

impl Chunk<'_> {
    fn take(&mut self, fed: feed::FedFrame) -> Result<(), Failure> {
        let number = self.filters.push(fed.frame)?;
        self.waiting.insert(
            number,
            Waiting {
                repeat: fed.repeat,
                pts: fed.pts,
            },
        );
        self.pull()
    }

    fn pull(&mut self) -> Result<(), Failure> {
        while let Some((number, frame)) = self.filters.pull()? {
            let waiting = self.waiting.remove(&number).ok_or_else(|| {
                Failure::bug(format!(
                    "the filters gave frame {number} twice or from nowhere"
                ))
            })?;
            self.emit(frame, &waiting)?;
        }
        Ok(())
    }

    fn emit(&mut self, mut frame: Frame, waiting: &Waiting) -> Result<(), Failure> {
        for _ in 0..waiting.repeat {
            let pts = match self.task.timing {
                Timing::Source { .. } => waiting.pts,
                Timing::Constant { first_tick } => first_tick + self.emitted as i64,
            };
            if self.last_pts.is_some_and(|last| pts <= last) {
                return Err(Failure::Mismatch {
                    expected: self.emitted,
                    got: self.emitted,
                    detail: ": frames are shown in another order than their times".into(),
                    from_start: true,
                });
            }
            self.last_pts = Some(pts);
            self.first_pts.get_or_insert(pts);
            frame.set_pts(pts);
            frame.clear_type();
            self.open_sink()?.send(&frame)?;
            self.emitted += 1;
            self.monitor.progress(1);
            self.drain()?;
        }
        Ok(())
    }

    /// The sink, opened when the first picture is at hand.
    fn open_sink(&mut self) -> Result<&mut Sink, Failure> {
        if self.sink.is_none() {
            let sink = Sink::open(&self.task.encoder)?;
            let header = StreamHeader {
                params: sink.params()?,
                time_base: self.task.encoder.time_base,
                frame_rate: self.task.encoder.frame_rate,
                mastering: self.task.encoder.mastering,
                content_light: self.task.encoder.content_light,
            };
            let blob = self.place.blob_writer(&self.data_key)?;
            self.writer = Some(PacketFileWriter::new(blob, &header)?);
            self.sink = Some(sink);
        }
        self.sink.as_mut().ok_or_else(|| Failure::bug("no encoder"))
    }

    fn drain(&mut self) -> Result<(), Failure> {
        let (Some(sink), Some(writer)) = (&mut self.sink, &mut self.writer) else {
            return Ok(());
        };
        while let Some(packet) = sink.receive()? {
            self.reorder.see(&packet);
            writer.push(&packet)?;
        }
        Ok(())
    }

    fn finish(mut self, key: &TaskKey, warnings: Vec<String>) -> Result<Outcome, Failure> {
        self.filters.finish()?;
        self.pull()?;
        let left = self
            .waiting
            .values()
            .map(|w| u64::from(w.repeat))
            .sum::<u64>();
        if left > 0 {
            return Err(Failure::bug(format!("the filters kept {left} frames")));
        }
        if let Some(sink) = &mut self.sink {
            sink.finish()?;
        }
        self.drain()?;
        let writer = self
            .writer
            .take()
            .ok_or_else(|| Failure::bug("a chunk without frames"))?;
        let (blob, summary) = writer.finish()?;
        if summary.packets != self.emitted {
            return Err(Failure::bug(format!(
                "encoder {} made {} packets of {} frames",
                self.task.encoder.encoder, summary.packets, self.emitted
            )));
        }
        Ok(Outcome {
            key: *key,
            blobs: vec![blob.finish()?],
            packets: summary.packets,
            frames: self.emitted,
            payload_bytes: summary.payload_bytes,
            reorder: self.reorder.depth,
            first_pts: self.first_pts,
            warnings,
            stats: TaskStats::default(),
        })
    }
}
