// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzzing found stays found: every file of `fuzz/corpus/` goes through
//! its target's own checks, without a fuzzer.

#[path = "../../fuzz/src/lib.rs"]
mod checks;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::Path;

/// Runs every file of a target's corpus; `least` of them must be there.
fn replay(target: &str, least: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    assert!(files.len() >= least, "{} is not whole", folder.display());
    for file in files {
        // The last name printed is the one that failed.
        println!("{}", file.display());
        check(&fs::read(&file).expect("a readable file"));
    }
}

#[test]
fn packet_file() {
    replay("packet_file", 2, checks::packet_file);
}

#[test]
fn index_blob() {
    replay("index_blob", 2, checks::index_blob);
}

#[test]
fn task_json() {
    replay("task_json", 4, checks::task_json);
}

#[test]
fn container() {
    replay("container", 6, checks::container);
}

#[test]
fn options() {
    replay("options", 10, checks::options);
}

#[test]
fn vp8_packets() {
    replay("vp8_packets", 6, checks::vp8_packets);
}

#[test]
fn vp8_state() {
    replay("vp8_state", 4, checks::vp8_state);
}

#[test]
fn ivf() {
    replay("ivf", 3, checks::ivf);
}

#[test]
fn thumb_url() {
    replay("thumb_url", 8, checks::thumb_url);
}

#[test]
fn thumb_pipeline() {
    replay("thumb_pipeline", 7, checks::thumb_pipeline);
}

#[test]
fn door_texts() {
    replay("door_texts", 8, checks::door_texts);
}

/// Texts are few and short, so bent copies of them are tried here too, always the same.
#[test]
fn door_texts_bent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/door_texts");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    entries.sort();
    let texts: Vec<Vec<u8>> = entries
        .iter()
        .map(|path| fs::read(path).expect("a readable file"))
        .collect();
    for _ in 0..20_000 {
        let mut text = texts[random.random_range(0..texts.len())].clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..=text.len());
            match random.random_range(0..4) {
                0 => text.truncate(at),
                1 if at < text.len() => text[at] = random.random_range(32..127),
                2 if at < text.len() => drop(text.remove(at)),
                _ => {
                    let other = &texts[random.random_range(0..texts.len())];
                    let from = random.random_range(0..other.len());
                    let to = (from + random.random_range(0..20)).min(other.len());
                    text.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        checks::door_texts(&text);
    }
}
