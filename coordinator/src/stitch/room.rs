// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room for MP4's index (`moov`) in front of the media, before the media is
//! there, so that the file is written once.
//!
//! Times decide nearly all of it: which samples lie side by side and so form a
//! chunk of the file, and how many runs of durations there are. Those of the
//! video follow from the plan; tracks are small, and read ahead for theirs.
//! What only packets would tell is bounded.

use super::ahead;
use super::{decoded_first, Stitch, StitchError};
use framemill_codec::libav::{ChapterInfo, MediaKind, OutputStream};
use framemill_codec::picture::Rational;
use std::collections::BTreeMap;

/// `moov` and `mvhd`, empty tables of tags, and the `free` atom after them.
const FILE: u64 = 512;
/// A track's boxes without entries, parameter sets and tags.
const TRACK: u64 = 1200;
/// No encoder of ours makes key frames closer than this all through a chunk.
const KEY_DISTANCE: u64 = 12;
/// Codecs whose encoders say which frames none refers to, a byte each in the file.
const DROPPABLE: [&str; 2] = ["hevc", "av1"];
/// libavformat ends a chunk before it has this many bytes.
const CHUNK: u64 = 1 << 20;

/// When a packet is decoded, and how much later it is shown.
struct Stamp {
    dts: i64,
    delay: i64,
    size: u64,
}

type Stamps<'a> = Box<dyn Iterator<Item = Result<Stamp, StitchError>> + 'a>;

/// Entries of a track's tables.
#[derive(Debug)]
struct Tables {
    unit: Rational,
    /// What the file counts the track's times in.
    clock: Rational,
    samples: u64,
    bytes: u64,
    /// Runs of samples of one duration, and of one delay.
    durations: u64,
    delays: u64,
    /// Runs of samples with no other track's between, and runs of such of equal length.
    chunks: u64,
    lengths: u64,
    last: Option<Last>,
    /// Samples in the chunk at the end, and in the one before.
    open: u64,
    before: u64,
}

/// The packet before.
#[derive(Clone, Copy, Debug)]
struct Last {
    time: i64,
    duration: Option<i64>,
    delay: i64,
}

impl Tables {
    fn of(stream: &OutputStream) -> Self {
        let (params, unit) = (&stream.header.params, stream.header.time_base);
        let rate = i32::try_from(params.sample_rate).unwrap_or(0);
        Self {
            unit,
            clock: match params.kind {
                MediaKind::Audio if rate > 0 => Rational::new(1, rate),
                _ => unit,
            },
            samples: 0,
            bytes: 0,
            durations: 0,
            delays: 0,
            chunks: 0,
            lengths: 0,
            last: None,
            open: 0,
            before: 0,
        }
    }

    fn see(&mut self, stamp: &Stamp, continues: bool) {
        let time = self.unit.rescale(stamp.dts, self.clock);
        let duration = self.last.map(|last| time - last.time);
        self.durations += u64::from(self.last.is_none_or(|last| last.duration != duration));
        self.delays += u64::from(self.last.is_none_or(|last| last.delay != stamp.delay));
        self.last = Some(Last {
            time,
            duration,
            delay: stamp.delay,
        });
        self.samples += 1;
        self.bytes += stamp.size;
        if !continues {
            self.close();
            self.chunks += 1;
        }
        self.open += 1;
    }

    /// Ends the chunk at the end.
    fn close(&mut self) {
        self.lengths += u64::from(self.open != self.before);
        self.before = self.open;
        self.open = 0;
    }

    /// The most that all entries take, when `breaks` further samples come between
    /// this track's and a place in the file takes `place` bytes.
    fn room(&self, breaks: u64, place: u64) -> u64 {
        // Two neighbours in a run that was cut for its size exceed it together.
        let cuts = (2 * self.bytes / CHUNK).min(self.samples - self.chunks.min(self.samples));
        let chunks = (self.chunks + cuts + breaks).min(self.samples);
        let lengths = (self.lengths + 2 * (cuts + breaks)).min(chunks);
        4 * self.samples + 8 * (self.durations + self.delays + 4) + place * chunks + 12 * lengths
    }
}

