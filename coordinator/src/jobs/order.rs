// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job is to make, as a value that any coordinator can take up.

use crate::profile::Profile;
use framemill_store::shown;
use framemill_worker::SourceRef;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// A video
    Video,
    /// A picture
    Image,
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "video",
            Self::Image => "image",
        })
    }
}

/// All that a job makes of one version of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The source, and which content of it.
    pub source: SourceRef,
    /// What it is.
    pub media: Media,
    /// The profile's TOML.
    pub profile: String,
    /// Where outputs go: a folder or `s3://BUCKET/PREFIX`.
    pub place: String,
    /// What their names begin with, below the place: `trips/rome`.
    pub stem: String,
    /// Whether outputs that are there are replaced.
    pub overwrite: bool,
}

/// A job's name: of what it makes, and of which content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// 16 hex digits.
    pub lane: String,
    /// 8 hex digits.
    pub version: String,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lane, self.version)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no job's name, such as 0123456789abcdef-01234567");
        let (lane, version) = text.split_once('-').ok_or_else(wrong)?;
        let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if lane.len() != 16 || version.len() != 8 || !hex(lane) || !hex(version) {
            return Err(wrong());
        }
        Ok(Self {
            lane: lane.to_owned(),
            version: version.to_owned(),
        })
    }
}

impl Order {
    /// The job's name. Two orders have one name exactly if they make the same of the same
    /// content in the same place; a profile's comments do not count.
    #[must_use]
    pub fn id(&self) -> Id {
        let content = self.profile.parse::<toml::Table>().ok();
        let of = |key: &str| {
            let part = content.as_ref().and_then(|table| table.get(key));
            serde_json::to_string(&part).unwrap_or_default()
        };
        let makes = match self.media {
            Media::Video => [of("video"), of("poster")],
            Media::Image => [of("image"), String::new()],
        };
        let lane = digest(&[
            &shown(&self.source.uri),
            &self.media.to_string(),
            &makes[0],
            &makes[1],
            &self.place,
            &self.stem,
        ]);
        let version = digest(&[&self.source.version, &self.source.size.to_string()]);
        Id {
            lane: lane[..16].to_owned(),
            version: version[..8].to_owned(),
        }
    }

    /// The profile.
    ///
    /// # Errors
    /// As [`Profile::parse`].
    pub fn profile(&self) -> Result<Profile, String> {
        Profile::parse(&self.profile)
    }

    /// Whether the source's address holds what must not be stored. Such a job can be done only
    /// by who was given the address.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        shown(&self.source.uri) != self.source.uri
    }

    /// The same without secrets, as it is stored.
    #[must_use]
    pub fn public(&self) -> Self {
        let mut public = self.clone();
        public.source.uri = shown(&self.source.uri);
        public
    }
}

/// Hex digits of a hash over texts, each with its length.
fn digest(texts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for text in texts {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            source: SourceRef {
                uri: "s3://in/clip.mp4".into(),
                version: "abc".into(),
                size: 10,
            },
            media: Media::Video,
            profile: "[[video]]\nextension = 'mp4'\n".into(),
            place: "s3://out".into(),
            stem: "clip".into(),
            overwrite: false,
        }
    }

    #[test]
    fn names_tell_what_is_made_of_what() {
        let id = order().id();
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id.clone()));
        assert!("x".parse::<Id>().is_err() && text[1..].parse::<Id>().is_err());
        let mut same = order();
        same.profile = "# a comment\n[[image]]\n\n[[video]]\nextension=\"mp4\"".into();
        same.overwrite = true;
        assert_eq!(same.id(), id);
        let mut newer = order();
        newer.source.version = "abd".into();
        assert_eq!(newer.id().lane, id.lane);
        assert_ne!(newer.id().version, id.version);
        let changes: [fn(&mut Order); 4] = [
            |o| o.place = "s3://out/x".into(),
            |o| o.stem = "clap".into(),
            |o| o.media = Media::Image,
            |o| o.profile.push_str("crf = 3"),
        ];
        for change in changes {
            let mut other = order();
            change(&mut other);
            assert_ne!(other.id().lane, id.lane, "{other:?}");
        }
    }

    #[test]
    fn secrets_of_an_address_are_neither_stored_nor_counted() {
        let mut one = order();
        one.source.uri = "https://host/clip.mp4?signature=one".into();
        assert!(one.is_secret() && !order().is_secret());
        let stored = serde_json::to_string(&one.public()).unwrap();
        assert!(!stored.contains("one"), "{stored}");
        assert_eq!(one.public().id(), one.id());
    }
}
