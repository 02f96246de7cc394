// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: of damaged streams our decoder shows what libvpx shows, or
//! gives a typed error. Never a panic, a hang, or memory without bounds.
//!
//! After an error the two may go on from different states (libvpx keeps what
//! it read of the refused header), so pictures are compared up to it, and
//! again from the next key frame that both decode.

mod vp8_ours;

use framemill_codec::dsp::Dsp;
use framemill_codec::vp8::Decoder;
use framemill_tests::place;
use framemill_tests::vp8::damage::Damage;
use framemill_tests::vp8::ivf::{key_frame_size, Stream};
use framemill_tests::vp8::oracle;
use framemill_tests::vp8::random::{self, Bounds};
use framemill_tests::vp8::streams;
use std::path::Path;
use std::time::{Duration, Instant};
use vp8_ours::{blamed, every_level, outcomes, Outcome};

/// What a comparison saw.
#[derive(Debug, Default)]
struct Seen {
    /// Pictures that both show alike.
    same: usize,
    /// Of those, what comes of a packet that ended early.
    damaged: usize,
    /// Packets that both refuse.
    refused: usize,
    /// Packets that only we refuse.
    stricter: usize,
    /// Key frames from which comparison went on.
    resumed: usize,
    /// Streams of which both say alike where damage begins.
    flags: usize,
}

/// Streams to damage: encoded ones of all kinds and random ones.
fn subjects() -> Vec<Stream> {
    let encoded = [
        3, 5, 10, 16, 17, 29, 34, 39, 47, 53, 60, 71, 76, 88, 100, 111,
    ]
    .map(|number| {
        let mut stream = Stream::read(&streams::encoded(number).0);
        stream.packets.truncate(14);
        stream
    });
    let random = (0..8).map(|seed| {
        let bounds = Bounds {
            packets: 10,
            side: 60,
            quantizer: 20,
            bytes: 1500,
            versions: 3,
        };
        random::stream(seed, bounds)
    });
    encoded.into_iter().chain(random).collect()
}

/// Damages all subjects in one way, by several seeds, and compares.
fn damaged(kind: Damage, seeds: u64) -> Seen {
    let folder = place::scratch();
    let path = folder.path().join("damaged.ivf");
    let mut seen = Seen::default();
    let levels = every_level();
    for (number, subject) in subjects().iter().enumerate() {
        for seed in 0..seeds {
            let (stream, at) = kind.of(subject, (number as u64) << 32 | seed);
            let name = format!("{kind:?} of packet {at} of subject {number}, seed {seed}");
            stream.write(&path);
            let ours = outcomes(levels[0], &stream.packets);
            for dsp in &levels[1..] {
                assert_eq!(
                    outcomes(dsp, &stream.packets),
                    ours,
                    "{name}, {}",
                    dsp.level()
                );
            }
            let verdict = oracle::vpxdec(&path);
            compare(&name, &stream, &ours, &verdict, &mut seen);
            seen.flags += usize::from(compare_flags(
                &name,
                &path,
                &stream.packets,
                &ours,
                &verdict,
            ));
        }
    }
    println!("{kind:?}: {seen:?}");
    seen
}

fn compare(
    name: &str,
    stream: &Stream,
    ours: &[Outcome],
    theirs: &oracle::Verdict,
    seen: &mut Seen,
) {
    let mut known = true;
    for (at, outcome) in ours.iter().enumerate() {
        let packet = &stream.packets[at];
        // `vpxdec` counts empty packets as errors that change nothing.
        let failed = theirs.failed.contains(&at) && !packet.is_empty();
        let refused = matches!(outcome, Outcome::Refused(_));
        if !known && !failed && !refused && key_frame_size(packet).is_some() {
            known = true;
            seen.resumed += 1;
        }
        if !known {
            continue;
        }
        let theirs = theirs.shown.iter().find(|s| s.packet == at);
        match outcome {
            Outcome::Refused(why) => {
                known = false;
                // libvpx decodes it, shows nothing, and refers to whatever
                // its first buffer holds from there on.
                let reserved = why.ends_with("a reference copied from nowhere");
                assert!(
                    failed || reserved,
                    "{name}, packet {at}: only we refuse it: {why}"
                );
                seen.refused += usize::from(failed);
                seen.stricter += usize::from(!failed);
            }
            _ if failed => panic!("{name}, packet {at}: libvpx refuses it, we do not: {outcome:?}"),
            Outcome::Picture(shown, damaged) => {
                assert_eq!(
                    Some(shown),
                    theirs,
                    "{name}, packet {at}, damaged {damaged}"
                );
                seen.same += 1;
                seen.damaged += usize::from(*damaged);
            }
            Outcome::Nothing(_) => assert_eq!(None, theirs, "{name}, packet {at}"),
        }
    }
}

