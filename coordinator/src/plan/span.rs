// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which packets a chunk needs, and what becomes of each frame.

use super::chunks::Chunk;
use super::options::TranscodeOptions;
use super::output::VideoPlan;
use crate::error::{JobError, Result};
use framemill_codec::picture::Rational;
use framemill_worker::encode::{
    EncodeTask, PacketItem, PacketList, PacketSource, Timing, ITEM_HANDLE, ITEM_LEAD,
};
use framemill_worker::index::{Index, PacketHome};
use std::ops::Range;

const MICROS: Rational = Rational::new(1, 1_000_000);
/// Marks packets that show no frame.
const NOWHERE: u32 = u32::MAX;

/// The source's frames in display order, and where they come out.
#[derive(Debug)]
pub struct Timeline {
    /// Packet numbers in display order.
    order: Vec<u32>,
    /// Display position by packet number.
    rank: Vec<u32>,
    /// Display positions that are kept.
    pub kept: Range<usize>,
    /// Key packets, ascending.
    keys: Vec<u32>,
    /// What becomes zero, in the source's time base.
    pub origin: i64,
    /// The same in microseconds.
    pub origin_us: i64,
    /// Where the output ends on the source's line, in microseconds.
    pub end_us: Option<i64>,
    /// Constant output rate, when times are made anew.
    rate: Option<Rational>,
    /// Unit of the source's times.
    unit: Rational,
}

impl Timeline {
    /// Lays out the frames that the options keep.
    ///
    /// # Errors
    /// [`JobError::Usage`] for an empty stretch of time.
    pub fn new(index: &Index, options: &TranscodeOptions) -> Result<Self> {
        let unit = index.header.video.stream.time_base;
        let order = index.display_order();
        let mut rank = vec![NOWHERE; index.packets.len()];
        for (position, &packet) in order.iter().enumerate() {
            rank[packet as usize] = position as u32;
        }
        let keys = (0..index.packets.len() as u32)
            .filter(|&i| index.packets[i as usize].is_key())
            .collect();
        let at = |seconds: f64| index.header.start_us + (seconds * 1e6).round() as i64;
        let start_us = options.start.map(at);
        let end_us = options.end.map(at);
        if let (Some(start), Some(end)) = (options.start.or(Some(0.0)), options.end) {
            if end <= start {
                return Err(JobError::Usage(format!(
                    "--end {end} is not after --start {start}"
                )));
            }
        }
        let pts_us = |packet: u32| unit.rescale(index.packets[packet as usize].pts, MICROS);
        let first = start_us.map_or(0, |s| order.partition_point(|&p| pts_us(p) < s));
        let last = end_us.map_or(order.len(), |e| order.partition_point(|&p| pts_us(p) < e));
        if first >= last && !order.is_empty() {
            return Err(JobError::Usage(
                "no frame lies between --start and --end".into(),
            ));
        }
        let origin_us = start_us.unwrap_or(index.header.start_us);
        Ok(Self {
            order,
            rank,
            kept: first..last,
            keys,
            origin: MICROS.rescale(origin_us, unit),
            origin_us,
            end_us,
            rate: options.fps,
            unit,
        })
    }

    /// True when no frame is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// True when output times are made anew at a constant rate.
    #[must_use]
    pub const fn is_constant(&self) -> bool {
        self.rate.is_some()
    }

    /// Length of the kept stretch in seconds.
    #[must_use]
    pub fn duration_s(&self, index: &Index) -> f64 {
        let last = self.kept.end - 1;
        let end = self.pts(index, last) + self.duration(index, last);
        (end - self.pts(index, self.kept.start)) as f64 * self.unit.as_f64()
    }

    /// Seconds from the beginning to the frame at a display position.
    #[must_use]
    pub fn seconds(&self, index: &Index, position: usize) -> f64 {
        let since = self.pts(index, position) - self.pts(index, self.kept.start);
        since as f64 * self.unit.as_f64()
    }

    /// Source time of the frame at a display position.
    #[must_use]
    pub fn pts(&self, index: &Index, position: usize) -> i64 {
        index.packets[self.order[position] as usize].pts
    }

    /// Packet number of the frame at a display position.
    #[must_use]
    pub fn packet(&self, position: usize) -> u32 {
        self.order[position]
    }

    /// Display position of a packet's frame; `None` when it shows none.
    #[must_use]
    pub fn position(&self, packet: usize) -> Option<usize> {
        self.rank
            .get(packet)
            .filter(|&&r| r != NOWHERE)
            .map(|&r| r as usize)
    }

