// SPDX-License-Identifier: MIT OR Apache-2.0
//! What decoding takes.

use crate::error::{JobError, Result};
use framemill_codec::libav::{Decoder, Demuxer, MediaKind};
use framemill_worker::process_cpu_s;
use std::fs::File;
use std::path::Path;

/// Seconds of CPU to read and decode the first `frames` frames of a file's video.
///
/// # Errors
/// [`JobError::Input`] for a file that does not decode.
pub fn seconds(clip: &str, frames: u64) -> Result<f64> {
    let wrong = |detail: String| JobError::Input {
        file: clip.to_owned(),
        detail,
    };
    let before = process_cpu_s();
    let file = File::open(clip).map_err(|e| wrong(e.to_string()))?;
    let name = Path::new(clip).file_name().unwrap_or_default();
    let demuxer = Demuxer::open(file, &name.to_string_lossy());
    let mut demuxer = demuxer.map_err(|e| wrong(e.to_string()))?;
    let mut streams = demuxer.streams().into_iter();
    let video = streams.find(|s| s.params.kind == MediaKind::Video);
    let video = video.ok_or_else(|| wrong("no video stream".into()))?;
    demuxer.keep_streams(|i| i == video.index);
    let decoder = Decoder::open(&video.params, video.time_base);
    let mut decoder = decoder.map_err(|e| wrong(e.to_string()))?;
    let mut decoded = 0;
    while decoded < frames {
        let packet = demuxer.next_packet().map_err(|e| wrong(e.to_string()))?;
        let Some(packet) = packet else { break };
        if packet.stream() != video.index {
            continue;
        }
        let side = packet.side_data();
        let sent = decoder.send(Some(&packet.input(&side)));
        sent.map_err(|e| wrong(e.to_string()))?;
        while decoder
            .receive()
            .map_err(|e| wrong(e.to_string()))?
            .is_some()
        {
            decoded += 1;
        }
    }
    Ok(process_cpu_s() - before)
}
