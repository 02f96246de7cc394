// SPDX-License-Identifier: MIT OR Apache-2.0
//! From chunks to a file: verify every chunk, give decoding times that rise
//! over all seams, interleave, mux. One chunk is open at a time, so memory is
//! flat but for the container's own index.

mod order;
mod verify;

pub use verify::{verify_times, Expected};

use crate::error::{JobError, Result};
use crate::plan::container::Container;
use crate::plan::tracks::TrackPlan;
use framemill_codec::libav::{ChapterInfo, Muxer, MuxerOptions, OutputStream};
use framemill_codec::packet::{Packet, PacketFileReader, StreamHeader};
use framemill_store::RangeReader;
use framemill_worker::{Failure, TaskKey, WorkPlace};
use order::DecodingOrder;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::vec;
use tokio_util::sync::CancellationToken;

/// Everything a stitch needs.
pub struct Stitch<'a> {
    /// The output as the user knows it, for messages.
    pub name: String,
    /// Where the chunks are.
    pub place: &'a WorkPlace,
    /// The container to write.
    pub container: Container,
    /// The tasks that made the video's chunks, in order.
    pub chunks: Vec<TaskKey>,
    /// Times of the video that no packet tells.
    pub times: VideoTimes,
    /// Display matrix to keep.
    pub display_matrix: Option<[i32; 9]>,
    /// Tracks with the tasks that made their packets.
    pub tracks: Vec<(TrackPlan, TaskKey)>,
    /// Tags of the video stream.
    pub video_metadata: BTreeMap<String, String>,
    /// Tags of the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Chapters.
    pub chapters: Vec<ChapterInfo>,
}

/// Times of the video that no packet tells, in its time base.
#[derive(Clone, Copy, Debug)]
pub struct VideoTimes {
    /// Nominal duration of a frame.
    pub period: i64,
    /// Time of the last frame shown.
    pub last_pts: i64,
    /// Its duration.
    pub last_duration: i64,
    /// Frames of reordering delay, the most of any chunk.
    pub reorder: usize,
}

/// A failed chunk: it must be made again.
#[derive(Debug, thiserror::Error)]
pub enum StitchError {
    /// The output of task `0` is not what was stored.
    #[error("{0} is damaged: {1}")]
    Damaged(TaskKey, Failure),
    /// Anything else.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// One stream's packets, whatever the number of files they are in.
struct Source<'a> {
    place: &'a WorkPlace,
    files: vec::IntoIter<TaskKey>,
    open: Option<(TaskKey, PacketFileReader<BufReader<RangeReader>>)>,
    header: StreamHeader,
    order: Option<DecodingOrder>,
    next: Option<Packet>,
}

impl<'a> Source<'a> {
    fn new(
        place: &'a WorkPlace,
        files: Vec<TaskKey>,
        video: Option<VideoTimes>,
    ) -> Result<Self, StitchError> {
        let mut files = files.into_iter();
        let first = files
            .next()
            .ok_or_else(|| StitchError::Job(JobError::Failed("a stream without chunks".into())))?;
        let reader = open(place, &first)?;
        let header = reader.header().clone();
        let order = video.map(DecodingOrder::new);
        let mut source = Self {
            place,
            files,
            open: Some((first, reader)),
            header,
            order,
            next: None,
        };
        source.advance()?;
        Ok(source)
    }

    /// Takes the waiting packet and fetches the one after it.
    fn take(&mut self) -> Result<Option<Packet>, StitchError> {
        let packet = self.next.take();
        if packet.is_some() {
            self.advance()?;
        }
        Ok(packet)
    }

    fn advance(&mut self) -> Result<(), StitchError> {
        loop {
            let Some((key, reader)) = &mut self.open else {
                return Ok(());
            };
            match reader
                .next_packet()
                .map_err(|e| StitchError::Damaged(*key, e.into()))?
            {
                Some(mut packet) => {
                    if let Some(order) = &mut self.order {
                        order.set_times(&mut packet).map_err(JobError::Failed)?;
                    }
                    self.next = Some(packet);
                    return Ok(());
                }
                None => self.open_next()?,
            }
        }
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

    /// Whether the waiting packet comes before another stream's.
    fn compare(&self, other: &Self) -> Ordering {
        let (Some(a), Some(b)) = (&self.next, &other.next) else {
            return other.next.is_some().cmp(&self.next.is_some());
        };
        let scaled = |p: &Packet, unit: framemill_codec::picture::Rational, by: i32| {
            i128::from(p.dts) * i128::from(unit.num) * i128::from(by)
        };
        let (ua, ub) = (self.header.time_base, other.header.time_base);
        scaled(a, ua, ub.den).cmp(&scaled(b, ub, ua.den))
    }
}

fn open(
    place: &WorkPlace,
    key: &TaskKey,
) -> Result<PacketFileReader<BufReader<RangeReader>>, StitchError> {
    let damaged = |failure| StitchError::Damaged(*key, failure);
    let reader = place.open_output(key).map_err(damaged)?;
    PacketFileReader::new(BufReader::with_capacity(256 << 10, reader))
        .map_err(|e| damaged(e.into()))
}

/// Writes the file at `path`.
///
/// # Errors
/// [`StitchError::Damaged`] for a chunk that is not whole; what was written is
/// then worthless, as after any error.
pub fn stitch(job: Stitch<'_>, path: &Path, cancel: &CancellationToken) -> Result<(), StitchError> {
    let mut sources = vec![Source::new(job.place, job.chunks, Some(job.times))?];
    let mut streams = vec![OutputStream {
        header: sources[0].header.clone(),
        metadata: job.video_metadata,
        dispositions: vec!["default".into()],
        display_matrix: job.display_matrix,
    }];
    for (track, key) in job.tracks {
        let source = Source::new(job.place, vec![key], None)?;
        streams.push(OutputStream {
            header: source.header.clone(),
            metadata: track.metadata,
            dispositions: track.dispositions,
            display_matrix: None,
        });
        sources.push(source);
    }
    let options = MuxerOptions {
        metadata: job.metadata,
        chapters: job.chapters,
    };
    let failed = |e: framemill_codec::Error| {
        StitchError::Job(JobError::Failed(format!("{}: {e}", job.name)))
    };
    let mut muxer =
        Muxer::create(path, job.container.muxer(), &streams, &options).map_err(failed)?;
    while let Some(index) = (0..sources.len()).min_by(|&a, &b| sources[a].compare(&sources[b])) {
        if cancel.is_cancelled() {
            return Err(JobError::Interrupted("interrupted".into()).into());
        }
        let Some(packet) = sources[index].take()? else {
            break;
        };
        muxer.write(index, &packet).map_err(failed)?;
    }
    muxer.finish().map_err(failed)
}
