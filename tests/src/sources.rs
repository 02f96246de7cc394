// SPDX-License-Identifier: MIT OR Apache-2.0
//! Media made with `ffmpeg`, once, and kept beside the build.

use crate::place;
use crate::process::ffmpeg;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// FNV-1a, so that a changed recipe makes a new file.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A file of the cache: made by `make(path)` unless it is there.
///
/// `recipe` is all that the content depends on. Tests that ask at the same
/// time, in this process or in another, make it once.
pub fn kept(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let (stem, extension) = name
        .rsplit_once('.')
        .expect("a file name with an extension");
    let path = place::cache().join(format!("{stem}-{:016x}.{extension}", digest(recipe)));
    let _turn = Turn::take(&path);
    if !path.is_file() {
        let new = path.with_file_name(format!(
            ".{stem}-{:x}-{}.{extension}",
            digest(recipe),
            std::process::id()
        ));
        make(&new);
        fs::rename(&new, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    path
}

static AT_WORK: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The right to make one file, among threads and processes.
struct Turn {
    lock: PathBuf,
}

impl Turn {
    fn take(path: &Path) -> Self {
        let lock = path.with_extension("lock");
        let started = Instant::now();
        loop {
            if Self::try_take(&lock) {
                return Self { lock };
            }
            assert!(
                started.elapsed() < Duration::from_secs(600),
                "{} is locked for ever",
                lock.display()
            );
            sleep(Duration::from_millis(25));
        }
    }

    fn try_take(lock: &Path) -> bool {
        let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        if at_work.contains(lock) {
            return false;
        }
        let taken = match fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(lock)
        {
            Ok(_) => fs::write(lock, std::process::id().to_string()).is_ok(),
            Err(_) => {
                if Self::is_left_over(lock) {
                    let _ = fs::remove_file(lock);
                }
                false
            }
        };
        if taken {
            at_work.insert(lock.to_owned());
        }
        taken
    }

    /// Whether the process that took the lock is gone.
    fn is_left_over(lock: &Path) -> bool {
        let holder = fs::read_to_string(lock).unwrap_or_default();
        !holder.is_empty() && !Path::new("/proc").join(holder).exists()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = fs::remove_file(&self.lock);
        at_work.remove(&self.lock);
    }
}

/// A file made by `ffmpeg ARGS… FILE`; arguments are split at blanks, `{}`
/// for nothing but blanks inside an argument is `%`.
#[must_use]
pub fn generated(name: &str, args: &str) -> PathBuf {
    generated_from(name, args, &[])
}

/// As [`generated`], with `@0`, `@1`, … standing for `inputs`.
#[must_use]
pub fn generated_from(name: &str, args: &str, inputs: &[&Path]) -> PathBuf {
    let of_inputs: String = inputs.iter().map(|i| format!("|{}", i.display())).collect();
    kept(name, &format!("{args}{of_inputs}"), |path| {
        let mut words: Vec<String> = args
            .split_whitespace()
            .map(|w| w.replace('%', " "))
            .collect();
        for word in &mut words {
            let input = word.strip_prefix('@').and_then(|n| n.parse::<usize>().ok());
            if let Some(number) = input {
                *word = inputs[number].display().to_string();
            }
        }
        words.extend(["-y".into(), path.display().to_string()]);
        let _ = ffmpeg(&words);
    })
}

/// A small text file of the cache, such as subtitles.
#[must_use]
pub fn text(name: &str, content: &str) -> PathBuf {
    kept(name, content, |path| {
        fs::write(path, content).expect("a small file can be written")
    })
}

/// H.264 with B-frames and a key frame every 25: 100 frames at 25 a second,
/// 320×180, with a 440 Hz tone in AAC.
#[must_use]
pub fn plain() -> PathBuf {
    generated(
        "plain.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 \
         -c:v libx264 -preset veryfast -crf 16 -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 96k -shortest",
    )
}

/// As [`plain`] without sound, the key frames 250 apart.
#[must_use]
pub fn one_gop() -> PathBuf {
    generated(
        "one-gop.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -c:v libx264 -preset veryfast -crf 16 -g 250 -bf 3 \
         -sc_threshold 0 -pix_fmt yuv420p",
    )
}
