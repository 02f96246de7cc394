// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wanted of a source.

use framemill_thumbs::url::Options;
use framemill_thumbs::Format;

/// What is wanted of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The source's URL.
    pub source: String,
    /// The options.
    pub options: Options,
    /// Formats to choose from where the options name none, the best first.
    pub formats: Vec<Format>,
}

impl Wish {
    /// A text that is the same for wishes that have the same results.
    pub(super) fn text(&self) -> String {
        let formats: Vec<&str> = self
            .formats
            .iter()
            .map(|format| format.extension())
            .collect();
        // What only the answer's headers tell makes no other picture.
        let options = Options {
            expires: None,
            filename: String::new(),
            return_attachment: false,
            ..self.options.clone()
        };
        let (limits, source) = (&options.limits, &self.source);
        format!("{options}\n{limits:?}\n{}\n{source}", formats.join(","))
    }

    /// Whether the result may become AVIF.
    pub(super) fn may_be_avif(&self) -> bool {
        match self.options.format {
            Some(format) => format == Format::Avif,
            None => self.formats.contains(&Format::Avif),
        }
    }

    /// The same wish, with WebP in place of AVIF.
    pub(super) fn as_webp(&self) -> Self {
        let mut wish = self.clone();
        if wish.options.format.is_some() {
            wish.options.format = Some(Format::Webp);
        }
        wish.formats = vec![Format::Webp];
        wish
    }
}