    /// Output ticks before the frame at a display position: positions without
    /// a rate conversion, else FFmpeg's `fps` filter's rule, the tick nearest
    /// to the frame's time.
    #[must_use]
    pub fn tick(&self, index: &Index, position: usize) -> i64 {
        let Some(rate) = self.rate else {
            return (position - self.kept.start) as i64;
        };
        let unit = rate.inverse();
        if position >= self.kept.end {
            let last = self.kept.end - 1;
            let end = self.pts(index, last) + self.duration(index, last);
            let slot = self.unit.rescale(end - self.origin, unit);
            return slot.max(self.tick(index, self.kept.start) + 1);
        }
        self.unit
            .rescale(self.pts(index, position) - self.origin, unit)
    }

    /// Position of the source frame at one of `positions` that output frame
    /// `frame` of theirs, from 0, is made of; the last that there is.
    #[must_use]
    pub fn position_of(&self, index: &Index, positions: &Range<usize>, frame: u64) -> usize {
        let end = self.tick(index, positions.start) + frame as i64;
        let after = |&p: &usize| self.tick(index, p + 1) > end;
        let last = positions.end.saturating_sub(1);
        positions.clone().find(after).unwrap_or(last)
    }

    /// Output frames made of the source frames at `positions`.
    #[must_use]
    pub fn output_frames(&self, index: &Index, positions: &Range<usize>) -> u64 {
        (self.tick(index, positions.end) - self.tick(index, positions.start)).max(0) as u64
    }

    /// Duration of the frame at a display position, in the source's time base.
    #[must_use]
    pub fn duration(&self, index: &Index, position: usize) -> i64 {
        let stated = i64::from(index.packets[self.order[position] as usize].duration);
        if stated > 0 {
            return stated;
        }
        let pts = self.pts(index, position);
        match position {
            p if p + 1 < self.order.len() => self.pts(index, p + 1) - pts,
            p if p > 0 => pts - self.pts(index, p - 1),
            _ => index
                .header
                .video
                .frame_rate
                .inverse()
                .rescale(1, self.unit)
                .max(1),
        }
    }

    /// Output times of all kept frames in order, in the output's time base.
    pub fn output_times<'a>(&'a self, index: &'a Index) -> impl Iterator<Item = i64> + 'a {
        let constant = self.rate.map(|_| {
            let first = self.tick(index, self.kept.start);
            first..self.tick(index, self.kept.end)
        });
        let times = constant
            .is_none()
            .then(|| self.kept.clone().map(|p| self.pts(index, p) - self.origin));
        constant
            .into_iter()
            .flatten()
            .chain(times.into_iter().flatten())
    }

    /// The packet that decoding starts at for frames from `position` on, with
    /// `extra` more key frames of run-up than needed.
    fn start_packet(&self, index: &Index, position: usize, first_packet: u32, extra: usize) -> u32 {
        let wanted = self.pts(index, position);
        let before = self.keys.partition_point(|&k| k <= first_packet);
        let mut extra = extra;
        for &key in self.keys[..before].iter().rev() {
            if self.rank[key as usize] != NOWHERE && index.packets[key as usize].pts <= wanted {
                if extra == 0 {
                    return key;
                }
                extra -= 1;
            }
        }
        0
    }
}

/// What a chunk will fetch.
#[derive(Clone, Copy, Debug)]
pub struct ReadCost {
    /// Packets to decode.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The stretch of the file they lie in.
    pub range: u64,
}

/// The packets of a chunk: from the key frame to start at to the last needed.
fn packet_range(
    index: &Index,
    timeline: &Timeline,
    positions: &Range<usize>,
    extra: usize,
) -> Range<usize> {
    let numbers = || positions.clone().map(|p| timeline.packet(p));
    let (low, high) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let first = timeline.start_packet(index, positions.start, low, extra);
    let mut end = high as usize + 1;
    // A second field, or a frame that is decoded and never shown, may complete the last one.
    while end < index.packets.len() && end - (high as usize) < 8 {
        let packet = &index.packets[end];
        if packet.shows_frame() || packet.is_key() {
            break;
        }
        end += 1;
    }
    first as usize..end
}

/// What the task of a chunk will fetch.
#[must_use]
pub fn read_cost(index: &Index, timeline: &Timeline, video: &VideoPlan, chunk: &Chunk) -> ReadCost {
    let range = packet_range(index, timeline, &with_handles(timeline, video, chunk), 0);
    let packets = &index.packets[range];
    let low = packets.iter().map(|p| p.pos).min().unwrap_or(0);
    let high = packets
        .iter()
        .map(|p| p.pos + u64::from(p.size))
        .max()
        .unwrap_or(0);
    ReadCost {
        packets: packets.len() as u64,
        bytes: packets.iter().map(|p| u64::from(p.size)).sum(),
        range: high - low,
    }
}

fn with_handles(timeline: &Timeline, video: &VideoPlan, chunk: &Chunk) -> Range<usize> {
    let low = chunk.positions.start.saturating_sub(video.handles);
    let high = (chunk.positions.end + video.handles).min(timeline.order.len());
    low..high
}

