// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frame nearest to a time, and the best of several.

use std::io::{Read, Seek};

use framemill_codec::libav::{Decoder, Demuxer, Frame, StreamInfo};
use framemill_thumbs::plan::Size;
use framemill_thumbs::{Limits, Result, ThumbError};

use super::{broken, VideoFacts};
use crate::index::choose_video;
use crate::orientation::orientation;

/// Packets of the video that are decoded for one frame, at most.
const MOST_PACKETS: u32 = 3000;
/// Packets of other streams that are passed over, at most.
const MOST_OTHERS: u32 = 100_000;
/// Where the best frame is looked for, in shares of the duration.
const SHARES: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.05];
/// Where else it is looked for if those are all worth less than [`GOOD`].
const BETWEEN: [f64; 4] = [0.5, 0.3, 0.7, 0.9];
/// What a frame is worth that is good enough.
const GOOD: f64 = 0.5;
/// How long a video of unknown duration is taken to be, in seconds.
const UNKNOWN: f64 = 10.0;
/// How far before the wanted time a seek aims, in microseconds, where the first one came too late.
const EARLIER: [i64; 3] = [0, 5_000_000, 30_000_000];

/// An open video.
pub(super) struct Video {
    demuxer: Demuxer,
    stream: StreamInfo,
}

/// A frame's time, in microseconds of the container's own time.
type Timed = (Frame, Option<i64>);

impl Video {
    pub(super) fn open<R: Read + Seek + Send + 'static>(
        reader: R,
        name: &str,
        limits: &Limits,
    ) -> Result<Self> {
        let mut demuxer = Demuxer::open(reader, name).map_err(|error| match error {
            framemill_codec::Error::Open { detail } => ThumbError::Read { reason: detail },
            other => broken(&other),
        })?;
        let streams = demuxer.streams();
        let stream = choose_video(&streams);
        let stream = stream.map_err(|failure| ThumbError::Read {
            reason: failure.to_string(),
        })?;
        let stream = stream.clone();
        let pixels = u64::from(stream.params.width) * u64::from(stream.params.height);
        if pixels > limits.pixels {
            return Err(ThumbError::TooLarge {
                what: "pixels of the source",
                value: pixels,
                limit: limits.pixels,
            });
        }
        demuxer.keep_streams(|index| index == stream.index);
        Ok(Self { demuxer, stream })
    }

    pub(super) fn facts(&self) -> VideoFacts {
        let params = &self.stream.params;
        VideoFacts {
            container: self.demuxer.format_name(),
            codec: params.codec.clone(),
            size: Size::new(params.width, params.height),
            orientation: self.exif_orientation(),
            seconds: self.duration(),
        }
    }

    /// What EXIF would call the display matrix (TIFF 6.0, Orientation): a mirror comes first,
    /// turns are clockwise.
    pub(super) fn exif_orientation(&self) -> u32 {
        match self.stream.display_matrix.as_ref().and_then(orientation) {
            Some((90, false)) => 6,
            Some((180, false)) => 3,
            Some((270, false)) => 8,
            Some((0, true)) => 2,
            Some((90, true)) => 7,
            Some((180, true)) => 4,
            Some((270, true)) => 5,
            _ => 1,
        }
    }

    fn start_us(&self) -> i64 {
        let unit = self.stream.time_base.as_f64();
        let own = self
            .stream
            .start
            .map(|start| (start as f64 * unit * 1e6) as i64);
        own.or_else(|| self.demuxer.start_us()).unwrap_or(0)
    }

    fn duration(&self) -> Option<f64> {
        let unit = self.stream.time_base.as_f64();
        let own = self.stream.duration.map(|ticks| ticks as f64 * unit);
        own.or_else(|| self.demuxer.duration_us().map(|us| us as f64 * 1e-6))
    }

    /// The frame nearest to a time in seconds from the start, and its time.
    pub(super) fn nearest(
        &mut self,
        seconds: f64,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Frame, f64)> {
        let start = self.start_us();
        let target = start.saturating_add((seconds.min(1e9) * 1e6) as i64);
        let mut found = None;
        for earlier in EARLIER {
            let aim = target.saturating_sub(earlier).max(start);
            // Containers that cannot seek are read on from where they are: at first, the start.
            let _ = self.demuxer.seek_before(aim);
            let near = self.decode_until(target, stopped)?;
            let early = near
                .as_ref()
                .is_some_and(|(_, at)| at.is_none_or(|at| at <= target));
            found = near.or(found);
            if early || aim == start {
                break;
            }
        }
        self.with_seconds(found)
    }

    fn with_seconds(&self, found: Option<Timed>) -> Result<(Frame, f64)> {
        let (frame, at) = found.ok_or_else(|| ThumbError::Read {
            reason: "no frame of the video decodes".into(),
        })?;
        let seconds = at.map_or(0.0, |at| (at - self.start_us()) as f64 * 1e-6);
        Ok((frame, seconds))
    }

    /// Decodes from where the demuxer is, up to the frame nearest to a time.
    fn decode_until(&mut self, target: i64, stopped: &dyn Fn() -> bool) -> Result<Option<Timed>> {
        let unit = self.stream.time_base.as_f64() * 1e6;
        let opened = Decoder::open(&self.stream.params, self.stream.time_base);
        let mut decoder = opened.map_err(|error| broken(&error))?;
        let mut before: Option<Timed> = None;
        let (mut packets, mut others) = (0, 0);
        loop {
            if stopped() {
                return Err(ThumbError::Cancelled);
            }
            let ended = packets >= MOST_PACKETS || others >= MOST_OTHERS;
            let next = if ended {
                Ok(None)
            } else {
                self.demuxer.next_packet()
            };
            // Where reading breaks off, what has been read may do.
            let packet = next.unwrap_or(None);
            let last = packet.is_none();
            if let Some(packet) = &packet {
                if packet.stream() != self.stream.index {
                    others += 1;
                    continue;
                }
                packets += 1;
                let side = packet.side_data();
                let input = packet.input(&side);
                // Damage on the way costs a frame, not the thumbnail.
                let _ = decoder.send(Some(&input));
            } else {
                let _ = decoder.send(None);
            }
            while let Ok(Some(frame)) = decoder.receive() {
                let at = frame.best_effort_timestamp().or_else(|| frame.pts());
                let at = at.map(|at| (at as f64 * unit) as i64);
                if target == i64::MIN {
                    return Ok(Some((frame, at)));
                }
                let Some(time) = at.filter(|at| *at >= target) else {
                    before = Some((frame, at));
                    continue;
                };
                let closer = before.as_ref().is_some_and(|(_, earlier)| {
                    earlier.is_some_and(|earlier| target - earlier < time - target)
                });
                return Ok(if closer { before } else { Some((frame, at)) });
            }
            if last {
                return Ok(before);
            }
        }
    }

    /// A frame that is neither black nor blurred, of some over all the video.
    pub(super) fn best(&mut self, stopped: &dyn Fn() -> bool) -> Result<(Frame, f64)> {
        let start = self.start_us();
        let duration = self.duration().unwrap_or(UNKNOWN);
        let mut best: Option<(f64, Timed)> = None;
        for share in SHARES {
            let aim = start.saturating_add((duration * share * 1e6) as i64);
            if self.demuxer.seek_before(aim).is_err() && best.is_some() {
                break;
            }
            // The first frame from there, which is a key frame.
            let Some(found) = self.decode_until(i64::MIN, stopped)? else {
                continue;
            };
            if best
                .as_ref()
                .is_some_and(|(_, (_, at))| *at == found.1 && at.is_some())
            {
                continue;
            }
            let worth = worth(&found.0);
            if best.as_ref().is_none_or(|(most, _)| worth > *most) {
                best = Some((worth, found));
            }
        }
        // Where key frames are few and dark, frames in between may be better.
        for share in BETWEEN {
            if best.as_ref().is_some_and(|(most, _)| *most >= GOOD) {
                break;
            }
            let (frame, seconds) = self.nearest(duration * share, stopped)?;
            let worth = worth(&frame);
            if best.as_ref().is_none_or(|(most, _)| worth > *most) {
                let at = start.saturating_add((seconds * 1e6) as i64);
                best = Some((worth, (frame, Some(at))));
            }
        }
        self.with_seconds(best.map(|(_, found)| found))
    }
}

