// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream's packets, read and verified by threads of their own, so that
//! reading and hashing go on while the muxer writes. Several files are read at once:
//! a store across a network takes as long to answer for a small chunk as for a large one,
//! and thousands of answers one after the other would take minutes.

use super::StitchError;
use crate::error::JobError;
use framemill_codec::packet::{Packet, PacketFileReader, StreamHeader};
use framemill_store::{Blocking, RangeReader, ReaderOptions};
use framemill_worker::{TaskKey, WorkPlace};
use std::io::BufReader;
use std::sync::mpsc::{channel, sync_channel, Receiver, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, Scope};
use std::vec;

/// Files that are read at once, each by a thread, beside one of each stream: this process has
/// room for so many, whatever it stitches. With what a job holds open besides they stay below 64.
pub const READERS: usize = 32;
/// Bytes of packets that go to the muxer at once, or one packet if that is more. Each
/// reader has one batch waiting and one in the making at most.
const BATCH: usize = 256 << 10;
/// How files are read: from front to back, and many at a time.
const READS: ReaderOptions = ReaderOptions {
    block: 256 << 10,
    read_ahead: 1 << 20,
    cache: 2 << 20,
};
/// Batches of a file that wait for the muxer, at most.
const WAITING: usize = 1;

type Batch = Result<Vec<Packet>, StitchError>;
type Reader = PacketFileReader<BufReader<RangeReader>>;

/// The packets of all files of a stream, in order.
pub(super) struct Ahead {
    header: StreamHeader,
    /// Files that are being read, in order.
    files: Receiver<Receiver<Batch>>,
    file: Option<Receiver<Batch>>,
    batch: vec::IntoIter<Packet>,
}

impl Ahead {
    /// Opens the first file, and reads on in threads of `scope`.
    ///
    /// # Errors
    /// [`StitchError::Damaged`] for a file that is not what was stored.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        place: &'scope WorkPlace,
        files: Vec<TaskKey>,
    ) -> Result<Self, StitchError> {
        let readers = files.len().min(READERS);
        let mut files = files.into_iter();
        let first = files
            .next()
            .ok_or_else(|| StitchError::Job(JobError::Failed("a stream without chunks".into())))?;
        let reader = open(place, &first)?;
        let header = reader.header().clone();
        let (order, in_order) = channel();
        let queue = Arc::new(Mutex::new(Queue {
            first: Some((first, reader)),
            files,
            order: Some(order),
        }));
        for n in 0..readers {
            let (queue, header) = (queue.clone(), header.clone());
            // The muxer waits now for one stream, now for another: each has a reader that needs
            // no room, so that it goes on whatever the others fill the room with.
            let room = (n > 0).then_some(&ROOM);
            Builder::new()
                .name("stitch reader".into())
                .spawn_scoped(scope, move || read_files(place, &queue, &header, room))
                .map_err(|e| JobError::Failed(format!("cannot start a thread: {e}")))?;
        }
        Ok(Self {
            header,
            files: in_order,
            file: None,
            batch: Vec::new().into_iter(),
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
        loop {
            if let Some(packet) = self.batch.next() {
                return Ok(Some(packet));
            }
            let Some(file) = &self.file else {
                // None is left once the last one was taken.
                match self.files.recv() {
                    Ok(file) => self.file = Some(file),
                    Err(_) => return Ok(None),
                }
                continue;
            };
            let died = |_| JobError::Failed("a reader of chunks died".into());
            let batch = file.recv().map_err(died)??;
            if batch.is_empty() {
                self.file = None;
            }
            self.batch = batch.into_iter();
        }
    }
}

/// Room for readers.
struct Room {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A reader's place in a [`Room`], until it is dropped.
struct Place<'a>(&'a Room);

/// Of this process: jobs that are stitched at the same time share it.
static ROOM: Room = Room {
    free: Mutex::new(READERS),
    freed: Condvar::new(),
};

impl Room {
    /// Waits for a place.
    fn enter(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Files that no reader has taken yet.
struct Queue {
    first: Option<(TaskKey, Reader)>,
    files: vec::IntoIter<TaskKey>,
    /// Gone with the last file, which is how the muxer learns of the end.
    order: Option<Sender<Receiver<Batch>>>,
}

/// A file to be read, and who waits for it.
struct Taken {
    key: TaskKey,
    open: Option<Reader>,
    to: SyncSender<Batch>,
}

impl Queue {
    /// Takes the next file and has the muxer wait for it, in one step: files come to the
    /// muxer in the order in which they are taken. `None` where there is none, or the
    /// muxer has failed and listens no more.
    fn take(&mut self) -> Option<Taken> {
        let (key, open) = match self.first.take() {
            Some((key, reader)) => (key, Some(reader)),
            None => (self.files.next()?, None),
        };
        let (to, batches) = sync_channel(WAITING);
        self.order.as_ref()?.send(batches).ok()?;
        if self.files.len() == 0 {
            self.order = None;
        }
        Some(Taken { key, open, to })
    }
}

/// Reads one file after the other, until none is left or one is damaged.
fn read_files(place: &WorkPlace, queue: &Mutex<Queue>, header: &StreamHeader, room: Option<&Room>) {
    loop {
        // Before a file is taken: files are taken in order, so those that the muxer waits for
        // are being read, come to their end and make room.
        let _place = room.map(Room::enter);
        let taken = queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Taken { key, open, to }) = taken else {
            return;
        };
        let opened = open.map_or_else(|| open_alike(place, &key, header), Ok);
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(error) => {
                // A muxer that has failed listens no more.
                let _ = to.send(Err(error));
                return;
            }
        };
        loop {
            let batch = batch(&key, &mut reader);
            let (failed, last) = (batch.is_err(), batch.as_ref().is_ok_and(Vec::is_empty));
            if to.send(batch).is_err() || failed {
                return;
            }
            if last {
                break;
            }
        }
    }
}

/// The next packets; none at the end.
fn batch(key: &TaskKey, reader: &mut Reader) -> Batch {
    let (mut packets, mut bytes) = (Vec::new(), 0);
    while bytes < BATCH {
        let packet = reader.next_packet();
        let Some(packet) = packet.map_err(|e| StitchError::Damaged(*key, e.into()))? else {
            break;
        };
        bytes += packet.data.len() + size_of::<Packet>();
        packets.push(packet);
    }
    Ok(packets)
}

/// Opens a file that must have the same parameter sets as the first.
fn open_alike(
    place: &WorkPlace,
    key: &TaskKey,
    header: &StreamHeader,
) -> Result<Reader, StitchError> {
    let reader = open(place, key)?;
    if reader.header() != header {
        let detail = "chunks differ in their parameter sets and cannot be joined";
        return Err(JobError::Failed(format!("{key}: {detail}")).into());
    }
    Ok(reader)
}

pub(super) fn open(place: &WorkPlace, key: &TaskKey) -> Result<Reader, StitchError> {
    let damaged = |failure| StitchError::Damaged(*key, failure);
    let store = Blocking::new(place.work.clone(), place.handle.clone());
    let name = place.full_key(&key.data_key());
    let meta = store.head(&name).map_err(|error| damaged(error.into()))?;
    let reader = RangeReader::new(store, name, meta, READS, Arc::default());
    PacketFileReader::new(BufReader::with_capacity(256 << 10, reader))
        .map_err(|e| damaged(e.into()))
}
