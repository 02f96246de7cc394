// SPDX-License-Identifier: MIT OR Apache-2.0

mod decoding;
mod streams;

use super::*;
use crate::metrics::clip::Clip;
use crate::picture::{ChromaSampling, Rational};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A fast configuration for `clip`.
fn config(clip: &Clip) -> Rav1eConfig {
    let mut config = Rav1eConfig::new(clip.width, clip.height, Rational::new(25, 1));
    config.depth = clip.depth;
    config.sampling = clip.sampling;
    config.rate = RateControl::Quantizer(60);
    config.speed = 10;
    config
}

fn clip(size: (usize, usize), depth: u8, sampling: ChromaSampling, frames: usize) -> Clip {
    Clip::new(size, depth, sampling, frames, (0.0, 1))
}

/// Every unit of `clip`, received as the pictures are sent.
fn encode(config: &Rav1eConfig, clip: &Clip) -> Result<Vec<EncodedUnit>, Error> {
    let mut encoder = Rav1eEncoder::new(config)?;
    let mut units = Vec::new();
    for view in clip.views() {
        encoder.send(&view)?;
        while let Some(unit) = encoder.receive()? {
            units.push(unit);
        }
    }
    encoder.finish()?;
    while let Some(unit) = encoder.receive()? {
        units.push(unit);
    }
    Ok(units)
}

/// The units as an IVF file: FFmpeg reads AV1 from it with no other container.
fn ivf(config: &Rav1eConfig, units: &[EncodedUnit]) -> Vec<u8> {
    let mut file = b"DKIF\0\0\x20\0AV01".to_vec();
    file.extend((config.width as u16).to_le_bytes());
    file.extend((config.height as u16).to_le_bytes());
    for field in [25, 1, units.len() as u32, 0] {
        file.extend(field.to_le_bytes());
    }
    for unit in units {
        file.extend((unit.data.len() as u32).to_le_bytes());
        file.extend(unit.input_frame.to_le_bytes());
        file.extend(&unit.data);
    }
    file
}

/// A file that is removed at the end of its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let file = format!("framemill-av1-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// True when `tool` can be run; else says that `test` is skipped.
fn has(tool: &str, test: &str) -> bool {
    let found = Command::new(tool).arg("-version").output().is_ok();
    if !found {
        eprintln!("SKIPPED av1::tests::{test}: no {tool} command");
    }
    found
}

/// Runs `tool`, which must succeed without a word of complaint.
fn run(tool: &str, arguments: &[&str]) -> Output {
    let output = Command::new(tool)
        .args(["-v", "error"])
        .args(arguments)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && log.is_empty(),
        "{tool} {arguments:?}: {log}"
    );
    output
}
