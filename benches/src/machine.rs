// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a figure depends on.

use crate::process;
use std::fs;
use std::path::Path;
use std::process::Command;

fn first_line(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let line = text.unwrap_or_default();
    line.lines().next().unwrap_or("unknown").to_owned()
}

/// Commit, CPU, libraries and compiler in one line.
#[must_use]
pub fn describe() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_string_lossy();
    let git = ["-C", &root, "describe", "--always", "--dirty"];
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let ffmpeg = first_line("ffmpeg", &["-version"]);
    let ffmpeg = ffmpeg.split(" Copyright").next().unwrap_or_default();
    let rust = first_line("rustc", &["--version"]);
    let commit = first_line("git", &git);
    format!("commit {commit}; {cpus} × {model}; {ffmpeg}; {rust}")
}

/// Runnable processes over the last minute; NaN where the system does not say.
#[must_use]
pub fn load() -> f64 {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or(f64::NAN)
}

/// CPU seconds that all cores have been busy since the system's start, for anyone.
///
/// # Errors
/// Where the system does not say.
pub fn busy_s() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/stat").map_err(|e| e.to_string())?;
    let first = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = first
        .split_whitespace()
        .skip(1)
        .map_while(|f| f.parse().ok())
        .collect();
    // user, nice, system, idle, waiting for disks, interrupts, the same, taken by the host;
    // what guests have is in the first two.
    match fields.get(..8) {
        Some([user, nice, system, _, _, irq, softirq, steal]) => {
            Ok((user + nice + system + irq + softirq + steal) * process::TICK_S)
        }
        _ => Err("/proc/stat: not as expected".into()),
    }
}
