// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decoder of a span: libav's, or our own where it is faster.

use framemill_codec::dsp::{Dsp, Level};
use framemill_codec::libav::{CodecParams, Decoder, Frame, InputPacket};
use framemill_codec::packet::FLAG_DISCARD;
use framemill_codec::picture::{ColourInfo, Rational};
use framemill_codec::{vp8, Error, Result};

/// ITU-T H.273's number of BT.601's matrix for 625 lines, which VP8 is in (RFC 6386 §9.2).
const BT470BG: u8 = 5;
/// libav's numbers for the range of samples.
const LIMITED_RANGE: u8 = 1;
const FULL_RANGE: u8 = 2;

/// Decodes the packets of a span. All decoders of a codec give the same pictures.
pub enum SpanDecoder {
    /// Any codec.
    Libav(Decoder),
    /// VP8, at the CPU level at which ours is faster than libav's (docs/results.md),
    /// or at one that was chosen.
    Vp8(Box<Vp8>),
}

/// Our own VP8 decoder, with the properties that libav's gives its frames.
pub struct Vp8 {
    decoder: vp8::Decoder,
    sar: Rational,
    colour: ColourInfo,
    ready: Option<Frame>,
}

impl SpanDecoder {
    /// Opens a decoder for `params`; `time_base` is the unit of the packets' times.
    /// Ours is taken at the level of `simd` where that is chosen.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn open(
        params: &CodecParams,
        time_base: Rational,
        simd: Option<&'static Dsp>,
    ) -> Result<Self> {
        let fast = || Some(Dsp::best()).filter(|dsp| dsp.level() == Level::Avx2);
        let Some(dsp) = simd.or_else(fast).filter(|_| params.codec == "vp8") else {
            return Ok(Self::Libav(Decoder::open(params, time_base)?));
        };
        Ok(Self::Vp8(Box::new(Vp8 {
            decoder: vp8::Decoder::new(dsp),
            sar: params.sar,
            colour: params.colour,
            ready: None,
        })))
    }

    /// Sends a packet, or the end with `None`; receive all frames after every call.
    ///
    /// # Errors
    /// Those of a packet that does not decode; decoding can go on.
    pub fn send(&mut self, packet: Option<&InputPacket<'_>>) -> Result<()> {
        match self {
            Self::Libav(decoder) => decoder.send(packet),
            Self::Vp8(decoder) => packet.map_or(Ok(()), |packet| decoder.send(packet)),
        }
    }

    /// The next frame; `None` when it takes more packets, or there are no more.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        match self {
            Self::Libav(decoder) => decoder.receive(),
            Self::Vp8(decoder) => Ok(decoder.ready.take()),
        }
    }
}

impl Vp8 {
    fn send(&mut self, packet: &InputPacket<'_>) -> Result<()> {
        self.ready = None;
        let picture = self.decoder.decode(packet.data)?;
        self.ready = self.shown(picture, packet)?;
        if self.decoder.is_damaged() {
            return Err(Error::Decode {
                detail: "vp8: the packet ends before its picture does".into(),
            });
        }
        Ok(())
    }

    /// A picture as a frame; `None` where it is not to be shown.
    fn shown(
        &self,
        picture: Option<vp8::Picture>,
        packet: &InputPacket<'_>,
    ) -> Result<Option<Frame>> {
        // One that is decoded only because others refer to it.
        let Some(picture) = picture.filter(|_| packet.flags & FLAG_DISCARD == 0) else {
            return Ok(None);
        };
        let full = self.decoder.state().info.no_clamping;
        let mut frame = Frame::of_vp8(&picture, self.sar)?;
        frame.set_colour(&ColourInfo {
            matrix: BT470BG,
            range: if full { FULL_RANGE } else { LIMITED_RANGE },
            ..self.colour
        });
        if let Some(pts) = packet.pts {
            frame.set_pts(pts);
        }
        Ok(Some(frame))
    }
}
