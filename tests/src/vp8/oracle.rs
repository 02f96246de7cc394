// SPDX-License-Identifier: MIT OR Apache-2.0
//! libvpx's and FFmpeg's decoders, picture by picture.

use crate::process::{ffmpeg, Running};
use std::path::Path;
use std::process::Command;

/// A picture that a decoder showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Number of the packet that it came out of, from 0.
    pub packet: usize,
    /// Its size.
    pub size: (usize, usize),
    /// MD5 of its I420 samples, planes packed.
    pub md5: String,
}

/// What `vpxdec` did with a stream.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Pictures, damaged ones too.
    pub shown: Vec<Shown>,
    /// Packets that it refused.
    pub failed: Vec<usize>,
    /// Whether any frame, shown or not, was damaged or refused.
    pub damaged: bool,
}

/// Decodes with libvpx, in one thread and past all errors.
///
/// # Panics
/// When `vpxdec` is missing or ends by a signal.
#[must_use]
pub fn vpxdec(path: &Path) -> Verdict {
    vpxdec_first(path, None)
}

/// As [`vpxdec`], of the first packets only.
#[must_use]
pub fn vpxdec_first(path: &Path, packets: Option<usize>) -> Verdict {
    let mut command = Command::new("vpxdec");
    command.args(["--codec=vp8", "--i420", "--md5", "--keep-going", "-o"]);
    command.arg("%w,%h,%9");
    if let Some(packets) = packets {
        command.arg(format!("--limit={packets}"));
    }
    command.arg(path);
    let done = Running::start(command).finish();
    assert_eq!(done.signal, None, "vpxdec {}", path.display());
    let failed = done
        .stderr
        .lines()
        .filter_map(|l| l.split_once("Failed to decode frame ")?.1.split(':').next());
    Verdict {
        shown: String::from_utf8_lossy(&done.stdout)
            .lines()
            .map(shown)
            .collect(),
        failed: failed
            .map(|n| n.trim().parse::<usize>().expect("a frame number") - 1)
            .collect(),
        damaged: done.stderr.contains("frames corrupted"),
    }
}

/// A line such as `d41d8cd98f00b204e9800998ecf8427e  176,144,000000001`.
fn shown(line: &str) -> Shown {
    let (md5, name) = line.split_once("  ").expect("a digest and a name");
    let numbers: Vec<usize> = name.split(',').filter_map(|n| n.parse().ok()).collect();
    let [width, height, number] = numbers[..] else {
        panic!("vpxdec says {line}");
    };
    Shown {
        packet: number - 1,
        size: (width, height),
        md5: md5.to_owned(),
    }
}

/// MD5 of every picture that one of FFmpeg's decoders (`vp8`, `libvpx`) shows,
/// and its complaints.
#[must_use]
pub fn ffmpeg_md5(decoder: &str, path: &Path) -> (Vec<String>, String) {
    let input = path.display().to_string();
    let (text, complaints) = ffmpeg(&[
        "-threads",
        "1",
        "-c:v",
        decoder,
        "-i",
        &input,
        "-fps_mode",
        "passthrough",
        "-autoscale",
        "0",
        "-f",
        "framemd5",
        "pipe:1",
    ]);
    let text = String::from_utf8_lossy(&text).into_owned();
    let rows = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    let digests = rows.filter_map(|l| Some(l.rsplit_once(',')?.1.trim().to_owned()));
    (digests.collect(), complaints)
}
