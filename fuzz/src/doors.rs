// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts that come in by the doors: queue messages, rules, profiles, manifests.

use framemill::batch::manifest;
use framemill::events::{notice, rules};
use framemill::profile::Profile;
use std::path::Path;

/// Reads a text as whatever it may be. What is wrong gets one line, and what is accepted names
/// things as they can be.
pub fn door_texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match notice::read(text) {
        Ok(notices) => assert!(notices.iter().all(|n| n.time_s.is_finite())),
        Err(error) => one_line(&error),
    }
    match rules::parse(text, Path::new("absent-folder")) {
        Ok(rules) => assert!(!rules.iter().any(|rule| rule.output.is_empty())),
        Err(error) => one_line(&error),
    }
    if let Err(error) = Profile::parse(text) {
        one_line(&error);
    }
    for kind in ["toml", "jsonl", "csv"] {
        match manifest::parse(text, kind, Path::new("f")) {
            Ok(items) => assert!(!items.iter().any(|item| item.stem.is_empty())),
            Err(error) => one_line(&error),
        }
    }
}

fn one_line(error: &str) {
    assert!(!error.is_empty(), "an error without a word");
    assert_eq!(error.lines().count(), 1, "{error:?}");
}
