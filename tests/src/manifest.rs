// SPDX-License-Identifier: MIT OR Apache-2.0
//! The shared clips and what is expected of them.

use crate::place;
use std::fs;

/// A line of MANIFEST.tsv.
#[derive(Clone, Debug)]
pub struct Clip {
    /// File name.
    pub file: String,
    /// `exact`, `damaged` or `no-video`.
    pub expect: String,
    /// Frames that FFmpeg decodes.
    pub decoded: usize,
}

/// All lines; empty when `../shared` is absent.
#[must_use]
pub fn clips() -> Vec<Clip> {
    let Some(shared) = place::shared() else {
        return Vec::new();
    };
    let text =
        fs::read_to_string(shared.join("media/MANIFEST.tsv")).expect("the manifest can be read");
    let lines = text.lines().skip(1).filter(|l| !l.is_empty());
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [file, expect, decoded] = [0, 1, 2].map(|i| columns[i].trim().to_owned());
            Clip {
                file,
                expect,
                decoded: decoded.parse().unwrap_or(0),
            }
        })
        .collect()
}

/// The line of one clip.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn line_of(name: &str) -> Clip {
    clips()
        .into_iter()
        .find(|c| c.file == name)
        .unwrap_or_else(|| panic!("{name} is not in the manifest"))
}
