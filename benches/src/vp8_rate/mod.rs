// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our VP8 encoder against `vpxenc`: bits at equal quality, and CPU time.
//!
//! | module | what it holds |
//! |---|---|
//! | [`source`] | clips as Y4M files, and their pictures |
//! | [`ours`] | a stream of our encoder |
//! | [`theirs`] | a stream of `vpxenc`, kept in `target/bench-media` |
//! | [`bd`] | bits at equal quality over curves |
//! | [`report`] | one clip's points as a table |

pub mod bd;
pub mod ours;
pub mod report;
pub mod source;
pub mod theirs;

use framemill_codec::dsp::Dsp;
use framemill_codec::metrics::{psnr_from_mse, Quality};
use framemill_codec::vp8::Decoder;
use serde::{Deserialize, Deserializer, Serialize};
use source::{Pictures, Source};

/// One encode of one clip.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Point {
    /// Quality, 0 (best) to 63, the same scale for both encoders.
    pub quality: u8,
    /// Bytes of all packets, the container's not counted.
    pub bytes: u64,
    /// CPU seconds of the encoder, rebasing left out.
    pub cpu_s: f64,
    /// CPU seconds of rebasing.
    #[serde(default)]
    pub rebase_s: f64,
    /// PSNR of luma, of the mean squared error over all frames, in dB.
    pub psnr_y: f64,
    /// (6 Y + U + V) / 8 of such PSNRs, in dB; infinite where chroma is exact,
    /// as of grey clips.
    #[serde(deserialize_with = "infinite_if_null")]
    pub psnr_yuv: f64,
    /// Mean SSIM over all frames and planes, as FFmpeg's `All`.
    pub ssim: f64,
    /// Frames that are key frames.
    pub keys: u64,
    /// Packets that show nothing.
    pub hidden: u64,
}

/// JSON has no infinity; `serde_json` writes null.
fn infinite_if_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = Option::<f64>::deserialize(from)?;
    Ok(value.unwrap_or(f64::INFINITY))
}

impl Point {
    /// SSIM in dB: how far it is from 1.
    #[must_use]
    pub fn ssim_db(&self) -> f64 {
        -10.0 * (1.0 - self.ssim).log10()
    }

    /// Decodes a stream of a source's first frames and measures its pictures.
    ///
    /// # Errors
    /// A text, for packets that do not decode, or show too few or too many pictures.
    pub fn measure(
        source: &Source,
        quality: u8,
        packets: &[Vec<u8>],
        cpu_s: f64,
    ) -> Result<Self, String> {
        let wrong = |what: String| format!("{}, quality {quality}: {what}", source.name);
        let mut pictures = Pictures::open(source)?;
        let mut decoder = Decoder::new(Dsp::best());
        let (mut sum, mut hidden) = (Quality::new(), 0);
        for (n, packet) in packets.iter().enumerate() {
            let shown = decoder.decode(packet);
            let Some(shown) = shown.map_err(|e| wrong(format!("packet {n}: {e}")))? else {
                hidden += 1;
                continue;
            };
            if decoder.is_damaged() {
                return Err(wrong(format!("packet {n} ends early")));
            }
            let original = pictures.next_picture()?;
            let original = original.ok_or_else(|| wrong("too many pictures".into()))?;
            sum.add(&original, &shown.view())
                .map_err(|e| wrong(e.to_string()))?;
        }
        if sum.frames() != source.frames {
            return Err(wrong(format!(
                "{} pictures of {}",
                sum.frames(),
                source.frames
            )));
        }
        let plane = |n| {
            sum.mean_plane_psnr(n)
                .unwrap_or_else(|| psnr_from_mse(0.0, 255))
        };
        Ok(Self {
            quality,
            bytes: packets.iter().map(|p| p.len() as u64).sum(),
            cpu_s,
            rebase_s: 0.0,
            psnr_y: plane(0),
            psnr_yuv: (6.0 * plane(0) + plane(1) + plane(2)) / 8.0,
            ssim: sum.mean_ssim().unwrap_or(1.0),
            keys: packets.iter().filter(|p| is_key(p)).count() as u64,
            hidden,
        })
    }
}

/// Whether a packet is a key frame.
fn is_key(packet: &[u8]) -> bool {
    packet.first().is_some_and(|tag| tag & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_clips_point_is_read_as_written() {
        let point = Point {
            quality: 16,
            bytes: 419_807,
            cpu_s: 0.75,
            rebase_s: 0.0,
            psnr_y: 44.5,
            psnr_yuv: f64::INFINITY,
            ssim: 0.995,
            keys: 1,
            hidden: 4,
        };
        let text = serde_json::to_string(&point).unwrap();
        assert_eq!(serde_json::from_str::<Point>(&text).unwrap(), point);
    }
}
