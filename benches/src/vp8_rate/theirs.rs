// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream of `vpxenc`, in two passes and one thread. It takes 0.1 s of CPU
//! for a 720p frame, so what it gave is kept in `target/bench-media`.

use super::source::Source;
use super::Point;
use crate::media;
use crate::process::{metered, run};
use framemill_codec::ivf::Reader;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

/// ExCamera's options, but tuned for PSNR and free in its bits: a target far
/// above all that comes out leaves the quality to decide.
const OPTIONS: &str = "--codec=vp8 --ivf --quiet --good --passes=2 --end-usage=cq \
    --target-bitrate=100000 --min-q=0 --max-q=63 --auto-alt-ref=1 --lag-in-frames=25 \
    --threads=1 --token-parts=0 --tune=psnr";

/// What `vpxenc` is told beyond the usual.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `--cq-level`, 0 to 63.
    pub quality: u8,
    /// Most frames from one key frame to the next, `--kf-max-dist`; scene cuts
    /// get key frames all the same.
    pub key_interval: u32,
    /// `--cpu-used`: 0 is the slowest.
    pub cpu_used: i32,
}

impl Settings {
    fn options(&self) -> Vec<String> {
        let usual = OPTIONS.split_whitespace().map(str::to_owned);
        let own = [
            format!("--cpu-used={}", self.cpu_used),
            format!("--cq-level={}", self.quality),
            format!("--kf-max-dist={}", self.key_interval),
        ];
        usual.chain(own).collect()
    }
}

/// Encodes a source, or recalls what it gave before.
///
/// # Errors
/// A text, with the failed command if it was one.
pub fn encoded(source: &Source, settings: Settings) -> Result<Point, String> {
    let options = settings.options();
    let version = version()?;
    let key = format!("{version} {} {} {options:?}", source.name, source.frames);
    let key = blake3::hash(key.as_bytes()).to_hex();
    let folder = media::folder()?;
    let kept = folder.join(format!("vpxenc-{}.json", &key[..16]));
    if let Ok(text) = std::fs::read(&kept) {
        return serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", kept.display()));
    }
    let stream = folder.join(format!(".vpxenc-{}-{}.ivf", &key[..16], std::process::id()));
    let point = encode(source, &options, settings.quality, &stream);
    let _ = std::fs::remove_file(&stream);
    let point = point?;
    let text = serde_json::to_vec(&point).map_err(|e| e.to_string())?;
    std::fs::write(&kept, text).map_err(|e| format!("{}: {e}", kept.display()))?;
    Ok(point)
}

fn encode(source: &Source, options: &[String], quality: u8, to: &Path) -> Result<Point, String> {
    let mut command = Command::new("vpxenc");
    command
        .args(options)
        .arg(format!("--limit={}", source.frames));
    let cost = metered(command.arg("-o").arg(to).arg(&source.path))?;
    Point::measure(source, quality, &packets(to)?, cost.cpu_s)
}

fn packets(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let wrong = |e: String| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|e| wrong(e.to_string()))?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(|e| wrong(e.to_string()))? {
        packets.push(packet.data);
    }
    Ok(packets)
}

/// The version of `vpxenc`, as its help has it.
///
/// # Errors
/// A text when there is no such program.
pub fn version() -> Result<String, String> {
    let help = run(Command::new("vpxenc").arg("--help"))?.stdout;
    let help = String::from_utf8_lossy(&help);
    let line = help.lines().find_map(|l| l.split_once("VP8 Encoder "));
    Ok(line.map_or_else(|| "unknown".into(), |(_, v)| v.trim().to_owned()))
}
