// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is a video or a picture, and what its outputs are called.

use super::Media;
use framemill_store::{self as store, Location, Store};
use framemill_thumbs::Format;
use framemill_worker::video::is_video;
use std::sync::Arc;

/// Bytes that tell a picture's format.
const HEAD: u64 = 512;

/// What a name says of its content; `None` where it says nothing.
#[must_use]
pub fn by_name(name: &str) -> Option<Media> {
    let file = name.rsplit('/').next().unwrap_or_default();
    if is_video(file) {
        return Some(Media::Video);
    }
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    Format::from_extension(extension).map(|_| Media::Image)
}

/// What a blob of `size` bytes is, by its name or else by how it begins: what is no picture
/// counts as a video, for which FFmpeg has the last word.
///
/// # Errors
/// The store's.
pub async fn by_content(blobs: &Arc<dyn Store>, key: &str, size: u64) -> store::Result<Media> {
    if let Some(media) = by_name(key) {
        return Ok(media);
    }
    let head = blobs.get_range(key, 0..size.min(HEAD), None).await?;
    Ok(match Format::sniff(&head) {
        Some(_) => Media::Image,
        None => Media::Video,
    })
}

/// A name without its extension: `trips/rome.mov` is `trips/rome`.
#[must_use]
pub fn stem(name: &str) -> String {
    let start = name.rfind('/').map_or(0, |at| at + 1);
    let file = &name[start..];
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let stem = if stem.is_empty() { "media" } else { stem };
    format!("{}{stem}", &name[..start])
}

/// Where an output lies: `PLACE/STEM-NAME.EXTENSION`.
///
/// # Errors
/// A text where the store takes no such name.
pub fn output(
    place: &str,
    stem: &str,
    name: Option<&str>,
    extension: &str,
) -> Result<Location, String> {
    let dash = if name.is_some() { "-" } else { "" };
    let file = format!("{stem}{dash}{}.{extension}", name.unwrap_or_default());
    let place = Location::parse_place(place).map_err(|error| error.to_string())?;
    let location = place.join(&file);
    store::check_key(&location.key).map_err(|error| error.to_string())?;
    Ok(location)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_inside() {
        assert_eq!(by_name("a/b.MP4"), Some(Media::Video));
        assert_eq!(by_name("b.jpeg"), Some(Media::Image));
        assert_eq!(by_name("b.heic"), Some(Media::Image));
        assert_eq!(by_name("b.txt"), None);
        assert_eq!(by_name("mp4/b"), None);
    }

    #[test]
    fn outputs_have_names() {
        assert_eq!(stem("trips/rome.tar.mov"), "trips/rome.tar");
        assert_eq!(stem("a.b/c"), "a.b/c");
        assert_eq!(stem(".mov"), "media");
        let of = |name| output("s3://out/x", "trips/rome", name, "mp4").map(|l| l.to_string());
        assert_eq!(of(None), Ok("s3://out/x/trips/rome.mp4".into()));
        assert_eq!(of(Some("540")), Ok("s3://out/x/trips/rome-540.mp4".into()));
        assert!(output("out", "../x", None, "mp4").is_err());
        assert!(output("https://h/", "x", None, "mp4").is_err());
    }
}
