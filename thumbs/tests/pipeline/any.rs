// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any options on pictures of any size: a result of the planned size, or a typed error that is
//! not framemill's fault.

use proptest::prelude::*;

use super::common::*;
use framemill_thumbs::plan::Size;
use framemill_thumbs::{thumbnail, Class, Format, Limits, Settings};

/// Segments that change something, ordinary and extreme ones.
fn segments() -> impl Strategy<Value = String> {
    let list = [
        "rs:fill:20:30",
        "rs:fit:0:9",
        "rs:force:33:5",
        "rs:auto:40:10:1",
        "rs:fill-down:50:50",
        "s:1:1",
        "s:200:3:1",
        "mw:50",
        "mh:50",
        "z:0.3:2",
        "dpr:0.01",
        "dpr:3",
        "el:1",
        "ex:1:noea:3:0.5",
        "ex:1",
        "exar:1:fp:0:1",
        "g:sm",
        "g:fp:1:0",
        "g:soea:-5:1e9",
        "g:we",
        "c:5:0.5",
        "c:0.01:0.01:sm",
        "c:1:1:no:1:1",
        "c:1000:0:sm",
        "t:10",
        "t:300:ff0000:1:1",
        "pd:1:2:3:4",
        "pd:0:0:30",
        "ar:0",
        "rot:90",
        "rot:180",
        "rot:270",
        "fl:1",
        "fl:1:1",
        "bg:abc",
        "bl:0.01",
        "bl:2",
        "bl:1e6",
        "sh:0.5",
        "sh:40",
        "pix:3",
        "pix:1000",
        "wm:0.5:re:1:1:0.3",
        "wm:1:soea:-5:-5:2",
        "wm:1:ce:1e9:0.1",
        "q:1",
        "q:100",
        "mb:300",
        "sm:0",
        "scp:0",
        "kcr:0",
        "mrd:7",
        "maf:2",
    ];
    prop::collection::vec(prop::sample::select(list.to_vec()), 0..7).prop_map(|list| list.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_options_are_done_or_refused(
        text in segments(),
        size in (1..70u32, 1..70u32),
        from in 0..6usize,
        to in prop::sample::select(vec!["jpg", "png", "webp", "gif"]),
        linear: bool,
    ) {
        let (width, height) = size;
        let rgb = photo(width, height);
        let source = match from {
            0 => jpeg(width, height, &rgb),
            1 => gif(width as u16, height as u16, &[([9; 3], 50), ([200; 3], 70)], gif::Repeat::Infinite),
            2 => svg_quarters(),
            3 => png(width, height, png::ColorType::Rgba, png::BitDepth::Eight, &photo(width * 4, height)[..(width * height * 4) as usize]),
            _ => rgb_png(width, height, &rgb),
        };
        let grammar = framemill_thumbs::url::Grammar { limits_allowed: true, ..Default::default() };
        let request = grammar.parse_unsigned(&format!("/f:{to}/{text}/plain/a").replace("//", "/")).unwrap();
        let settings = Settings {
            limits: Limits { frames: 5, result_pixels: 1_000_000, ..Limits::default() },
            watermark: Some(decoded(&rgb_png(5, 4, &photo(5, 4)))),
            linear_light: linear,
            ..Settings::default()
        };
        match thumbnail(&source, &request.options, &settings, &|| false) {
            Ok(made) => {
                prop_assert_eq!(Format::sniff(&made.bytes), request.options.format);
                let found = frames(&made.bytes);
                // WebP joins frames that are equal.
                let joined = if to == "webp" { 1 } else { made.frames };
                prop_assert!((joined..=made.frames).contains(&(found.len() as u32)));
                prop_assert!(found.iter().all(|(picture, _)| Some(picture.size()) == made.size));
            }
            Err(error) => prop_assert_eq!(error.class(), Class::TooLarge, "{}", error),
        }
    }
}

#[test]
fn single_pixels_are_written_in_every_format() {
    for format in ["jpg", "png", "webp", "avif", "gif"] {
        let made = make(&rgb_png(1, 1, &[200, 100, 50]), &format!("f:{format}")).unwrap();
        assert_eq!(made.size, Some(Size::new(1, 1)), "{format}");
    }
}
