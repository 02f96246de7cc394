// SPDX-License-Identifier: MIT OR Apache-2.0
//! Profiles: what is to be made of a video or a picture, in TOML.
//!
//! ```toml
//! description = "one line"
//!
//! [[video]]            # a rendition of each video; keys are the flags of `transcode`
//! name = "540"         # clip.mov becomes clip-540.mp4; left out: clip.mp4
//! extension = "mp4"
//! codec = "h264"
//! size = "-1x540"
//!
//! [[poster]]           # a picture of each video
//! name = "poster"
//! extension = "webp"
//! options = "w:640/vts:best"
//!
//! [[image]]            # a picture of each picture
//! extension = "webp"   # left out: the picture's own
//! options = "w:640"    # in imgproxy's grammar
//! ```

mod builtin;

pub use builtin::{builtin, NAMES};

use crate::cli::transcode::MediaArgs;
use crate::plan::container::Container;
use clap::{CommandFactory, Parser};
use framemill_thumbs::url::Options;
use framemill_thumbs::Format;
use framemill_worker::thumb;
use toml::{Table, Value};

/// What is to be made of sources.
#[derive(Clone, Debug)]
pub struct Profile {
    /// One line.
    pub description: String,
    /// Videos of each video.
    pub videos: Vec<Rendition>,
    /// Pictures of each video.
    pub posters: Vec<Still>,
    /// Pictures of each picture.
    pub images: Vec<Still>,
}

/// A video to be made.
#[derive(Clone, Debug)]
pub struct Rendition {
    /// What its name has behind the source's, after a dash.
    pub name: Option<String>,
    /// Its container's extension.
    pub extension: String,
    /// How it is made; without an input.
    pub media: MediaArgs,
}

/// A picture to be made.
#[derive(Clone, Debug)]
pub struct Still {
    /// What its name has behind the source's, after a dash.
    pub name: Option<String>,
    /// Its format; `None` for the source's.
    pub format: Option<Format>,
    /// How it is made.
    pub options: Options,
}

/// The flags of `transcode` that a rendition may have, as clap knows them.
#[derive(Parser)]
#[command(name = "video", no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    media: MediaArgs,
}

/// Flags that say how a run works, not what it makes.
const NOT_MEDIA: [&str; 2] = ["workers", "order-seed"];

