// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sources a folder, a bucket or a manifest names.

use super::manifest;
use crate::error::{JobError, Result};
use crate::job::absolute;
use crate::jobs::names;
use framemill_store::{self as store, Location, StoreRoot};
use std::path::Path;

/// Keys that are listed at once.
const PAGE: usize = 1000;

/// A source that is named somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub input: String,
    /// Its name in the folder or bucket, for filters.
    pub name: String,
    /// What its outputs' names begin with.
    pub stem: String,
    /// Whether somebody chose that.
    pub named: bool,
    /// Its profile, where it has one of its own.
    pub profile: Option<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The sources.
    pub items: Vec<Item>,
    /// How many files are neither videos nor pictures by their names.
    pub others: u64,
}

/// Finds the sources that `text` names: a folder, `s3://BUCKET/PREFIX/` or a manifest. Nothing
/// below the places `not` is a source.
///
/// # Errors
/// [`JobError::Usage`] for what is none of these, or cannot be read.
pub async fn find(text: &str, not: &[String], found: &mut Found) -> Result<()> {
    let wrong = |e: store::StoreError| JobError::Usage(format!("{}: {e}", store::shown(text)));
    let place = Location::parse_place(text).map_err(wrong)?;
    let expected = "give a folder, s3://BUCKET/PREFIX/, or a manifest (.toml, .jsonl, .csv)";
    match &place.root {
        StoreRoot::Dir(path) if path.is_dir() => {
            let place = Location::parse_place(&absolute(text)?).map_err(wrong)?;
            list(&place, not, found).await.map_err(wrong)
        }
        StoreRoot::Dir(path) if path.is_file() && manifest::is_manifest(path) => {
            let items = manifest::read(path).map_err(JobError::Usage)?;
            found.items.extend(items);
            Ok(())
        }
        StoreRoot::Dir(path) if path.is_file() => {
            let text = text.to_owned();
            let name = Path::new(&text).file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            found.items.push(item(text, name));
            Ok(())
        }
        StoreRoot::Dir(_) => Err(JobError::Usage(format!("{text}: no such file; {expected}"))),
        StoreRoot::S3(_) => list(&place, not, found).await.map_err(wrong),
        _ => Err(JobError::Usage(format!(
            "{}: {expected}",
            store::shown(text)
        ))),
    }
}

fn item(input: String, name: String) -> Item {
    Item {
        input,
        stem: names::stem(&name),
        named: false,
        profile: None,
        name,
    }
}

/// Lists a place, without what is hidden and what lies below the places `not`.
async fn list(place: &Location, not: &[String], found: &mut Found) -> store::Result<()> {
    let (blobs, prefix) = store::open(place).await?;
    let not: Vec<String> = not
        .iter()
        .filter_map(|other| below(place, &Location::parse_place(other).ok()?))
        .collect();
    let mut after = None::<String>;
    loop {
        let page = blobs.list(&prefix, after.as_deref(), PAGE).await?;
        for entry in &page.entries {
            let Some(name) = entry.key.strip_prefix(&prefix) else {
                continue;
            };
            let hidden = name.split('/').any(|part| part.starts_with('.'));
            // Console tools make empty blobs that stand for folders.
            let folder = name.is_empty() || name.ends_with('/');
            if hidden || folder || not.iter().any(|other| name.starts_with(other)) {
                continue;
            }
            match names::by_name(name) {
                Some(_) => found
                    .items
                    .push(item(place.join(name).to_string(), name.to_owned())),
                None => found.others += 1,
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// What keys below `other` begin with, seen from `place`; `None` where none lies there.
fn below(place: &Location, other: &Location) -> Option<String> {
    match (&place.root, &other.root) {
        (StoreRoot::Dir(one), StoreRoot::Dir(two)) => {
            let rest = two.strip_prefix(one).ok()?.to_str()?;
            (!rest.is_empty()).then(|| format!("{rest}/"))
        }
        (one, two) if one == two => {
            let rest = other.key.strip_prefix(&place.key)?;
            (!rest.is_empty()).then(|| rest.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_without_what_is_hidden_and_what_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            "b.mp4",
            "a/c.JPG",
            "a/notes.txt",
            ".d.mp4",
            "a/.e/f.mp4",
            "out/b.mp4",
            "outer/g.png",
        ];
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let mut found = Found::default();
        let root = folder.path().display().to_string();
        find(&root, &[format!("{root}/out")], &mut found)
            .await
            .unwrap();
        let names: Vec<_> = found.items.iter().map(|i| (&*i.name, &*i.stem)).collect();
        let expected = [
            ("a/c.JPG", "a/c"),
            ("b.mp4", "b"),
            ("outer/g.png", "outer/g"),
        ];
        assert_eq!(names, expected);
        assert_eq!(found.others, 1);
        assert!(find(&format!("{root}/absent"), &[], &mut found)
            .await
            .is_err());
        assert!(find("https://h/x/", &[], &mut found).await.is_err());
    }
}
