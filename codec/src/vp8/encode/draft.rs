// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decisions of a stream's frames, without their coefficients.

use super::field::Field;
use crate::vp8::bool_coder::BoolReader;
use crate::vp8::error::{bad, Result};
use crate::vp8::frame::{Frame, Geometry};
use crate::vp8::header::{plain_map, FrameTag, Header};
use crate::vp8::modes::{ModeInputs, ModeReader};
use crate::vp8::state::{References, State, StreamInfo};
use std::sync::Arc;

/// One frame's decisions.
#[derive(Clone, Debug)]
pub(crate) struct DraftFrame {
    pub header: Header,
    pub field: Field,
}

/// A chunk as it was encoded without knowing what came before it: its frames'
/// modes, vectors, references and quantizers.
///
/// Its first frame, a key frame, stands in for the last one of the chunk before
/// and is dropped by [`rebase`](super::rebase).
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) info: StreamInfo,
    /// The frames behind the first one.
    pub(crate) frames: Vec<DraftFrame>,
}

impl Draft {
    /// Reads a chunk's packets, a key frame first.
    ///
    /// # Errors
    /// [`Error::Bitstream`](crate::Error::Bitstream) where a packet is none of
    /// VP8, the first is no key frame or another one is, or features are used
    /// that no encoder of ours has: other filters than the normal ones, segments,
    /// vectors that count backwards.
    pub fn parse<P: AsRef<[u8]>>(packets: &[P]) -> Result<Self> {
        let mut state = State::default();
        let mut frames = Vec::with_capacity(packets.len());
        for (n, packet) in packets.iter().enumerate() {
            let named = |error| bad(format!("packet {n} of a chunk: {error}"));
            let frame = frame(packet.as_ref(), &mut state).map_err(named)?;
            if frame.header.tag.key != (n == 0) {
                return Err(bad(format!("packet {n} of a chunk: a misplaced key frame")));
            }
            frames.push(frame);
        }
        if frames.is_empty() {
            return Err(bad("a chunk without packets"));
        }
        frames.remove(0);
        Ok(Self {
            info: state.info,
            frames,
        })
    }

    /// Frames that a rebase gives and that are shown.
    pub(crate) fn shown(&self) -> usize {
        let shown = self.frames.iter().filter(|frame| frame.header.tag.show);
        shown.count()
    }
}

/// Reads a frame's header and modes; `state` goes on, but for its planes.
fn frame(packet: &[u8], state: &mut State) -> Result<DraftFrame> {
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
    // Modes do not depend on planes; that there are some is all that counts.
    let blank = || Arc::new(Frame::new(Geometry::new(1, 1)));
    *state = State {
        info: changed.info,
        probabilities: changed.kept.map_or(changed.probabilities, |kept| *kept),
        segmentation: changed.segmentation,
        deltas: changed.deltas,
        references: Some(state.references.take().unwrap_or_else(|| References {
            last: blank(),
            golden: blank(),
            altref: blank(),
        })),
    };
    Ok(DraftFrame { header, field })
}
