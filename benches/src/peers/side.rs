// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands of both sides.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An encoder at one preset and quality, as both sides name it.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name in tables and on the command line.
    pub name: &'static str,
    /// Arguments of ours beside the quality.
    ours: &'static [&'static str],
    /// Arguments of `ffmpeg` beside the quality.
    theirs: &'static [&'static str],
    /// The quality.
    pub crf: u32,
    /// The container's extension.
    pub extension: &'static str,
}

/// The encoders to compare with.
pub const PEERS: [Peer; 4] = [
    Peer {
        name: "x264",
        ours: &["--codec", "h264"],
        theirs: &["-c:v", "libx264", "-preset", "medium"],
        crf: 23,
        extension: "mp4",
    },
    Peer {
        name: "svt-av1",
        ours: &["--codec", "av1"],
        theirs: &["-c:v", "libsvtav1", "-preset", "8"],
        crf: 35,
        extension: "mp4",
    },
    Peer {
        name: "libvpx-vp9",
        ours: &["--codec", "vp9"],
        theirs: &[
            "-c:v",
            "libvpx-vp9",
            "-deadline",
            "good",
            "-cpu-used",
            "3",
            "-b:v",
            "0",
        ],
        crf: 32,
        extension: "webm",
    },
    Peer {
        name: "x265",
        ours: &["--codec", "hevc"],
        theirs: &[
            "-c:v",
            "libx265",
            "-preset",
            "medium",
            "-x265-params",
            "log-level=none",
        ],
        crf: 28,
        extension: "mp4",
    },
];

/// How key frames are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// At least every so many frames, on both sides.
    Equal(u32),
    /// `--chunk auto` against the encoder's default.
    Default,
}

impl Interval {
    /// The word for it in tables.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Equal(n) => format!("{n}"),
            Self::Default => "auto".into(),
        }
    }
}

/// The binary to measure: `$FRAMEMILL_BIN`, else the one beside this program.
#[must_use]
pub fn framemill() -> PathBuf {
    if let Some(path) = std::env::var_os("FRAMEMILL_BIN") {
        return path.into();
    }
    let this = std::env::current_exe().unwrap_or_default();
    this.with_file_name("framemill")
}

/// Our command; `extra` are options of the encoder.
#[must_use]
pub fn ours(peer: &Peer, interval: Interval, extra: &[String], clip: &Path, to: &Path) -> Command {
    let mut command = Command::new(framemill());
    command.arg("transcode").arg(clip).arg("-o").arg(to);
    command.args(["--quiet", "--overwrite", "--audio", "none"]);
    command
        .args(peer.ours)
        .arg("--crf")
        .arg(peer.crf.to_string());
    if let Interval::Equal(n) = interval {
        command.args(["--chunk", &format!("{n}f")]);
        command.args(["--encoder-opt", &format!("g={n}")]);
    }
    for option in extra {
        command.args(["--encoder-opt", option]);
    }
    command
}

/// The other side's command at a quality of its own.
#[must_use]
pub fn theirs(peer: &Peer, interval: Interval, crf: u32, clip: &Path, to: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(clip);
    command.args(["-map", "0:v:0", "-an"]).args(peer.theirs);
    command.arg("-crf").arg(crf.to_string());
    if let Interval::Equal(n) = interval {
        command.args(["-g", &n.to_string()]);
    }
    command.arg(to);
    command
}
