// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks as values, their keys, and what finished ones leave behind.

use crate::encode::{EncodeTask, PacketSource};
use crate::hex::Hex;
use crate::index::IndexTask;
use crate::rebase::RebaseTask;
use crate::thumb::ThumbTask;
use crate::track::TrackTask;
use crate::SourceRef;
use framemill_codec::libav;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::OnceLock;

/// A pure work value: all that determines an output, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Read the container's tables.
    Index(IndexTask),
    /// Decode a span, filter it and encode it as a chunk.
    Encode(Box<EncodeTask>),
    /// Move a chunk onto the state of the one before it.
    Rebase(Box<RebaseTask>),
    /// Copy or encode a whole audio or subtitle track.
    Track(TrackTask),
    /// Make thumbnails of a picture or video.
    Thumb(ThumbTask),
}

impl Task {
    /// The word for this kind of task in reports.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Index(_) => "index",
            Self::Encode(_) => "encode",
            Self::Rebase(_) => "rebase",
            Self::Track(_) => "track",
            Self::Thumb(_) => "thumb",
        }
    }

    /// The source, where the task reads it itself.
    #[must_use]
    pub fn source(&self) -> Option<&SourceRef> {
        fn of(task: &EncodeTask) -> Option<&SourceRef> {
            match &task.source {
                PacketSource::Source(source) => Some(source),
                PacketSource::Work { .. } => None,
            }
        }
        match self {
            Self::Index(task) => Some(&task.source),
            Self::Track(task) => Some(&task.source),
            Self::Thumb(task) => Some(&task.source),
            Self::Encode(task) => of(task),
            Self::Rebase(task) => of(&task.chunk),
        }
    }

    /// BLAKE3 over the canonical encoding, the build and the codec libraries.
    ///
    /// The canonical encoding is serde_json's: struct fields in order of
    /// declaration, maps ordered by key, no spaces.
    ///
    /// # Panics
    /// Never: tasks hold nothing that JSON lacks.
    #[must_use]
    pub fn key(&self) -> TaskKey {
        let mut hash = blake3::Hasher::new();
        hash.update(environment().as_bytes());
        hash.update(&serde_json::to_vec(self).expect("tasks are plain values"));
        let mut key = [0; 20];
        hash.finalize_xof().fill(&mut key);
        TaskKey(Hex(key))
    }
}

/// What outputs depend on beside the task: build, libraries, architecture.
#[must_use]
pub fn environment() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        format!(
            "framemill {} {} {}",
            crate::BUILD,
            libav::versions(),
            std::env::consts::ARCH
        )
    })
}

/// Names a task's outputs: 160 bits, in hex as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskKey(Hex<20>);

/// BLAKE3 of a blob, in hex as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest(Hex<32>);

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(Hex(*hash.as_bytes()))
    }
}

impl TaskKey {
    /// The first 64 bits: enough to tell the tasks of a job apart in most cases.
    #[must_use]
    pub fn short(&self) -> u64 {
        let bytes = &self.0 .0;
        bytes[..8].iter().fold(0, |n, &b| n << 8 | u64::from(b))
    }

    /// Store key of the outcome record.
    #[must_use]
    pub fn outcome_key(&self) -> String {
        format!("out/{}.json", self.0)
    }

    /// Store key of the main output.
    #[must_use]
    pub fn data_key(&self) -> String {
        format!("out/{}.data", self.0)
    }

    /// Store key of the packets that an index had to copy out of the container.
    #[must_use]
    pub fn packets_key(&self) -> String {
        format!("out/{}.packets", self.0)
    }

    /// Store key of the thumbnail of that number.
    #[must_use]
    pub fn thumb_key(&self, number: usize) -> String {
        format!("out/{}.{number}", self.0)
    }

    /// Store key of the codec's state at the end of a chunk.
    #[must_use]
    pub fn state_key(&self) -> String {
        format!("out/{}.state", self.0)
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored blob and the proof of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// Key in the work store.
    pub key: Box<str>,
    /// Size in bytes.
    pub size: u64,
    /// BLAKE3 of the whole blob.
    pub digest: Digest,
}

/// What a finished task says of itself. Stored beside its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The task's key.
    pub key: TaskKey,
    /// Blobs that the task wrote, the main one first.
    pub blobs: Vec<BlobRef>,
    /// Digest of the state that it ends in, where that was kept: of the state
    /// itself, whatever its bytes in the store are.
    pub state: Option<Digest>,
    /// Packets in the output.
    pub packets: u64,
    /// Frames encoded, packets indexed, or thumbnails made.
    pub frames: u64,
    /// Sum of the output packets' sizes in bytes.
    pub payload_bytes: u64,
    /// Most packets that precede one in decoding order and follow it when shown.
    pub reorder: u32,
    /// First presentation time of the output, in its time base.
    pub first_pts: Option<i64>,
    /// Things the user should know.
    pub warnings: Vec<String>,
    /// What the attempt cost.
    pub stats: TaskStats,
}

/// What one attempt cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskStats {
    /// CPU seconds of the worker's thread.
    pub cpu_s: f64,
    /// Seconds until nothing was missing but the state that it continues from;
    /// 0 for tasks that continue from none.
    pub ready_s: f64,
    /// Bytes fetched from stores.
    pub bytes_read: u64,
    /// Bytes written to stores.
    pub bytes_written: u64,
    /// Highest resident size of the worker's process so far, in bytes.
    pub peak_memory: u64,
}