/// Bytes that `moov` takes at most; rare streams may still exceed it.
///
/// # Errors
/// [`StitchError::Damaged`] for a track that cannot be read.
pub(super) fn index_room(
    job: &Stitch<'_>,
    streams: &[OutputStream],
) -> Result<Option<u32>, StitchError> {
    let mut tables: Vec<_> = streams.iter().map(Tables::of).collect();
    lay_out(&mut tables, all_stamps(job)?)?;
    let Some(video) = tables.first_mut() else {
        return Ok(None);
    };
    for key in &job.chunks {
        let damaged = |failure| StitchError::Damaged(*key, failure);
        video.bytes += job.place.open_output(key).map_err(damaged)?.size();
    }
    let keys = (2 * job.chunks.len() as u64 + video.samples / KEY_DISTANCE).min(video.samples);
    let mut room = FILE + tags(&job.metadata) + chapters(&job.chapters) + 4 * keys;
    if job.times.reorder > 0 {
        // Hardly two neighbours are equally late.
        video.delays = video.samples;
    }
    if DROPPABLE.contains(&streams[0].header.params.codec.as_str()) {
        room += video.samples;
    }
    let all: u64 = tables.iter().map(|t| t.bytes).sum();
    let place = if all >> 20 < 4000 { 4 } else { 8 };
    let texts = texts(&mut tables, streams);
    for (tables, stream) in tables.iter().zip(streams) {
        let sets = stream.header.params.extradata.len() as u64;
        room += TRACK + sets + tags(&stream.metadata) + tables.room(texts, place);
    }
    Ok(i32::try_from(room).ok().map(i32::cast_unsigned))
}

/// Doubles the samples of subtitles, each of which may be followed by an empty one;
/// the number of them all.
fn texts(tables: &mut [Tables], streams: &[OutputStream]) -> u64 {
    let mut all = 0;
    for (tables, stream) in tables.iter_mut().zip(streams) {
        if stream.header.params.kind == MediaKind::Subtitle {
            tables.samples *= 2;
            tables.durations = tables.samples;
            tables.chunks = tables.samples;
            all += tables.samples;
        }
    }
    all
}

/// Counts what the muxer will be given, in that order.
fn lay_out(tables: &mut [Tables], mut stamps: Vec<Stamps<'_>>) -> Result<(), StitchError> {
    let mut next = Vec::with_capacity(stamps.len());
    for stamps in &mut stamps {
        next.push(stamps.next().transpose()?);
    }
    let mut before = None;
    loop {
        let time = |n: usize| next[n].as_ref().map(|s| (s.dts, tables[n].unit));
        let first = (0..next.len()).min_by(|&a, &b| decoded_first(time(a), time(b)));
        let Some((n, stamp)) = first.and_then(|n| Some((n, next[n].take()?))) else {
            break;
        };
        tables[n].see(&stamp, before == Some(n));
        before = Some(n);
        next[n] = stamps[n].next().transpose()?;
    }
    tables.iter_mut().for_each(Tables::close);
    Ok(())
}

/// Video first, then the tracks.
fn all_stamps<'a>(job: &'a Stitch<'_>) -> Result<Vec<Stamps<'a>>, StitchError> {
    let mut all = vec![video_stamps(job)];
    for (_, key) in &job.tracks {
        let mut reader = ahead::open(job.place, key)?;
        all.push(Box::new(std::iter::from_fn(move || {
            let packet = reader
                .next_packet()
                .map_err(|e| StitchError::Damaged(*key, e.into()));
            let stamp = |packet: framemill_codec::packet::Packet| Stamp {
                dts: packet.dts,
                delay: packet.pts.wrapping_sub(packet.dts),
                size: packet.data.len() as u64,
            };
            packet.map(|packet| packet.map(stamp)).transpose()
        })));
    }
    Ok(all)
}

/// As `DecodingOrder` will have them; sizes are not known.
fn video_stamps<'a>(job: &'a Stitch<'_>) -> Stamps<'a> {
    let (shown, late) = (job.shown, job.times.reorder);
    let early = shown.first().copied().unwrap_or(0);
    let lead = (1..=late).map(move |n| early - (late + 1 - n) as i64 * job.times.period);
    let all = lead.chain(shown.iter().copied()).take(shown.len());
    Box::new(all.map(|dts| {
        Ok(Stamp {
            dts,
            delay: 0,
            size: 0,
        })
    }))
}

/// Tags are written in one of two places, or in both.
fn tags(tags: &BTreeMap<String, String>) -> u64 {
    let room = |(key, value): (&String, &String)| 2 * (key.len() + value.len() + 32) as u64;
    tags.iter().map(room).sum()
}

/// Chapters make a list and a track of text.
fn chapters(chapters: &[ChapterInfo]) -> u64 {
    let entry = |chapter: &ChapterInfo| 32 + tags(&chapter.metadata);
    let entries: u64 = chapters.iter().map(entry).sum();
    entries + u64::from(!chapters.is_empty()) * TRACK
}
