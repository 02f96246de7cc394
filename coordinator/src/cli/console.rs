// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing to the user. A closed pipe or a full disk is no reason to panic.

use rustix::io::fcntl_dupfd_cloexec;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::OnceLock;

/// Standard error as it was before [`silence_libraries`].
static TRUE_STDERR: OnceLock<File> = OnceLock::new();

/// Sends standard error nowhere, so that codec libraries that print on their
/// own cannot; [`complain`] still reaches the user.
pub fn silence_libraries() {
    let Ok(null) = OpenOptions::new().write(true).open("/dev/null") else {
        return;
    };
    let Ok(copy) = fcntl_dupfd_cloexec(std::io::stderr(), 3) else {
        return;
    };
    if TRUE_STDERR.set(File::from(copy)).is_ok() {
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// Writes a line to standard output.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes a line to standard error.
pub fn complain(line: &str) {
    let _ = match TRUE_STDERR.get() {
        Some(mut file) => writeln!(file, "{line}"),
        None => writeln!(std::io::stderr().lock(), "{line}"),
    };
}
