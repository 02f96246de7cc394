// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packet files made by arithmetic: H.264 to the eye of a muxer, no B-frames.

use framemill_codec::libav::{VideoEncoder, VideoEncoderConfig};
use framemill_codec::packet::{
    Packet, PacketFileSummary, PacketFileWriter, StreamHeader, FLAG_KEY,
};
use framemill_codec::picture::{ColourInfo, Rational};
use std::io::Write;

/// Ticks of a frame: 25 frames a second at [`unit`].
pub const PERIOD: i64 = 512;

/// The time base of the packets.
#[must_use]
pub fn unit() -> Rational {
    Rational::new(1, 12_800)
}

/// The header of a 1080p stream from x264, parameter sets included.
///
/// # Errors
/// The encoder's.
pub fn header() -> Result<StreamHeader, String> {
    let frame_rate = Rational::new(25, 1);
    let encoder = VideoEncoder::open(&VideoEncoderConfig {
        encoder: "libx264".into(),
        width: 1920,
        height: 1080,
        pix_fmt: "yuv420p".into(),
        sar: Rational::new(1, 1),
        time_base: unit(),
        frame_rate,
        colour: ColourInfo::default(),
        threads: 1,
        interlaced: None,
        options: [("bf", "0"), ("preset", "ultrafast")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
    })
    .map_err(|e| e.to_string())?;
    Ok(StreamHeader {
        params: encoder.params().map_err(|e| e.to_string())?,
        time_base: unit(),
        frame_rate,
        mastering: None,
        content_light: None,
    })
}

/// Frame `number`: one slice of `size` bytes without a start code inside.
#[must_use]
pub fn packet(number: u64, size: usize, key: bool) -> Packet {
    let kind = if key { 0x65 } else { 0x41 };
    let mut data = vec![0, 0, 0, 1, kind];
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while data.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Never zero, so never a start code.
        data.extend(state.to_le_bytes().map(|byte| byte | 0x10));
    }
    data.truncate(size);
    Packet {
        pts: number as i64 * PERIOD,
        dts: number as i64 * PERIOD,
        duration: PERIOD,
        flags: if key { FLAG_KEY } else { 0 },
        data,
        side: Vec::new(),
    }
}

/// Writes packets to a sink as a packet file.
///
/// # Errors
/// The sink's.
pub fn write<W: Write>(
    sink: W,
    header: &StreamHeader,
    packets: &[Packet],
) -> std::io::Result<(W, PacketFileSummary)> {
    let mut writer = PacketFileWriter::new(sink, header)?;
    for packet in packets {
        writer.push(packet)?;
    }
    writer.finish()
}
