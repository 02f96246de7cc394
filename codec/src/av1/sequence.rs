// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequence header before any picture is coded, and the `av1C` record.
//!
//! rav1e writes the sequence header OBU only in front of a key frame, and its
//! `container_sequence_header` is the first four bytes of `av1C` alone: without
//! the configuration OBUs, without the chroma sample position, and with the
//! subsampling of 4:4:4 vertically for monochrome. So the header is written
//! here from rav1e's own `Sequence` values; the encoder compares it with the
//! first one in the stream.

use rav1e::prelude::{ChromaSampling, ColorPrimaries, MatrixCoefficients, PixelRange, Sequence};
use rav1e::prelude::{ColorDescription, TransferCharacteristics};

const OBU_SEQUENCE_HEADER: u8 = 1;

/// Bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Appends the low `count` bits of `value`, at most 32.
    fn put(&mut self, count: u32, value: u32) {
        for shift in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = ((value >> shift) & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    fn flag(&mut self, value: bool) {
        self.put(1, u32::from(value));
    }
}

/// The `av1C` record of AV1-ISOBMFF: four bytes, then the sequence header OBU.
pub(super) fn av1c(seq: &Sequence) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(8, 0x81);
    bits.put(3, u32::from(seq.profile));
    bits.put(5, u32::from(seq.level_idx[0]));
    bits.flag(seq.tier[0] != 0);
    bits.flag(seq.bit_depth > 8);
    bits.flag(seq.bit_depth == 12);
    bits.flag(seq.chroma_sampling == ChromaSampling::Cs400);
    bits.flag(seq.chroma_sampling != ChromaSampling::Cs444);
    bits.flag(matches!(
        seq.chroma_sampling,
        ChromaSampling::Cs420 | ChromaSampling::Cs400
    ));
    let position = match seq.chroma_sampling {
        ChromaSampling::Cs420 => seq.chroma_sample_position as u32,
        _ => 0,
    };
    bits.put(2, position);
    bits.put(8, 0);
    let mut record = bits.bytes;
    record.extend(header_obu(seq));
    record
}

/// The sequence header OBU with its size field (AV1 specification, 5.5).
pub(super) fn header_obu(seq: &Sequence) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(3, u32::from(seq.profile));
    bits.flag(seq.still_picture);
    bits.flag(seq.reduced_still_picture_hdr);
    if !seq.reduced_still_picture_hdr {
        bits.put(2, 0); // no timing info, no initial display delay
        bits.put(5, 0); // one operating point
        bits.put(12, 0); // operating_point_idc
    }
    bits.put(5, u32::from(seq.level_idx[0]));
    if !seq.reduced_still_picture_hdr && seq.level_idx[0] > 7 {
        bits.flag(seq.tier[0] != 0);
    }
    put_tools(&mut bits, seq);
    put_colour(&mut bits, seq);
    bits.flag(seq.film_grain_params_present);
    bits.flag(true); // trailing bit; the rest of the byte is zero
    let payload = bits.bytes;
    // A sequence header is some 15 bytes, so its size takes one LEB128 byte.
    let mut obu = vec![
        OBU_SEQUENCE_HEADER << 3 | 0x02,
        (payload.len() & 0x7f) as u8,
    ];
    obu.extend(payload);
    obu
}

/// Frame size and coding tools.
fn put_tools(bits: &mut Bits, seq: &Sequence) {
    // rav1e counts the bits here of size - 1, unlike `Sequence::num_bits_width`.
    let (last_column, last_row) = (seq.max_frame_width - 1, seq.max_frame_height - 1);
    let bits_of = |value: u32| (32 - value.leading_zeros()).max(1);
    bits.put(4, bits_of(last_column) - 1);
    bits.put(4, bits_of(last_row) - 1);
    bits.put(bits_of(last_column), last_column);
    bits.put(bits_of(last_row), last_row);
    if !seq.reduced_still_picture_hdr {
        bits.flag(seq.frame_id_numbers_present_flag);
    }
    bits.flag(seq.use_128x128_superblock);
    bits.flag(seq.enable_filter_intra);
    bits.flag(seq.enable_intra_edge_filter);
    if !seq.reduced_still_picture_hdr {
        bits.flag(seq.enable_interintra_compound);
        bits.flag(seq.enable_masked_compound);
        bits.flag(seq.enable_warped_motion);
        bits.flag(seq.enable_dual_filter);
        bits.flag(seq.enable_order_hint);
        if seq.enable_order_hint {
            bits.flag(seq.enable_jnt_comp);
            bits.flag(seq.enable_ref_frame_mvs);
        }
        put_choice(bits, seq.force_screen_content_tools);
        if seq.force_screen_content_tools > 0 {
            put_choice(bits, seq.force_integer_mv);
        }
        if seq.enable_order_hint {
            bits.put(3, seq.order_hint_bits_minus_1);
        }
    }
    bits.flag(seq.enable_superres);
    bits.flag(seq.enable_cdef);
    bits.flag(seq.enable_restoration);
}