/// Keys of a picture's table.
const STILL_KEYS: [&str; 3] = ["name", "extension", "options"];

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// A text that says where what is wrong: unknown keys with the nearest one that is known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            format!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        known(&table, &["description", "video", "poster", "image"])?;
        let description = match table.get("description") {
            None => String::new(),
            Some(value) => string("description", value)?,
        };
        let profile = Self {
            description,
            videos: each(&table, "video", Rendition::of)?,
            posters: each(&table, "poster", Still::of)?,
            images: each(&table, "image", Still::of)?,
        };
        profile.check_names()?;
        Ok(profile)
    }

    /// Two outputs of one source must not have one name.
    fn check_names(&self) -> Result<(), String> {
        let videos = self
            .videos
            .iter()
            .map(|v| (&v.name, Some(v.extension.clone())));
        let extension = |still: &Still| still.format.map(|format| format.to_string());
        let posters = self.posters.iter().map(|p| (&p.name, extension(p)));
        let images = self.images.iter().map(|i| (&i.name, extension(i)));
        let of_videos: Vec<_> = videos.chain(posters).collect();
        for (what, names) in [("a video", of_videos), ("a picture", images.collect())] {
            for (n, one) in names.iter().enumerate() {
                if names[..n].contains(one) {
                    let name = one.0.as_deref().unwrap_or("no name");
                    return Err(format!(
                        "two outputs of {what} have {name} and one extension"
                    ));
                }
            }
        }
        if self.videos.is_empty() && self.posters.is_empty() && self.images.is_empty() {
            return Err("it makes nothing: give [[video]], [[poster]] or [[image]]".into());
        }
        Ok(())
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// The tables of a kind.
fn each<T>(
    table: &Table,
    kind: &str,
    of: impl Fn(&Table) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let Some(value) = table.get(kind) else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .ok_or(format!("{kind}: write [[{kind}]]"))?;
    let one = |(n, value): (usize, &Value)| {
        let place = |error: String| format!("[[{kind}]] {}: {error}", n + 1);
        let table = value
            .as_table()
            .ok_or(place("a table is expected".into()))?;
        of(table).map_err(place)
    };
    list.iter().enumerate().map(one).collect()
}

/// Refuses keys that are not of these.
///
/// # Errors
/// A text with the first one that is not, and the one that is meant most likely.
pub fn known(table: &Table, keys: &[&str]) -> Result<(), String> {
    let wrong = table.keys().find(|key| !keys.contains(&key.as_str()));
    wrong.map_or(Ok(()), |key| Err(unknown(key, keys)))
}

/// What is said of an unknown key: it, and the known one that it is most like.
#[must_use]
pub fn unknown(key: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .min_by_key(|known| strsim::osa_distance(key, known));
    let nearest = nearest.map_or(String::new(), |known| format!("; the nearest is {known}"));
    format!("unknown key {}{nearest}", key.escape_debug())
}

/// The text of a profile that comes with the program, or else of a file.
///
/// # Errors
/// A text that names what is neither.
pub fn find(name: &str) -> Result<String, String> {
    if let Some(text) = builtin(name) {
        return Ok(text.to_owned());
    }
    let is_file = name.ends_with(".toml") || name.contains('/');
    let shown = name.escape_debug();
    std::fs::read_to_string(name).map_err(|error| match is_file {
        true => format!("profile {shown}: {error}"),
        false => format!(
            "no profile is named {shown}: give {} or a TOML file",
            NAMES.join(", ")
        ),
    })
}

fn string(key: &str, value: &Value) -> Result<String, String> {
    let text = value
        .as_str()
        .ok_or(format!("{key}: a string is expected"))?;
    Ok(text.to_owned())
}

/// The name of an output, which becomes part of a file's.
fn name(table: &Table) -> Result<Option<String>, String> {
    let Some(value) = table.get("name") else {
        return Ok(None);
    };
    let name = string("name", value)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty() && name.chars().all(fine) && !name.starts_with('.') {
        true => Ok(Some(name)),
        false => Err(format!("name: {name:?}: give letters, digits, - and _")),
    }
}

impl Rendition {
    fn of(table: &Table) -> Result<Self, String> {
        let command = Flags::command();
        let flags = command.get_arguments().filter(|a| !a.is_hide_set());
        let flags = flags.filter_map(|a| a.get_long());
        let mut keys: Vec<&str> = flags.filter(|flag| !NOT_MEDIA.contains(flag)).collect();
        keys.extend(["name", "extension"]);
        known(table, &keys)?;
        let extension = table.get("extension").ok_or("extension is missing")?;
        let extension = string("extension", extension)?;
        Container::of(&format!("x.{extension}")).map_err(|e| format!("extension: {e}"))?;
        let mut words = Vec::new();
        for (key, value) in table {
            if !["name", "extension"].contains(&key.as_str()) {
                words.extend(flag(key, value)?);
            }
        }
        // Of a source that is not known yet.
        words.push("source".into());
        let flags = Flags::try_parse_from(words).map_err(|error| first_line(&error))?;
        Ok(Self {
            name: name(table)?,
            extension,
            media: flags.media,
        })
    }
}

/// A key and its value as words of a command line.
fn flag(key: &str, value: &Value) -> Result<Vec<String>, String> {
    Ok(match value {
        Value::Boolean(true) => vec![format!("--{key}")],
        Value::Boolean(false) => Vec::new(),
        Value::String(text) => vec![format!("--{key}={text}")],
        Value::Integer(number) => vec![format!("--{key}={number}")],
        Value::Float(number) => vec![format!("--{key}={number}")],
        Value::Array(list) => {
            let each = list.iter().map(|value| flag(key, value));
            each.collect::<Result<Vec<_>, _>>()?.concat()
        }
        _ => return Err(format!("{key}: a string, a number or a truth is expected")),
    })
}

/// clap's reason, without its advice on usage.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

impl Still {
    fn of(table: &Table) -> Result<Self, String> {
        known(table, &STILL_KEYS)?;
        let format = match table.get("extension") {
            None => None,
            Some(value) => {
                let text = string("extension", value)?;
                let writable = ["jpg", "jpeg", "png", "webp", "avif", "gif"];
                let format = Format::from_extension(&text);
                let format = format.filter(|_| writable.contains(&text.as_str()));
                let wrong = || format!("extension: {text:?} is none of jpg, png, webp, avif, gif");
                Some(format.ok_or_else(wrong)?)
            }
        };
        let options = match table.get("options") {
            None => String::new(),
            Some(value) => string("options", value)?,
        };
        Ok(Self {
            name: name(table)?,
            format,
            options: thumb::options(&options).map_err(|error| format!("options: {error}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Profile::parse(text).expect_err(text)
    }

    #[test]
    fn renditions_are_transcodes() {
        let text = "
            [[video]]
            name = 'hd'
            extension = 'webm'
            codec = 'vp8'
            crf = 20
            seam = 'rebase'
            chunk = '6f'
            keep-interlaced = false
            encoder-opt = ['a=1', 'b=2']
        ";
        let profile = Profile::parse(text).unwrap();
        let rendition = &profile.videos[0];
        let options = rendition.media.options("out.webm");
        assert_eq!(rendition.name.as_deref(), Some("hd"));
        assert_eq!(options.codec.name(), "vp8");
        assert_eq!(options.encoder_options.len(), 2);
        assert!(!options.keep_interlaced);
    }

    #[test]
    fn what_is_wrong_is_named_where_it_is() {
        for (text, words) in [
            (
                "[[video]]\nextension='mp4'\nsice='1x1'",
                "[[video]] 1: unknown key sice; the nearest is size",
            ),
            (
                "[[video]]\nextension='mp4'\nworkers=3",
                "unknown key workers",
            ),
            (
                "[[video]]\nextension='mp4'\nsize='big'",
                "[[video]] 1: invalid value 'big'",
            ),
            ("[[video]]\nextension='avi'", "extension"),
            ("[[video]]\ncrf=1", "extension is missing"),
            ("[[image]]\noptions='zz:1'", "[[image]] 1: options: "),
            ("[[image]]\nextension='tiff'", "extension"),
            ("[[image]]\nname='a/b'", "name"),
            ("[[image]]\n[[image]]", "two outputs"),
            ("imag = 1", "unknown key imag; the nearest is image"),
            ("image = 1", "write [[image]]"),
            ("description = 1", "a string"),
            ("", "it makes nothing"),
            ("[[image]\n", "line 1: "),
        ] {
            let said = refused(text);
            assert!(said.contains(words), "{text}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn those_that_come_with_the_program_are_right() {
        for name in NAMES {
            let profile = Profile::parse(builtin(name).unwrap()).unwrap();
            assert!(!profile.description.is_empty(), "{name}");
        }
        assert!(builtin("absent").is_none());
    }
}
