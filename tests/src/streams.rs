// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a container says of itself, by `ffprobe`.

use crate::process::ffprobe;
use serde_json::Value;
use std::path::Path;

/// Streams, chapters and format of a file, as `ffprobe` shows them.
#[derive(Clone, Debug)]
pub struct Streams(pub Value);

/// Reads a file's headers.
#[must_use]
pub fn streams(path: &Path) -> Streams {
    Streams(ffprobe("-show_streams -show_format -show_chapters", path))
}

impl Streams {
    /// The streams of a kind: `video`, `audio`, `subtitle`, `data`, `attachment`.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<&Value> {
        let all = self.0["streams"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        all.iter().filter(|s| s["codec_type"] == kind).collect()
    }

    /// The first moving video stream.
    #[must_use]
    pub fn video(&self) -> &Value {
        let found = self
            .of("video")
            .into_iter()
            .find(|s| s["disposition"]["attached_pic"] != 1);
        found.unwrap_or_else(|| panic!("no video in {}", self.0["format"]["filename"]))
    }

    /// Width and height of the video.
    #[must_use]
    pub fn size(&self) -> (i64, i64) {
        let video = self.video();
        (
            video["width"].as_i64().unwrap_or(0),
            video["height"].as_i64().unwrap_or(0),
        )
    }

    /// The first four of the display matrix's numbers that turn and mirror; identity when there is none.
    #[must_use]
    pub fn matrix(&self) -> [i64; 4] {
        let list = self.video()["side_data_list"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let Some(text) = list.iter().find_map(|s| s["displaymatrix"].as_str()) else {
            return [65536, 0, 0, 65536];
        };
        let numbers: Vec<i64> = text
            .lines()
            .filter_map(|l| l.split_once(':'))
            .flat_map(|(_, row)| {
                row.split_whitespace()
                    .filter_map(|n| n.parse().ok())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(numbers.len() >= 9, "a display matrix in {text}");
        [numbers[0], numbers[1], numbers[3], numbers[4]]
    }

    /// The container's chapters.
    #[must_use]
    pub fn chapters(&self) -> &[Value] {
        self.0["chapters"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

/// A number that `ffprobe` writes as a number or as text; NaN when absent.
#[must_use]
pub fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(|s| s.parse().ok()))
        .unwrap_or(f64::NAN)
}

/// One packet's times in seconds, size in bytes and place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Presentation time.
    pub pts: f64,
    /// Decoding time.
    pub dts: f64,
    /// Length in time.
    pub duration: f64,
    /// Size in bytes.
    pub size: u64,
    /// Offset in the file, where the container says it.
    pub pos: u64,
    /// Whether decoding can start here.
    pub key: bool,
}

/// The packets of one stream, such as `v:0`, in file order.
#[must_use]
pub fn packets(path: &Path, stream: &str) -> Vec<Packet> {
    let entries = "packet=pts_time,dts_time,duration_time,size,pos,flags";
    let list = ffprobe(
        &format!("-select_streams {stream} -show_entries {entries}"),
        path,
    );
    let rows = list["packets"].as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|p| Packet {
            pts: number(&p["pts_time"]),
            dts: number(&p["dts_time"]),
            duration: number(&p["duration_time"]),
            size: number(&p["size"]) as u64,
            pos: number(&p["pos"]) as u64,
            key: p["flags"].as_str().is_some_and(|f| f.starts_with('K')),
        })
        .collect()
}

/// What is wrong with a stream's decoding times, if anything.
#[must_use]
pub fn decoding_fault(path: &Path, stream: &str) -> Option<String> {
    let list = packets(path, stream);
    if let Some(at) = list.windows(2).position(|w| w[1].dts <= w[0].dts) {
        return Some(format!(
            "packet {} of {stream} is decoded no later than the one before: {:?}",
            at + 1,
            list[at + 1]
        ));
    }
    let at = list.iter().position(|p| p.pts < p.dts - 1e-6)?;
    Some(format!(
        "packet {at} of {stream} is shown before it is decoded: {:?}",
        list[at]
    ))
}

/// When a stream starts and ends by its packets, in seconds. Where the last
/// packet does not say its length, it is as long as the mean.
#[must_use]
pub fn extent(path: &Path, stream: &str) -> (f64, f64) {
    let list = packets(path, stream);
    let start = list.iter().fold(f64::INFINITY, |least, p| least.min(p.pts));
    let last = list
        .iter()
        .fold(f64::NEG_INFINITY, |most, p| most.max(p.pts));
    let mean = (last - start) / list.len().saturating_sub(1).max(1) as f64;
    let own = list
        .iter()
        .find(|p| p.pts == last)
        .map_or(f64::NAN, |p| p.duration);
    (start, last + if own.is_nan() { mean } else { own })
}

/// Offsets of an MP4 file's top-level boxes by name, in order.
#[must_use]
pub fn top_boxes(bytes: &[u8]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 16) {
        let short = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let long = u64::from_be_bytes(head[8..16].try_into().expect("eight bytes")) as usize;
        found.push((String::from_utf8_lossy(&head[4..8]).into_owned(), at));
        at += match short {
            0 => break,
            1 => long.max(16),
            n => n.max(8),
        };
    }
    found
}