/// 2 leaves the choice to each frame, 0 and 1 make it here.
fn put_choice(bits: &mut Bits, choice: u32) {
    bits.flag(choice == 2);
    if choice != 2 {
        bits.flag(choice != 0);
    }
}

/// `color_config` (AV1 specification, 5.5.2).
fn put_colour(bits: &mut Bits, seq: &Sequence) {
    let sampling = seq.chroma_sampling;
    bits.flag(seq.bit_depth > 8);
    if seq.profile == 2 && seq.bit_depth > 8 {
        bits.flag(seq.bit_depth == 12);
    }
    if seq.profile != 1 {
        bits.flag(sampling == ChromaSampling::Cs400);
    }
    bits.flag(seq.color_description.is_some());
    if let Some(colour) = seq.color_description {
        bits.put(8, colour.color_primaries as u32);
        bits.put(8, colour.transfer_characteristics as u32);
        bits.put(8, colour.matrix_coefficients as u32);
    }
    let mono = sampling == ChromaSampling::Cs400;
    let srgb = seq.color_description.is_some_and(|colour| is_srgb(&colour));
    if mono || !srgb {
        bits.flag(seq.pixel_range == PixelRange::Full);
    }
    if mono {
        return;
    }
    if !srgb {
        if seq.profile == 2 && seq.bit_depth == 12 {
            bits.flag(sampling != ChromaSampling::Cs444);
            if sampling != ChromaSampling::Cs444 {
                bits.flag(sampling == ChromaSampling::Cs420);
            }
        }
        if sampling == ChromaSampling::Cs420 {
            bits.put(2, seq.chroma_sample_position as u32);
        }
    }
    bits.flag(true); // separate_uv_delta_q
}

fn is_srgb(colour: &ColorDescription) -> bool {
    colour.color_primaries == ColorPrimaries::BT709
        && colour.transfer_characteristics == TransferCharacteristics::SRGB
        && colour.matrix_coefficients == MatrixCoefficients::Identity
}

/// The first sequence header OBU of a temporal unit, header and size included.
pub(super) fn find_header(unit: &[u8]) -> Option<&[u8]> {
    let mut rest = unit;
    while let Some(&first) = rest.first() {
        let extension = usize::from(first >> 2 & 1);
        if first & 0x02 == 0 {
            return None; // no size field: rav1e always writes one
        }
        let (size, size_bytes) = leb128(rest.get(1 + extension..)?)?;
        let end = size.checked_add(1 + extension + size_bytes)?;
        let obu = rest.get(..end)?;
        if first >> 3 & 0x0f == OBU_SEQUENCE_HEADER {
            return Some(obu);
        }
        rest = &rest[end..];
    }
    None
}

/// Value and length of a LEB128 number.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_most_significant_first() {
        let mut bits = Bits::default();
        bits.put(3, 0b101);
        bits.flag(true);
        bits.put(12, 0xabc);
        assert_eq!(bits.bytes, [0b1011_1010, 0b1011_1100]);
    }

    #[test]
    fn find_header_skips_other_obus_and_survives_cut_data() {
        let unit = [0x12, 0x00, 0x0a, 0x02, 0xaa, 0xbb, 0x32, 0x01, 0xcc];
        assert_eq!(find_header(&unit), Some(&unit[2..6]));
        for end in 0..6 {
            assert_eq!(find_header(&unit[..end]), None);
        }
        assert_eq!(find_header(&[0x12, 0x00, 0x32, 0x01, 0xcc]), None);
        assert_eq!(find_header(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
