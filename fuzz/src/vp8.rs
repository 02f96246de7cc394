// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arbitrary bytes as VP8 packets, as a stored VP8 state and as an IVF file.

use super::sealed;
use framemill_codec::dsp::{Dsp, Level};
use framemill_codec::ivf;
use framemill_codec::vp8::{Decoder, State};
use framemill_codec::Class;

/// Macroblocks of the largest frame that is decoded, and of all together.
const MACROBLOCKS: (usize, usize) = (10 * 10, 400);

/// Decodes packets, one after the other from the beginning of a stream; the
/// slowest level and the fastest agree on everything, and every state survives
/// the way over the wire.
///
/// Two bytes ahead of each packet say its length.
pub fn vp8_packets(bytes: &[u8]) {
    let scalar = Dsp::get(Level::Scalar).expect("every machine has it");
    let mut decoders = [scalar, Dsp::best()].map(Decoder::new);
    let mut left = MACROBLOCKS.1;
    for (at, packet) in packets(bytes).enumerate() {
        let cost = macroblocks(packet).unwrap_or(macroblocks_of(decoders[0].state()));
        if cost > MACROBLOCKS.0 {
            continue;
        }
        if cost > left {
            break;
        }
        left -= cost;
        decode(&mut decoders, packet);
        if at % 4 == 1 {
            travel(decoders[0].state());
        }
    }
    travel(decoders[0].state());
}

/// Decodes a packet by two decoders that must not differ.
fn decode(decoders: &mut [Decoder; 2], packet: &[u8]) {
    let before = decoders[0].state().clone();
    let [slow, fast] = decoders.each_mut().map(|decoder| decoder.decode(packet));
    match (slow, fast) {
        (Ok(slow), Ok(fast)) => {
            assert!(slow == fast, "the levels show different pictures");
            if let Some(picture) = slow {
                assert_eq!(picture.is_damaged(), decoders[0].is_damaged());
                let info = decoders[0].state().info;
                assert_eq!(
                    (picture.width(), picture.height()),
                    (info.width, info.height)
                );
                assert!(picture
                    .view()
                    .planes
                    .iter()
                    .all(|p| p.width > 0 && p.height > 0));
            }
        }
        (Err(slow), Err(fast)) => {
            assert_eq!(slow.class(), Class::BadInput, "{slow}");
            assert_eq!(slow.to_string(), fast.to_string());
            assert!(*decoders[0].state() == before, "an error changed the state");
        }
        (slow, fast) => panic!("the levels differ: {slow:?} and {fast:?}"),
    }
    let damaged = decoders.each_ref().map(Decoder::is_damaged);
    assert_eq!(damaged[0], damaged[1], "the levels differ in damage");
    assert!(
        decoders[0].state() == decoders[1].state(),
        "the levels go on from different states"
    );
}

/// Sends a state over the wire and looks at what arrives.
fn travel(state: &State) {
    let wire = state.to_bytes();
    let arrived = State::from_bytes(&wire).expect("what we write we read");
    assert!(arrived == *state, "a state arrives as another");
    assert_eq!(arrived.digest(), state.digest());
    assert!(arrived.to_bytes() == wire, "a state is written in two ways");
}

/// Pieces of the input, each behind its length.
fn packets(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (packet, after) = after.split_at(length);
        rest = after;
        Some(packet)
    })
}

/// Macroblocks of the size that a key frame claims.
fn macroblocks(packet: &[u8]) -> Option<usize> {
    let head = packet.first_chunk::<10>()?;
    (head[0] & 1 == 0).then(|| area(&head[6..]))
}

fn macroblocks_of(state: &State) -> usize {
    usize::from(state.info.width).div_ceil(16) * usize::from(state.info.height).div_ceil(16)
}

/// Macroblocks of a frame whose width and height stand here, in 14 bits each.
fn area(bytes: &[u8]) -> usize {
    let side = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]) & 0x3fff);
    side(0).div_ceil(16) * side(2).div_ceil(16)
}

/// Reads stored states, as they are and with their digest put right; what is
/// accepted survives the way over the wire, and decodes packets like any other.
pub fn vp8_state(bytes: &[u8]) {
    // Width and height, behind the magic and the version.
    if bytes
        .get(5..9)
        .is_some_and(|size| area(size) > MACROBLOCKS.0)
    {
        return;
    }
    for bytes in [bytes.to_vec(), sealed(bytes)] {
        let Ok(state) = State::from_bytes(&bytes) else {
            continue;
        };
        assert!(macroblocks_of(&state) <= MACROBLOCKS.0);
        travel(&state);
        let scalar = Dsp::get(Level::Scalar).expect("every machine has it");
        let mut decoders = [scalar, Dsp::best()].map(|dsp| Decoder::with_state(dsp, state.clone()));
        for seed in 0..4 {
            decode(&mut decoders, &inter_frame(seed));
        }
    }
}

/// An inter frame of random bits: they read as something after any state.
fn inter_frame(seed: u8) -> Vec<u8> {
    let mut packet = vec![0; 1500];
    blake3::Hasher::new()
        .update(&[seed])
        .finalize_xof()
        .fill(&mut packet);
    // The first partition has 500 bytes; version `seed`, shown, no key frame.
    let tag = 500 << 5 | 0x11 | u32::from(seed) << 1;
    packet[..3].copy_from_slice(&tag.to_le_bytes()[..3]);
    packet
}

/// Reads IVF files; what is read comes back from a file written of it.
pub fn ivf(bytes: &[u8]) {
    let Ok(mut reader) = ivf::Reader::new(bytes) else {
        return;
    };
    let header = *reader.header();
    let mut read = Vec::new();
    let whole = loop {
        match reader.next_packet() {
            Ok(Some(packet)) => read.push(packet),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let length: usize = read.iter().map(|p| p.data.len() + 12).sum();
    assert!(
        length < bytes.len(),
        "packets of more bytes than the file has"
    );
    let mut writer = ivf::Writer::new(Vec::new(), &header).expect("a Vec takes all");
    for packet in &read {
        writer
            .push(packet.pts, &packet.data)
            .expect("a Vec takes all");
    }
    let again = writer.finish().expect("a Vec takes all");
    if whole && bytes[6..8] == [32, 0] {
        assert_eq!(again[32..], bytes[32..], "what is read is written the same");
    }
    let mut reader = ivf::Reader::new(&again[..]).expect("what we write we read");
    for packet in &read {
        let again = reader.next_packet().expect("what we write we read");
        assert_eq!(again.as_ref(), Some(packet));
    }
    assert_eq!(reader.next_packet().expect("the end"), None);
}
