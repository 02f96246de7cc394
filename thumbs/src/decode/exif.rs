// SPDX-License-Identifier: MIT OR Apache-2.0
//! EXIF's orientation.

use exif::{In, Reader, Tag};

/// The orientation that EXIF states, 1 to 8; 0 where it states none or cannot be read: a picture
/// that is whole is shown, whatever its metadata.
pub(super) fn orientation(body: &[u8]) -> u32 {
    let Ok(exif) = Reader::new()
        .continue_on_error(true)
        .read_raw(body.to_vec())
        .or_else(|error| error.distill_partial_result(|_| {}))
    else {
        return 0;
    };
    let field = exif.get_field(Tag::Orientation, In::PRIMARY);
    let value = field.and_then(|field| field.value.get_uint(0));
    value.filter(|value| (1..=8).contains(value)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_metadata_asks_for_nothing() {
        for body in [
            &b""[..],
            b"II*\0",
            b"MM\0*\0\0\0\x08\0\x01",
            b"rubbish",
            &[0xff; 100],
        ] {
            assert_eq!(orientation(body), 0);
        }
    }
}
