// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which uploads become which jobs.
//!
//! ```toml
//! [[rule]]
//! name = "films"
//! bucket = "uploads"           # or: folder = "/srv/uploads"
//! prefix = "in/"               # left out: any key
//! suffix = [".mp4", ".mov"]    # a text or several; left out: any
//! type = "video"               # or "image"; left out: both
//! min-size = "10k"
//! max-size = "20G"
//! profile = "web"              # one that comes with the program, or a TOML file
//! output = "s3://films/out/"
//! on-delete = "keep"           # or "remove": outputs go with their source
//! ```
//!
//! Every rule that an upload matches makes a job of it.

use crate::job::absolute;
use crate::jobs::{names, Media, Order};
use crate::plan::options::parse_bytes;
use crate::profile::{self, known, Profile};
use framemill_store::{Location, StoreRoot};
use framemill_worker::SourceRef;
use std::path::Path;
use toml::{Table, Value};

/// Keys of a rule.
const KEYS: [&str; 11] = [
    "name",
    "bucket",
    "folder",
    "prefix",
    "suffix",
    "type",
    "min-size",
    "max-size",
    "profile",
    "output",
    "on-delete",
];

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, for messages and metrics.
    pub name: String,
    /// The bucket or folder that it is about.
    pub from: From,
    /// What keys begin with.
    pub prefix: String,
    suffix: Vec<String>,
    media: Option<Media>,
    sizes: (u64, u64),
    profile: String,
    /// Where outputs go.
    pub output: String,
    /// Whether outputs go when their source does.
    pub removes: bool,
}

/// Where uploads come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum From {
    /// A bucket of S3.
    Bucket(String),
    /// A folder, from the root on.
    Folder(String),
}

impl From {
    /// The name that notices have it by.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Bucket(name) | Self::Folder(name) => name,
        }
    }

    fn location(&self) -> Location {
        let (root, key) = match self {
            Self::Bucket(name) => (StoreRoot::S3(name.clone()), String::new()),
            Self::Folder(path) => (StoreRoot::Dir(path.into()), String::new()),
        };
        Location { root, key }
    }

    /// Where a key of it lies, as users write it.
    #[must_use]
    pub fn uri(&self, key: &str) -> String {
        self.location().join(key).to_string()
    }
}

/// Reads rules; profiles that are files lie from `folder` on.
///
/// # Errors
/// A text that says which rule is wrong, and how; one whose outputs would be uploads again is.
pub fn parse(text: &str, folder: &Path) -> Result<Vec<Rule>, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message().replace('\n', " "))
    })?;
    known(&table, &["rule"])?;
    let list = table.get("rule").and_then(Value::as_array);
    let list = list.ok_or("there is no [[rule]]")?;
    let mut rules: Vec<Rule> = Vec::new();
    for (n, value) in list.iter().enumerate() {
        let number = format!("[[rule]] {}", n + 1);
        let table = value
            .as_table()
            .ok_or(format!("{number}: write [[rule]]"))?;
        let name = table.get("name").and_then(Value::as_str);
        let at = name.map_or(number, |name| format!("rule {}", name.escape_debug()));
        let rule = rule(table, folder).map_err(|error| format!("{at}: {error}"))?;
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(format!("{at}: another rule has this name"));
        }
        rules.push(rule);
    }
    refuse_loops(&rules)?;
    Ok(rules)
}

fn text(table: &Table, key: &str) -> Result<Option<String>, String> {
    let Some(value) = table.get(key) else {
        return Ok(None);
    };
    let text = value
        .as_str()
        .ok_or(format!("{key}: a string is expected"))?;
    Ok(Some(text.to_owned()))
}

