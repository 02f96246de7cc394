// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a packet and a state to a picture and the next state.

use super::bool_coder::BoolReader;
use super::error::{bad, Result};
use super::frame::{Frame, Geometry};
use super::header::{plain_map, Changed, FrameTag, Header, Refresh};
use super::loop_filter::LoopFilter;
use super::macroblock::{Decoding, Rows, Scratch};
use super::predict::inter::{Filters, Inter};
use super::quant::Quantizer;
use super::state::{References, State};
use crate::dsp::Dsp;
use crate::picture::{ChromaSampling, PictureView};
use std::sync::Arc;

/// Most token partitions of a frame.
const MAX_PARTITIONS: usize = 8;
/// Frames kept for reuse: the three references and one in the making.
const MAX_SPARE: usize = 4;

/// A decoded picture, 4:2:0 with 8 bits a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    frame: Arc<Frame>,
    width: u16,
    height: u16,
    damaged: bool,
}

impl Picture {
    /// Width in samples.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Height in samples.
    #[must_use]
    pub const fn height(&self) -> u16 {
        self.height
    }

    /// Whether the packet ended before its picture did, which then is zeros
    /// decoded, as libvpx decodes it.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.damaged
    }

    pub(crate) const fn frame(&self) -> &Arc<Frame> {
        &self.frame
    }

    /// The planes; those of chroma are half as large, rounded up.
    #[must_use]
    pub fn view(&self) -> PictureView<'_> {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let plane = |plane: usize| match plane {
            0 => self.frame.view(0, width, height),
            _ => self
                .frame
                .view(plane, width.div_ceil(2), height.div_ceil(2)),
        };
        PictureView {
            planes: (0..3).map(plane).collect(),
            depth: 8,
            sampling: ChromaSampling::Cs420,
        }
    }
}

/// Decodes one packet after `state`: gives the next state and, unless the
/// frame is hidden or the packet empty, a picture.
///
/// For one packet after the other a [`Decoder`] is faster, since it keeps its
/// buffers.
///
/// # Errors
/// [`Error::Bitstream`](crate::Error::Bitstream) for what is no VP8 frame or
/// cannot follow, [`Error::Limit`](crate::Error::Limit) for pictures of more
/// than [`MAX_PIXELS`](super::MAX_PIXELS).
pub fn decode(state: &State, packet: &[u8]) -> Result<(State, Option<Picture>)> {
    let mut decoder = Decoder::with_state(Dsp::best(), state.clone());
    let picture = decoder.decode(packet)?;
    Ok((decoder.state, picture))
}

/// Decodes a stream; a [`State`] and the buffers to work with.
#[derive(Debug)]
pub struct Decoder {
    dsp: &'static Dsp,
    state: State,
    scratch: Scratch,
    spare: Vec<Frame>,
    damaged: bool,
}

impl Decoder {
    /// A decoder before a stream's first packet.
    #[must_use]
    pub fn new(dsp: &'static Dsp) -> Self {
        Self::with_state(dsp, State::default())
    }

    /// A decoder that goes on from `state`.
    #[must_use]
    pub fn with_state(dsp: &'static Dsp, state: State) -> Self {
        Self {
            dsp,
            state,
            scratch: Scratch::default(),
            spare: Vec::new(),
            damaged: false,
        }
    }

