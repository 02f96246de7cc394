// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: the VP8 test vectors, every picture's MD5, at every CPU level.

mod vp8_ours;

use framemill_codec::dsp::{Dsp, Level};
use framemill_codec::vp8::{decode, Decoder, State};
use framemill_tests::place;
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::{self, Shown};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use vp8_ours::{every_level, pictures, shown};

/// The vectors: what their names start with, and how they end.
const VECTORS: [(&str, &str); 6] = [
    (
        "vp80-00-comprehensive",
        "001 002 003 004 005 006 007 008 009 010 011 012 013 014 015 016 017 018",
    ),
    ("vp80-01-intra", "1400 1411 1416 1417"),
    ("vp80-02-inter", "1402 1412 1418 1424"),
    (
        "vp80-03-segmentation",
        "01 02 03 04 1401 1403 1407 1408 1409 1410 1413 1414 1415 1425 1426 1427 \
         1432 1435 1436 1437 1441 1442",
    ),
    ("vp80-04-partitions", "1404 1405 1406"),
    (
        "vp80-05-sharpness",
        "1428 1429 1430 1431 1433 1434 1438 1439 1440 1443",
    ),
];
/// Pictures in all of them.
const PICTURES: usize = 1572;

/// The vectors' paths; none, said on stdout, when `../shared` is absent.
///
/// # Panics
/// When the folder is there and a vector is not, and without the folder in CI.
fn vectors(test: &str) -> Vec<PathBuf> {
    let Some(shared) = place::shared() else {
        assert!(env::var_os("CI").is_none(), "{test}: CI needs ../shared");
        println!("skipped: vp8 vectors: {test}: ../shared is absent");
        return Vec::new();
    };
    let folder = shared.join("vp8-test-vectors");
    let numbers = |(stem, ends): &(&'static str, &'static str)| {
        let stem = *stem;
        ends.split(' ').map(move |end| format!("{stem}-{end}.ivf"))
    };
    let names: Vec<String> = VECTORS.iter().flat_map(numbers).collect();
    assert_eq!(names.len(), 61);
    let found = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in found {
        let name = entry.expect("a readable folder").file_name();
        let name = name.to_string_lossy();
        assert!(
            !name.ends_with(".ivf") || names.iter().any(|n| **n == *name),
            "{name} is tested by nobody"
        );
    }
    names.iter().map(|name| folder.join(name)).collect()
}

/// The pictures that the file beside a vector names, with the packets that
/// they come out of: `83c7…c8  vp80-00-comprehensive-001-176x144-0001.i420`.
fn expected(vector: &Path) -> Vec<Shown> {
    let path = format!("{}.md5", vector.display());
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let lines = text.lines().map(|line| {
        let (md5, name) = line.split_once("  ").expect("a digest and a name");
        let name = name.strip_suffix(".i420").expect("I420 samples");
        let mut parts = name.rsplit('-');
        let packet = number(parts.next().expect("a packet's number")) - 1;
        let size = parts.next().and_then(|s| s.split_once('x'));
        let size = size.map(|(w, h)| (number(w), number(h))).expect("a size");
        Shown {
            packet,
            size,
            md5: md5.to_owned(),
        }
    });
    lines.collect()
}

fn check(vector: &Path, found: &[Shown]) {
    let expected = expected(vector);
    let first = (0..found.len().max(expected.len())).find(|n| found.get(*n) != expected.get(*n));
    if let Some(n) = first {
        panic!(
            "{}: picture {n} of {} is {:?} and not {:?}",
            vector.display(),
            expected.len(),
            found.get(n),
            expected.get(n)
        );
    }
}

/// All vectors at one level, unless this machine has no such level.
fn conforms(level: &str) {
    let required = env::var("FRAMEMILL_REQUIRE_LEVELS").unwrap_or_default();
    let required = required.split([',', ' ']).any(|name| name == level);
    let known: Level = level.parse().expect("the name of a level");
    let Some(dsp) = Dsp::get(known) else {
        assert!(!required, "{level} must run, and this machine has it not");
        println!("skipped: vp8 vectors at {level}: not on this machine");
        return;
    };
    assert_eq!(dsp.level(), known);
    let vectors = vectors(level);
    let mut count = 0;
    for vector in &vectors {
        let shown = pictures(dsp, &Stream::read(vector).packets);
        check(vector, &shown);
        count += shown.len();
    }
    if !vectors.is_empty() {
        assert_eq!(count, PICTURES);
    }
}

macro_rules! at_level {
    ($($level:ident)*) => { $(
        #[test]
        fn $level() {
            conforms(stringify!($level));
        }
    )* };
}

at_level!(scalar ssse3 avx2 neon);

/// The list above is the list of all levels.
#[test]
fn every_level_has_its_test() {
    assert_eq!(
        Level::ALL.map(Level::name),
        ["scalar", "ssse3", "avx2", "neon"]
    );
}

/// libvpx agrees with the files beside the vectors, about which packet shows
/// which picture too.
#[test]
fn libvpx_shows_the_same_pictures() {
    for vector in vectors("libvpx_shows_the_same_pictures") {
        let verdict = oracle::vpxdec(&vector);
        check(&vector, &verdict.shown);
        let ours = pictures(Dsp::best(), &Stream::read(&vector).packets);
        assert_eq!(ours, verdict.shown, "{}", vector.display());
    }
}

/// [`decode`] leaves its state alone: every packet is decoded twice from one.
#[test]
fn as_a_function_of_state_and_packet() {
    for vector in vectors("as_a_function_of_state_and_packet") {
        let mut state = State::default();
        let mut found = Vec::new();
        for (at, packet) in Stream::read(&vector).packets.iter().enumerate() {
            let before = state.clone();
            let first = decode(&state, packet).expect("a whole packet");
            assert!(state == before, "{}: packet {at}", vector.display());
            let second = decode(&before, packet).expect("a whole packet");
            assert!(first == second, "{}: packet {at}", vector.display());
            state = second.0;
            found.extend(first.1.map(|picture| shown(at, &picture)));
        }
        check(&vector, &found);
    }
}

/// What a decoder holds besides its state never shows: one decoder takes all
/// streams, of all sizes, one behind the other, forwards and backwards.
#[test]
fn whatever_was_decoded_before() {
    let mut vectors = vectors("whatever_was_decoded_before");
    for dsp in every_level() {
        let mut decoder = Decoder::new(dsp);
        for vector in &vectors {
            let mut found = Vec::new();
            for (at, packet) in Stream::read(vector).packets.iter().enumerate() {
                let picture = decoder.decode(packet).expect("a whole packet");
                found.extend(picture.map(|picture| shown(at, &picture)));
            }
            check(vector, &found);
        }
        vectors.reverse();
    }
}