fn rule(table: &Table, folder: &Path) -> Result<Rule, String> {
    known(table, &KEYS)?;
    let wanted = |key: &str| text(table, key)?.ok_or(format!("{key} is missing"));
    let from = match (text(table, "bucket")?, text(table, "folder")?) {
        (Some(bucket), None) => From::Bucket(bucket),
        (None, Some(path)) => {
            let path = absolute(&path).map_err(|e| e.to_string())?;
            From::Folder(path.trim_end_matches('/').to_owned())
        }
        _ => return Err("give either bucket or folder".into()),
    };
    Location::parse_place(&from.uri("")).map_err(|e| e.to_string())?;
    let size = |key: &str, default: u64| {
        let size = text(table, key)?.map(|text| parse_bytes(&text)).transpose();
        Ok::<u64, String>(size.map_err(|e| format!("{key}: {e}"))?.unwrap_or(default))
    };
    let output = wanted("output")?;
    let place = Location::parse_place(&output).map_err(|e| format!("output: {e}"))?;
    if !matches!(place.root, StoreRoot::Dir(_) | StoreRoot::S3(_)) {
        return Err(format!(
            "output: {}: give a folder or s3://BUCKET/PREFIX",
            output.escape_debug()
        ));
    }
    Ok(Rule {
        name: wanted("name")?,
        from,
        prefix: text(table, "prefix")?.unwrap_or_default(),
        suffix: suffixes(table)?,
        media: match text(table, "type")?.as_deref() {
            None => None,
            Some("video") => Some(Media::Video),
            Some("image") => Some(Media::Image),
            Some(other) => return Err(format!("type: {other:?} is neither video nor image")),
        },
        sizes: (size("min-size", 0)?, size("max-size", u64::MAX)?),
        profile: the_profile(&wanted("profile")?, folder)?,
        output: absolute(&output).map_err(|e| e.to_string())?,
        removes: match text(table, "on-delete")?.as_deref() {
            None | Some("keep") => false,
            Some("remove") => true,
            Some(other) => return Err(format!("on-delete: {other:?} is neither keep nor remove")),
        },
    })
}

fn suffixes(table: &Table) -> Result<Vec<String>, String> {
    let wrong = "suffix: a string or a list of strings is expected";
    match table.get("suffix") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.to_lowercase()]),
        Some(Value::Array(list)) => {
            let each = list.iter().map(|v| v.as_str().map(str::to_lowercase));
            each.collect::<Option<Vec<_>>>().ok_or(wrong.to_owned())
        }
        Some(_) => Err(wrong.into()),
    }
}

fn the_profile(name: &str, folder: &Path) -> Result<String, String> {
    let named = match profile::builtin(name) {
        Some(_) => name.to_owned(),
        None => folder.join(name).to_string_lossy().into_owned(),
    };
    let text = profile::find(&named)?;
    let shown = name.escape_debug();
    Profile::parse(&text).map_err(|error| format!("profile {shown}: {error}"))?;
    Ok(text)
}

/// Refuses rules whose outputs would be uploads, of theirs or of others.
fn refuse_loops(rules: &[Rule]) -> Result<(), String> {
    for rule in rules {
        for other in rules {
            if overlap(&rule.output, other) {
                return Err(format!(
                    "rule {}: what it puts into {} would be an upload for rule {}; give another \
                     bucket, folder or prefix",
                    rule.name.escape_debug(),
                    rule.output.escape_debug(),
                    other.name.escape_debug()
                ));
            }
        }
    }
    Ok(())
}

/// Whether something at a place could match a rule.
#[must_use]
pub fn overlap(place: &str, rule: &Rule) -> bool {
    let Ok(place) = Location::parse_place(place) else {
        return false;
    };
    match (&place.root, &rule.from) {
        (StoreRoot::S3(bucket), From::Bucket(from)) if bucket == from => {
            place.key.starts_with(&rule.prefix) || rule.prefix.starts_with(&place.key)
        }
        (StoreRoot::Dir(path), From::Folder(from)) => {
            let watched = Path::new(from).join(&rule.prefix);
            path.starts_with(&watched) || watched.starts_with(path)
        }
        _ => false,
    }
}

impl Rule {
    /// Whether a key is one that this rule is about, as far as its name tells.
    #[must_use]
    pub fn takes_key(&self, place: &str, key: &str) -> bool {
        let lower = key.to_lowercase();
        let suffix = self.suffix.is_empty() || self.suffix.iter().any(|s| lower.ends_with(s));
        // What stands for a folder, and what is hidden, is no upload.
        let hidden = key.split('/').any(|part| part.starts_with('.')) || key.ends_with('/');
        self.from.place() == place && key.starts_with(&self.prefix) && suffix && !hidden
    }

