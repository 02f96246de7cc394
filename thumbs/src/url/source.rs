// SPDX-License-Identifier: MIT OR Apache-2.0
//! The source at the end of a path, plain or in base64, and the repairs that paths need which
//! went through clients and proxies.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::Engine;
use percent_encoding::percent_decode_str;

use super::error::{shown, UrlError};

/// The URL-safe alphabet without padding. As in Go's decoder, which URLs were made for, bits left
/// over at the end may have any value.
pub(super) const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Where the options end and a plain source begins.
const PLAIN: &str = "/plain/";

/// Undoes what clients and proxies do to a path that starts with `/`: `%3A` for `:` in front of a
/// plain source, or anywhere where there is none; one slash for two behind a plain source's
/// scheme.
pub(super) fn repair(path: &str) -> String {
    let colons = |text: &str| text.replace("%3A", ":").replace("%3a", ":");
    let Some(at) = path.find(PLAIN) else {
        return colons(path);
    };
    let (options, source) = (&path[..at], &path[at + PLAIN.len()..]);
    format!("{}{PLAIN}{}", colons(options), repair_scheme(source))
}

fn repair_scheme(source: &str) -> String {
    let Some((scheme, rest)) = source.split_once(":/") else {
        return source.to_owned();
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme || rest.is_empty() || rest.starts_with('/') {
        return source.to_owned();
    }
    let slashes = if scheme == "local" { "///" } else { "//" };
    format!("{scheme}:{slashes}{rest}")
}

/// The source's URL behind `base`, and the extension that was put behind it.
///
/// # Errors
/// [`UrlError::Source`].
pub(super) fn decode(segments: &[&str], base: &str) -> Result<(String, Option<String>), UrlError> {
    let fault = |reason: String| UrlError::Source { reason };
    let (url, extension) = match segments {
        [] | [""] => return Err(fault("there is none".into())),
        ["plain", rest @ ..] => plain(&rest.join("/")).map_err(fault)?,
        _ => encoded(&segments.concat()).map_err(fault)?,
    };
    if url.is_empty() {
        return Err(fault("it is empty".into()));
    }
    Ok((format!("{base}{url}"), extension))
}

/// Splits off the extension behind the one `mark`.
fn split(text: &str, mark: char) -> Result<(&str, Option<String>), String> {
    let mut parts = text.split(mark);
    let url = parts.next().unwrap_or_default();
    let extension = parts.next().filter(|extension| !extension.is_empty());
    if parts.next().is_some() {
        return Err(format!("{:?} has more than one {mark:?}", shown(text)));
    }
    Ok((url, extension.map(str::to_owned)))
}

fn plain(text: &str) -> Result<(String, Option<String>), String> {
    let (url, extension) = split(text, '@')?;
    let bytes = url.as_bytes();
    let whole = |at: usize| {
        let digits = bytes.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && !whole(at)) {
        return Err(format!("{:?} has a '%' without two digits", shown(url)));
    }
    let url = percent_decode_str(url)
        .decode_utf8()
        .map_err(|_| format!("{:?} is no UTF-8", shown(url)))?;
    Ok((url.into_owned(), extension))
}

fn encoded(text: &str) -> Result<(String, Option<String>), String> {
    let (base64, extension) = split(text, '.')?;
    let bytes = URL_SAFE
        .decode(base64.trim_end_matches('='))
        .map_err(|_| format!("{:?} is no base64", shown(base64)))?;
    let url = String::from_utf8(bytes).map_err(|_| format!("{:?} is no UTF-8", shown(base64)))?;
    Ok((url, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(path: &str) -> Result<(String, Option<String>), String> {
        let segments: Vec<&str> = path.split('/').collect();
        decode(&segments, "").map_err(|error| error.to_string())
    }

    #[test]
    fn sources_are_plain_or_base64() {
        let good = [
            (
                "plain/http://example.com/a.jpg",
                "http://example.com/a.jpg",
                None,
            ),
            (
                "plain/http://e.com/a%20b%40.jpg@png",
                "http://e.com/a b@.jpg",
                Some("png"),
            ),
            ("plain/a@", "a", None),
            (
                "aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
                "http://example.com/images/curiosity.jpg",
                Some("png"),
            ),
            ("YQ==", "a", None),
            ("YQ.webp", "a", Some("webp")),
            ("YR", "a", None),
        ];
        for (path, url, extension) in good {
            assert_eq!(
                decoded(path),
                Ok((url.to_owned(), extension.map(str::to_owned))),
                "{path}"
            );
        }
        let bad = [
            ("", "there is none"),
            ("plain", "it is empty"),
            ("plain/@png", "it is empty"),
            ("plain/a@b@c", "more than one '@'"),
            ("plain/a%2", "'%' without two digits"),
            ("plain/a%zz", "'%' without two digits"),
            ("plain/%ff", "no UTF-8"),
            ("YQ.png.jpg", "more than one '.'"),
            ("Y!", "no base64"),
            ("_w", "no UTF-8"),
        ];
        for (path, reason) in bad {
            let error = decoded(path).unwrap_err();
            assert!(error.contains(reason), "{path}: {error}");
        }
    }

    #[test]
    fn paths_are_repaired() {
        let cases = [
            (
                "/rs%3Afit%3a4/plain/http:/e.com/a%3A",
                "/rs:fit:4/plain/http://e.com/a%3A",
            ),
            ("/w:1/plain/http://e.com", "/w:1/plain/http://e.com"),
            ("/w:1/plain/local:/a/b", "/w:1/plain/local:///a/b"),
            ("/w:1/plain/local:///a/b", "/w:1/plain/local:///a/b"),
            ("/w%3A1/YQ", "/w:1/YQ"),
            ("/w:1/plain/a b:/c", "/w:1/plain/a b:/c"),
            ("/plain/s3:/", "/plain/s3:/"),
        ];
        for (path, wanted) in cases {
            assert_eq!(repair(path), wanted);
        }
    }
}
