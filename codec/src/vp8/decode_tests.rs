// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packets at the edges of what is allowed. Whole streams are in `tests/`.

use super::*;
use crate::error::Class;
use crate::Error;

/// A key frame whose partitions are zeros, which is a legal frame: every
/// boolean reads as false.
fn key_frame(width: u16, height: u16, show: bool, payload: usize) -> Vec<u8> {
    // Both partitions need bytes of their own.
    let first = payload / 2;
    let tag = (first as u32) << 5 | u32::from(show) << 4;
    let mut packet = tag.to_le_bytes()[..3].to_vec();
    packet.extend([0x9d, 0x01, 0x2a]);
    packet.extend(width.to_le_bytes());
    packet.extend(height.to_le_bytes());
    packet.resize(packet.len() + payload, 0);
    packet
}

fn refusal(packet: &[u8]) -> String {
    let error = decode(&State::default(), packet).expect_err("a packet to be refused");
    assert_eq!(error.class(), Class::BadInput);
    error.to_string()
}

#[test]
fn a_frame_of_zeros_is_a_picture() {
    let (state, picture) = decode(&State::default(), &key_frame(17, 33, true, 400)).unwrap();
    let picture = picture.expect("a shown frame");
    assert_eq!((picture.width(), picture.height()), (17, 33));
    assert!(!picture.is_damaged());
    let planes: Vec<_> = picture
        .view()
        .planes
        .iter()
        .map(|p| (p.width, p.height))
        .collect();
    assert_eq!(planes, [(17, 33), (9, 17), (9, 17)]);
    let references = state.references.expect("references after a key frame");
    assert_eq!(references.last, references.golden);
    assert!(Arc::ptr_eq(&references.last, &references.altref));
    assert_eq!(state.segmentation.map.len(), 2 * 3);
}

#[test]
fn hidden_frames_and_empty_packets_show_nothing() {
    let (state, picture) = decode(&State::default(), &key_frame(16, 16, false, 400)).unwrap();
    assert!(picture.is_none() && state.references.is_some());
    let (same, picture) = decode(&state, &[]).unwrap();
    assert!(picture.is_none());
    assert_eq!(same, state);
}

#[test]
fn what_is_no_frame_is_refused() {
    assert_eq!(refusal(&[0x10]), "vp8: a packet of 1 bytes");
    let good = key_frame(16, 16, true, 400);
    assert!(refusal(&good[..9]).contains("ends in its header"));
    let mut packet = good.clone();
    packet[4] = 0;
    assert!(refusal(&packet).contains("start code"));
    assert!(refusal(&good[..150]).contains("first partition of 200 bytes where 140 are left"));
    assert!(refusal(&key_frame(0, 16, true, 400)).contains("0x16"));
    let inter = [0x11, 0, 0, 0, 0, 0];
    assert!(refusal(&inter).contains("no key frame before it"));
    let large = decode(&State::default(), &key_frame(16383, 16383, true, 400));
    assert!(matches!(large, Err(Error::Limit { .. })), "{large:?}");
}

#[test]
fn a_first_key_frame_must_be_whole() {
    // Two bytes of tokens are not enough for any macroblock.
    let short = key_frame(64, 64, true, 400);
    let (state, _) = decode(&State::default(), &short).unwrap();
    let cut = &short[..212];
    assert!(refusal(cut).contains("not whole"));
    let (_, picture) = decode(&state, cut).unwrap();
    assert!(picture.is_some_and(|picture| picture.is_damaged()));
}

#[test]
fn buffers_are_used_again_only_when_nobody_has_them() {
    let mut decoder = Decoder::new(Dsp::best());
    let packet = key_frame(32, 32, true, 400);
    let kept = decoder.decode(&packet).unwrap().unwrap();
    let copy: Vec<u8> = kept.frame().samples.clone();
    for _ in 0..5 {
        decoder.decode(&key_frame(32, 32, true, 300)).unwrap();
        decoder.decode(&key_frame(48, 32, true, 300)).unwrap();
    }
    assert_eq!(kept.frame().samples, copy);
}

#[test]
fn an_altref_copied_from_golden_goes_first() {
    let frames: Vec<Arc<Frame>> = (0..4)
        .map(|n| {
            let mut frame = Frame::new(Geometry::new(16, 16));
            frame.samples.fill(n);
            Arc::new(frame)
        })
        .collect();
    let old = References {
        last: frames[0].clone(),
        golden: frames[1].clone(),
        altref: frames[2].clone(),
    };
    let (state, _) = decode(&State::default(), &key_frame(16, 16, true, 400)).unwrap();
    let inter = FrameTag::read(&[0x11, 0, 0, 0]).unwrap().0;
    let (mut header, _) = Header::read(inter, &mut BoolReader::new(&[0; 400]), &state).unwrap();
    let mut after = |golden, altref| {
        (header.golden, header.altref) = (golden, altref);
        let new = referred(&header, Some(&old), &frames[3]);
        [new.golden, new.altref].map(|frame| frame.samples[0])
    };
    assert_eq!(after(Refresh::Keep, Refresh::Keep), [1, 2]);
    assert_eq!(after(Refresh::Other, Refresh::Other), [1, 1]);
    assert_eq!(after(Refresh::Other, Refresh::New), [2, 3]);
    assert_eq!(after(Refresh::New, Refresh::Other), [3, 1]);
    assert_eq!(after(Refresh::Last, Refresh::Last), [0, 0]);
}