/// How good a thumbnail a frame would be: how sharp it is, less where it is nearly all dark, all
/// light or of one colour. From luma, in steps of some pixels.
fn worth(frame: &Frame) -> f64 {
    let Ok(view) = frame.view() else {
        return 0.0;
    };
    let (plane, bytes) = (&view.planes[0], view.bytes_per_sample());
    let shift = u32::from(view.depth.saturating_sub(8));
    let at = |x: usize, y: usize| {
        let row = plane.row(y, bytes);
        match bytes {
            1 => f64::from(row[x]),
            _ => f64::from(u16::from_ne_bytes([row[2 * x], row[2 * x + 1]]) >> shift),
        }
    };
    let step = (plane.width / 160).max(1);
    let (mut count, mut sum, mut squares, mut edges) = (0.0, 0.0, 0.0, 0.0);
    for y in (1..plane.height.saturating_sub(1)).step_by(step) {
        for x in (1..plane.width.saturating_sub(1)).step_by(step) {
            let here = at(x, y);
            let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
            count += 1.0;
            sum += here;
            squares += here * here;
            edges += (4.0 * here - around).abs().min(64.0);
        }
    }
    if count == 0.0 {
        return 0.0;
    }
    let mean: f64 = sum / count;
    let deviation = (squares / count - mean * mean).max(0.0).sqrt();
    let lit = ((mean - 16.0) / 40.0).clamp(0.01, 1.0) * ((245.0 - mean) / 40.0).clamp(0.01, 1.0);
    lit * (deviation / 40.0).min(1.0) * (1.0 + edges / count)
}
