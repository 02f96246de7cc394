// SPDX-License-Identifier: MIT OR Apache-2.0
//! VP8's state crosses from one process to another: streams are cut at every
//! frame, the state goes over the wire, and the rest decodes as if uncut.

use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::vpxdec;
use framemill_tests::vp8::streams::{clip, encode};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// `framemill vp8 COMMAND PATH`.
fn vp8(command: &str, path: &Path) -> Job {
    Job::bare("vp8").flag(command, path)
}

/// A stream of 64×48, by the words for `vpxenc`.
fn stream(name: &str, source: &str, frames: u16, words: &str) -> PathBuf {
    sized(name, source, (64, 48), frames, words)
}

fn sized(name: &str, source: &str, size: (u16, u16), frames: u16, words: &str) -> PathBuf {
    encode(name, &clip(source, size, frames), size, words)
}

fn digests(job: &Job) -> Vec<String> {
    job.ok().stdout().lines().map(str::to_owned).collect()
}

/// What a stream's states have held, all in all.
#[derive(Default)]
struct Seen {
    hidden: usize,
    all_different: usize,
    some_equal: usize,
    segmented: usize,
    changed: usize,
}

impl Seen {
    fn look(&mut self, state: &Value) {
        let name = |which: &str| state["references"][which].as_str().expect("a digest");
        let (last, golden, altref) = (name("last"), name("golden"), name("altref"));
        if last != golden && golden != altref && altref != last {
            self.all_different += 1;
        } else {
            self.some_equal += 1;
        }
        let segments = state["segmentation"]["macroblocks"].as_array();
        let used = segments.map(|s| s.iter().filter(|n| n.as_u64() != Some(0)).count());
        self.segmented += usize::from(used > Some(1));
        self.changed += usize::from(state["changed"]["coefficients"].as_u64() > Some(0));
    }
}

/// Cuts behind every packet and goes on in another process.
fn split_everywhere(path: &Path) -> Seen {
    let whole = digests(&vp8("decode", path).flags("--md5"));
    let theirs: Vec<String> = vpxdec(path).shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(whole, theirs, "{}", path.display());
    let packets = Stream::read(path).packets;
    let shows = |packet: &Vec<u8>| packet.first().is_some_and(|tag| tag & 0x10 != 0);
    let mut seen = Seen {
        hidden: packets.iter().filter(|p| !shows(p)).count(),
        ..Seen::default()
    };
    assert_eq!(packets.len() - seen.hidden, whole.len());
    let folder = place::scratch();
    for at in 0..packets.len() {
        let wire = folder.path().join(format!("{at}.fmv8"));
        let state = vp8("state", path)
            .flags(&format!("--json --at {at}"))
            .to(&wire)
            .json();
        seen.look(&state);
        let size = fs::metadata(&wire).expect("a state").len();
        assert_eq!(state["wire_bytes"].as_u64(), Some(size));
        let rest = vp8("decode", path)
            .flags(&format!("--md5 --skip {}", at + 1))
            .flag("--from-state", wire);
        let left = packets[at + 1..].iter().filter(|p| shows(p)).count();
        let expected = &whole[whole.len() - left..];
        assert_eq!(digests(&rest), expected, "{} after {at}", path.display());
    }
    seen
}

#[test]
fn golden_and_altref_cross() {
    let seen = split_everywhere(&stream(
        "vp8-split-altref.ivf",
        "testsrc2=size=WxH,scroll=h=0.03:v=-0.05",
        36,
        "--good --passes=2 --cpu-used=0 --auto-alt-ref=1 --lag-in-frames=16 --end-usage=cq --cq-level=20 --target-bitrate=400 --kf-max-dist=24",
    ));
    assert!(seen.hidden > 0 && seen.all_different > 4 && seen.some_equal > 0);
    assert!(seen.changed > 4);
}

#[test]
fn segments_cross() {
    // A smaller one has too few macroblocks for cyclic refresh.
    let seen = split_everywhere(&sized(
        "vp8-split-segments.ivf",
        "testsrc2=size=WxH",
        (176, 144),
        20,
        "--rt --cpu-used=-6 --error-resilient=1 --noise-sensitivity=0 --end-usage=cbr --target-bitrate=60 --lag-in-frames=0 --token-parts=2 --static-thresh=1",
    ));
    assert!(
        seen.segmented > 4,
        "{} states with segments",
        seen.segmented
    );
}

#[test]
fn the_other_profiles_cross() {
    for profile in 1..4 {
        let words = format!(
            "--profile={profile} --good --passes=1 --cpu-used=1 --sharpness=3 --end-usage=cq --cq-level=30 --target-bitrate=200"
        );
        let name = format!("vp8-split-profile{profile}.ivf");
        let source = "mandelbrot=size=WxH:maxiter=200";
        let _ = split_everywhere(&stream(&name, source, 10, &words));
    }
}

#[test]
fn a_change_of_size_crosses() {
    let words = "--good --cpu-used=2 --end-usage=cq --cq-level=20 --target-bitrate=300";
    let first = stream("vp8-split-large.ivf", "testsrc2=size=WxH", 6, words);
    let size = (33, 17);
    let source = clip("smptebars=size=WxH", size, 6);
    let second = encode("vp8-split-small.ivf", &source, size, words);
    let folder = place::scratch();
    let path = folder.path().join("both.ivf");
    Stream::read(&first)
        .then(&Stream::read(&second))
        .write(&path);
    let _ = split_everywhere(&path);
}

#[test]
fn a_damaged_state_is_refused() {
    let path = stream(
        "vp8-split-plain.ivf",
        "testsrc2=size=WxH",
        6,
        "--good --cpu-used=4",
    );
    let folder = place::scratch();
    let file = folder.path().join("state.fmv8");
    let _ = vp8("state", &path).flags("--at 2").to(&file).ok();
    let bytes = fs::read(&file).expect("a state");
    let refused = |bytes: &[u8], words: &[&str]| {
        fs::write(&file, bytes).expect("a small file can be written");
        let job = vp8("decode", &path).flags("--md5 --skip 3");
        let run = job.flag("--from-state", &file).fails(2, words);
        assert!(run.done.stdout.is_empty());
    };
    let mut changed = bytes.clone();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        changed[at] ^= 1 << (at % 8);
        refused(&changed, &["state.fmv8"]);
        changed[at] = bytes[at];
        refused(&bytes[..at], &["state.fmv8"]);
    }
    changed.push(0);
    refused(&changed, &["state.fmv8", "digest"]);
    refused(b"", &["state.fmv8", "early"]);
    refused(
        b"not a state, by any means, of nothing",
        &["state.fmv8", "FMV8"],
    );
    changed[4] = 9;
    refused(&changed, &["version 9"]);
    fs::remove_file(&file).expect("it is there");
    let job = vp8("decode", &path).flags("--md5 --skip 3");
    let _ = job
        .clone()
        .flag("--from-state", &file)
        .fails(2, &["state.fmv8"]);
    fs::write(&file, &bytes).expect("a small file can be written");
    let _ = job.flag("--from-state", &file).ok();
    let _ = vp8("decode", &path)
        .flags("--md5 --skip 7")
        .flag("--from-state", &file)
        .fails(2, &["6 frames"]);
}
