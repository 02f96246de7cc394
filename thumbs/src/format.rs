// SPDX-License-Identifier: MIT OR Apache-2.0
//! Image formats: their names in URLs, their content types, and how their first bytes look.

use std::fmt;

/// An image format that can be named in a URL or found in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// JPEG, ITU-T T.81.
    Jpeg,
    /// PNG, animated or not.
    Png,
    /// WebP, lossy, lossless or animated.
    Webp,
    /// AV1 still images in HEIF.
    Avif,
    /// GIF, animated or not.
    Gif,
    /// TIFF.
    Tiff,
    /// Windows bitmaps.
    Bmp,
    /// Windows icons.
    Ico,
    /// SVG, not compressed.
    Svg,
    /// HEVC still images in HEIF.
    Heic,
    /// JPEG XL.
    Jxl,
}

/// Every format, with its extensions (the first one is printed) and its content type.
const TABLE: [(Format, &[&str], &str); 11] = [
    (Format::Jpeg, &["jpg", "jpeg"], "image/jpeg"),
    (Format::Png, &["png"], "image/png"),
    (Format::Webp, &["webp"], "image/webp"),
    (Format::Avif, &["avif"], "image/avif"),
    (Format::Gif, &["gif"], "image/gif"),
    (Format::Tiff, &["tiff", "tif"], "image/tiff"),
    (Format::Bmp, &["bmp"], "image/bmp"),
    (Format::Ico, &["ico"], "image/x-icon"),
    (Format::Svg, &["svg"], "image/svg+xml"),
    (Format::Heic, &["heic", "heif"], "image/heif"),
    (Format::Jxl, &["jxl"], "image/jxl"),
];

/// How many bytes at a source's start [`Format::sniff`] looks at.
pub const SNIFF_LEN: usize = 4096;

impl Format {
    /// The format that an extension without its dot means, in upper or lower case.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let wanted = |name: &&str| name.eq_ignore_ascii_case(extension);
        TABLE
            .iter()
            .find(|(_, names, _)| names.iter().any(&wanted))
            .map(|(format, _, _)| *format)
    }

    /// The extension that files of this format usually have, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.row().1[0]
    }

    /// The content type for HTTP.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static [&'static str], &'static str) {
        TABLE
            .iter()
            .find(|(format, _, _)| *format == self)
            .unwrap_or(&TABLE[0])
    }

    /// The format of a source by its content; names and content types are not asked.
    ///
    /// Looks at no more than the first [`SNIFF_LEN`] bytes.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let head = &bytes[..bytes.len().min(SNIFF_LEN)];
        let magic: [(&[u8], Self); 10] = [
            (b"\xff\xd8\xff", Self::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Self::Png),
            (b"GIF87a", Self::Gif),
            (b"GIF89a", Self::Gif),
            (b"II*\0", Self::Tiff),
            (b"MM\0*", Self::Tiff),
            (b"BM", Self::Bmp),
            (b"\0\0\x01\0", Self::Ico),
            (b"\xff\x0a", Self::Jxl),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Self::Jxl),
        ];
        if let Some((_, format)) = magic.iter().find(|(start, _)| head.starts_with(start)) {
            return Some(*format);
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Some(Self::Webp);
        }
        sniff_heif(head).or_else(|| looks_like_svg(head).then_some(Self::Svg))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

/// AVIF and HEIC by the brands in their `ftyp` box (ISO/IEC 14496-12, 4.3).
fn sniff_heif(head: &[u8]) -> Option<Format> {
    if head.get(4..8) != Some(b"ftyp") {
        return None;
    }
    let size = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let brands = head.get(8..size.min(head.len()))?;
    let has = |wanted: [&[u8; 4]; 2]| {
        brands
            .chunks_exact(4)
            .any(|brand| wanted.iter().any(|name| brand == *name))
    };
    if has([b"avif", b"avis"]) {
        Some(Format::Avif)
    } else if has([b"heic", b"heix"]) {
        Some(Format::Heic)
    } else {
        None
    }
}

/// Whether the root element is `svg`: white space, a declaration, comments and a document type
/// may come before it.
fn looks_like_svg(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<?") {
            b"?>"
        } else if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<!DOCTYPE") {
            // One that declares entities goes on to the end of its list.
            let list = rest.iter().position(|byte| *byte == b'[');
            let end = rest.iter().position(|byte| *byte == b'>');
            if list.is_some_and(|list| end.is_some_and(|end| list < end)) {
                b"]>"
            } else {
                b">"
            }
        } else {
            break;
        };
        match rest.windows(end.len()).position(|bytes| bytes == end) {
            Some(at) => rest = &rest[at + end.len()..],
            None => return false,
        }
    }
    let name = rest.strip_prefix(b"<").unwrap_or(b"");
    let name = name.strip_prefix(b"svg:").unwrap_or(name);
    name.starts_with(b"svg")
        && name
            .get(3)
            .is_some_and(|next| next.is_ascii_whitespace() || b">/".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_lead_back_to_their_format() {
        for (format, names, _) in TABLE {
            for name in names {
                assert_eq!(Format::from_extension(name), Some(format));
                assert_eq!(Format::from_extension(&name.to_uppercase()), Some(format));
            }
            assert_eq!(Format::from_extension(format.extension()), Some(format));
        }
        assert_eq!(Format::from_extension(""), None);
        assert_eq!(Format::from_extension("exe"), None);
    }

    #[test]
    fn content_decides() {
        let cases: [(&[u8], Option<Format>); 17] = [
            (b"", None),
            (b"hello", None),
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n....", Some(Format::Png)),
            (b"GIF89a", Some(Format::Gif)),
            (b"RIFF....WEBPVP8 ", Some(Format::Webp)),
            (b"RIFF....WAVE", None),
            (b"II*\0", Some(Format::Tiff)),
            (b"BM....", Some(Format::Bmp)),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", Some(Format::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0heic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp42", None),
            (b"<svg xmlns='x'/>", Some(Format::Svg)),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <a> -->\n<!DOCTYPE svg>\n<svg>",
                Some(Format::Svg),
            ),
            (b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>", Some(Format::Svg)),
            (b"<html><svg/></html>", None),
            (b"<!-- without an end", None),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(Format::sniff(bytes), wanted, "{}", bytes.escape_ascii());
        }
    }
}
