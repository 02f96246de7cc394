// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame headers (RFC 6386 §9, §19.2): the way back from what
//! [`Header::read`] reads.

use crate::vp8::bool_coder::{BoolSink, BoolWriter};
use crate::vp8::header::{Header, QuantIndices, Refresh};
use crate::vp8::state::{FilterDeltas, Probabilities, Segmentation, StreamInfo};
use crate::vp8::tables::{COEFFICIENT_UPDATE_PROBS, MV_UPDATE_PROBS};

/// What a header changes in the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes<'a> {
    /// Probabilities before the frame and with it.
    pub probabilities: [&'a Probabilities; 2],
    /// Values of the segments, where they are sent.
    pub segmentation: Option<&'a Segmentation>,
    /// Filter adjustments before the frame and with it.
    pub deltas: [&'a FilterDeltas; 2],
}

/// Writes the header, up to the macroblocks.
pub(crate) fn write(header: &Header, info: StreamInfo, changes: &Changes<'_>) -> BoolWriter {
    let mut writer = BoolWriter::new();
    let w = &mut writer;
    if header.tag.key {
        w.bit(info.colour_space);
        w.bit(info.no_clamping);
    }
    segmentation(w, header, changes.segmentation);
    w.bit(header.simple_filter);
    w.literal(6, u32::from(header.filter_level));
    w.literal(3, u32::from(header.sharpness));
    filter_deltas(w, header, changes.deltas);
    w.literal(2, header.partitions.trailing_zeros());
    quantizers(w, &header.quant);
    references(w, header);
    probabilities(w, header, changes.probabilities);
    writer
}

fn segmentation(w: &mut BoolWriter, header: &Header, values: Option<&Segmentation>) {
    w.bit(header.segmented);
    if !header.segmented {
        return;
    }
    w.bit(header.segment_tree.is_some());
    w.bit(values.is_some());
    if let Some(values) = values {
        w.bit(values.absolute);
        for value in values.quantizer {
            w.optional_signed(7, i32::from(value));
        }
        for value in values.filter_level {
            w.optional_signed(6, i32::from(value));
        }
    }
    for prob in header.segment_tree.iter().flatten() {
        w.bit(*prob != 255);
        if *prob != 255 {
            w.literal(8, u32::from(*prob));
        }
    }
}

fn filter_deltas(w: &mut BoolWriter, header: &Header, [old, new]: [&FilterDeltas; 2]) {
    w.bit(header.filter_deltas);
    if !header.filter_deltas {
        return;
    }
    w.bit(old != new);
    if old == new {
        return;
    }
    let old = old.reference.iter().chain(&old.mode);
    let new = new.reference.iter().chain(&new.mode);
    for (old, &new) in old.zip(new) {
        w.bit(*old != new);
        if *old != new {
            w.literal(6, u32::from(new.unsigned_abs()));
            w.bit(new < 0);
        }
    }
}

fn quantizers(w: &mut BoolWriter, quant: &QuantIndices) {
    w.literal(7, quant.y_ac as u32);
    let QuantIndices {
        y_ac: _,
        y_dc_delta,
        y2_dc_delta,
        y2_ac_delta,
        uv_dc_delta,
        uv_ac_delta,
    } = *quant;
    for delta in [
        y_dc_delta,
        y2_dc_delta,
        y2_ac_delta,
        uv_dc_delta,
        uv_ac_delta,
    ] {
        w.optional_signed(4, delta);
    }
}

/// What becomes of the references and of the probabilities (§9.7, §9.8, §9.11).
fn references(w: &mut BoolWriter, header: &Header) {
    if header.tag.key {
        return w.bit(header.keep_probabilities);
    }
    let both = [header.golden, header.altref];
    for refresh in both {
        w.bit(refresh == Refresh::New);
    }
    for refresh in both {
        match refresh {
            Refresh::New => {}
            Refresh::Keep => w.literal(2, 0),
            Refresh::Last => w.literal(2, 1),
            Refresh::Other => w.literal(2, 2),
        }
    }
    for bias in header.sign_bias {
        w.bit(bias);
    }
    w.bit(header.keep_probabilities);
    w.bit(header.refresh_last);
}

/// Updates of probabilities, to the header's end (§9.9 to §9.11, §17.2).
fn probabilities(w: &mut BoolWriter, header: &Header, [old, new]: [&Probabilities; 2]) {
    let flat = |p: &Probabilities| p.coefficients;
    let (before, after) = (flat(old), flat(new));
    let before = before.as_flattened().as_flattened().as_flattened();
    let after = after.as_flattened().as_flattened().as_flattened();
    let updates = COEFFICIENT_UPDATE_PROBS.as_flattened();
    let updates = updates.as_flattened().as_flattened();
    for ((before, after), &update) in before.iter().zip(after).zip(updates) {
        w.bool(update, before != after);
        if before != after {
            w.literal(8, u32::from(*after));
        }
    }
    w.bit(header.skip_prob.is_some());
    if let Some(prob) = header.skip_prob {
        w.literal(8, u32::from(prob));
    }
    if header.tag.key {
        return;
    }
    for prob in [header.intra_prob, header.last_prob, header.golden_prob] {
        w.literal(8, u32::from(prob));
    }
    whole_table(w, &old.luma_modes, &new.luma_modes);
    whole_table(w, &old.chroma_modes, &new.chroma_modes);
    let (before, after) = (old.mv.as_flattened(), new.mv.as_flattened());
    let updates = MV_UPDATE_PROBS.as_flattened();
    for ((before, after), &update) in before.iter().zip(after).zip(updates) {
        w.bool(update, before != after);
        if before != after {
            // What is read as 0 means 1.
            w.literal(7, u32::from(after >> 1));
        }
    }
}

/// A table that is sent whole or not at all.
fn whole_table(w: &mut BoolWriter, old: &[u8], new: &[u8]) {
    w.bit(old != new);
    if old != new {
        for &prob in new {
            w.literal(8, u32::from(prob));
        }
    }
}

/// The packet of a frame: tag, first partition, token partitions (§9.1, §9.5).
pub(crate) fn packet(
    header: &Header,
    info: StreamInfo,
    first: &[u8],
    tokens: &[Vec<u8>],
) -> Vec<u8> {
    let tag = &header.tag;
    let bits = u32::from(!tag.key)
        | u32::from(tag.version) << 1
        | u32::from(tag.show) << 4
        | (first.len() as u32) << 5;
    let mut packet =
        Vec::with_capacity(10 + first.len() + tokens.iter().map(Vec::len).sum::<usize>());
    packet.extend_from_slice(&bits.to_le_bytes()[..3]);
    if tag.key {
        packet.extend_from_slice(&[0x9d, 0x01, 0x2a]);
        let side = |size: u16, scale: u8| (size | u16::from(scale) << 14).to_le_bytes();
        packet.extend_from_slice(&side(info.width, info.horizontal_scale));
        packet.extend_from_slice(&side(info.height, info.vertical_scale));
    }
    packet.extend_from_slice(first);
    let (_, sized) = tokens.split_last().unwrap_or((const { &Vec::new() }, &[]));
    for partition in sized {
        packet.extend_from_slice(&(partition.len() as u32).to_le_bytes()[..3]);
    }
    for partition in tokens {
        packet.extend_from_slice(partition);
    }
    packet
}
