// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a URL is refused.

/// Longest stretch of a URL, in characters, that an error repeats.
const SHOWN: usize = 100;

/// Why a URL is refused. Each message is one line: what is wrong, and in which segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The path has no place for a signature, or does not start with the server's prefix.
    #[error("invalid path {path:?}: {reason}")]
    Path {
        /// The path, cut where it is long.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The signature is wrong or cannot be read. HTTP: 403.
    #[error("the signature {reason}")]
    Signature {
        /// What is wrong with it, without anything secret.
        reason: &'static str,
    },
    /// No option has this name.
    #[error("unknown option {name:?} in {segment:?}")]
    UnknownOption {
        /// The name as given.
        name: String,
        /// The segment of the path, cut where it is long.
        segment: String,
    },
    /// An option's arguments are wrong.
    #[error("{option} in {segment:?}: {reason}")]
    Argument {
        /// The option's long name.
        option: &'static str,
        /// The segment of the path, cut where it is long.
        segment: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The option is there, but this server does not let URLs use it.
    #[error("{option} in {segment:?} is not allowed here")]
    NotAllowed {
        /// The option's long name.
        option: &'static str,
        /// The segment of the path, cut where it is long.
        segment: String,
    },
    /// No preset has this name.
    #[error("unknown preset {name:?}")]
    UnknownPreset {
        /// The name as given, cut where it is long.
        name: String,
    },
    /// The source cannot be read.
    #[error("invalid source: {reason}")]
    Source {
        /// What is wrong with it.
        reason: String,
    },
    /// The URL's time is over. HTTP: 404.
    #[error("the URL expired")]
    Expired,
}

/// `text` as an error shows it.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
