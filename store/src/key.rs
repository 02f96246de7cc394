// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which keys the dir and memory stores take.

use crate::{Result, StoreError};

/// Longest key in bytes: S3's limit, so that a tree of blobs can move there.
pub const MAX_KEY: usize = 1024;

/// Where the dir store keeps unfinished files, under its root; no key may start with it.
pub(crate) const TEMP_AREA: &str = ".framemill-tmp";

/// Checks a key: a relative path with `/` between non-empty segments.
///
/// Spaces, `+`, `%`, line breaks and Unicode are all allowed and mean themselves.
///
/// # Errors
/// [`StoreError::InvalidKey`] for an empty, overlong or absolute key, one with an empty, `.` or
/// `..` segment or a NUL, and one in the area for unfinished files.
pub fn check_key(key: &str) -> Result<()> {
    match fault(key) {
        None => Ok(()),
        Some(detail) => Err(StoreError::InvalidKey {
            key: key.chars().take(200).collect(),
            detail,
        }),
    }
}

fn fault(key: &str) -> Option<String> {
    if key.is_empty() {
        return Some("it is empty".into());
    }
    if key.len() > MAX_KEY {
        return Some(format!("it is longer than {MAX_KEY} bytes"));
    }
    if key.starts_with('/') {
        return Some("it starts with '/', and keys are relative".into());
    }
    if key.contains('\0') {
        return Some("it contains a NUL byte".into());
    }
    if key.split('/').next() == Some(TEMP_AREA) {
        return Some(format!("{TEMP_AREA} is reserved for unfinished files"));
    }
    key.split('/').find_map(|segment| match segment {
        "" => Some("it has an empty segment".into()),
        "." | ".." => Some(format!("it has the segment {segment:?}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_odd_keys_pass() {
        for key in ["a", "a/b.mp4", "a b/+%20/é/日本", "..a/b..", ".a", "a\nb"] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
    }

    #[test]
    fn keys_that_could_leave_the_root_do_not() {
        let long = "a".repeat(MAX_KEY + 1);
        for key in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a/.",
            "a\0b",
            ".framemill-tmp/x",
            &long,
        ] {
            assert!(
                matches!(check_key(key), Err(StoreError::InvalidKey { .. })),
                "{key:?}"
            );
        }
    }
}
