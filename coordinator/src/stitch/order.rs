// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding times over all seams.

use super::VideoTimes;
use framemill_codec::packet::Packet;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives every packet the decoding time that one encoder run would: with a
/// reordering delay of `d` frames, packet `i` is decoded when frame `i - d`
/// of the display order is shown. Chunk encoders cannot know this: each starts
/// `d` frames early, which only fits at constant rate.
pub struct DecodingOrder {
    times: VideoTimes,
    /// Presentation times seen and not yet used, smallest first.
    waiting: BinaryHeap<Reverse<i64>>,
    count: u64,
    first: i64,
    last: Option<i64>,
}

impl DecodingOrder {
    pub fn new(times: VideoTimes) -> Self {
        Self {
            times,
            waiting: BinaryHeap::new(),
            count: 0,
            first: 0,
            last: None,
        }
    }

    /// Sets decoding time and duration.
    ///
    /// # Errors
    /// A text when the encoder reorders further than it says.
    pub fn set_times(&mut self, packet: &mut Packet) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn dts_of(pts: &[i64], delay: usize) -> Result<Vec<i64>, String> {
        let times = VideoTimes {
            period: 10,
            last_pts: 1000,
            last_duration: 7,
            reorder: delay,
        };
        let mut order = DecodingOrder::new(times);
        pts.iter()
            .map(|&pts| {
                let mut p = Packet {
                    pts,
                    dts: 0,
                    duration: 0,
                    flags: 0,
                    data: Vec::new(),
                    side: Vec::new(),
                };
                order.set_times(&mut p).map(|()| p.dts)
            })
            .collect()
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
