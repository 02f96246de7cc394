// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one error type of the crate, and the classes that callers act on.

use std::fmt;
use std::io;

use crate::Version;

/// What every fallible function of this crate returns.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What was being done to a store when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening the store itself.
    Open,
    /// Asking for size and version.
    Head,
    /// Reading a blob or a part of it.
    Read,
    /// Writing a blob, at once or as a stream.
    Write,
    /// Listing keys.
    List,
    /// Deleting a blob.
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Head => "look up",
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}

/// How a caller should react to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The blob is not there.
    NotFound,
    /// The request cannot succeed as given: a wrong key, range, location or permission.
    BadInput,
    /// The blob is there already, or is no longer the one that was asked for.
    Conflict,
    /// The same request may succeed later.
    Transient,
    /// The store asks for fewer requests; it may succeed later, and slower.
    Throttled,
    /// The store has no space left.
    Full,
    /// framemill itself is wrong.
    Bug,
}

/// Why a store could not do what it was asked. Each message is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No blob has this key.
    #[error("cannot {operation} {key:?}: it does not exist")]
    NotFound {
        /// What was being done.
        operation: Operation,
        /// The key that is missing.
        key: String,
    },
    /// A conditional create lost: the key was taken.
    #[error("cannot create {key:?}: it exists already")]
    Exists {
        /// The key that is taken.
        key: String,
    },
    /// The blob is not the version that the caller expected.
    #[error("{key:?} changed while it was in use (expected version {expected}{})", found_text(.found))]
    Changed {
        /// The blob's key.
        key: String,
        /// The version that the caller knew.
        expected: Version,
        /// The version that is there now, where the store tells it.
        found: Option<Version>,
    },
    /// A range does not lie within the blob.
    #[error("bytes {start}..{end} do not lie within {key:?}{}", size_text(.size))]
    OutOfRange {
        /// The blob's key.
        key: String,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// The blob's size in bytes, where the store tells it.
        size: Option<u64>,
    },
    /// The blob is larger than the caller allows.
    #[error("{key:?} has {size} bytes, and at most {limit} are allowed here")]
    TooLarge {
        /// The blob's key.
        key: String,
        /// The blob's size in bytes.
        size: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The key cannot be used in this store.
    #[error("{key:?} is not a usable key: {detail}")]
    InvalidKey {
        /// The key as given.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The text is not a location.
    #[error("{location:?} is not a usable location: {detail}")]
    InvalidLocation {
        /// The text as given.
        location: String,
        /// What is wrong with it.
        detail: String,
    },
    /// This store, or this build, cannot do that at all.
    #[error("cannot {operation} {key:?}: {detail}")]
    Unsupported {
        /// What was being done.
        operation: Operation,
        /// The key or location.
        key: String,
        /// What is possible instead.
        detail: String,
    },
    /// The store refuses for lack of permission.
    #[error("no permission to {operation} {key:?}: {detail}")]
    Denied {
        /// What was being done.
        operation: Operation,
        /// The key.
        key: String,
        /// The store's own words.
        detail: String,
    },
    /// The disk, quota or bucket is full.
    #[error("no space left to {operation} {key:?}: {detail}")]
    Full {
        /// What was being done.
        operation: Operation,
        /// The key.
        key: String,
        /// The store's own words.
        detail: String,
    },
    /// The store limits its requests.
    #[error("the store is limiting requests and did not {operation} {key:?}: {detail}")]
    Throttled {
        /// What was being done.
        operation: Operation,
        /// The key.
        key: String,
        /// The store's own words.
        detail: String,
    },
    /// A failure that may pass.
    #[error("could not {operation} {key:?}: {detail}")]
    Transient {
        /// What was being done.
        operation: Operation,
        /// The key.
        key: String,
        /// The store's own words.
        detail: String,
    },
    /// Something that cannot happen did.
    #[error("internal error (please report it): {operation} {key:?}: {detail}")]
    Bug {
        /// What was being done.
        operation: Operation,
        /// The key.
        key: String,
        /// What was found.
        detail: String,
    },
}

fn found_text(found: &Option<Version>) -> String {
    match found {
        Some(version) => format!(", found {version}"),
        None => String::new(),
    }
}

fn size_text(size: &Option<u64>) -> String {
    match size {
        Some(size) => format!(", which has {size} bytes"),
        None => String::new(),
    }
}

impl StoreError {
    /// How a caller should react.
    pub fn class(&self) -> Class {
        match self {
            Self::NotFound { .. } => Class::NotFound,
            Self::Exists { .. } | Self::Changed { .. } => Class::Conflict,
            Self::OutOfRange { .. }
            | Self::TooLarge { .. }
            | Self::InvalidKey { .. }
            | Self::InvalidLocation { .. }
            | Self::Unsupported { .. }
            | Self::Denied { .. } => Class::BadInput,
            Self::Full { .. } => Class::Full,
            Self::Throttled { .. } => Class::Throttled,
            Self::Transient { .. } => Class::Transient,
            Self::Bug { .. } => Class::Bug,
        }
    }

    /// The key (or location) that the error is about.
    pub fn key(&self) -> &str {
        match self {
            Self::NotFound { key, .. }
            | Self::Exists { key }
            | Self::Changed { key, .. }
            | Self::OutOfRange { key, .. }
            | Self::TooLarge { key, .. }
            | Self::InvalidKey { key, .. }
            | Self::InvalidLocation { location: key, .. }
            | Self::Unsupported { key, .. }
            | Self::Denied { key, .. }
            | Self::Full { key, .. }
            | Self::Throttled { key, .. }
            | Self::Transient { key, .. }
            | Self::Bug { key, .. } => key,
        }
    }

    /// The error for an operating system's failure while `operation` was done to `key`.
    ///
    /// What cannot be told apart counts as transient: the scheduler caps retries.
    pub fn from_os(operation: Operation, key: &str, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let key = key.to_owned();
        let detail = error.to_string().replace(['\n', '\r'], " ");
        match error.kind() {
            Kind::NotFound => Self::NotFound { operation, key },
            Kind::AlreadyExists => Self::Exists { key },
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied {
                operation,
                key,
                detail,
            },
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::Full {
                operation,
                key,
                detail,
            },
            Kind::NotADirectory | Kind::IsADirectory => Self::InvalidKey { key, detail },
            Kind::InvalidInput | Kind::CrossesDevices => Self::Bug {
                operation,
                key,
                detail,
            },
            _ => Self::Transient {
                operation,
                key,
                detail,
            },
        }
    }

    /// The store error inside an `io::Error` that [`crate::RangeReader`] or
    /// [`crate::BlockingUpload`] returned, if there is one.
    pub fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NotFound { .. } => io::ErrorKind::NotFound,
            StoreError::Exists { .. } => io::ErrorKind::AlreadyExists,
            StoreError::Denied { .. } => io::ErrorKind::PermissionDenied,
            StoreError::Full { .. } => io::ErrorKind::StorageFull,
            StoreError::InvalidKey { .. } | StoreError::InvalidLocation { .. } => {
                io::ErrorKind::InvalidInput
            }
            StoreError::Unsupported { .. } => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_whatever_the_key() {
        let error = StoreError::NotFound {
            operation: Operation::Read,
            key: "a\nb é".into(),
        };
        assert_eq!(
            error.to_string(),
            "cannot read \"a\\nb é\": it does not exist"
        );
        let error = StoreError::Changed {
            key: "a".into(),
            expected: Version::new("1"),
            found: Some(Version::new("2")),
        };
        assert_eq!(
            error.to_string(),
            "\"a\" changed while it was in use (expected version 1, found 2)"
        );
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let os = io::Error::from(io::ErrorKind::StorageFull);
        let error = StoreError::from_os(Operation::Write, "a", &os);
        assert_eq!(error.class(), Class::Full);
        let wrapped = io::Error::from(error.clone());
        assert_eq!(StoreError::from_io(&wrapped), Some(&error));
    }
}
