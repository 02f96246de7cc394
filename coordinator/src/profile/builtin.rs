// SPDX-License-Identifier: MIT OR Apache-2.0
//! Profiles that come with the program.

/// Their names.
pub const NAMES: [&str; 4] = ["web", "mobile", "archive", "preview"];

/// The text of a profile.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    Some(match name {
        "web" => include_str!("builtin/web.toml"),
        "mobile" => include_str!("builtin/mobile.toml"),
        "archive" => include_str!("builtin/archive.toml"),
        "preview" => include_str!("builtin/preview.toml"),
        _ => return None,
    })
}
