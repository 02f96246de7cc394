// SPDX-License-Identifier: MIT OR Apache-2.0
//! Doing a task: read inputs, compute, store outputs, say what happened.

use crate::task::{BlobRef, Digest, Outcome, Task, TaskKey, TaskStats};
use crate::{encode, index, measure, rebase, thumb, track, Failure};
use bytes::Bytes;
use framemill_codec::dsp::Dsp;
use framemill_store::{
    Blocking, BlockingUpload, PutMode, RangeReader, ReadStats, ReaderOptions, Store,
};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Bytes collected before they go to the store.
const PART: usize = 1 << 20;

/// Where a worker puts its outputs and how it reaches stores.
#[derive(Clone, Debug)]
pub struct WorkPlace {
    /// The runtime that drives stores.
    pub handle: Handle,
    /// The job's work store.
    pub work: Arc<dyn Store>,
    /// What every key in it starts with.
    pub prefix: String,
    /// Our own kernels, where they are chosen by name. No output depends on them.
    pub simd: Option<&'static Dsp>,
}

/// How a running task hears from outside and tells of its progress.
pub trait Monitor: Send + Sync {
    /// `frames` more are done.
    fn progress(&self, frames: u64);
    /// True when the task should stop.
    fn is_cancelled(&self) -> bool;
    /// [`Failure::Cancelled`] when the task should stop.
    ///
    /// # Errors
    /// Exactly then.
    fn check(&self) -> Result<(), Failure> {
        if self.is_cancelled() {
            Err(Failure::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Nobody watches.
pub struct Unwatched;

impl Monitor for Unwatched {
    fn progress(&self, _: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

impl WorkPlace {
    fn blocking(&self) -> Blocking {
        Blocking::new(self.work.clone(), self.handle.clone())
    }

    /// The store's own key for a key of ours.
    #[must_use]
    pub fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Stores a whole blob.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn put_blob(&self, key: &str, bytes: Vec<u8>) -> Result<BlobRef, Failure> {
        let blob = BlobRef {
            key: key.into(),
            size: bytes.len() as u64,
            digest: blake3::hash(&bytes).into(),
        };
        self.blocking()
            .put(&self.full_key(key), Bytes::from(bytes), PutMode::Overwrite)?;
        Ok(blob)
    }

    /// A whole blob of a task, which is small.
    ///
    /// # Errors
    /// The store's, and [`Failure::Transient`] where it is not what its record says.
    pub async fn get_blob(&self, blob: &BlobRef) -> Result<Bytes, Failure> {
        let bytes = self.work.get(&self.full_key(&blob.key), blob.size).await?;
        match Digest::from(blake3::hash(&bytes)) == blob.digest {
            true => Ok(bytes),
            false => Err(Failure::Transient {
                detail: format!("{} is damaged", blob.key),
            }),
        }
    }

    /// Starts a blob that appears when it is finished.
    pub(crate) fn blob_writer(&self, key: &str) -> Result<BlobWriter, Failure> {
        Ok(BlobWriter {
            key: key.to_owned(),
            upload: self
                .blocking()
                .writer(&self.full_key(key), PutMode::Overwrite)?,
            part: Vec::with_capacity(PART),
            hash: blake3::Hasher::new(),
            written: 0,
        })
    }

    /// A reader of a task's main output, for a thread that may block. Whether it
    /// is whole shows at its end: packet files and indices hold their digest.
    ///
    /// # Errors
    /// The store's.
    pub fn open_output(&self, key: &TaskKey) -> Result<RangeReader, Failure> {
        self.open_counted(key, &Arc::default())
    }

    /// The same, counting in `stats`.
    pub(crate) fn open_counted(
        &self,
        key: &TaskKey,
        stats: &Arc<ReadStats>,
    ) -> Result<RangeReader, Failure> {
        let (store, key) = self.reader_of(&key.data_key());
        let meta = store.head(&key)?;
        Ok(RangeReader::new(
            store,
            key,
            meta,
            ReaderOptions::default(),
            stats.clone(),
        ))
    }

    /// The work store, for a worker thread.
    pub(crate) fn reader_of(&self, key: &str) -> (Blocking, String) {
        (self.blocking(), self.full_key(key))
    }
}

/// Writes a blob piece by piece, hashing it.
pub struct BlobWriter {
    key: String,
    upload: BlockingUpload,
    part: Vec<u8>,
    hash: blake3::Hasher,
    written: u64,
}

impl BlobWriter {
    /// Bytes taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Completes the blob.
    pub fn finish(mut self) -> Result<BlobRef, Failure> {
        self.send()?;
        self.upload.finish()?;
        Ok(BlobRef {
            key: self.key.into(),
            size: self.written,
            digest: self.hash.finalize().into(),
        })
    }

    fn send(&mut self) -> Result<(), framemill_store::StoreError> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        self.upload.write(Bytes::from(part))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.part.extend_from_slice(bytes);
        self.written += bytes.len() as u64;
        if self.part.len() >= PART {
            self.send().map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.write_all(bytes)?)
    }
}

/// Does a task in the calling thread, which must not be one that drives async
/// work. Its outputs are stored under its key, the outcome record last.
///
/// # Errors
/// A [`Failure`] that says what can be done about it. Nothing is left visible then.
pub fn run(task: &Task, place: &WorkPlace, monitor: &dyn Monitor) -> Result<Outcome, Failure> {
    monitor.check()?;
    let cpu = measure::thread_cpu_s();
    let stats = Arc::new(ReadStats::default());
    let key = task.key();
    let mut outcome = match task {
        Task::Index(t) => {
            let (blobs, index) = index::run(t, &key, place, monitor, &stats)?;
            Outcome {
                key,
                blobs,
                state: None,
                packets: index.packets.len() as u64,
                frames: index.packets.iter().filter(|p| p.shows_frame()).count() as u64,
                payload_bytes: index.packets.iter().map(|p| u64::from(p.size)).sum(),
                reorder: 0,
                first_pts: None,
                warnings: index.header.warnings,
                stats: TaskStats::default(),
            }
        }
        Task::Encode(t) => encode::run(t, &key, place, monitor, &stats)?,
        Task::Rebase(t) => rebase::run(t, &key, place, monitor, &stats)?,
        Task::Track(t) => track::run(t, &key, place, monitor, &stats)?,
        Task::Thumb(t) => thumb::run(t, &key, place, monitor, &stats)?,
    };
    outcome.stats = TaskStats {
        cpu_s: measure::thread_cpu_s() - cpu,
        ready_s: outcome.stats.ready_s,
        bytes_read: stats.bytes(),
        bytes_written: outcome.blobs.iter().map(|b| b.size).sum(),
        peak_memory: measure::peak_memory(),
    };
    let record = serde_json::to_vec(&outcome).map_err(|e| Failure::bug(e.to_string()))?;
    place.put_blob(&key.outcome_key(), record)?;
    Ok(outcome)
}

/// True when a stored blob is whole: present, of the stated size and digest.
///
/// # Errors
/// The store's, other than that the blob is missing or changed.
pub fn verify_blob(blob: &BlobRef, place: &WorkPlace) -> Result<bool, Failure> {
    let (store, key) = place.reader_of(&blob.key);
    let meta = match store.head(&key) {
        Ok(meta) => meta,
        Err(e) if e.class() == framemill_store::Class::NotFound => return Ok(false),
        Err(e) => return Err(e.into()),
    };
    if meta.size != blob.size {
        return Ok(false);
    }
    let mut hash = blake3::Hasher::new();
    let mut at = 0;
    while at < meta.size {
        let end = (at + (4 << 20)).min(meta.size);
        hash.update(&store.get_range(&key, at..end, Some(&meta.version))?);
        at = end;
    }
    Ok(Digest::from(hash.finalize()) == blob.digest)
}
