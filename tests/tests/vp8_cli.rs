// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8`, `--simd` and `--version --verbose`.

use framemill_codec::dsp::Level;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::ffmpeg;
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::vpxdec;
use framemill_tests::vp8::streams::{clip, encode};
use std::fs;
use std::path::{Path, PathBuf};

const WORDS: &str = "--good --passes=2 --auto-alt-ref=1 --lag-in-frames=10 --cpu-used=2 --end-usage=cq --cq-level=20 --target-bitrate=400";

/// `framemill vp8 COMMAND PATH`.
fn vp8(command: &str, path: &Path) -> Job {
    Job::bare("vp8").flag(command, path)
}

/// 20 frames of an odd size, with a hidden one.
fn odd() -> PathBuf {
    let size = (175, 143);
    let source = clip("testsrc2=size=WxH,scroll=h=0.03:v=-0.05", size, 20);
    encode("vp8-cli-odd.ivf", &source, size, WORDS)
}

/// Two streams of different sizes, one after the other: 4 packets, then 3.
fn resized(folder: &Path) -> PathBuf {
    let part = |size, frames| {
        let source = clip("testsrc2=size=WxH", size, frames);
        Stream::read(&encode(
            "vp8-cli-part.ivf",
            &source,
            size,
            "--rt --cpu-used=8",
        ))
    };
    let path = folder.join("resized.ivf");
    part((48, 32), 4).then(&part((33, 17), 3)).write(&path);
    path
}

/// `21 frames, 20 shown, 175x143`, with the hidden ones counted.
fn summary_of_odd() -> String {
    let packets = Stream::read(&odd()).packets.len();
    assert!(packets > 20, "no frame is hidden");
    format!("{packets} frames, 20 shown, 175x143")
}

fn md5_of(path: &Path) -> Vec<String> {
    let job = vp8("decode", path).flags("--md5");
    job.ok().stdout().lines().map(str::to_owned).collect()
}

/// A path in a folder that holds what a closure made of the odd stream's bytes.
fn altered(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(odd()).expect("a stream");
    change(&mut bytes);
    let path = folder.join("altered.ivf");
    fs::write(&path, bytes).expect("a small file can be written");
    path
}

fn nothing_is_left(folder: &Path, but: &[&str]) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        assert!(but.iter().any(|b| name == *b), "{name:?} is left");
    }
}

#[test]
fn digests_are_those_of_vpxdec() {
    let path = odd();
    let theirs: Vec<String> = vpxdec(&path).shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(theirs.len(), 20);
    assert_eq!(md5_of(&path), theirs);
}

#[test]
fn every_level_gives_the_same() {
    let path = odd();
    let expected = md5_of(&path);
    for level in Level::ALL {
        let job = vp8("decode", &path).flags("--md5");
        let job = job.flag("--simd", level.name());
        if level.is_available() {
            let found = job.ok().stdout();
            assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{level}");
        } else {
            let _ = job.fails(2, &["--simd", level.name(), "scalar"]);
        }
    }
    let _ = Job::bare("--simd mmx --version").fails(2, &["mmx", "avx2"]);
}

#[test]
fn pictures_are_written_as_y4m() {
    let folder = place::scratch();
    let output = folder.path().join("out.y4m");
    let run = vp8("decode", &odd()).to(&output).ok();
    let words = run.stdout();
    assert!(words.contains(&summary_of_odd()), "{words}");
    let input = odd().display().to_string();
    let raw = |input: &str| {
        let args = [
            "-i", input, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1",
        ];
        ffmpeg(&args).0
    };
    let theirs = raw(&input);
    assert_eq!(theirs.len(), 20 * (175 * 143 + 2 * 88 * 72));
    assert!(raw(&output.display().to_string()) == theirs);
    let text = fs::read(&output).expect("a file");
    assert!(text.starts_with(b"YUV4MPEG2 W175 H143 F25:1 Ip C420jpeg\nFRAME\n"));
    nothing_is_left(folder.path(), &["out.y4m"]);

    let job = vp8("decode", &odd()).flag("-o", &output);
    let _ = job.fails(2, &["out.y4m", "--overwrite"]);
    assert!(fs::read(&output).expect("a file") == text);
    let run = job.flags("--overwrite --quiet").ok();
    assert!(run.done.stdout.is_empty() && run.done.stderr.is_empty());
    assert!(fs::read(&output).expect("a file") == text);
}

#[test]
fn without_an_output_there_is_a_summary() {
    let run = vp8("decode", &odd()).ok();
    let text = run.stdout();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&summary_of_odd()), "{text}");
    let run = vp8("decode", &odd()).flags("--quiet").ok();
    assert!(run.done.stdout.is_empty() && run.done.stderr.is_empty());
}

#[test]
fn a_change_of_size_is_fine_but_for_y4m() {
    let folder = place::scratch();
    let path = resized(folder.path());
    let theirs: Vec<String> = vpxdec(&path).shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(md5_of(&path), theirs);
    let text = vp8("decode", &path).ok().stdout();
    assert!(text.contains("33x17 after 1 change"), "{text}");
    let output = folder.path().join("out.y4m");
    let job = vp8("decode", &path).to(&output);
    let _ = job.fails(2, &["frame 4", "33x17", "48x32"]);
    nothing_is_left(folder.path(), &["resized.ivf"]);
}

