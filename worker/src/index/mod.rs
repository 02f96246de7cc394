// SPDX-License-Identifier: MIT OR Apache-2.0
//! The index: a container's video packets as one list that workers can fetch
//! by byte range, without ever opening the container again.
//!
//! Containers with tables (MP4, MOV) are indexed without reading their media.
//! Others are read once, front to back, as FFmpeg reads them; packets whose
//! bytes do not lie in one piece in the source (MPEG-TS and the like) are
//! copied once into a blob of their own. Where frames cannot be told from
//! packets (no timestamps, hidden frames, damage) the same pass decodes too.

mod decode_scan;
mod describe;
mod locate;
mod scan;
mod sparse;
mod table;
mod times;

pub use describe::choose_video;
pub use table::{Index, IndexHeader, PacketEntry, VideoTrack, FLAG_BEYOND_END, FLAG_NO_FRAME};

use crate::run::WorkPlace;
use crate::task::TaskKey;
use crate::{BlobRef, Failure, Monitor, SourceRef};
use framemill_store::ReadStats;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Reads a container's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTask {
    /// The source.
    pub source: SourceRef,
    /// Decode everything once to learn which packets show a frame, and when:
    /// the answer to a plan that did not match.
    pub decode: bool,
}

/// Where a video packet's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketHome {
    /// At their offsets in the source.
    Source,
    /// At their offsets in a blob of the work store.
    Copied {
        /// Its key.
        key: String,
        /// Its size.
        size: u64,
    },
}

/// A place in the stream that does not decode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Packet in decoding order; `None` where the container itself breaks.
    pub packet: Option<u64>,
    /// Byte offset in the source, where known.
    pub offset: Option<u64>,
    /// The decoder's or demuxer's words.
    pub detail: String,
}

/// Runs an [`IndexTask`]; gives the blobs written and the index itself.
pub(crate) fn run(
    task: &IndexTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<(Vec<BlobRef>, Index), Failure> {
    let scanned = scan::scan(task, key, place, monitor, stats)?;
    let bytes = scanned.index.to_bytes()?;
    let mut blobs = vec![place.put_blob(&key.data_key(), bytes)?];
    blobs.extend(scanned.copied);
    Ok((blobs, scanned.index))
}
