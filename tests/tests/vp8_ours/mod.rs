// SPDX-License-Identifier: MIT OR Apache-2.0
//! What our own decoder makes of VP8 streams, said as the oracles say it.
#![allow(dead_code)]

use framemill_codec::dsp::{Dsp, Level};
use framemill_codec::vp8::{Decoder, Picture};
use framemill_codec::{Class, Error};
use framemill_tests::vp8::oracle::Shown;
use md5::{Digest, Md5};

/// MD5 of a picture's I420 samples, planes packed.
pub fn digest(picture: &Picture) -> String {
    let mut md5 = Md5::new();
    for plane in picture.view().planes {
        for y in 0..plane.height {
            md5.update(plane.row(y, 1));
        }
    }
    md5.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A picture out of packet number `packet`.
pub fn shown(packet: usize, picture: &Picture) -> Shown {
    Shown {
        packet,
        size: (picture.width().into(), picture.height().into()),
        md5: digest(picture),
    }
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A picture, and whether it says that it is damaged.
    Picture(Shown, bool),
    /// No picture, as of a hidden frame or an empty packet; and whether the frame is damaged.
    Nothing(bool),
    /// A typed error.
    Refused(String),
}

/// What becomes of every packet; errors are passed over, as `vpxdec` does.
///
/// # Panics
/// When an error does not put the blame on the input.
pub fn outcomes(dsp: &'static Dsp, packets: &[Vec<u8>]) -> Vec<Outcome> {
    let mut decoder = Decoder::new(dsp);
    let decode = |(at, packet): (usize, &Vec<u8>)| match decoder.decode(packet) {
        Ok(Some(picture)) => Outcome::Picture(shown(at, &picture), picture.is_damaged()),
        Ok(None) => Outcome::Nothing(decoder.is_damaged()),
        Err(error) => Outcome::Refused(blamed(&error)),
    };
    packets.iter().enumerate().map(decode).collect()
}

/// The text of an error that is the input's fault.
pub fn blamed(error: &Error) -> String {
    assert_eq!(error.class(), Class::BadInput, "{error}");
    error.to_string()
}

/// All pictures of a whole stream.
///
/// # Panics
/// When a packet is refused or a picture damaged.
pub fn pictures(dsp: &'static Dsp, packets: &[Vec<u8>]) -> Vec<Shown> {
    let outcomes = outcomes(dsp, packets).into_iter().enumerate();
    outcomes
        .filter_map(|(at, outcome)| match outcome {
            Outcome::Picture(shown, false) => Some(shown),
            Outcome::Nothing(false) => None,
            other => panic!("packet {at}: {other:?}"),
        })
        .collect()
}

/// The kernels of every level that this machine has.
pub fn every_level() -> Vec<&'static Dsp> {
    Level::ALL.into_iter().filter_map(Dsp::get).collect()
}
