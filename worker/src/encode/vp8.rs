// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own VP8 encoder: a chunk at a time, so that it may plan all its frames.

use super::sink::{blank_params, VP8_BY_FRAMEMILL};
use super::task::EncoderSpec;
use crate::Failure;
use framemill_codec::dsp::Dsp;
use framemill_codec::libav::{CodecParams, Frame};
use framemill_codec::packet::{Packet, FLAG_KEY};
use framemill_codec::vp8::{self, ChunkSettings, Preset, Sources, State};
use std::collections::VecDeque;

/// The encoder and the pictures of its chunk.
pub struct Vp8 {
    settings: ChunkSettings,
    params: CodecParams,
    sources: Sources,
    times: Vec<i64>,
    ready: VecDeque<Packet>,
    state: Option<State>,
}

/// Preset, quality and whether the first picture is one before the chunk, from an encoder's options.
pub(crate) fn settings(spec: &EncoderSpec) -> Result<ChunkSettings, Failure> {
    let of = |key: &str| {
        let value = spec.options.get(key).map(String::as_str);
        value.ok_or_else(|| Failure::bad_input(format!("{VP8_BY_FRAMEMILL}: no {key}")))
    };
    let wrong = |key: &str, value: &str| {
        Failure::bad_input(format!("{VP8_BY_FRAMEMILL}: {key} {value} is unknown"))
    };
    let preset = match of("preset")? {
        "fast" => Preset::Fast,
        "medium" => Preset::Medium,
        "slow" => Preset::Slow,
        other => return Err(wrong("preset", other)),
    };
    let crf = of("crf")?;
    let quality = crf.parse().ok().filter(|q| (0..=63u8).contains(q));
    Ok(ChunkSettings {
        preset,
        quality: quality.ok_or_else(|| wrong("crf", crf))?,
        overlap: spec.options.contains_key("overlap"),
    })
}

/// What the stream is.
pub(crate) fn params(spec: &EncoderSpec) -> CodecParams {
    blank_params(spec, "vp8", Vec::new())
}

impl Vp8 {
    /// An encoder of one chunk.
    ///
    /// # Errors
    /// [`Failure::BadInput`] for options or a size that it does not have.
    pub fn open(spec: &EncoderSpec) -> Result<Self, Failure> {
        Ok(Self {
            settings: settings(spec)?,
            params: params(spec),
            sources: Sources::new(spec.width, spec.height)?,
            times: Vec::new(),
            ready: VecDeque::new(),
            state: None,
        })
    }

    /// What the stream is.
    pub const fn params(&self) -> &CodecParams {
        &self.params
    }

    /// Takes the next picture.
    pub fn send(&mut self, frame: &Frame) -> Result<(), Failure> {
        self.sources.push(&frame.view()?)?;
        self.times.push(frame.pts().unwrap_or_default());
        Ok(())
    }

    /// Encodes all pictures.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let pass = vp8::first_pass(Dsp::best(), self.settings, &self.sources)?;
        let packets = pass.packets.into_iter().zip(&self.times).enumerate();
        self.ready = packets
            .map(|(n, (data, &pts))| Packet {
                pts,
                dts: pts,
                duration: 0,
                flags: if n == 0 { FLAG_KEY } else { 0 },
                data,
                side: Vec::new(),
            })
            .collect();
        self.state = Some(pass.state);
        Ok(())
    }

    /// The next packet.
    pub fn receive(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// What follows the last frame; `None` before [`finish`](Self::finish).
    pub const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }
}
