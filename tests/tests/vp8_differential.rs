// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: on streams over all that `vpxenc` can be asked for, and on
//! some that no encoder would make, every picture is libvpx's and FFmpeg's,
//! bit for bit. Runs without `../shared`.

mod vp8_ours;

use framemill_codec::dsp::Dsp;
use framemill_tests::place;
use framemill_tests::vp8::ivf::{key_frame_size, Stream};
use framemill_tests::vp8::oracle::{self, Shown};
use framemill_tests::vp8::random::{self, Bounds};
use framemill_tests::vp8::streams;
use std::collections::BTreeSet;
use std::path::Path;
use vp8_ours::{every_level, outcomes, pictures, Outcome};

/// Demands that all decoders show the same; gives what they show.
fn same(name: &str, path: &Path, with: &[&str]) -> Vec<Shown> {
    let stream = Stream::read(path);
    let ours = pictures(Dsp::best(), &stream.packets);
    let verdict = oracle::vpxdec(path);
    assert!(!verdict.damaged, "{name}: libvpx finds damage");
    demand(name, &ours, &verdict.shown);
    for decoder in with {
        let (found, complaints) = oracle::ffmpeg_md5(decoder, path);
        assert_eq!(complaints, "", "{name}: FFmpeg's {decoder}");
        let ours: Vec<&String> = ours.iter().map(|s| &s.md5).collect();
        let first =
            (0..ours.len().max(found.len())).find(|n| ours.get(*n) != found.get(*n).as_ref());
        assert_eq!(
            first, None,
            "{name}: first picture that FFmpeg's {decoder} has otherwise"
        );
    }
    ours
}

fn demand(name: &str, ours: &[Shown], theirs: &[Shown]) {
    let first = (0..ours.len().max(theirs.len())).find(|n| ours.get(*n) != theirs.get(*n));
    if let Some(n) = first {
        panic!(
            "{name}: picture {n} is {:?}, libvpx's {:?}",
            ours.get(n),
            theirs.get(n)
        );
    }
}

/// A share of the encoded streams, so that tests run side by side.
fn encoded(share: usize) {
    let (mut packets, mut count, mut resized) = (0, 0, 0);
    for number in (share..streams::COUNT).step_by(SHARES) {
        let (path, words) = streams::encoded(number);
        let shown = same(&format!("stream {number}: {words}"), &path, &["vp8"]);
        packets += Stream::read(&path).packets.len();
        count += shown.len();
        resized += usize::from(shown.windows(2).any(|pair| pair[0].size != pair[1].size));
    }
    println!("{count} pictures of {packets} packets, {resized} streams change their size");
    assert!(count > 700 && packets > count, "{count} of {packets}");
}

const SHARES: usize = 4;

#[test]
fn encoded_streams_0() {
    encoded(0);
}

#[test]
fn encoded_streams_1() {
    encoded(1);
}

#[test]
fn encoded_streams_2() {
    encoded(2);
}

#[test]
fn encoded_streams_3() {
    encoded(3);
}

/// FFmpeg's wrapper of libvpx gives packets in another way than `vpxdec` does.
#[test]
fn libvpx_inside_ffmpeg() {
    for number in [0, 29, 53, 71] {
        let (path, words) = streams::encoded(number);
        let _ = same(&words, &path, &["libvpx"]);
    }
}

/// Streams of all sizes one behind the other: every key frame is another size.
#[test]
fn sizes_that_change() {
    let folder = place::scratch();
    let mut stream = Stream::default();
    for number in (0..streams::COUNT).step_by(3) {
        let mut next = Stream::read(&streams::encoded(number).0);
        next.packets.truncate(5);
        stream = stream.then(&next);
    }
    stream.size = (16, 16);
    let path = folder.path().join("joined.ivf");
    stream.write(&path);
    let shown = same("joined", &path, &["vp8"]);
    let changes = shown.windows(2).filter(|p| p[0].size != p[1].size).count();
    assert!(changes > 25, "{changes}");
}

