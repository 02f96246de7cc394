// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decisions of a stream's frames, without their coefficients.

use super::chunk::stand_in;
use super::field::Field;
use crate::vp8::bool_coder::BoolReader;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::{plain_map, FrameTag, Header};
use crate::vp8::modes::{ModeInputs, ModeReader};
use crate::vp8::state::{References, State, StreamInfo};
use crate::Error;
use std::sync::Arc;

/// One frame's decisions.
#[derive(Clone, Debug)]
pub(crate) struct DraftFrame {
    pub header: Header,
    pub field: Field,
}

/// A chunk as it was encoded without knowing what came before it: its frames'
/// modes, vectors, references and quantizers.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) info: StreamInfo,
    pub(crate) frames: Vec<DraftFrame>,
}

impl Draft {
    /// Reads the packets of a chunk of `frames` shown frames of `width` by
    /// `height` samples: those of [`draft_pass`](super::draft_pass), or of any
    /// encoder, a key frame first. Where that has encoded more pictures, those
    /// before the chunk, the first packets are dropped: they stand in for
    /// what the chunks before leave.
    ///
    /// # Errors
    /// [`Error::Bitstream`](crate::Error::Bitstream) where a packet is none of
    /// VP8, of another size, or a key frame that is not the first; where there are
    /// fewer than `frames`, or one of them is a key frame; and for features
    /// that no encoder of ours has: other filters than the normal ones, segments,
    /// vectors that count backwards.
    pub fn parse<P: AsRef<[u8]>>(
        width: u32,
        height: u32,
        packets: &[P],
        frames: usize,
    ) -> Result<Self> {
        let info = super::stream_info(width, height)?;
        let mut state = stand_in(info, blanks());
        let read = |(n, packet): (usize, &P)| {
            let frame = frame(packet.as_ref(), &mut state);
            let frame = frame.map_err(|error| in_packet(n, error))?;
            if frame.header.tag.key && n > 0 {
                return Err(bad(format!("packet {n} of a chunk: a misplaced key frame")));
            }
            Ok(frame)
        };
        let mut parsed = packets
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<Vec<_>>>()?;
        let (own, given) = (
            state.info,
            parsed.iter().filter(|f| f.header.tag.show).count(),
        );
        if (own.width, own.height) != (info.width, info.height) {
            let (width, height) = (own.width, own.height);
            return Err(bad(format!("a chunk of {width}x{height}")));
        }
        let ahead = given.checked_sub(frames);
        let ahead = ahead.ok_or_else(|| bad(format!("{given} frames where {frames} are due")))?;
        let mut shown = 0;
        parsed.retain(|frame| {
            let kept = shown >= ahead;
            shown += usize::from(frame.header.tag.show);
            kept
        });
        if parsed.first().is_some_and(|frame| frame.header.tag.key) {
            return Err(bad("a chunk that begins with a key frame of its own"));
        }
        Ok(Self {
            info,
            frames: parsed,
        })
    }

    /// Frames that a rebase gives and that are shown.
    pub(crate) fn shown(&self) -> usize {
        let shown = self.frames.iter().filter(|frame| frame.header.tag.show);
        shown.count()
    }
}

fn in_packet(n: usize, error: Error) -> Error {
    match error {
        Error::Bitstream { what, .. } => bad(format!("packet {n} of a chunk: {what}")),
        other => other,
    }
}

/// References without a picture: modes do not depend on planes, that there are
/// some is all that counts.
fn blanks() -> References {
    let blank = Arc::new(Frame::new(Geometry::new(1, 1)));
    References {
        last: blank.clone(),
        golden: blank.clone(),
        altref: blank,
    }
}

/// Reads a frame's header and modes; `state` goes on, but for its planes.
pub(super) fn frame(packet: &[u8], state: &mut State) -> Result<DraftFrame> {
    let (tag, rest) = FrameTag::read(packet)?;
    let mut reader = BoolReader::new(rest);
    let (header, mut changed) = Header::read(tag, &mut reader, state)?;
    let turned = header.sign_bias != [false; 2];
    if header.tag.version != 0 || header.simple_filter || header.segmented || turned {
        return Err(bad("features that cannot be rebased"));
    }
    let geometry = Geometry::new(changed.info.width, changed.info.height);
    if changed.segmentation.map.len() != geometry.macroblocks() {
        changed.segmentation.map = plain_map(geometry.macroblocks());
    }
    let mut segments = changed.segmentation.map.to_vec();
    let inputs = ModeInputs {
        header: &header,
        probabilities: &changed.probabilities,
        mb_cols: geometry.mb_cols,
        mb_rows: geometry.mb_rows,
    };
    let (mut modes, mut field) = (ModeReader::default(), Field::new(geometry));
    modes.start(geometry.mb_cols);
    for (y, segments) in segments.chunks_exact_mut(geometry.mb_cols).enumerate() {
        modes.read_row(&mut reader, &inputs, y, segments);
        for x in 0..geometry.mb_cols {
            let (block, parts) = modes.macroblock(x);
            field.set((x, y), *block, parts);
        }
    }
    if reader.is_exhausted() {
        return Err(bad("a first partition that is not whole"));
    }
    changed.segmentation.map = Arc::from(segments);
    *state = State {
        info: changed.info,
        probabilities: changed.kept.map_or(changed.probabilities, |kept| *kept),
        segmentation: changed.segmentation,
        deltas: changed.deltas,
        references: state.references.take(),
    };
    Ok(DraftFrame { header, field })
}
