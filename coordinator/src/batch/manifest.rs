// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists of sources: TOML, JSON lines, CSV.
//!
//! ```toml
//! [[item]]
//! input = "trips/rome.mov"   # from the manifest's folder on, or any location
//! name = "rome"              # what outputs' names begin with; left out: the input's
//! profile = "web"            # left out: --profile
//! ```
//!
//! JSON lines hold an object with these keys each, CSV has them as its first line.

use super::sources::Item;
use crate::jobs::names;
use crate::profile::unknown;
use framemill_store::{Location, StoreRoot};
use std::collections::BTreeMap;
use std::path::Path;

/// Keys of an item.
const KEYS: [&str; 3] = ["input", "name", "profile"];

/// Whether a file's name is a manifest's.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    matches!(extension, Some("toml" | "jsonl" | "csv"))
}

/// Reads a manifest.
///
/// # Errors
/// A text that names the file, where in it, and what is wrong.
pub fn read(path: &Path) -> Result<Vec<Item>, String> {
    let place = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| place(e.to_string()))?;
    let kind = path.extension().and_then(|e| e.to_str());
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, kind.unwrap_or("csv"), folder).map_err(place)
}

/// Reads a manifest's text: `toml`, `jsonl` or else CSV. Inputs that are files lie from `folder`
/// on.
///
/// # Errors
/// A text that says where what is wrong.
pub fn parse(text: &str, kind: &str, folder: &Path) -> Result<Vec<Item>, String> {
    let rows = match kind {
        "toml" => toml_rows(text),
        "jsonl" => json_rows(text),
        _ => csv_rows(text),
    };
    let items = rows?.into_iter();
    let items = items.map(|(at, row)| item(&row, folder).map_err(|e| format!("{at}: {e}")));
    items.collect()
}

/// A row's place for messages, and its values.
type Row = (String, BTreeMap<String, String>);

fn toml_rows(text: &str) -> Result<Vec<Row>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message().replace('\n', " "))
    })?;
    if let Some(key) = table.keys().find(|key| *key != "item") {
        return Err(unknown(key, &["item"]));
    }
    let items = table.get("item").map(|items| items.as_array());
    let items = items.flatten().ok_or("write [[item]]")?;
    let row = |(n, item): (usize, &toml::Value)| {
        let at = format!("[[item]] {}", n + 1);
        let table = item.as_table().ok_or(format!("{at}: write [[item]]"))?;
        let value = |(key, value): (&String, &toml::Value)| match value.as_str() {
            Some(text) => Ok((key.clone(), text.to_owned())),
            None => Err(format!("{at}: {key}: a string is expected")),
        };
        let row: Result<BTreeMap<_, _>, String> = table.iter().map(value).collect();
        Ok((at.clone(), row?))
    };
    items.iter().enumerate().map(row).collect()
}

fn json_rows(text: &str) -> Result<Vec<Row>, String> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let row = |(n, line): (usize, &str)| {
        let at = format!("line {}", n + 1);
        let row = serde_json::from_str(line);
        let row = row.map_err(|e| format!("{at}: an object of strings is expected: {e}"));
        Ok((at, row?))
    };
    lines.map(row).collect()
}

fn csv_rows(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let head = reader.headers().map_err(|e| e.to_string())?.clone();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let values = head.iter().zip(record.iter());
        let values = values.filter(|(_, value)| !value.is_empty());
        let values = values.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Ok((format!("line {line}"), values.collect()))
    };
    reader.records().map(row).collect()
}

fn item(row: &BTreeMap<String, String>, folder: &Path) -> Result<Item, String> {
    if let Some(key) = row.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(unknown(key, &KEYS));
    }
    let input = row.get("input").ok_or("input is missing")?;
    let location = Location::parse(input).map_err(|e| e.to_string())?;
    let input = match location.root {
        StoreRoot::Dir(_) => folder.join(input).to_string_lossy().into_owned(),
        _ => input.clone(),
    };
    let stem = match row.get("name") {
        Some(name) => {
            framemill_store::check_key(name).map_err(|e| format!("name: {e}"))?;
            name.clone()
        }
        None => names::stem(location.key.rsplit('/').next().unwrap_or_default()),
    };
    Ok(Item {
        name: location.key,
        input,
        stem,
        named: row.contains_key("name"),
        profile: row.get("profile").cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str) -> Result<Vec<Item>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let read = read(&path);
        let root = format!("{}/", folder.path().display());
        let strip = |mut item: Item| {
            item.input = item.input.replace(&root, "");
            item
        };
        let read = read.map(|items| items.into_iter().map(strip).collect());
        read.map_err(|error| error.replace(&root, ""))
    }

    #[test]
    fn three_ways_to_write_one_list() {
        let toml = of(
            "m.toml",
            "[[item]]\ninput='a/b.mov'\nname='x/y'\n[[item]]\ninput='s3://buck/c.jpg'\nprofile='web'\n",
        );
        let json = of(
            "m.jsonl",
            "{\"input\":\"a/b.mov\",\"name\":\"x/y\"}\n\n{\"input\":\"s3://buck/c.jpg\",\"profile\":\"web\"}\n",
        );
        let csv = of(
            "m.csv",
            "input,name,profile\na/b.mov, x/y,\ns3://buck/c.jpg,,web\n",
        );
        let items = toml.unwrap();
        assert_eq!(items[0].input, "a/b.mov");
        assert_eq!(items[0].stem, "x/y");
        assert_eq!(items[1].stem, "c");
        assert_eq!(items[1].profile.as_deref(), Some("web"));
        assert_eq!(json, Ok(items.clone()));
        assert_eq!(csv, Ok(items));
    }

    #[test]
    fn what_is_wrong_is_named_where_it_is() {
        for (name, text, words) in [
            (
                "m.toml",
                "[[item]]\nimput='a'",
                "m.toml: [[item]] 1: unknown key imput; the nearest is input",
            ),
            ("m.toml", "[[item]]\ninput=1", "[[item]] 1: input: a string"),
            (
                "m.toml",
                "items=1",
                "unknown key items; the nearest is item",
            ),
            ("m.toml", "\n[[item\n", "m.toml: line 2: "),
            (
                "m.jsonl",
                "{\"input\":\"a\"}\n{\"input\":1}",
                "m.jsonl: line 2: ",
            ),
            (
                "m.csv",
                "input,nam\na.mov,b",
                "line 2: unknown key nam; the nearest is name",
            ),
            ("m.csv", "input,name\na.mov", "m.csv: "),
            ("m.csv", "name\nb", "line 2: input is missing"),
            ("m.csv", "input,name\na.mov,../b", "line 2: name: "),
            ("m.csv", "input\nftp://x/y", "line 2: "),
        ] {
            let said = of(name, text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