/// The levels agree on all streams.
#[test]
fn every_level_shows_the_same() {
    for number in 0..streams::COUNT {
        let (path, words) = streams::encoded(number);
        let stream = Stream::read(&path);
        let [first, others @ ..] = &every_level()[..] else {
            panic!("there is always one level");
        };
        let expected = pictures(first, &stream.packets);
        for dsp in others {
            assert_eq!(
                pictures(dsp, &stream.packets),
                expected,
                "{}: {words}",
                dsp.level()
            );
        }
    }
}

/// Versions 0 to 2 only: in version 3, libvpx 1.12 leaves chroma that whole
/// vectors move just past its border as the buffer had it (`reconinter.c`,
/// the early return of `vp8_build_inter16x16_predictors_mb`).
const RANDOM: Bounds = Bounds {
    packets: 14,
    side: 80,
    quantizer: 20,
    bytes: 6000,
    versions: 3,
};

/// Without FFmpeg, which goes its own way where encoders never go: it limits
/// filter levels of segments only after their deltas, and wraps coefficients
/// beyond 16 bits elsewhere.
#[test]
fn random_streams() {
    let folder = place::scratch();
    let path = folder.path().join("random.ivf");
    let mut count = 0;
    for (quantizer, seeds) in [(20, 0..150), (127, 150..250)] {
        for seed in seeds {
            let bounds = Bounds {
                quantizer,
                ..RANDOM
            };
            random::stream(seed, bounds).write(&path);
            count += same(&format!("seed {seed}, {bounds:?}"), &path, &[]).len();
        }
    }
    println!("{count} pictures");
    assert!(count > 2500, "{count}");
}

/// Partitions that end early: libvpx shows what it has, and so do we.
#[test]
fn random_streams_that_end_early() {
    let folder = place::scratch();
    let path = folder.path().join("random.ivf");
    let (mut damaged, mut whole) = (0, 0);
    for seed in 0..120 {
        let bytes = 10 + seed as usize;
        let bounds = Bounds { bytes, ..RANDOM };
        // Nothing is shown before one whole key frame.
        let start = random::stream(
            seed,
            Bounds {
                packets: 1,
                ..RANDOM
            },
        );
        let stream = start.then(&random::stream(seed, bounds));
        stream.write(&path);
        let verdict = oracle::vpxdec(&path);
        let mut ours = Vec::new();
        for (at, outcome) in outcomes(Dsp::best(), &stream.packets)
            .into_iter()
            .enumerate()
        {
            match outcome {
                Outcome::Picture(shown, is_damaged) => {
                    damaged += usize::from(is_damaged);
                    whole += usize::from(!is_damaged);
                    ours.push(shown);
                }
                Outcome::Nothing(_) => {}
                Outcome::Refused(why) => assert!(
                    verdict.failed.contains(&at),
                    "seed {seed}, packet {at}: {why}"
                ),
            }
        }
        demand(&format!("seed {seed}, {bounds:?}"), &ours, &verdict.shown);
    }
    assert!(damaged > 300 && whole > 300, "{damaged} and {whole}");
}

/// What the streams must hold for the tests above to mean something.
#[test]
fn the_streams_are_of_all_kinds() {
    let (mut hidden, mut keys, mut resized) = (0, 0, 0);
    let (mut sizes, mut versions) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..streams::COUNT {
        let packets = Stream::read(&streams::encoded(number).0).packets;
        let mut own = BTreeSet::new();
        for packet in packets.iter().filter(|p| !p.is_empty()) {
            hidden += usize::from(packet[0] & 0x10 == 0);
            versions.insert(packet[0] >> 1 & 7);
            if let Some(size) = key_frame_size(packet) {
                keys += 1;
                own.insert(size);
            }
        }
        resized += usize::from(own.len() > 1);
        sizes.extend(own);
    }
    println!(
        "{hidden} hidden, {keys} key frames, {resized} change size, {} sizes",
        sizes.len()
    );
    assert_eq!(versions, BTreeSet::from([0, 1, 2, 3]));
    assert!(hidden > 20 && keys > 300 && resized > 4 && sizes.len() > 25);
}
