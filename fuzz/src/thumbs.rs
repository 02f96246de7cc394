// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails: URLs and the pipeline.

use framemill_thumbs::url::Grammar;
use framemill_thumbs::{thumbnail, Class, Format, Limits, Settings};

fn grammar() -> Grammar {
    let presets = [
        ("default", "q:70"),
        ("small", "rs:fill:20:20/g:sm"),
        ("again", "pr:again"),
    ];
    Grammar {
        presets: presets
            .map(|(name, text)| (name.into(), text.into()))
            .into(),
        limits_allowed: true,
        ..Grammar::default()
    }
}

/// Parses paths; what is accepted is the same after it was printed and parsed again.
pub fn thumb_url(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else {
        return;
    };
    let grammar = grammar();
    for request in [grammar.parse(path), grammar.parse_unsigned(path)] {
        match request {
            Err(error) => assert!(error.to_string().len() < 4096, "a long message"),
            Ok(request) => {
                let plain = Grammar {
                    limits_allowed: true,
                    ..Grammar::default()
                };
                let printed = format!("/{}/plain/x", request.options).replacen("//", "/", 1);
                let again = plain
                    .parse_unsigned(&printed)
                    .expect("what we print we read");
                assert_eq!(again.options, request.options, "{printed}");
            }
        }
    }
}

/// Makes a thumbnail: options up to the first line break, the source behind it. Whatever comes
/// out is of the format that it says, and nothing that goes wrong is our own fault.
pub fn thumb_pipeline(bytes: &[u8]) {
    let at = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (options, source) = bytes.split_at(at);
    let source = source.get(1..).unwrap_or_default();
    let Ok(options) = std::str::from_utf8(options) else {
        return;
    };
    let path = format!("/{options}/plain/x");
    let Ok(request) = grammar().parse_unsigned(path.strip_prefix("//").unwrap_or(&path)) else {
        return;
    };
    let mut options = request.options;
    // Larger limits than these would fuzz the machine's memory.
    options.limits = Default::default();
    let settings = Settings {
        limits: Limits {
            bytes: 1 << 20,
            pixels: 1 << 20,
            frames: 3,
            result_pixels: 1 << 18,
            ..Limits::default()
        },
        avif_speed: 10,
        avif_pixels: 1 << 14,
        ..Settings::default()
    };
    match thumbnail(source, &options, &settings, &|| false) {
        Ok(made) => assert_eq!(Format::sniff(&made.bytes), Some(made.format)),
        Err(error) => assert!(error.class() != Class::Bug, "{error}"),
    }
}
