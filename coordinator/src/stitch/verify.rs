// SPDX-License-Identifier: MIT OR Apache-2.0
//! Proof that the file holds what the plan says, read back from the file.

use crate::error::{JobError, Result};
use framemill_codec::libav::{log, Decoder, Demuxer, InputPacket, MediaKind};
use framemill_codec::packet::is_hidden;
use framemill_codec::picture::Rational;
use std::fs::File;
use std::path::Path;

/// What the output's video must be.
pub struct Expected {
    /// Presentation times in order.
    pub times: Vec<i64>,
    /// Their unit.
    pub unit: Rational,
}

/// Reads the file back and compares the video's presentation times with the
/// plan's, up to a constant shift and the container's rounding; with `decode`
/// also decodes every frame.
///
/// # Errors
/// [`JobError::Failed`] naming the first frame that differs.
pub fn verify_times(path: &Path, name: &str, expected: &Expected, decode: bool) -> Result<()> {
    let failed = |detail: String| JobError::Failed(format!("{name}: verification: {detail}"));
    let open = || -> Result<Demuxer> {
        let file = File::open(path).map_err(|e| failed(e.to_string()))?;
        let name = path
            .file_name()
            .map_or(String::new(), |n| n.to_string_lossy().into_owned());
        Demuxer::open(file, &name).map_err(|e| failed(e.to_string()))
    };
    let mut demuxer = open()?;
    let stream = demuxer
        .streams()
        .into_iter()
        .find(|s| s.params.kind == MediaKind::Video)
        .ok_or_else(|| failed("no video stream".into()))?;
    demuxer.keep_streams(|i| i == stream.index);
    let mut decoder = match decode {
        true => Some(
            Decoder::open(&stream.params, stream.time_base).map_err(|e| failed(e.to_string()))?,
        ),
        false => None,
    };
    let (mut times, mut shown) = (Vec::with_capacity(expected.times.len()), 0usize);
    let _ = log::take();
    while let Some(packet) = demuxer.next_packet().map_err(|e| failed(e.to_string()))? {
        if packet.stream() != stream.index {
            continue;
        }
        if !is_hidden(&stream.params.codec, packet.data()) {
            let time = packet.pts();
            times.push(time.ok_or_else(|| failed(format!("packet {} has no time", times.len())))?);
        }
        if let Some(decoder) = &mut decoder {
            let side = packet.side_data();
            let input = packet.input(&side);
            shown += decode_one(decoder, Some(&input))
                .map_err(|e| failed(format!("frame {shown}: {e}")))?;
        }
    }
    if let Some(decoder) = &mut decoder {
        shown += decode_one(decoder, None).map_err(|e| failed(format!("frame {shown}: {e}")))?;
        if shown != expected.times.len() {
            return Err(failed(format!(
                "{shown} frames decode where {} are planned",
                expected.times.len()
            )));
        }
    }
    times.sort_unstable();
    compare(&times, stream.time_base, expected).map_err(failed)
}

fn decode_one(decoder: &mut Decoder, packet: Option<&InputPacket<'_>>) -> Result<usize, String> {
    decoder.send(packet).map_err(|e| e.to_string())?;
    let mut shown = 0;
    while decoder.receive().map_err(|e| e.to_string())?.is_some() {
        shown += 1;
    }
    match log::take().lines.into_iter().next() {
        Some(message) => Err(message),
        None => Ok(shown),
    }
}

fn compare(times: &[i64], unit: Rational, expected: &Expected) -> Result<(), String> {
    if times.len() != expected.times.len() {
        return Err(format!(
            "{} frames where {} are planned",
            times.len(),
            expected.times.len()
        ));
    }
    let (Some(&first), Some(&planned)) = (times.first(), expected.times.first()) else {
        return Ok(());
    };
    // Rounding to the container's ticks moves either end of a difference by half a tick.
    let tolerance = unit.as_f64().max(expected.unit.as_f64()) * 1.001;
    for (n, (&is, &should)) in times.iter().zip(&expected.times).enumerate() {
        let is = (is - first) as f64 * unit.as_f64();
        let should = (should - planned) as f64 * expected.unit.as_f64();
        if (is - should).abs() > tolerance {
            return Err(format!(
                "frame {n} is shown at {is:.6} s where {should:.6} s is planned"
            ));
        }
    }
    Ok(())
}
