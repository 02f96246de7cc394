// SPDX-License-Identifier: MIT OR Apache-2.0
//! Learning from the decoder itself which packets show a frame, and when.

use super::Damage;
use framemill_codec::libav::{log, CodecParams, Decoder, DemuxedPacket, InputPacket};
use framemill_codec::picture::Rational;
use framemill_codec::Result;

/// A frame that the linear decode showed.
#[derive(Clone, Copy, Debug)]
pub struct ShownFrame {
    /// Packet it came from.
    pub packet: u64,
    /// libav's best guess of its time.
    pub pts: Option<i64>,
}

/// Decodes a stream twice in step: once as FFmpeg would, for the times, and
/// once with packet numbers in place of times, for the origin of each frame.
/// Both give the same frames in the same order, so the two lists zip.
pub struct DecodeScan {
    timed: Decoder,
    numbered: Decoder,
    times: Vec<Option<i64>>,
    origins: Vec<u64>,
    damage: Vec<Damage>,
}

/// Places of damage that are remembered.
const MAX_DAMAGE: usize = 100;

impl DecodeScan {
    pub fn new(params: &CodecParams, time_base: Rational) -> Result<Self> {
        Ok(Self {
            timed: Decoder::open(params, time_base)?,
            numbered: Decoder::open(params, time_base)?,
            times: Vec::new(),
            origins: Vec::new(),
            damage: Vec::new(),
        })
    }

    /// Decodes packet `number` of the stream.
    pub fn push(&mut self, number: u64, packet: &DemuxedPacket<'_>) {
        let side = packet.side_data();
        let timed = packet.input(&side);
        let numbered = InputPacket {
            pts: Some(number as i64),
            dts: Some(number as i64),
            ..timed
        };
        self.step(number, packet.pos(), Some((&timed, &numbered)));
    }

    fn step(
        &mut self,
        number: u64,
        pos: Option<u64>,
        packets: Option<(&InputPacket<'_>, &InputPacket<'_>)>,
    ) {
        let _ = log::take();
        let times = &mut self.times;
        let mut failed = drain(&mut self.timed, packets.map(|p| p.0), |frame| {
            times.push(frame.best_effort_timestamp());
        });
        let messages = log::take();
        let origins = &mut self.origins;
        let _ = drain(&mut self.numbered, packets.map(|p| p.1), |frame| {
            origins.push(frame.pts().map_or(number, |p| p as u64));
        });
        let _ = log::take();
        if failed.is_none() && messages.count > 0 {
            failed = Some(String::new());
        }
        if let Some(detail) = failed {
            if self.damage.len() < MAX_DAMAGE {
                let detail = messages.lines.first().cloned().unwrap_or(detail);
                self.damage.push(Damage {
                    packet: Some(number),
                    offset: pos,
                    detail,
                });
            }
        }
    }

    /// Flushes; gives the frames in the order shown, and the damage.
    pub fn finish(mut self, packets: u64) -> (Vec<ShownFrame>, Vec<Damage>) {
        self.step(packets.saturating_sub(1), None, None);
        let frames = self
            .origins
            .iter()
            .zip(&self.times)
            .map(|(&packet, &pts)| ShownFrame { packet, pts })
            .collect();
        (frames, self.damage)
    }
}

/// Sends one packet (or the end) and receives all frames; the first error in words.
fn drain(
    decoder: &mut Decoder,
    packet: Option<&InputPacket<'_>>,
    mut each: impl FnMut(framemill_codec::libav::Frame),
) -> Option<String> {
    let mut failed = decoder.send(packet).err().map(|e| e.to_string());
    // A decoder that fails for ever must not hold us for ever.
    for _ in 0..1000 {
        match decoder.receive() {
            Ok(Some(frame)) => each(frame),
            Ok(None) => break,
            Err(error) => {
                failed.get_or_insert(error.to_string());
            }
        }
    }
    failed
}
