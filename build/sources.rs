// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names a build by the sources that results depend on, so that results of another build are
//! never taken for results of this one. Shared by build scripts, with `#[path]`.

use std::path::{Path, PathBuf};

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Sets the environment variable `name` of the crate to a digest of all Rust files in these
/// folders, which are relative to the crate's, and of the lock file.
pub fn name_build(name: &str, folders: &[&str]) {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut found = Vec::new();
    for folder in folders {
        println!("cargo::rerun-if-changed={folder}");
        collect(&root.join(folder), &mut found);
    }
    println!("cargo::rerun-if-changed=../Cargo.lock");
    found.push(root.join("../Cargo.lock"));
    found.sort();
    let mut hash = blake3::Hasher::new();
    for path in found {
        hash.update(&std::fs::read(&path).unwrap_or_default());
    }
    println!(
        "cargo::rustc-env={name}={}",
        &hash.finalize().to_hex()[..16]
    );
}
