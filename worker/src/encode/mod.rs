// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chunk: fetch packets, decode, keep the span, filter, encode.

mod decoder;
mod feed;
mod filters;
mod packets;
mod pictures;
mod sink;
mod task;
mod vp8;

pub use filters::{FilterSpec, Filters, Turn};
pub use packets::{PacketItem, PacketList, ITEM_HANDLE, ITEM_LEAD};
pub use sink::{AV1_BY_RAV1E, DIGEST, SCENE, VP8_BY_FRAMEMILL};
pub use task::{EncodeTask, EncoderSpec, PacketSource, Timing};
pub use vp8::{BEFORE, GOLDEN, HIDDEN};

pub(crate) use pictures::{pictures, Shown};
pub(crate) use vp8::{params as vp8_params, settings as vp8_settings, timed as vp8_timed};

use crate::run::{BlobWriter, Monitor, WorkPlace};
use crate::task::{Outcome, TaskKey, TaskStats};
use crate::Failure;
use framemill_codec::libav::Frame;
use framemill_codec::packet::{is_hidden, Packet, PacketFileWriter};
use framemill_store::ReadStats;
use sink::Sink;
use std::collections::VecDeque;
use std::sync::Arc;

/// Runs an [`EncodeTask`].
pub(crate) fn run(
    task: &EncodeTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Outcome, Failure> {
    let mut chunk = Chunk {
        task,
        place,
        sink: None,
        writer: None,
        data_key: key.data_key(),
        codec: String::new(),
        reorder: Reorder::default(),
        hidden: 0,
    };
    let shown = pictures(task, place, monitor, stats, &mut |frame| {
        chunk.encode(frame)?;
        monitor.progress(1);
        chunk.drain()
    })?;
    chunk.finish(key, shown)
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
    sink: Option<Sink>,
    writer: Option<PacketFileWriter<BlobWriter>>,
    data_key: String,
    codec: String,
    reorder: Reorder,
    /// Packets that show nothing.
    hidden: u64,
}

impl Chunk<'_> {
    fn encode(&mut self, frame: &Frame) -> Result<(), Failure> {
        self.open_sink()?.send(frame)
    }

    /// The sink, opened when the first picture is at hand.
    fn open_sink(&mut self) -> Result<&mut Sink, Failure> {
        if self.sink.is_none() {
            let sink = Sink::open(&self.task.encoder)?;
            let header = self.task.encoder.header(sink.params()?);
            self.codec.clone_from(&header.params.codec);
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
            self.hidden += u64::from(is_hidden(&self.codec, &packet.data));
            writer.push(&packet)?;
        }
        Ok(())
    }

    fn finish(mut self, key: &TaskKey, shown: Shown) -> Result<Outcome, Failure> {
        if let Some(sink) = &mut self.sink {
            sink.finish()?;
        }
        self.drain()?;
        let writer = self
            .writer
            .take()
            .ok_or_else(|| Failure::bug("a chunk without frames"))?;
        let (blob, summary) = writer.finish()?;
        let unpacked = self.sink.as_ref().map_or(0, Sink::unpacked);
        let made = summary.packets - self.hidden;
        if made + unpacked != shown.frames {
            return Err(Failure::bug(format!(
                "encoder {} made packets of {made} frames that were {}",
                self.task.encoder.encoder,
                shown.frames - unpacked
            )));
        }
        let mut blobs = vec![blob.finish()?];
        let mut state = None;
        if self.task.keep_state {
            let end = self.sink.as_ref().and_then(Sink::state);
            let end = end.ok_or_else(|| Failure::bug("an encoder without a state to keep"))?;
            blobs.push(self.place.put_blob(&key.state_key(), end.to_bytes())?);
            state = Some(end.digest().into());
        }
        Ok(Outcome {
            key: *key,
            blobs,
            state,
            packets: summary.packets,
            frames: shown.frames,
            payload_bytes: summary.payload_bytes,
            reorder: self.reorder.depth,
            first_pts: shown.first_pts,
            warnings: shown.warnings,
            stats: TaskStats::default(),
        })
    }
}