/// The first frame that we call damaged is the first that libvpx does, be it
/// shown or hidden. `vpxdec` counts empty packets, so none may come before it.
fn compare_flags(
    name: &str,
    path: &Path,
    packets: &[Vec<u8>],
    ours: &[Outcome],
    theirs: &oracle::Verdict,
) -> bool {
    let whole = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Picture(_, false) | Outcome::Nothing(false)
        )
    };
    let first = ours.iter().position(|outcome| !whole(outcome));
    let compared = first.map_or(packets.len(), |at| at + 1);
    if packets[..compared].iter().any(Vec::is_empty) {
        return false;
    }
    match first.map(|at| (at, &ours[at])) {
        None => assert!(!theirs.damaged, "{name}: only libvpx finds damage"),
        Some((_, Outcome::Refused(_))) => return false,
        Some((at, _)) => {
            let until = |packets| oracle::vpxdec_first(path, Some(packets)).damaged;
            assert!(!until(at), "{name}: libvpx finds damage before packet {at}");
            assert!(until(at + 1), "{name}: only we find damage in packet {at}");
        }
    }
    true
}

macro_rules! kinds {
    ($($test:ident: $kind:ident, $seeds:literal, $least:literal;)*) => { $(
        #[test]
        fn $test() {
            let seen = damaged(Damage::$kind, $seeds);
            assert!(seen.same >= $least, "{seen:?}");
        }
    )* };
}

kinds! {
    bits_of_the_tag: FlipTag, 10, 1000;
    bits_of_the_first_partition: FlipFirst, 10, 1000;
    bits_of_the_tokens: FlipTokens, 10, 1000;
    packets_cut_short: Truncated, 10, 1000;
    packets_that_end_in_zeros: Zeroed, 10, 1000;
    packets_lost: Dropped, 4, 500;
    packets_emptied: Empty, 4, 500;
    packets_swapped: Swapped, 4, 500;
    packets_doubled: Doubled, 4, 500;
    other_sizes: Resized, 6, 300;
    noise: Noise, 10, 1000;
}

/// A few bytes that claim a picture of 268 million samples, then one of 67.
#[test]
fn sizes_beyond_measure() {
    let claim = |side: u16| {
        let mut packet = vec![0x10, 0, 0, 0x9d, 1, 0x2a];
        packet.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
        packet.extend([0; 8]);
        packet
    };
    let before = framemill_worker::peak_memory();
    for side in [16383, 8193] {
        let error = Decoder::new(Dsp::best())
            .decode(&claim(side))
            .expect_err("too large");
        println!("{}", blamed(&error));
    }
    let grown = framemill_worker::peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
    let started = Instant::now();
    let outcome = Decoder::new(Dsp::best()).decode(&claim(8000));
    assert!(outcome.is_err(), "a first key frame that is not whole");
    let grown = framemill_worker::peak_memory() - before;
    assert!(grown < 512 << 20, "{grown} bytes");
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Every cut of a few packets, to the byte.
#[test]
fn every_cut() {
    let folder = place::scratch();
    let path = folder.path().join("cut.ivf");
    let mut seen = Seen::default();
    for number in [2, 5, 13] {
        let whole = Stream::read(&streams::encoded(number).0);
        for at in [0, 1, 2] {
            let length = whole.packets[at].len();
            let step = length.div_ceil(60);
            for cut in (0..length).step_by(step) {
                let mut stream = whole.clone();
                stream.packets.truncate(6);
                stream.packets[at].truncate(cut);
                stream.write(&path);
                let ours = outcomes(Dsp::best(), &stream.packets);
                let name = format!("stream {number}, packet {at} cut to {cut}");
                compare(&name, &stream, &ours, &oracle::vpxdec(&path), &mut seen);
            }
        }
    }
    println!("{seen:?}");
    assert!(
        seen.same > 300 && seen.damaged > 8 && seen.refused > 100,
        "{seen:?}"
    );
}
