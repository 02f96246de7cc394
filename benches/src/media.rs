// SPDX-License-Identifier: MIT OR Apache-2.0
//! Real clips, and generated ones kept in `target/bench-media`.

use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The shared real clips: `$FRAMEMILL_SHARED/media`, else `../shared/media`.
#[must_use]
pub fn shared() -> PathBuf {
    let shared = std::env::var_os("FRAMEMILL_SHARED").map(PathBuf::from);
    shared
        .unwrap_or_else(|| root().join("../shared"))
        .join("media")
}

/// The folder of generated media, made if need be.
///
/// # Errors
/// The file system's.
pub fn folder() -> Result<PathBuf, String> {
    let path = root().join("target/bench-media");
    std::fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// A file of that name in the folder, made by `ffmpeg` with `args` unless it is there.
///
/// # Errors
/// The command's.
pub fn made(name: &str, args: &[&str]) -> Result<PathBuf, String> {
    let folder = folder()?;
    let path = folder.join(name);
    if !path.is_file() {
        let part = folder.join(format!(".part-{}-{name}", std::process::id()));
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(args).arg(&part);
        process::run(&mut command)?;
        std::fs::rename(&part, &path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(path)
}

/// The first `seconds` of a clip's video, packets as they are.
///
/// # Errors
/// As [`made`].
pub fn beginning(clip: &Path, seconds: u32) -> Result<PathBuf, String> {
    let name = clip.file_name().unwrap_or_default().to_string_lossy();
    let seconds_text = seconds.to_string();
    let input = clip.to_string_lossy();
    made(
        &format!("{seconds}s-{name}"),
        &[
            "-i",
            &input,
            "-t",
            &seconds_text,
            "-map",
            "0:v:0",
            "-c",
            "copy",
        ],
    )
}

/// Frames of the two-hour sources.
pub const LONG_FRAMES: u64 = 216_000;

/// Two hours of 64×36 at 30 frames a second as H.264 in MP4, with AAC or without.
///
/// # Errors
/// As [`made`].
pub fn two_hours(sound: bool) -> Result<PathBuf, String> {
    let silent = made(
        "2h-video.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x36:rate=30:duration=7200",
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-crf",
            "40",
            "-bf",
            "2",
            "-g",
            "250",
        ],
    )?;
    if !sound {
        return Ok(silent);
    }
    let input = silent.to_string_lossy();
    let tone = "sine=frequency=440:sample_rate=48000:duration=7200";
    made(
        "2h-video-audio.mp4",
        &[
            "-i", &input, "-f", "lavfi", "-i", tone, "-c:v", "copy", "-c:a", "aac", "-b:a", "64k",
        ],
    )
}
