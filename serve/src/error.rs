// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a request gets no thumbnail, and the status that says so. Statuses are chosen here alone.

use framemill_store::{Class as StoreClass, StoreError};
use framemill_thumbs::url::UrlError;
use framemill_thumbs::{Class, ThumbError};

/// What every fallible function of this crate returns.
pub type Result<T, E = ServeError> = std::result::Result<T, E>;

/// Why a request gets no thumbnail: a kind, and one line for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ServeError {
    kind: Kind,
    text: String,
}

/// What went wrong, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The URL asks for what cannot be. 400.
    BadRequest,
    /// The `Authorization` header is missing or wrong. 403.
    Unauthorized,
    /// The signature is wrong. 403.
    Signature,
    /// The source is none that this server reads. 403.
    Forbidden,
    /// The source is not there. 404.
    NotFound,
    /// The URL's time is over. 404.
    Expired,
    /// The source, or the result, is larger than allowed. 413.
    TooLarge,
    /// The source is of no format that can be read, or the result of none that can be written. 415.
    Unsupported,
    /// The source is damaged. 422.
    BrokenSource,
    /// The queue is full. 429 with `Retry-After`.
    Busy,
    /// framemill itself is wrong. 500.
    Bug,
    /// The source's server failed. 502.
    Source,
    /// The source's server asks for fewer requests. 503 with `Retry-After`.
    SourceBusy,
    /// The work was not done in time. 503 with `Retry-After`.
    Late,
    /// The source did not come in time. 504.
    SourceLate,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Signature,
        Self::Forbidden,
        Self::NotFound,
        Self::Expired,
        Self::TooLarge,
        Self::Unsupported,
        Self::BrokenSource,
        Self::Busy,
        Self::Bug,
        Self::Source,
        Self::SourceBusy,
        Self::Late,
        Self::SourceLate,
    ];

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized | Self::Signature | Self::Forbidden => 403,
            Self::NotFound | Self::Expired => 404,
            Self::TooLarge => 413,
            Self::Unsupported => 415,
            Self::BrokenSource => 422,
            Self::Busy => 429,
            Self::Bug => 500,
            Self::Source => 502,
            Self::SourceBusy | Self::Late => 503,
            Self::SourceLate => 504,
        }
    }

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Signature => "signature",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::BrokenSource => "broken_source",
            Self::Busy => "busy",
            Self::Bug => "bug",
            Self::Source => "source",
            Self::SourceBusy => "source_busy",
            Self::Late => "late",
            Self::SourceLate => "source_late",
        }
    }

    /// After how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Self::Busy | Self::Late => Some(1),
            Self::SourceBusy => Some(5),
            _ => None,
        }
    }

    /// Whether the source is at fault, so that a fallback image may stand in for it.
    #[must_use]
    pub fn is_sources(self) -> bool {
        matches!(
            self,
            Self::Forbidden
                | Self::NotFound
                | Self::TooLarge
                | Self::Unsupported
                | Self::BrokenSource
                | Self::Source
                | Self::SourceBusy
                | Self::SourceLate
        )
    }
}

impl ServeError {
    /// An error of this kind. Of `text` one line is kept.
    pub fn new(kind: Kind, text: impl AsRef<str>) -> Self {
        let one: String = text.as_ref().chars().take(500).collect();
        Self {
            kind,
            text: one.replace(|c: char| c.is_control(), " "),
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<UrlError> for ServeError {
    fn from(error: UrlError) -> Self {
        let kind = match &error {
            UrlError::Signature { .. } => Kind::Signature,
            UrlError::Expired => Kind::Expired,
            _ => Kind::BadRequest,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ThumbError> for ServeError {
    fn from(error: ThumbError) -> Self {
        let kind = match error.class() {
            Class::BadRequest => Kind::BadRequest,
            Class::Unsupported => Kind::Unsupported,
            Class::TooLarge => Kind::TooLarge,
            Class::BrokenSource => Kind::BrokenSource,
            Class::Cancelled => Kind::Late,
            _ => Kind::Bug,
        };
        // What a bug says of itself is for the log alone.
        match kind {
            Kind::Bug => Self::new(kind, "internal error while the picture was made"),
            _ => Self::new(kind, error.to_string()),
        }
    }
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        let kind = match (&error, error.class()) {
            (_, StoreClass::NotFound) => Kind::NotFound,
            (StoreError::TooLarge { .. }, _) => Kind::TooLarge,
            (StoreError::Denied { .. }, _) => Kind::Forbidden,
            (StoreError::InvalidKey { .. } | StoreError::InvalidLocation { .. }, _) => {
                Kind::NotFound
            }
            (_, StoreClass::Throttled) => Kind::SourceBusy,
            (_, StoreClass::Bug) => Kind::Bug,
            _ => Kind::Source,
        };
        Self::new(kind, format!("source: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_the_documented_ones_and_names_differ() {
        let text = include_str!("../../docs/thumbnails.md");
        let mut names = std::collections::BTreeSet::new();
        for kind in Kind::ALL {
            assert!(names.insert(kind.name()));
            let row = format!("| {} | `{}` |", kind.status(), kind.name());
            assert!(text.contains(&row), "docs/thumbnails.md lacks {row:?}");
        }
    }

    #[test]
    fn texts_are_one_line() {
        let error = ServeError::new(Kind::NotFound, "a\r\nb");
        assert_eq!(error.to_string(), "a  b");
    }
}
