// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the segments in front of the first scan hold beside the picture (ITU-T T.81, B.1.1.4).

/// Those that are used here.
#[derive(Default)]
pub(super) struct Segments<'a> {
    pub(super) exif: Option<&'a [u8]>,
    pub(super) adobe: bool,
    /// Numbered parts of the profile, as ICC.1 annex B.4 has them.
    profile: Vec<(u8, &'a [u8])>,
}

impl<'a> Segments<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut segments = Self::default();
        let mut rest = bytes.get(2..).unwrap_or(&[]);
        while let [0xff, marker, tail @ ..] = rest {
            match *marker {
                0xff => rest = &rest[1..],
                0x01 | 0xd0..=0xd8 => rest = tail,
                0xd9 | 0xda => break,
                _ => {
                    let Some(body) = segment_body(tail) else {
                        break;
                    };
                    segments.take(*marker, body);
                    rest = &tail[2 + body.len()..];
                }
            }
        }
        segments
    }

    fn take(&mut self, marker: u8, body: &'a [u8]) {
        match marker {
            0xe1 if self.exif.is_none() => self.exif = body.strip_prefix(b"Exif\0\0"),
            0xe2 => {
                if let Some([number, _, part @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                    self.profile.push((*number, part));
                }
            }
            0xee => self.adobe |= body.starts_with(b"Adobe"),
            _ => {}
        }
    }

    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        if self.profile.is_empty() {
            return None;
        }
        let mut parts = self.profile.clone();
        parts.sort_by_key(|(number, _)| *number);
        Some(
            parts
                .iter()
                .flat_map(|(_, part)| part.iter().copied())
                .collect(),
        )
    }
}

/// The body of a segment, whose length `tail` begins with.
pub(super) fn segment_body(tail: &[u8]) -> Option<&[u8]> {
    let length = u16::from_be_bytes([*tail.first()?, *tail.get(1)?]);
    tail.get(2..usize::from(length))
}
