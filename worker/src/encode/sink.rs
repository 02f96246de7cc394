// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encoders behind one face.

use super::task::EncoderSpec;
use super::vp8::Vp8;
use crate::Failure;
use framemill_codec::av1::{Rav1eConfig, Rav1eEncoder};
use framemill_codec::libav::{CodecParams, Frame, MediaKind, VideoEncoder, VideoEncoderConfig};
use framemill_codec::packet::{Packet, FLAG_KEY};
use framemill_codec::picture::{ChromaSampling, PictureView};
use framemill_codec::vp8::State;
use md5::{Digest, Md5};
use std::collections::VecDeque;

/// The encoder name that stands for the rav1e crate.
pub const AV1_BY_RAV1E: &str = "rav1e";
/// The encoder name that stands for our own VP8 encoder.
pub const VP8_BY_FRAMEMILL: &str = "framemill-vp8";
/// The encoder name that stands for no encoder: each picture becomes the MD5
/// of its packed planes, to prove what encoders are fed.
pub const DIGEST: &str = "digest";

/// The encoder name that stands for no encoder: each picture becomes how much
/// it differs from the one before, to find scene cuts.
pub const SCENE: &str = "scene";

/// An encoder at work.
pub enum Sink {
    /// One of libav's.
    Libav(Box<VideoEncoder>),
    /// The rav1e crate.
    Rav1e(Box<Rav1e>),
    /// Our own VP8 encoder.
    Vp8(Box<Vp8>),
    /// No encoder: digests.
    Digest(Box<CodecParams>, VecDeque<Packet>),
    /// No encoder: differences.
    Scene(Box<CodecParams>, SceneScores),
}

/// Differences of neighbouring pictures.
#[derive(Default)]
pub struct SceneScores {
    last: Vec<u8>,
    ready: VecDeque<Packet>,
}

/// rav1e and the times of the pictures inside it.
pub struct Rav1e {
    encoder: Rav1eEncoder,
    params: CodecParams,
    times: Vec<i64>,
}

impl Sink {
    pub fn open(spec: &EncoderSpec) -> Result<Self, Failure> {
        match spec.encoder.as_str() {
            AV1_BY_RAV1E => open_rav1e(spec),
            VP8_BY_FRAMEMILL => Ok(Self::Vp8(Box::new(Vp8::open(spec)?))),
            SCENE => Ok(Self::Scene(
                Box::new(blank_params(spec, "rawvideo", Vec::new())),
                SceneScores::default(),
            )),
            DIGEST => Ok(Self::Digest(
                Box::new(blank_params(spec, "rawvideo", Vec::new())),
                VecDeque::new(),
            )),
            _ => Ok(Self::Libav(Box::new(VideoEncoder::open(
                &VideoEncoderConfig {
                    encoder: spec.encoder.clone(),
                    width: spec.width,
                    height: spec.height,
                    pix_fmt: spec.pix_fmt.clone(),
                    sar: spec.sar,
                    time_base: spec.time_base,
                    frame_rate: spec.frame_rate,
                    colour: spec.colour,
                    threads: spec.threads,
                    interlaced: spec.interlaced,
                    options: spec.options.clone(),
                },
            )?))),
        }
    }

    pub fn params(&self) -> Result<CodecParams, Failure> {
        match self {
            Self::Libav(encoder) => Ok(encoder.params()?),
            Self::Rav1e(r) => Ok(r.params.clone()),
            Self::Vp8(encoder) => Ok(encoder.params().clone()),
            Self::Digest(params, _) | Self::Scene(params, _) => Ok((**params).clone()),
        }
    }

    pub fn send(&mut self, frame: &Frame) -> Result<(), Failure> {
        match self {
            Self::Libav(encoder) => Ok(encoder.send(Some(frame))?),
            Self::Rav1e(r) => {
                r.times.push(frame.pts().unwrap_or_default());
                r.encoder.send(&frame.view()?).map_err(rav1e_failed)
            }
            Self::Vp8(encoder) => encoder.send(frame),
            Self::Scene(_, scores) => {
                scores.push(frame.pts().unwrap_or_default(), &frame.view()?);
                Ok(())
            }
            Self::Digest(_, ready) => {
                ready.push_back(digest_packet(
                    frame.pts().unwrap_or_default(),
                    &frame.view()?,
                ));
                Ok(())
            }
        }
    }

