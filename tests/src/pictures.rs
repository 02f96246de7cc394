// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hashes of the pictures that workers feed their encoders.

use crate::frames::{parse_times, Times};
use crate::job::Job;
use crate::process::ffmpeg;
use serde_json::Value;
use std::path::Path;

/// What `framemill pictures` prints.
#[derive(Clone, Debug, Default)]
pub struct Fed {
    /// Time and hash of each picture in display order.
    pub pictures: Vec<(i64, String)>,
    /// Ticks in seconds, as text.
    pub time_base: String,
    /// The chunk of each picture.
    pub chunks: Vec<u64>,
    /// One a chunk: what was read.
    pub reads: Vec<Read>,
}

/// What the worker of one chunk read.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// The chunk.
    pub chunk: u64,
    /// Bytes fetched.
    pub bytes: u64,
    /// Bytes from the first to the last byte of its packets.
    pub range: u64,
    /// Size of a read.
    pub block: u64,
}

/// Runs `framemill pictures` with these flags.
#[must_use]
pub fn fed(input: &Path, flags: &str) -> Fed {
    let job = Job::new("pictures", input).flags(flags);
    let run = job.ok();
    let mut fed = Fed::default();
    for line in run.stdout().lines().filter(|l| !l.trim().is_empty()) {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", run.line));
        let number = |name: &str| {
            value[name]
                .as_i64()
                .unwrap_or_else(|| panic!("{}: `{name}`: {line}", run.line))
        };
        let chunk = number("chunk") as u64;
        if let Some(md5) = value["md5"].as_str() {
            fed.pictures.push((number("pts"), md5.to_owned()));
            fed.chunks.push(chunk);
            fed.time_base = value["time_base"].as_str().unwrap_or_default().to_owned();
        } else {
            let [bytes, range, block] =
                ["bytes_read", "range_bytes", "read_block"].map(|n| number(n) as u64);
            fed.reads.push(Read {
                chunk,
                bytes,
                range,
                block,
            });
        }
    }
    assert!(!fed.pictures.is_empty(), "{}: no pictures", run.line);
    fed
}

impl Fed {
    /// The first picture that differs from `other`'s, as text.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        if self.pictures.len() != other.pictures.len() {
            return Some(format!(
                "{} pictures against {}",
                self.pictures.len(),
                other.pictures.len()
            ));
        }
        let at = self
            .pictures
            .iter()
            .zip(&other.pictures)
            .position(|(a, b)| a != b)?;
        let (a, b) = (&self.pictures[at], &other.pictures[at]);
        Some(format!(
            "picture {at} (chunk {}): {a:?} against {b:?}",
            self.chunks[at]
        ))
    }

    /// The first picture whose hash differs from `wanted`, as text.
    #[must_use]
    pub fn hashes_differ_from(&self, wanted: &[String]) -> Option<String> {
        if self.pictures.len() != wanted.len() {
            return Some(format!(
                "{} pictures against {}",
                self.pictures.len(),
                wanted.len()
            ));
        }
        let at = self
            .pictures
            .iter()
            .zip(wanted)
            .position(|((_, a), b)| a != b)?;
        Some(format!(
            "picture {at} (chunk {}): {} against {}",
            self.chunks[at], self.pictures[at].1, wanted[at]
        ))
    }

    /// The first chunk whose worker read more than it may.
    #[must_use]
    pub fn reads_too_much(&self) -> Option<String> {
        let allowed = |r: &Read| r.range as f64 * 1.15 + 2.0 * r.block as f64;
        let greedy = self.reads.iter().find(|r| r.bytes as f64 > allowed(r))?;
        Some(format!(
            "{greedy:?}, {:.0} bytes are allowed",
            allowed(greedy)
        ))
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.reads.len()
    }
}

/// Hashes of packed pictures from FFmpeg's linear decode, not turned, through
/// `filter` and in `pix_fmt`, with their times.
#[must_use]
pub fn linear(input: &Path, filter: &str, pix_fmt: &str) -> (Times, Vec<String>) {
    let filter = if filter.is_empty() { "null" } else { filter };
    let path = input.to_str().expect("a path in UTF-8");
    let before = [
        "-noautorotate",
        "-i",
        path,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
    ];
    let after = ["-vf", filter, "-pix_fmt", pix_fmt, "-f", "framemd5", "-"];
    let (text, _) = ffmpeg(&[&before[..], &after[..]].concat());
    let text = String::from_utf8(text).expect("framemd5 writes text");
    let rows = text.lines().filter(|l| !l.starts_with('#'));
    let hashes = rows
        .filter_map(|l| Some(l.rsplit(',').next()?.trim().to_owned()))
        .collect();
    (parse_times(&text), hashes)
}