#[test]
fn what_is_no_vp8_is_refused() {
    let folder = place::scratch();
    let refused = |path: &Path, words: &[&str]| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let words: Vec<&str> = words.iter().copied().chain([&*name]).collect();
        let _ = vp8("decode", path).fails(2, &words);
        let _ = vp8("state", path).flags("--at 0").fails(2, &words);
    };
    refused(&folder.path().join("absent.ivf"), &["No such file"]);
    refused(folder.path(), &["directory"]);
    refused(&altered(folder.path(), Vec::clear), &["empty"]);
    refused(&altered(folder.path(), |b| b[0] = b'X'), &["not an IVF"]);
    refused(&altered(folder.path(), |b| b.truncate(20)), &["not an IVF"]);
    refused(&altered(folder.path(), |b| b[11] = b'9'), &["VP89"]);
    refused(
        &altered(folder.path(), |b| b.truncate(40)),
        &["frame 0", "byte 40"],
    );
    refused(
        &altered(folder.path(), |b| b.truncate(32)),
        &["no frame|0 frames"],
    );
    refused(
        &altered(folder.path(), |b| b[35] = 0x7f),
        &["frame 0", "limit"],
    );
    refused(&place::sample("vfr.mp4"), &["not an IVF"]);
}

#[test]
fn a_truncated_file_names_frame_and_byte() {
    let folder = place::scratch();
    let last = format!("frame {}:", Stream::read(&odd()).packets.len() - 1);
    let mut length = 0;
    let path = altered(folder.path(), |bytes| {
        length = bytes.len() - 1;
        bytes.truncate(length);
    });
    let output = folder.path().join("out.y4m");
    let job = vp8("decode", &path).to(&output);
    let _ = job.fails(2, &["altered.ivf", &last, &length.to_string()]);
    nothing_is_left(folder.path(), &["altered.ivf"]);
}

#[test]
fn damage_is_refused_or_kept() {
    let folder = place::scratch();
    let path = folder.path().join("damaged.ivf");
    let mut stream = Stream::read(&odd());
    // No frame at all: a first partition beyond its end.
    stream.packets[6] = vec![0xf1, 0xff, 0xff, 0, 0];
    stream.write(&path);
    let job = vp8("decode", &path).flags("--md5");
    let _ = job.fails(2, &["damaged.ivf", "frame 6", "--damaged keep"]);
    let run = job.clone().flags("--damaged keep").ok();
    run.must_warn(&["damaged.ivf", "1 of", "left out"]);
    assert_eq!(run.stdout().lines().count(), 19);
    let run = job.flags("--damaged keep --quiet").ok();
    assert!(run.done.stderr.is_empty());

    let mut stream = Stream::read(&odd());
    // The end of the coefficients is gone.
    let most = stream.packets[3].len() * 6 / 10;
    stream.packets[3].truncate(most);
    stream.write(&path);
    let job = vp8("decode", &path).flags("--md5");
    let _ = job.fails(2, &["damaged.ivf", "frame 3", "--damaged keep"]);
    let run = job.flags("--damaged keep").ok();
    run.must_warn(&["ended early"]);
    assert_eq!(run.stdout().lines().count(), 20);
    let theirs: Vec<String> = vpxdec(&path).shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(run.stdout().lines().collect::<Vec<_>>(), theirs);
}

#[test]
fn a_state_is_told() {
    let text = vp8("state", &odd()).flags("--at 12").ok().stdout();
    for word in [
        "frame      12",
        "175x143",
        "references",
        "digest",
        "on the wire",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let state = vp8("state", &odd()).flags("--at 12 --json").json();
    assert_eq!(state["version"], 1);
    assert_eq!(
        (&state["width"], &state["height"]),
        (&175.into(), &143.into())
    );
    let plain = state["plain_bytes"].as_u64().expect("a number");
    // Three references in whole macroblocks, and little else.
    let planes = 3 * 11 * 9 * 384;
    assert!((planes..planes + 2000).contains(&plain), "{plain}");
    assert!(state["wire_bytes"].as_u64() < Some(plain / 2));
    let again = vp8("state", &odd()).flags("--at 12 --json --simd scalar");
    assert_eq!(again.json(), state);
    let _ = vp8("state", &odd())
        .flags("--at 99")
        .fails(2, &["--at 99", "frames"]);
    // At a key frame all three are one.
    let first = vp8("state", &odd()).flags("--at 0").ok().stdout();
    assert!(first.contains("last = golden = altref"), "{first}");
}

#[test]
fn the_version_in_full_names_libraries_and_levels() {
    let plain = Job::bare("--version").ok().stdout();
    assert_eq!(plain.lines().count(), 1);
    assert!(plain.starts_with("framemill "));
    assert_eq!(Job::bare("-V").ok().stdout(), plain);
    let full = Job::bare("--version --verbose").ok().stdout();
    assert!(full.starts_with(&plain));
    let best = format!("simd {}, this machine has scalar", Level::best());
    for word in ["libavcodec ", "libswscale ", &best] {
        assert!(full.contains(word), "{full}");
    }
    let pinned = Job::bare("--simd scalar --verbose --version").ok().stdout();
    assert!(pinned.contains("simd scalar, "), "{pinned}");
    let _ = Job::bare("--verbose").fails(2, &["--version"]);
}
