// SPDX-License-Identifier: MIT OR Apache-2.0
//! Edits inside MP4 files that `ffmpeg` cannot make.

use crate::sources;
use std::fs;
use std::path::{Path, PathBuf};

/// 1.0 as the matrix of a track header has it.
const ONE: i32 = 0x1_0000;

/// How a picture is to be turned for display, as a track header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    /// A word for file names and messages.
    pub name: &'static str,
    /// The matrix' numbers a, b, c, d, in units.
    pub matrix: [i32; 4],
    /// The filters that do it.
    pub filter: &'static str,
    /// Clockwise degrees after mirroring.
    pub rotation: i64,
    /// Mirrored left to right before turning.
    pub mirrored: bool,
}

/// All turns by a quarter and all mirrors of them, but for none at all.
pub const ORIENTATIONS: [Orientation; 7] = [
    Orientation {
        name: "90",
        matrix: [0, 1, -1, 0],
        filter: "transpose=clock",
        rotation: 90,
        mirrored: false,
    },
    Orientation {
        name: "180",
        matrix: [-1, 0, 0, -1],
        filter: "hflip,vflip",
        rotation: 180,
        mirrored: false,
    },
    Orientation {
        name: "270",
        matrix: [0, -1, 1, 0],
        filter: "transpose=cclock",
        rotation: 270,
        mirrored: false,
    },
    Orientation {
        name: "mirror",
        matrix: [-1, 0, 0, 1],
        filter: "hflip",
        rotation: 0,
        mirrored: true,
    },
    Orientation {
        name: "mirror-180",
        matrix: [1, 0, 0, -1],
        filter: "vflip",
        rotation: 180,
        mirrored: true,
    },
    Orientation {
        name: "mirror-90",
        matrix: [0, -1, -1, 0],
        filter: "hflip,transpose=clock",
        rotation: 90,
        mirrored: true,
    },
    Orientation {
        name: "mirror-270",
        matrix: [0, 1, 1, 0],
        filter: "hflip,transpose=cclock",
        rotation: 270,
        mirrored: true,
    },
];

fn find(bytes: &[u8], name: &[u8; 4]) -> Vec<usize> {
    bytes
        .windows(4)
        .enumerate()
        .filter(|(_, w)| w == name)
        .map(|(at, _)| at + 4)
        .collect()
}

/// A copy of an MP4 file whose first track is to be displayed so.
///
/// # Panics
/// When the file has no track header.
#[must_use]
pub fn oriented(base: &Path, how: &Orientation) -> PathBuf {
    let recipe = format!("{} {:?}", base.display(), how.matrix);
    sources::kept(&format!("oriented-{}.mp4", how.name), &recipe, |path| {
        let mut bytes = fs::read(base).expect("the base can be read");
        let header = *find(&bytes, b"tkhd").first().expect("a track header");
        let matrix = header + if bytes[header] == 1 { 52 } else { 40 };
        let [a, b, c, d] = how.matrix.map(|n| n * ONE);
        for (i, number) in [a, b, 0, c, d, 0, 0, 0, 0x4000_0000]
            .into_iter()
            .enumerate()
        {
            bytes[matrix + i * 4..matrix + i * 4 + 4].copy_from_slice(&number.to_be_bytes());
        }
        fs::write(path, bytes).expect("the copy can be written");
    })
}
