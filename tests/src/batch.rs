// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many small sources: clips and pictures, made once and copied.

use crate::place;
use crate::process::ffmpeg;
use crate::sources;
use std::fs;
use std::path::{Path, PathBuf};

/// A profile that makes little, and quickly: a video and a poster of a video, two pictures of a
/// picture.
pub const PROFILE: &str = r#"
description = "small"
[[video]]
name = "64"
extension = "mp4"
codec = "h264"
encoder-opt = ["preset=ultrafast"]
size = "-1x64"
chunk = "8f"
audio = "none"
[[poster]]
name = "poster"
extension = "jpg"
options = "w:32/vts:0"
[[image]]
name = "32"
extension = "webp"
options = "w:32"
[[image]]
name = "16"
extension = "jpg"
options = "w:16/h:16/rt:fill"
"#;

/// What [`PROFILE`] makes of a source.
#[must_use]
pub fn outputs_of(name: &str) -> [String; 2] {
    let (stem, extension) = name.rsplit_once('.').expect("an extension");
    let picture = ["jpg", "png"].contains(&extension);
    let ends = if picture {
        ["32.webp", "16.jpg"]
    } else {
        ["64.mp4", "poster.jpg"]
    };
    ends.map(|end| format!("{stem}-{end}"))
}

/// A tiny clip, and one with other pictures for another `number`.
#[must_use]
pub fn clip(number: usize) -> PathBuf {
    let source = format!(
        "testsrc2=size=96x64:rate=12:duration=1,hue=h={}",
        number % 360
    );
    let args = format!("-f lavfi -i {source} -c:v libx264 -preset ultrafast -g 6 -pix_fmt yuv420p");
    sources::generated(&format!("batch-clip-{number}.mp4"), &args)
}

/// A small picture, another one for another `number`.
#[must_use]
pub fn picture(number: usize) -> PathBuf {
    let source = format!(
        "testsrc=size=80x60:rate=1:duration=1,hue=h={}",
        number % 360
    );
    let args = format!("-f lavfi -i {source} -frames:v 1");
    sources::generated(&format!("batch-picture-{number}.png"), &args)
}

/// Fills a folder with `clips` clips and `pictures` pictures, real ones among them; gives their
/// names.
///
/// # Panics
/// Where that fails.
#[must_use]
pub fn fill(folder: &Path, clips: usize, pictures: usize) -> Vec<String> {
    let mut names = Vec::new();
    for n in 0..clips {
        let from = match n {
            0 => place::sample("vfr.mp4"),
            _ => clip(n % 4),
        };
        let name = format!("clips/{}/c{n}.mp4", n % 3);
        names.push((name, from));
    }
    for n in 0..pictures {
        let (from, extension) = match n {
            0 => (place::sample("test.jpg"), "jpg"),
            1 => (place::sample("gradient.png"), "png"),
            _ => (picture(n % 4), "png"),
        };
        names.push((format!("pictures/p{n}.{extension}"), from));
    }
    for (name, from) in &names {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(from, to).expect("a copy");
    }
    names.into_iter().map(|(name, _)| name).collect()
}

/// All files below a folder that are not hidden, in order.
///
/// # Panics
/// Where it cannot be read.
#[must_use]
pub fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let hidden = entry.file_name().as_encoded_bytes()[0] == b'.';
            match path.is_dir() {
                _ if hidden => {}
                true => walk(&path, root, into),
                false => {
                    let name = path.strip_prefix(root).expect("below");
                    into.push(name.display().to_string());
                }
            }
        }
    }
    let mut names = Vec::new();
    if folder.is_dir() {
        walk(folder, folder, &mut names);
    }
    names.sort();
    names
}

/// Fails unless a file decodes to at least one picture.
///
/// # Panics
/// Then.
pub fn must_decode(path: &Path) {
    let path = path.to_str().expect("a name");
    ffmpeg(&["-v", "error", "-xerror", "-i", path, "-f", "null", "-"]);
}