    /// Whether it is about what a source is, too.
    #[must_use]
    pub fn takes(&self, media: Media, size: u64) -> bool {
        let fits = (self.sizes.0..=self.sizes.1).contains(&size);
        self.media.is_none_or(|only| only == media) && fits
    }

    /// Whether what is neither a video nor a picture by its name may be one for this rule.
    #[must_use]
    pub fn names_media(&self) -> bool {
        self.media.is_some() || !self.suffix.is_empty()
    }

    /// The job that it makes of a source.
    #[must_use]
    pub fn order(&self, key: &str, source: SourceRef, media: Media) -> Order {
        let name = key.strip_prefix(&self.prefix).unwrap_or(key);
        let name = name.trim_start_matches('/');
        Order {
            source,
            media,
            profile: self.profile.clone(),
            place: self.output.clone(),
            stem: names::stem(name),
            overwrite: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Rule>, String> {
        parse(text, Path::new("."))
    }

    const FILMS: &str = "
        [[rule]]
        name = 'films'
        bucket = 'uploads'
        prefix = 'in/'
        suffix = ['.MP4', '.mov']
        type = 'video'
        max-size = '1M'
        profile = 'web'
        output = 's3://films/out'
    ";

    #[test]
    fn a_rule_takes_what_it_says() {
        let rules = parsed(FILMS).unwrap();
        let rule = &rules[0];
        assert!(rule.takes_key("uploads", "in/a/b.Mov"));
        for (place, key) in [
            ("other", "in/b.mov"),
            ("uploads", "b.mov"),
            ("uploads", "in/b.avi"),
            ("uploads", "in/.b.mov"),
            ("uploads", "in/b.mov/"),
        ] {
            assert!(!rule.takes_key(place, key), "{place} {key}");
        }
        assert!(rule.takes(Media::Video, 1_000_000) && !rule.takes(Media::Video, 1_000_001));
        assert!(!rule.takes(Media::Image, 1));
        let source = SourceRef {
            uri: rule.from.uri("in/a/b.mov"),
            version: "1".into(),
            size: 1,
        };
        let order = rule.order("in/a/b.mov", source, Media::Video);
        assert_eq!(order.source.uri, "s3://uploads/in/a/b.mov");
        assert_eq!(order.stem, "a/b");
    }

    #[test]
    fn what_is_wrong_is_named_where_it_is() {
        let with = |from: &str, to: &str| FILMS.replace(from, to);
        for (text, words) in [
            (String::new(), "there is no [[rule]]"),
            ("rules = 1".into(), "unknown key rules; the nearest is rule"),
            (
                with("prefix", "prefx"),
                "rule films: unknown key prefx; the nearest is prefix",
            ),
            (with("name = 'films'", ""), "[[rule]] 1: name is missing"),
            (
                with("'video'", "'film'"),
                "rule films: type: \"film\" is neither",
            ),
            (with("'1M'", "'big'"), "max-size: 'big' is no size"),
            (with("'web'", "'wob'"), "rule films: profile"),
            (
                with("bucket = 'uploads'", ""),
                "give either bucket or folder",
            ),
            (
                with("bucket = 'uploads'", "bucket='a'\nfolder='b'"),
                "give either",
            ),
            (with("s3://films/out", "https://films/out"), "output: "),
            (
                with("s3://films/out", "s3://uploads/in/out"),
                "would be an upload for rule films",
            ),
            (
                with("s3://films/out", "s3://uploads"),
                "would be an upload for rule films",
            ),
            (format!("{FILMS}{FILMS}"), "another rule has this name"),
        ] {
            let said = parsed(&text).map(|_| ()).unwrap_err();
            assert!(said.contains(words), "{words}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        assert!(parsed(&with("s3://films/out", "s3://uploads/out")).is_ok());
    }

    #[test]
    fn folders_do_not_hold_their_own_outputs() {
        let text = |output: &str| {
            format!("[[rule]]\nname='a'\nfolder='/srv/in'\nprofile='web'\noutput='{output}'")
        };
        assert!(parsed(&text("/srv/out")).is_ok());
        assert!(parsed(&text("/srv/in/out")).is_err());
        assert!(parsed(&text("/srv")).is_err());
        assert!(parsed(&text("/srv/inner")).is_ok());
    }
}
