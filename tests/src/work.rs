// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders of unfinished work.

use std::fs;
use std::path::{Path, PathBuf};

/// The finished outputs `out/*.data` in a work folder, wherever it nests them, by name.
#[must_use]
pub fn data_files(work: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    visit(work, &mut found);
    found.retain(|p| p.extension().is_some_and(|e| e == "data"));
    found.sort();
    found
}

fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
    // The folder may be at work: what goes away meanwhile is not there.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => visit(&path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// Copies a folder and all below it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// What can happen to a file on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It is gone.
    Deleted,
    /// Its last third is gone.
    Truncated,
    /// It is there, and empty.
    Emptied,
    /// One bit in its middle is another.
    BitFlipped,
}

impl Harm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Deleted,
        Self::Truncated,
        Self::Emptied,
        Self::BitFlipped,
    ];

    /// Does it to a file.
    pub fn to(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let middle = bytes.len() / 2;
        match self {
            Self::Deleted => return fs::remove_file(path).expect("the file can be removed"),
            Self::Truncated => bytes.truncate(bytes.len() * 2 / 3),
            Self::Emptied => bytes.clear(),
            Self::BitFlipped => bytes[middle] ^= 0x10,
        }
        fs::write(path, bytes).expect("the file can be written");
    }
}
