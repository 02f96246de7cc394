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
    /// Pictures that stand for references, and how many of them there are to be.
    before: Sources,
    wanted: usize,
    sources: Sources,
    times: Vec<i64>,
    ready: VecDeque<Packet>,
    state: Option<State>,
}

/// Option of a draft's encoder: how many of its first pictures, one or two, are
/// from before the chunk, and stand for the golden frame and the last one.
pub const BEFORE: &str = "before";
/// Option: whether a frame in the middle of the chunk becomes the golden frame.
pub const GOLDEN: &str = "golden";
/// Option: whether there may be hidden frames, see [`ChunkSettings::hidden`].
pub const HIDDEN: &str = "hidden";

/// What an encoder's options say, but for [`BEFORE`].
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
        golden: spec.options.contains_key(GOLDEN),
        hidden: spec.options.contains_key(HIDDEN),
    })
}

/// What the stream is.
pub(crate) fn params(spec: &EncoderSpec) -> CodecParams {
    blank_params(spec, "vp8", Vec::new())
}

/// A chunk's packets, a hidden frame with the time of the picture that is shown next.
pub(crate) fn timed(packets: Vec<Vec<u8>>, times: &[i64]) -> Result<Vec<Packet>, Failure> {
    let (count, pictures) = (packets.len(), times.len());
    let wrong = || Failure::bug(format!("{count} packets of {pictures} pictures of a chunk"));
    let timed = vp8::timed(packets, times).ok_or_else(wrong)?;
    let packet = |(pts, data)| Packet {
        pts,
        dts: pts,
        duration: 0,
        flags: 0,
        data,
        side: Vec::new(),
    };
    Ok(timed.into_iter().map(packet).collect())
}

impl Vp8 {
    /// An encoder of one chunk.
    ///
    /// # Errors
    /// [`Failure::BadInput`] for options or a size that it does not have.
    pub fn open(spec: &EncoderSpec) -> Result<Self, Failure> {
        let wanted = match spec.options.get(BEFORE).map(String::as_str) {
            None => 0,
            Some("1") => 1,
            Some("2") => 2,
            Some(other) => {
                return Err(Failure::bad_input(format!(
                    "{VP8_BY_FRAMEMILL}: {BEFORE} {other} is unknown"
                )))
            }
        };
        Ok(Self {
            settings: settings(spec)?,
            params: params(spec),
            before: Sources::new(spec.width, spec.height)?,
            wanted,
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
        if self.before.len() < self.wanted {
            return Ok(self.before.push(&frame.view()?)?);
        }
        self.sources.push(&frame.view()?)?;
        self.times.push(frame.pts().unwrap_or_default());
        Ok(())
    }

    /// Encodes all pictures.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let (dsp, settings) = (Dsp::best(), self.settings);
        let packets = if self.wanted > 0 {
            vp8::draft_pass(dsp, settings, &self.before, &self.sources)?
        } else {
            let pass = vp8::first_pass(dsp, settings, &self.sources)?;
            self.state = Some(pass.state);
            pass.packets
        };
        let mut packets = VecDeque::from(timed(packets, &self.times)?);
        if let (Some(first), 0) = (packets.front_mut(), self.wanted) {
            first.flags = FLAG_KEY;
        }
        self.ready = packets;
        Ok(())
    }

    /// Pictures that become no packets.
    pub fn before(&self) -> usize {
        self.before.len()
    }

    /// The next packet.
    pub fn receive(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// What follows the last frame; `None` before [`finish`](Self::finish), and of drafts.
    pub const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }
}
