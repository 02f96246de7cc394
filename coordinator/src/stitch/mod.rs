// SPDX-License-Identifier: MIT OR Apache-2.0
//! From chunks to a file: verify every chunk, give decoding times that rise
//! over all seams, interleave, mux. A fixed number of chunks is open at a time, and few
//! packets of each wait for the muxer, so memory is flat but for the container's own index.

mod ahead;
mod order;
mod room;
mod verify;

pub use ahead::READERS;
pub use order::halves;
pub use verify::{verify_times, Expected};

use crate::error::{JobError, Result};
use crate::plan::container::Container;
use crate::plan::tracks::TrackPlan;
use ahead::Ahead;
use framemill_codec::libav::{ChapterInfo, Muxer, MuxerOptions, OutputStream};
use framemill_codec::packet::{Packet, StreamHeader};
use framemill_codec::picture::Rational;
use framemill_worker::{Failure, TaskKey, WorkPlace};
use order::DecodingOrder;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::{self, Scope};
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
    /// Presentation times of the video in order, in its time base.
    pub shown: &'a [i64],
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

/// One stream's packets with their final times, the next one at hand.
struct Source {
    packets: Ahead,
    order: Option<DecodingOrder>,
    next: Option<Packet>,
}

impl Source {
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        place: &'scope WorkPlace,
        files: Vec<TaskKey>,
        video: Option<VideoTimes>,
    ) -> Result<Self, StitchError> {
        let packets = Ahead::start(scope, place, files)?;
        let of = packets.header();
        let order = video.map(|times| DecodingOrder::new(times, &of.params.codec, of.time_base));
        let mut source = Self {
            packets,
            order,
            next: None,
        };
        source.advance()?;
        Ok(source)
    }

    /// What the muxer has to know.
    fn header(&self) -> StreamHeader {
        StreamHeader {
            time_base: self.unit(),
            ..self.packets.header().clone()
        }
    }

    /// The unit of the packets' times.
    fn unit(&self) -> Rational {
        let unit = self.packets.header().time_base;
        self.order.as_ref().map_or(unit, |order| order.unit(unit))
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
        self.next = self.packets.next()?;
        if let (Some(packet), Some(order)) = (&mut self.next, &mut self.order) {
            order.set_times(packet).map_err(JobError::Failed)?;
        }
        Ok(())
    }

    /// When the waiting packet is decoded, and the unit of that.
    fn time(&self) -> Option<(i64, Rational)> {
        Some((self.next.as_ref()?.dts, self.unit()))
    }
}

/// Which of two streams' packets comes first; one that has none comes last.
fn decoded_first(a: Option<(i64, Rational)>, b: Option<(i64, Rational)>) -> Ordering {
    let (Some((a, ua)), Some((b, ub))) = (a, b) else {
        return b.is_some().cmp(&a.is_some());
    };
    let scaled = |time: i64, unit: Rational, by: Rational| {
        i128::from(time) * i128::from(unit.num) * i128::from(by.den)
    };
    scaled(a, ua, ub).cmp(&scaled(b, ub, ua))
}

/// Writes the file at `path`.
///
/// # Errors
/// [`StitchError::Damaged`] for a chunk that is not whole; what was written is
/// then worthless, as after any error.
pub fn stitch(job: Stitch<'_>, path: &Path, cancel: &CancellationToken) -> Result<(), StitchError> {
    let roomy = job.container.is_isobmff();
    match thread::scope(|scope| mux(scope, &job, path, cancel, roomy)) {
        // The index then goes to the end first and is moved, at the price of
        // reading and writing everything once more.
        Err(Failed::Room) => thread::scope(|scope| mux(scope, &job, path, cancel, false)),
        result => result,
    }
    .map_err(|failed| failed.into_error(&job.name))
}

/// Why a file was not written.
enum Failed {
    /// The room that was kept for the index is too small.
    Room,
    Muxer(framemill_codec::Error),
    Stitch(StitchError),
}

impl Failed {
    fn into_error(self, name: &str) -> StitchError {
        let failed = |detail: String| JobError::Failed(format!("{name}: {detail}")).into();
        match self {
            Self::Room => failed("no room for the index".into()),
            Self::Muxer(error) => failed(error.to_string()),
            Self::Stitch(error) => error,
        }
    }
}

impl From<StitchError> for Failed {
    fn from(error: StitchError) -> Self {
        Self::Stitch(error)
    }
}

impl From<framemill_codec::Error> for Failed {
    fn from(error: framemill_codec::Error) -> Self {
        match error {
            framemill_codec::Error::IndexRoom { .. } => Self::Room,
            error => Self::Muxer(error),
        }
    }
}

/// Writes the file; with room for its index in front, where that is to be kept.
fn mux<'scope>(
    scope: &'scope Scope<'scope, '_>,
    job: &'scope Stitch<'_>,
    path: &Path,
    cancel: &CancellationToken,
    roomy: bool,
) -> Result<(), Failed> {
    let (mut sources, streams) = start(scope, job)?;
    let options = MuxerOptions {
        metadata: job.metadata.clone(),
        chapters: job.chapters.clone(),
        index_room: match roomy {
            true => room::index_room(job, &streams)?,
            false => None,
        },
    };
    let mut muxer = Muxer::create(path, job.container.muxer(), &streams, &options)?;
    while let Some(index) =
        (0..sources.len()).min_by(|&a, &b| decoded_first(sources[a].time(), sources[b].time()))
    {
        if cancel.is_cancelled() {
            let interrupted = JobError::Interrupted("interrupted".into());
            return Err(StitchError::Job(interrupted).into());
        }
        let Some(packet) = sources[index].take()? else {
            break;
        };
        muxer.write(index, &packet)?;
    }
    Ok(muxer.finish()?)
}

/// Starts reading all streams: the video, then the tracks.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    job: &'scope Stitch<'_>,
) -> Result<(Vec<Source>, Vec<OutputStream>), StitchError> {
    let video = Source::start(scope, job.place, job.chunks.clone(), Some(job.times))?;
    let mut streams = vec![OutputStream {
        header: video.header(),
        metadata: job.video_metadata.clone(),
        dispositions: vec!["default".into()],
        display_matrix: job.display_matrix,
    }];
    let mut sources = vec![video];
    for (track, key) in &job.tracks {
        let source = Source::start(scope, job.place, vec![*key], None)?;
        streams.push(OutputStream {
            header: source.header(),
            metadata: track.metadata.clone(),
            dispositions: track.dispositions.clone(),
            display_matrix: None,
        });
        sources.push(source);
    }
    Ok((sources, streams))
}

#[cfg(test)]
mod tests;