    pub fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Self::Libav(encoder) => Ok(encoder.send(None)?),
            Self::Rav1e(r) => r.encoder.finish().map_err(rav1e_failed),
            Self::Vp8(encoder) => encoder.finish(),
            Self::Digest(..) | Self::Scene(..) => Ok(()),
        }
    }

    pub fn receive(&mut self) -> Result<Option<Packet>, Failure> {
        match self {
            Self::Libav(encoder) => Ok(encoder.receive()?),
            Self::Rav1e(r) => r.receive(),
            Self::Vp8(encoder) => Ok(encoder.receive()),
            Self::Digest(_, ready) => Ok(ready.pop_front()),
            Self::Scene(_, scores) => Ok(scores.ready.pop_front()),
        }
    }

    /// Pictures that were taken and become no packets.
    pub fn unpacked(&self) -> u64 {
        match self {
            Self::Vp8(encoder) => encoder.before() as u64,
            _ => 0,
        }
    }

    /// What a chunk after this one can continue from, once all is encoded;
    /// `None` where the encoder has no such thing.
    pub fn state(&self) -> Option<&State> {
        match self {
            Self::Vp8(encoder) => encoder.state(),
            Self::Libav(_) | Self::Rav1e(_) | Self::Digest(..) | Self::Scene(..) => None,
        }
    }
}

impl SceneScores {
    /// Mean absolute difference of luma, 0 to 255, as a little-endian `f32`; 0 for the first.
    fn push(&mut self, pts: i64, picture: &PictureView<'_>) {
        let luma = &picture.planes[0];
        let now: Vec<u8> = (0..luma.height)
            .flat_map(|y| luma.row(y, 1).iter().copied())
            .collect();
        let sum: u64 = now
            .iter()
            .zip(&self.last)
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        let score = sum as f32 / now.len().max(1) as f32;
        self.last = now;
        let data = score.to_le_bytes().to_vec();
        self.ready.push_back(Packet {
            pts,
            dts: pts,
            duration: 0,
            flags: FLAG_KEY,
            data,
            side: Vec::new(),
        });
    }
}

impl Rav1e {
    fn receive(&mut self) -> Result<Option<Packet>, Failure> {
        let Some(unit) = self.encoder.receive().map_err(rav1e_failed)? else {
            return Ok(None);
        };
        let pts = usize::try_from(unit.input_frame)
            .ok()
            .and_then(|i| self.times.get(i).copied())
            .ok_or_else(|| Failure::bug("rav1e gave a frame that it never got"))?;
        let flags = if unit.key { FLAG_KEY } else { 0 };
        Ok(Some(Packet {
            pts,
            dts: pts,
            duration: 0,
            flags,
            data: unit.data,
            side: Vec::new(),
        }))
    }
}

fn rav1e_failed(error: framemill_codec::av1::Error) -> Failure {
    Failure::bad_input(format!("encoder rav1e: {error}"))
}

fn open_rav1e(spec: &EncoderSpec) -> Result<Sink, Failure> {
    let depth = if spec.pix_fmt.contains("10") { 10 } else { 8 };
    let mut config = Rav1eConfig::new(spec.width as usize, spec.height as usize, spec.frame_rate);
    config.depth = depth;
    config.sampling = ChromaSampling::Cs420;
    config.threads = spec.threads as usize;
    config.colour = spec.colour;
    config.mastering = spec.mastering;
    config.content_light = spec.content_light;
    config.options = spec.options.clone();
    let encoder = Rav1eEncoder::new(&config).map_err(rav1e_failed)?;
    let params = blank_params(spec, "av1", encoder.sequence_header());
    Ok(Sink::Rav1e(Box::new(Rav1e {
        encoder,
        params,
        times: Vec::new(),
    })))
}

/// Parameters of a stream that no libav encoder describes.
pub(super) fn blank_params(spec: &EncoderSpec, codec: &str, extradata: Vec<u8>) -> CodecParams {
    CodecParams {
        kind: MediaKind::Video,
        codec: codec.to_owned(),
        extradata,
        format: spec.pix_fmt.clone(),
        width: spec.width,
        height: spec.height,
        sar: spec.sar,
        colour: spec.colour,
        ..CodecParams::default()
    }
}

/// A packet that holds the MD5 of a picture's planes, packed without padding.
fn digest_packet(pts: i64, picture: &PictureView<'_>) -> Packet {
    let mut hash = Md5::new();
    for plane in &picture.planes {
        for y in 0..plane.height {
            hash.update(plane.row(y, picture.bytes_per_sample()));
        }
    }
    let data = hash.finalize().to_vec();
    Packet {
        pts,
        dts: pts,
        duration: 0,
        flags: FLAG_KEY,
        data,
        side: Vec::new(),
    }
}
