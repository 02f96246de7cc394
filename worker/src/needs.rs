// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory a task needs, by estimate, so that a worker that is too
//! small refuses it instead of dying of it.

use crate::encode::{EncoderSpec, AV1_BY_RAV1E, DIGEST, SCENE, VP8_BY_FRAMEMILL};
use crate::{thumb, Task};
use framemill_codec::libav::CodecParams;

/// A process with codec libraries, and buffers that do not depend on pictures.
const BASE: u64 = 96 << 20;
/// What reading a container takes: caches, tables, and a decoder now and then.
const CONTAINER: u64 = 96 << 20;
/// Pictures that a decoder and the filters hold: 16 references and what is on its way.
const DECODED: u64 = 22;

/// Pictures' worth of memory that an encoder takes: what the largest of its presets were
/// seen to use at 1080p and 4K (docs/results.md, "What tasks need"), and a fifth more.
fn encoder_pictures(encoder: &str) -> u64 {
    match encoder {
        DIGEST | SCENE => 4,
        VP8_BY_FRAMEMILL => 80,
        AV1_BY_RAV1E => 300,
        "libsvtav1" => 200,
        "libx265" => 170,
        "libx264" => 180,
        _ => 120,
    }
}

/// Bytes of a picture. Unknown formats count as 4:2:0 of 8 bits.
fn picture(format: &str, width: u32, height: u32) -> u64 {
    let whole = ["444", "gbr", "rgb", "bgr"];
    let halves = match format {
        f if whole.iter().any(|w| f.contains(w)) => 6,
        f if f.contains("422") || f.contains("440") => 4,
        _ => 3,
    };
    let deep = ["p9", "p10", "p12", "p14", "p16", "010", "016"];
    let bytes = 1 + u64::from(deep.iter().any(|d| format.contains(d)));
    u64::from(width) * u64::from(height) * bytes * halves / 2
}

/// Bytes of memory that decoding and encoding such pictures takes, whatever their
/// number; rather too many than too few.
#[must_use]
pub fn of_encode(from: &CodecParams, to: &EncoderSpec) -> u64 {
    let decoded = picture(&from.format, from.width, from.height);
    // SVT-AV1 takes as much for 8 bits as for 10.
    let format = match to.encoder.as_str() {
        "libsvtav1" => "yuv420p",
        _ => to.pix_fmt.as_str(),
    };
    let encoded = picture(format, to.width, to.height);
    BASE + decoded * DECODED + encoded * encoder_pictures(&to.encoder)
}

/// Bytes of memory that a task needs, in a process of its own; rather too many
/// than too few.
#[must_use]
pub fn memory(task: &Task) -> u64 {
    match task {
        Task::Index(_) => BASE + CONTAINER,
        Task::Track(_) => BASE + CONTAINER,
        Task::Thumb(task) => BASE + thumb::memory(task),
        Task::Encode(task) => of_encode(&task.decoder, &task.encoder),
        Task::Rebase(task) => of_encode(&task.chunk.decoder, &task.chunk.encoder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_by_format() {
        assert_eq!(picture("yuv420p", 100, 10), 1500);
        assert_eq!(picture("yuv420p10le", 100, 10), 3000);
        assert_eq!(picture("p010le", 100, 10), 3000);
        assert_eq!(picture("yuv422p", 100, 10), 2000);
        assert_eq!(picture("gbrp12le", 100, 10), 6000);
        assert_eq!(picture("yuvj444p", 100, 10), 3000);
        assert_eq!(picture("", 100, 10), 1500);
    }
}
