// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding times over all seams.

use super::VideoTimes;
use framemill_codec::packet::{is_hidden, Packet};
use framemill_codec::picture::Rational;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives every packet the decoding time that one encoder run would: with a
/// reordering delay of `d` frames, packet `i` is decoded when frame `i - d`
/// of the display order is shown. Chunk encoders cannot know this: each starts
/// `d` frames early, which only fits at constant rate.
///
/// A hidden frame's packet gets a time of its own: the middle between the frame shown
/// last and its own time, which is that of the frame shown next. So times of codecs that
/// have such packets are given in half units.
pub struct DecodingOrder {
    times: VideoTimes,
    codec: String,
    /// In how many parts the unit of times is divided.
    parts: i64,
    /// Presentation times seen and not yet used, smallest first.
    waiting: BinaryHeap<Reverse<i64>>,
    count: u64,
    first: i64,
    last: Option<i64>,
}

impl DecodingOrder {
    /// Of a stream of `codec` whose packets have times in `unit`.
    pub fn new(times: VideoTimes, codec: &str, unit: Rational) -> Self {
        Self {
            times,
            codec: codec.to_owned(),
            parts: if halves(codec, unit) { 2 } else { 1 },
            waiting: BinaryHeap::new(),
            count: 0,
            first: 0,
            last: None,
        }
    }

    /// The unit of times that are set, where packets came with times in `unit`.
    pub fn unit(&self, unit: Rational) -> Rational {
        Rational::new(unit.num, unit.den * self.parts as i32)
    }

    /// Sets decoding time and duration, and divides the unit.
    ///
    /// # Errors
    /// A text when the encoder reorders further than it says, or hides a frame where
    /// there is no time for it.
    pub fn set_times(&mut self, packet: &mut Packet) -> Result<(), String> {
        if is_hidden(&self.codec, &packet.data) {
            return self.set_hidden(packet);
        }
        self.set_shown(packet)?;
        for time in [&mut packet.pts, &mut packet.dts, &mut packet.duration] {
            *time *= self.parts;
        }
        Ok(())
    }

    fn set_hidden(&self, packet: &mut Packet) -> Result<(), String> {
        let last = self
            .last
            .filter(|&last| last < packet.pts && self.parts == 2);
        let last = last.ok_or_else(|| {
            format!(
                "no time is left for a hidden frame before that at {}",
                packet.pts
            )
        })?;
        let middle = last + packet.pts;
        (packet.pts, packet.dts, packet.duration) = (middle, middle, 0);
        Ok(())
    }

    fn set_shown(&mut self, packet: &mut Packet) -> Result<(), String> {
        if self.count == 0 {
            self.first = packet.pts;
        }
        self.waiting.push(Reverse(packet.pts));
        packet.dts = if self.count < self.times.reorder as u64 {
            let early = self.times.reorder as i64 - self.count as i64;
            self.first - early * self.times.period
        } else {
            self.waiting.pop().map_or(packet.pts, |Reverse(pts)| pts)
        };
        self.count += 1;
        if packet.dts > packet.pts || self.last.is_some_and(|last| packet.dts <= last) {
            return Err(format!(
                "frame at {} is decoded after it is shown: reordered by more than {} frames",
                packet.pts, self.times.reorder
            ));
        }
        self.last = Some(packet.dts);
        packet.duration = if packet.pts == self.times.last_pts {
            self.times.last_duration
        } else {
            self.times.period
        };
        Ok(())
    }
}

/// Whether packets of `codec` may hide frames, and there is a unit half of `unit` to time
/// them in.
pub fn halves(codec: &str, unit: Rational) -> bool {
    codec == "vp8" && unit.den <= i32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pts: i64, data: &[u8]) -> Packet {
        Packet {
            pts,
            dts: 0,
            duration: 0,
            flags: 0,
            data: data.to_vec(),
            side: Vec::new(),
        }
    }

    fn dts_of(pts: &[i64], delay: usize) -> Result<Vec<i64>, String> {
        let times = VideoTimes {
            period: 10,
            last_pts: 1000,
            last_duration: 7,
            reorder: delay,
        };
        let mut order = DecodingOrder::new(times, "h264", Rational::new(1, 90));
        let set = |&pts: &i64| {
            let mut packet = packet(pts, &[0]);
            order.set_times(&mut packet).map(|()| packet.dts)
        };
        pts.iter().map(set).collect()
    }

    #[test]
    fn hidden_frames_are_timed_between_those_that_are_shown() {
        let (shown, hidden) = ([0x10], [0]);
        let times = VideoTimes {
            period: 1,
            last_pts: 2,
            last_duration: 1,
            reorder: 0,
        };
        let unit = Rational::new(1, 24);
        let mut order = DecodingOrder::new(times, "vp8", unit);
        assert_eq!(order.unit(unit), Rational::new(1, 48));
        let mut set = |pts, data: &[u8]| {
            let mut packet = packet(pts, data);
            let set = order.set_times(&mut packet);
            set.map(|()| (packet.pts, packet.dts, packet.duration))
        };
        assert!(set(0, &hidden).is_err(), "nothing is shown before it");
        assert_eq!(set(0, &shown), Ok((0, 0, 2)));
        assert_eq!(set(1, &hidden), Ok((1, 1, 0)));
        assert_eq!(set(1, &shown), Ok((2, 2, 2)));
        assert!(set(1, &hidden).is_err(), "no time is left");
        assert_eq!(set(2, &shown), Ok((4, 4, 2)));
        let mut whole = DecodingOrder::new(times, "vp8", Rational::new(1, i32::MAX));
        whole.set_times(&mut packet(0, &shown)).unwrap();
        assert!(whole.set_times(&mut packet(5, &hidden)).is_err());
    }

    #[test]
    fn times_rise_over_a_seam_at_a_varying_rate() {
        // Two chunks of I P B B, shown at 0 3 1 2 | 9 30 10 11 (uneven on purpose).
        let dts = dts_of(&[0, 3, 1, 2, 9, 30, 10, 11], 2).unwrap();
        assert_eq!(dts, [-20, -10, 0, 1, 2, 3, 9, 10]);
        assert!(dts.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn without_reordering_frames_are_decoded_when_shown() {
        assert_eq!(dts_of(&[0, 5, 6], 0).unwrap(), [0, 5, 6]);
    }

    #[test]
    fn too_little_delay_is_an_error() {
        assert!(dts_of(&[0, 30, 20, 10], 0).is_err());
    }
}
