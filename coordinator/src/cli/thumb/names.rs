// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which output belongs to which picture.

use super::{FormatChoice, Sizes};
use framemill_store::{self as store, Location, StoreRoot};
use framemill_thumbs::Format;
use std::collections::HashMap;

/// A picture and the outputs of its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The picture.
    pub input: String,
    /// The format, unless it is the source's.
    pub format: Option<Format>,
    /// An output for each size.
    pub outputs: Vec<Output>,
}

/// Where a thumbnail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Under this very name.
    Named(Location),
    /// Into a place, under a name that the format's extension is put behind.
    Stem(Location, String),
}

impl Output {
    /// Where a thumbnail of this format goes.
    pub fn location(&self, format: Format) -> Result<Location, String> {
        match self {
            Self::Named(location) => Ok(location.clone()),
            Self::Stem(place, stem) => {
                let location = place.join(&format!("{stem}.{format}"));
                store::check_key(&location.key).map_err(|error| error.to_string())?;
                Ok(location)
            }
        }
    }
}

/// `320`, `0x240`, `640x360`, with commas between several.
pub fn sizes(text: &str) -> Result<Sizes, String> {
    let one = |text: &str| {
        let (width, height) = text.split_once('x').unwrap_or((text, "0"));
        let side = |text: &str| text.parse().ok().filter(|side| *side <= 65_535);
        match (side(width), side(height)) {
            (Some(0), Some(0)) | (None, _) | (_, None) => {
                Err(format!("{text:?} is no size such as 320 or 640x360"))
            }
            (Some(width), Some(height)) => Ok((width, height)),
        }
    };
    let mut list: Vec<(u32, u32)> = Vec::new();
    for text in text.split(',') {
        let size = one(text.trim())?;
        if list.contains(&size) {
            return Err(format!("{text:?} is there twice"));
        }
        list.push(size);
    }
    Ok(Sizes(list))
}

/// A format that can be written, or `auto`.
pub fn format(text: &str) -> Result<FormatChoice, String> {
    if text == "auto" {
        return Ok(FormatChoice(None));
    }
    let known = ["jpg", "jpeg", "png", "webp", "avif", "gif"];
    known
        .contains(&text)
        .then(|| FormatChoice(Format::from_extension(text)))
        .ok_or_else(|| format!("{text:?} is none of auto, jpg, png, webp, avif, gif"))
}

/// The jobs of a run. `asked` is `None` where no format is named, and holds `None` for `auto`.
pub fn names(
    inputs: &[String],
    output: &str,
    sizes: &[(u32, u32)],
    asked: Option<Option<Format>>,
) -> Result<Vec<Job>, String> {
    let single = inputs.len() == 1 && sizes.len() == 1 && !is_place(output);
    if single {
        let location = Location::parse(output).map_err(|error| error.to_string())?;
        if matches!(location.root, StoreRoot::Http(_)) {
            return Err(format!("{}: https: can only be read", store::shown(output)));
        }
        let extension = location.key.rsplit_once('.').map_or("", |(_, e)| e);
        let by_name = Format::from_extension(extension);
        let format = match asked {
            None => by_name.or(Some(Format::Jpeg)),
            Some(asked) => asked,
        };
        return Ok(vec![Job {
            input: inputs[0].clone(),
            format,
            outputs: vec![Output::Named(location)],
        }]);
    }
    let place = Location::parse_place(output).map_err(|error| error.to_string())?;
    let mut taken: HashMap<String, &str> = HashMap::new();
    let mut jobs = Vec::new();
    for input in inputs {
        // What is wrong with a source is told when it is read, so that others are made.
        let stem = stem(input);
        if let Some(other) = taken.insert(stem.clone(), input) {
            let (one, two) = (store::shown(other), store::shown(input));
            return Err(format!(
                "{one} and {two} would have outputs of one name, {stem}"
            ));
        }
        let name = |size: &(u32, u32)| match (sizes.len(), size) {
            (1, _) => stem.clone(),
            (_, (width, 0)) => format!("{stem}-{width}"),
            (_, (width, height)) => format!("{stem}-{width}x{height}"),
        };
        let outputs = sizes
            .iter()
            .map(|size| Output::Stem(place.clone(), name(size)));
        jobs.push(Job {
            input: input.clone(),
            format: asked.flatten(),
            outputs: outputs.collect(),
        });
    }
    Ok(jobs)
}

fn is_place(output: &str) -> bool {
    output.ends_with('/') || std::path::Path::new(output).is_dir()
}

fn stem(input: &str) -> String {
    let key = Location::parse(input).map_or_else(|_| input.to_owned(), |location| location.key);
    let name = key.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.is_empty() {
        "image".to_owned()
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_formats() {
        let list = |text| sizes(text).map(|sizes| sizes.0);
        assert_eq!(list("320"), Ok(vec![(320, 0)]));
        assert_eq!(
            list("320, 0x240,640x360"),
            Ok(vec![(320, 0), (0, 240), (640, 360)])
        );
        for wrong in ["", "0", "a", "1x", "70000", "320,320", "1,,2", "-1"] {
            assert!(sizes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format("auto"), Ok(FormatChoice(None)));
        assert_eq!(format("webp"), Ok(FormatChoice(Some(Format::Webp))));
        assert!(format("tiff").is_err());
    }

    fn outputs(inputs: &[&str], output: &str, count: usize) -> Result<Vec<String>, String> {
        let inputs: Vec<String> = inputs.iter().map(|text| (*text).to_owned()).collect();
        let sizes = &[(10, 0), (20, 30)][..count];
        let jobs = names(&inputs, output, sizes, None)?;
        let all = jobs.iter().flat_map(|job| &job.outputs);
        all.map(|output| output.location(Format::Webp).map(|l| l.to_string()))
            .collect()
    }

    #[test]
    fn outputs_have_names() {
        assert_eq!(outputs(&["a/b.png"], "x.jpg", 1), Ok(vec!["x.jpg".into()]));
        assert_eq!(outputs(&["a/b.png"], "x/", 1), Ok(vec!["x/b.webp".into()]));
        assert_eq!(
            outputs(&["a/b.png", "s3://buck/c"], "x", 2),
            Ok(["x/b-10", "x/b-20x30", "x/c-10", "x/c-20x30"]
                .map(|n| format!("{n}.webp"))
                .into())
        );
        assert_eq!(
            outputs(&["https://h/d.jpg?sig=1"], "s3://buck/t/", 1),
            Ok(vec!["s3://buck/t/d.webp".into()])
        );
        let error = outputs(&["a/b.png", "c/b.jpg"], "x", 1).unwrap_err();
        assert_eq!(
            error,
            "a/b.png and c/b.jpg would have outputs of one name, b"
        );
        assert!(outputs(&["a"], "https://h/x.jpg", 1).is_err());
    }
}
