// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of EXIF is kept.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Context, Exif, Field, In, Reader, Tag, Value};

/// What of EXIF is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All but the orientation, which has been applied, and the small picture.
    All,
    /// Who made it, and whose it is.
    Copyright,
    /// Nothing.
    Nothing,
}

impl Keep {
    pub(crate) fn copyright(keep: bool) -> Self {
        if keep {
            Self::Copyright
        } else {
            Self::Nothing
        }
    }
}

/// The body of EXIF that is kept; `None` where nothing is, or it cannot be read.
pub(crate) fn kept(body: &[u8], keep: Keep) -> Option<Vec<u8>> {
    if keep == Keep::Nothing {
        return None;
    }
    let exif = read(body)?;
    let upright = Field {
        tag: Tag::Orientation,
        ifd_num: In::PRIMARY,
        value: Value::Short(vec![1]),
    };
    let mut writer = Writer::new();
    let mut any = false;
    for field in exif.fields().filter(|field| is_kept(field, keep)) {
        writer.push_field(field);
        any = true;
    }
    if !any {
        return None;
    }
    if keep == Keep::All {
        writer.push_field(&upright);
    }
    let mut out = Cursor::new(Vec::new());
    writer.write(&mut out, exif.little_endian()).ok()?;
    Some(out.into_inner())
}

fn read(body: &[u8]) -> Option<Exif> {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_raw(body.to_vec());
    read.or_else(|error| error.distill_partial_result(|_| {}))
        .ok()
}

fn is_kept(field: &Field, keep: Keep) -> bool {
    let tag = field.tag;
    if field.ifd_num != In::PRIMARY || tag == Tag::Orientation {
        return false;
    }
    match keep {
        Keep::Copyright => matches!(tag, Tag::Copyright | Tag::Artist),
        // Offsets into the body as it was mean nothing in another one.
        _ => {
            !matches!(
                tag,
                Tag::MakerNote | Tag::StripOffsets | Tag::StripByteCounts
            ) && tag.context() != Context::Interop
                && !matches!(field.value, Value::Unknown(..))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(tag: Tag, text: &str) -> Field {
        Field {
            tag,
            ifd_num: In::PRIMARY,
            value: Value::Ascii(vec![text.as_bytes().to_vec()]),
        }
    }

    fn body() -> Vec<u8> {
        let fields = [
            ascii(Tag::Copyright, "Ada"),
            ascii(Tag::Make, "Camera"),
            ascii(Tag::DateTimeOriginal, "2020:01:01 00:00:00"),
            Field {
                tag: Tag::Orientation,
                ifd_num: In::PRIMARY,
                value: Value::Short(vec![6]),
            },
        ];
        let mut writer = Writer::new();
        for field in &fields {
            writer.push_field(field);
        }
        let mut out = Cursor::new(Vec::new());
        writer.write(&mut out, false).unwrap();
        out.into_inner()
    }

    fn shown(body: &[u8]) -> Vec<String> {
        let exif = read(body).unwrap();
        let mut list: Vec<String> = exif
            .fields()
            .map(|field| format!("{} {}", field.tag, field.display_value()))
            .collect();
        list.sort();
        list
    }

    #[test]
    fn copyright_or_all_or_nothing_is_kept() {
        let copyright = kept(&body(), Keep::Copyright).unwrap();
        assert_eq!(shown(&copyright), ["Copyright \"Ada\""]);
        let all = kept(&body(), Keep::All).unwrap();
        assert_eq!(
            shown(&all),
            [
                "Copyright \"Ada\"",
                "DateTimeOriginal 2020-01-01 00:00:00",
                "Make \"Camera\"",
                "Orientation row 0 at top and column 0 at left",
            ]
        );
        assert_eq!(kept(&body(), Keep::Nothing), None);
        assert_eq!(kept(&copyright, Keep::copyright(false)), None);
        assert_eq!(kept(b"rubbish", Keep::All), None);
    }
}
