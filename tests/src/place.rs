// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are: the binary, the shared clips, generated media.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The workspace's target folder: two above the test executable's `deps`.
#[must_use]
pub fn target() -> PathBuf {
    let exe = env::current_exe().expect("this test has a path");
    let deps = exe
        .ancestors()
        .find(|p| p.ends_with("deps"))
        .unwrap_or(&exe);
    deps.ancestors()
        .nth(2)
        .unwrap_or(Path::new("target"))
        .to_owned()
}

/// The workspace's root: above this crate.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

/// The binary under test: `FRAMEMILL_BIN`, else the one beside the tests,
/// else the workspace's own.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = env::var_os("FRAMEMILL_BIN") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "FRAMEMILL_BIN={} is not a file",
            path.display()
        );
        return path;
    }
    let exe = env::current_exe().expect("this test has a path");
    let beside = exe
        .ancestors()
        .find(|p| p.ends_with("deps"))
        .and_then(Path::parent)
        .map(|p| p.join("framemill"));
    let others = [target(), workspace().join("target")];
    let built = others
        .iter()
        .flat_map(|t| ["release", "debug"].map(|p| t.join(p).join("framemill")));
    let candidates: Vec<PathBuf> = beside.into_iter().chain(built).collect();
    candidates.iter().find(|p| p.is_file()).cloned().unwrap_or_else(|| {
        panic!("the framemill binary is missing: run `cargo build --release -p framemill` (looked for {candidates:?})")
    })
}

/// `framemill-worker`, beside the binary under test.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn worker() -> PathBuf {
    let path = binary().with_file_name("framemill-worker");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --release --workspace --bins`",
        path.display()
    );
    path
}

/// The folder of shared media: `FRAMEMILL_SHARED`, else `../shared` beside the workspace.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    let path = env::var_os("FRAMEMILL_SHARED")
        .map_or_else(|| workspace().join("../shared"), PathBuf::from);
    path.join("media/MANIFEST.tsv").is_file().then_some(path)
}

/// A shared clip; `None`, said on stdout, when `../shared` is absent.
///
/// # Panics
/// When the folder is there and the clip is not.
#[must_use]
pub fn clip(test: &str, name: &str) -> Option<PathBuf> {
    let Some(shared) = shared() else {
        println!("skipped: {test}: ../shared is absent");
        return None;
    };
    let path = shared.join("media").join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    Some(path)
}

/// A clip that is committed with the project.
#[must_use]
pub fn sample(name: &str) -> PathBuf {
    let path = workspace().join("samples").join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

/// Where generated media lies, shared by all tests.
#[must_use]
pub fn cache() -> PathBuf {
    let path = target().join("test-media");
    fs::create_dir_all(&path).expect("the folder of generated media can be made");
    path
}

/// A fresh folder for one test's outputs, removed with the value.
#[must_use]
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("framemill-test-")
        .tempdir()
        .expect("a temporary folder can be made")
}
