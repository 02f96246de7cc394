// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream's packets, read and verified by a thread of their own, so that
//! reading and hashing go on while the muxer writes.

use super::StitchError;
use crate::error::JobError;
use framemill_codec::packet::{Packet, PacketFileReader, StreamHeader};
use framemill_store::RangeReader;
use framemill_worker::{TaskKey, WorkPlace};
use std::io::BufReader;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::thread::{Builder, Scope};
use std::vec;

/// Bytes of packets that go to the muxer at once, or one packet if that is more.
const BATCH: usize = 1 << 20;
/// Batches that wait for the muxer, at most; one more is in the making.
const WAITING: usize = 2;

type Batch = Result<Vec<Packet>, StitchError>;

/// The packets of all files of a stream, in order.
pub(super) struct Ahead {
    header: StreamHeader,
    batches: Receiver<Batch>,
    batch: vec::IntoIter<Packet>,
    ended: bool,
}

impl Ahead {
    /// Opens the first file, and reads on in a thread of `scope`.
    ///
    /// # Errors
    /// [`StitchError::Damaged`] for a file that is not what was stored.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        place: &'scope WorkPlace,
        files: Vec<TaskKey>,
    ) -> Result<Self, StitchError> {
        let mut files = files.into_iter();
        let first = files
            .next()
            .ok_or_else(|| StitchError::Job(JobError::Failed("a stream without chunks".into())))?;
        let reader = open(place, &first)?;
        let header = reader.header().clone();
        let files = Files {
            place,
            files,
            open: Some((first, reader)),
            header: header.clone(),
        };
        let (sender, batches) = sync_channel(WAITING);
        Builder::new()
            .name("stitch reader".into())
            .spawn_scoped(scope, move || files.send_all(&sender))
            .map_err(|e| JobError::Failed(format!("cannot start a thread: {e}")))?;
        Ok(Self {
            header,
            batches,
            batch: Vec::new().into_iter(),
            ended: false,
        })
    }

    /// What the muxer must know of the stream.
    pub(super) fn header(&self) -> &StreamHeader {
        &self.header
    }

    /// The next packet; `None` after the last one.
    ///
    /// # Errors
    /// The reader's: a damaged file, or one that differs in its parameter sets.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, StitchError> {
        if self.batch.len() == 0 && !self.ended {
            let died = |_| JobError::Failed("a reader of chunks died".into());
            self.batch = self.batches.recv().map_err(died)??.into_iter();
            self.ended = self.batch.len() == 0;
        }
        Ok(self.batch.next())
    }
}

/// The files of a stream, one of them open.
struct Files<'a> {
    place: &'a WorkPlace,
    files: vec::IntoIter<TaskKey>,
    open: Option<(TaskKey, PacketFileReader<BufReader<RangeReader>>)>,
    header: StreamHeader,
}

impl Files<'_> {
    /// Sends everything, then an empty batch; or up to the first error.
    fn send_all(mut self, to: &SyncSender<Batch>) {
        loop {
            let batch = self.batch();
            let last = batch.as_ref().map_or(true, Vec::is_empty);
            // A muxer that has failed listens no more.
            if to.send(batch).is_err() || last {
                return;
            }
        }
    }

    /// The next packets; none at the end.
    fn batch(&mut self) -> Batch {
        let (mut packets, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH {
            let Some(packet) = self.packet()? else { break };
            bytes += packet.data.len() + size_of::<Packet>();
            packets.push(packet);
        }
        Ok(packets)
    }

    fn packet(&mut self) -> Result<Option<Packet>, StitchError> {
        while let Some((key, reader)) = &mut self.open {
            let packet = reader
                .next_packet()
                .map_err(|e| StitchError::Damaged(*key, e.into()))?;
            if packet.is_some() {
                return Ok(packet);
            }
            self.open_next()?;
        }
        Ok(None)
    }

    fn open_next(&mut self) -> Result<(), StitchError> {
        self.open = None;
        let Some(key) = self.files.next() else {
            return Ok(());
        };
        let reader = open(self.place, &key)?;
        if reader.header() != &self.header {
            let detail = "chunks differ in their parameter sets and cannot be joined";
            return Err(JobError::Failed(format!("{key}: {detail}")).into());
        }
        self.open = Some((key, reader));
        Ok(())
    }
}

pub(super) fn open(
    place: &WorkPlace,
    key: &TaskKey,
) -> Result<PacketFileReader<BufReader<RangeReader>>, StitchError> {
    let damaged = |failure| StitchError::Damaged(*key, failure);
    let reader = place.open_output(key).map_err(damaged)?;
    PacketFileReader::new(BufReader::with_capacity(256 << 10, reader))
        .map_err(|e| damaged(e.into()))
}
