// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream of our encoder.

use super::source::{Pictures, Source};
use super::Point;
use framemill_codec::dsp::Dsp;
use framemill_codec::vp8::{Encoder, Settings};
use rustix::time::{clock_gettime, ClockId};

/// Encodes a source in this thread and measures the stream; the time is the
/// encoder's alone.
///
/// # Errors
/// A text, as of [`Point::measure`], or the encoder's.
pub fn encoded(source: &Source, settings: Settings) -> Result<Point, String> {
    let wrong = |what: String| format!("{}, quality {}: {what}", source.name, settings.quality);
    let (width, height) = source.size;
    let encoder = Encoder::new(Dsp::best(), settings, width, height);
    let mut encoder = encoder.map_err(|e| wrong(e.to_string()))?;
    let mut pictures = Pictures::open(source)?;
    let (mut packets, mut cpu_s) = (Vec::new(), 0.0);
    while let Some(picture) = pictures.next_picture()? {
        let start = thread_cpu_s();
        let packet = encoder.encode(&picture);
        cpu_s += thread_cpu_s() - start;
        packets.push(packet.map_err(|e| wrong(e.to_string()))?);
    }
    Point::measure(source, settings.quality, &packets, cpu_s)
}

/// CPU seconds of this thread.
fn thread_cpu_s() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