/// The task that makes a chunk, with `extra` more key frames of run-up than
/// its frames need (`usize::MAX` for all).
#[must_use]
pub fn encode_task(
    index: &Index,
    timeline: &Timeline,
    video: &VideoPlan,
    chunk: &Chunk,
    strict: bool,
    extra: usize,
) -> EncodeTask {
    let fed = with_handles(timeline, video, chunk);
    let range = packet_range(index, timeline, &fed, extra);
    let start = range.start;
    let first_key = timeline.keys.first().map_or(usize::MAX, |&k| k as usize);
    let start_pts = index.packets[start].pts;
    let item = |number: usize| {
        let packet = &index.packets[number];
        let position = timeline.rank[number] as usize;
        let shown = timeline.rank[number] != NOWHERE;
        let mut flags = packet.codec_flags() as u8;
        let before_start = number > start && start > 0 && shown && packet.pts < start_pts;
        if before_start || number < first_key {
            flags |= ITEM_LEAD;
        }
        let mut repeat = 0;
        if shown && chunk.positions.contains(&position) {
            repeat = timeline.output_frames(index, &(position..position + 1)) as u32;
        }
        if shown && fed.contains(&position) && repeat == 0 {
            flags |= ITEM_HANDLE;
        }
        PacketItem {
            pos: packet.pos,
            size: packet.size,
            pts: packet.pts,
            flags,
            repeat,
        }
    };
    let header = &index.header;
    EncodeTask {
        source: match &header.video.home {
            PacketHome::Source => PacketSource::Source(header.source.clone()),
            PacketHome::Copied { key, size } => PacketSource::Work {
                key: key.clone(),
                size: *size,
            },
        },
        stream: header.video.stream.index,
        decoder: header.video.stream.params.clone(),
        source_time_base: timeline.unit,
        first_packet: start as u64,
        packets: PacketList(range.clone().map(item).collect()),
        side: side_data(index, &range),
        strict,
        timing: match timeline.rate {
            Some(_) => Timing::Constant {
                first_tick: timeline.tick(index, chunk.positions.start),
            },
            None => Timing::Source {
                origin: timeline.origin,
            },
        },
        filter: video.filter.clone(),
        encoder: video.encoder.clone(),
        keep_state: false,
    }
}

/// The same for the draft of a chunk that continues from the one before. The
/// pictures that stand for references come first: the one at position `golden`,
/// then the one shown before the chunk, unless they are one. What is between
/// them is not shown.
///
/// Gives their number too.
#[must_use]
pub fn draft_task(
    index: &Index,
    timeline: &Timeline,
    video: &VideoPlan,
    (chunk, golden): (&Chunk, usize),
    strict: bool,
    extra: usize,
) -> (EncodeTask, usize) {
    let Range { start, end } = chunk.positions;
    let shown = |p: &usize| timeline.output_frames(index, &(*p..*p + 1)) > 0;
    let before = (golden..start).rev().find(shown).unwrap_or(golden);
    let stand_ins = if before == golden { 1 } else { 2 };
    let wide = Chunk {
        positions: golden..end,
        frames: chunk.frames + stand_ins as u64,
    };
    let mut task = encode_task(index, timeline, video, &wide, strict, extra);
    for (at, item) in task.packets.0.iter_mut().enumerate() {
        let position = timeline.position(task.first_packet as usize + at);
        let Some(position) = position.filter(|&p| p < start && item.repeat > 0) else {
            continue;
        };
        // At a constant rate it may be shown several times; once is enough here.
        item.repeat = u32::from(position == golden || position == before);
        if item.repeat == 0 && video.handles > 0 {
            item.flags |= ITEM_HANDLE;
        }
    }
    if let Timing::Constant { first_tick } = &mut task.timing {
        *first_tick = timeline.tick(index, start) - stand_ins as i64;
    }
    (task, stand_ins)
}

/// Side data of the chunk's packets. What the last change before them set is
/// given to the first.
fn side_data(
    index: &Index,
    range: &Range<usize>,
) -> Vec<(u64, Vec<framemill_codec::packet::SideData>)> {
    let all = &index.header.video.side;
    let (low, high) = (range.start as u64, range.end as u64);
    let from = all.partition_point(|(n, _)| *n < low);
    let to = all.partition_point(|(n, _)| *n < high);
    let mut side: Vec<_> = all[from..to]
        .iter()
        .map(|(n, s)| (n - low, s.clone()))
        .collect();
    let has_first = side.first().is_some_and(|(n, _)| *n == 0);
    if !has_first && from > 0 {
        side.insert(0, (0, all[from - 1].1.clone()));
    }
    side
}