    /// All that the next packet's decoding depends on.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Whether the packet decoded last ended before its frame did, be it shown
    /// or hidden.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Decodes the next packet; `None` when it shows nothing. After an error
    /// the state is as it was.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(&mut self, packet: &[u8]) -> Result<Option<Picture>> {
        self.damaged = false;
        if packet.is_empty() {
            // A frame that was dropped on purpose.
            return Ok(None);
        }
        let (tag, rest) = FrameTag::read(packet)?;
        if tag.first_partition > rest.len() {
            return Err(bad(format!(
                "a first partition of {} bytes where {} are left",
                tag.first_partition,
                rest.len()
            )));
        }
        // It ends where the packet does, as in libvpx, whatever its size says.
        let mut first = BoolReader::new(rest);
        let (header, changed) = Header::read(tag, &mut first, &self.state)?;
        let tokens = partitions(&rest[tag.first_partition..], header.partitions)?;
        self.frame(&header, changed, first, tokens)
    }

    /// Decodes a frame whose header is read.
    fn frame<'d>(
        &mut self,
        header: &Header,
        mut changed: Changed,
        mut first: BoolReader<'d>,
        mut tokens: [BoolReader<'d>; MAX_PARTITIONS],
    ) -> Result<Option<Picture>> {
        let geometry = Geometry::new(changed.info.width, changed.info.height);
        if changed.segmentation.map.len() != geometry.macroblocks() {
            changed.segmentation.map = plain_map(geometry.macroblocks());
        }
        let mut frame = self.blank(geometry);
        let references = self.state.references.as_ref().filter(|_| !header.tag.key);
        let rows = Rows {
            dsp: self.dsp,
            header,
            probabilities: &changed.probabilities,
            quantizers: Quantizer::of_segments(header, &changed.segmentation),
            filter: LoopFilter::new(header, &changed.segmentation, &changed.deltas),
            inter: references.map(|references| Inter {
                dsp: self.dsp,
                filters: Filters::of_version(header.tag.version),
                references: [&references.last, &references.golden, &references.altref]
                    .map(|frame| &**frame),
            }),
        };
        self.scratch
            .start(geometry, &changed.segmentation.map, &changed.probabilities);
        let tokens = &mut tokens[..header.partitions];
        self.dsp.run(Decoding {
            rows: &rows,
            first: &mut first,
            tokens,
            scratch: &mut self.scratch,
            frame: &mut frame,
        });
        frame.extend();

        // Partitions that no row reads from may be empty.
        let mut read = tokens.iter().take(geometry.mb_rows);
        let damaged = first.is_exhausted() || read.any(BoolReader::is_exhausted);
        if damaged && self.state.references.is_none() {
            return Err(bad("a first key frame that is not whole"));
        }
        if header.segment_tree.is_some() {
            changed.segmentation.map = Arc::from(self.scratch.segments());
        }
        self.damaged = damaged;
        let picture = Picture {
            frame: Arc::new(frame),
            width: changed.info.width,
            height: changed.info.height,
            damaged,
        };
        self.advance(header, changed, &picture.frame);
        Ok(header.tag.show.then_some(picture))
    }

    /// A frame to decode into, of unknown content.
    fn blank(&mut self, geometry: Geometry) -> Frame {
        self.spare.retain(|frame| frame.geometry == geometry);
        self.spare.pop().unwrap_or_else(|| Frame::new(geometry))
    }

    /// Makes the next state, and takes back the frames that it leaves behind.
    fn advance(&mut self, header: &Header, changed: Changed, frame: &Arc<Frame>) {
        let old = std::mem::take(&mut self.state);
        self.state = State {
            info: changed.info,
            probabilities: match changed.kept {
                Some(kept) => *kept,
                None => changed.probabilities,
            },
            segmentation: changed.segmentation,
            deltas: changed.deltas,
            references: Some(referred(header, old.references.as_ref(), frame)),
        };
        if let Some(References {
            last,
            golden,
            altref,
        }) = old.references
        {
            let left = [last, golden, altref]
                .into_iter()
                .filter_map(Arc::into_inner);
            self.spare.extend(left);
            self.spare.truncate(MAX_SPARE);
        }
    }
}

/// The references after a frame (RFC 6386 §9.7).
pub(crate) fn referred(header: &Header, old: Option<&References>, new: &Arc<Frame>) -> References {
    let Some(old) = old.filter(|_| !header.tag.key) else {
        return References {
            last: new.clone(),
            golden: new.clone(),
            altref: new.clone(),
        };
    };
    // Where each becomes the other, the RFC leaves open which is first. In
    // libvpx it is the alternate reference, so that the golden one stays.
    let altref = match header.altref {
        Refresh::New => new,
        Refresh::Keep => &old.altref,
        Refresh::Last => &old.last,
        Refresh::Other => &old.golden,
    };
    let copied = match header.altref {
        Refresh::New => &old.altref,
        _ => altref,
    };
    let golden = match header.golden {
        Refresh::New => new,
        Refresh::Keep => &old.golden,
        Refresh::Last => &old.last,
        Refresh::Other => copied,
    };
    References {
        last: if header.refresh_last { new } else { &old.last }.clone(),
        golden: golden.clone(),
        altref: altref.clone(),
    }
}

/// The token partitions behind the first one (§9.5). All but the last have
/// their sizes in front.
fn partitions(data: &[u8], count: usize) -> Result<[BoolReader<'_>; MAX_PARTITIONS]> {
    let table = 3 * (count - 1);
    let Some((sizes, mut data)) = data.split_at_checked(table) else {
        return Err(bad(format!(
            "{} bytes where the sizes of {count} partitions should be",
            data.len()
        )));
    };
    let mut readers = [BoolReader::new(&[]); MAX_PARTITIONS];
    for (n, reader) in readers.iter_mut().take(count).enumerate() {
        if data.is_empty() {
            break;
        }
        let size = match sizes.get(3 * n..3 * n + 3) {
            Some(s) => u32::from_le_bytes([s[0], s[1], s[2], 0]) as usize,
            None => data.len(),
        };
        if size == 0 || size > data.len() {
            return Err(bad(format!(
                "token partition {n} of {size} bytes where {} are left",
                data.len()
            )));
        }
        let (own, rest) = data.split_at(size);
        (*reader, data) = (BoolReader::new(own), rest);
    }
    Ok(readers)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
