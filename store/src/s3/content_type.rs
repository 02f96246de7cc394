// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a browser is told of a blob, by its key's extension.

/// Extensions and their media types (IANA's registry; `x-` where it has none).
const TYPES: [(&str, &str); 19] = [
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mkv", "video/x-matroska"),
    ("webm", "video/webm"),
    ("ivf", "video/x-ivf"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("gif", "image/gif"),
    ("svg", "image/svg+xml"),
    ("json", "application/json"),
    ("txt", "text/plain; charset=utf-8"),
    ("mpd", "application/dash+xml"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("vtt", "text/vtt"),
    ("html", "text/html; charset=utf-8"),
];

/// The media type of a key, where its extension has one.
pub(super) fn content_type(key: &str) -> Option<&'static str> {
    let (_, extension) = key.rsplit('/').next()?.rsplit_once('.')?;
    let known = |(name, _): &&(&str, &str)| name.eq_ignore_ascii_case(extension);
    TYPES.iter().find(known).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::content_type;

    #[test]
    fn by_extension_alone() {
        assert_eq!(content_type("a/b.MP4"), Some("video/mp4"));
        assert_eq!(content_type("a.mp4/b"), None);
        assert_eq!(content_type("out/0123.data"), None);
    }
}
