// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every option by all of its names, what it does, and what it refuses; and any text at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::table::{find, TABLE};
use super::super::{
    AskedLimits, Crop, Extend, Gravity, Padding, Position, ResizingType, Rgb, Trim, VideoSecond,
    Watermark, WatermarkPosition,
};
use super::*;
use crate::Format;

fn grammar() -> Grammar {
    Grammar {
        limits_allowed: true,
        ..Grammar::default()
    }
}

fn options(segments: &str) -> Result<Options, UrlError> {
    let request = grammar().parse_unsigned(&format!("/{segments}/plain/a"));
    request.map(|request| request.options)
}

fn compass(position: Position, x: f64, y: f64) -> Gravity {
    Gravity::Compass { position, x, y }
}

/// Checks that each text gives the default options with one change.
fn gives(texts: &[&str], change: impl Fn(&mut Options)) {
    let mut wanted = Options::default();
    change(&mut wanted);
    for text in texts {
        assert_eq!(options(text).as_ref(), Ok(&wanted), "{text}");
    }
}

/// Checks that each text is refused for this reason.
fn refused(texts: &[&str], reason: &str) {
    for text in texts {
        let error = options(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn nothing_asked_for_is_the_default() {
    let request = grammar().parse_unsigned("/plain/a").unwrap();
    assert_eq!(request.options, Options::default());
    assert_eq!((request.source.as_str(), request.warnings.len()), ("a", 0));
}

#[test]
fn names_are_unique_and_argument_counts_checked() {
    let mut names: Vec<&str> = TABLE
        .iter()
        .flat_map(|entry| entry.names)
        .copied()
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    for name in names {
        let entry = find(name).unwrap();
        let too_many = ":1".repeat(entry.arguments.end() + 1);
        refused(&[&format!("{name}{too_many}")], "arguments, not");
    }
}

#[test]
fn size_options() {
    gives(
        &[
            "rs:fill:300:400",
            "resize:fill:300:400:0",
            "rt:fill/s:300:400",
            "rt:fill/w:300/h:400",
            "resizing_type:fill/width:300/height:400",
        ],
        |o| {
            o.resizing_type = ResizingType::Fill;
            (o.width, o.height) = (300, 400);
        },
    );
    for (name, kind) in [
        ("fit", ResizingType::Fit),
        ("fill", ResizingType::Fill),
        ("fill-down", ResizingType::FillDown),
        ("force", ResizingType::Force),
        ("auto", ResizingType::Auto),
    ] {
        gives(&[&format!("rt:{name}"), &format!("rs:{name}")], |o| {
            o.resizing_type = kind
        });
    }
    gives(
        &["rs::5", "s:5", "size:5:", "w:5", "w:7/w:5", "s:5:0:0:0"],
        |o| o.width = 5,
    );
    gives(&["s::5", "h:5", "rs:::5"], |o| o.height = 5);
    gives(&["s:5:6:1:1:no:1:-2", "rs::5:6:t:true:no:1:-2"], |o| {
        (o.width, o.height, o.enlarge) = (5, 6, true);
        o.extend.enabled = true;
        o.extend.gravity = compass(Position::North, 1.0, -2.0);
    });
    gives(&["mw:5", "min-width:5", "min_width:5"], |o| o.min_width = 5);
    gives(&["mh:5", "min-height:5"], |o| o.min_height = 5);
    gives(&["z:2", "zoom:2:2", "z:2:"], |o| {
        (o.zoom_x, o.zoom_y) = (2.0, 2.0)
    });
    gives(&["z:0.5:3"], |o| (o.zoom_x, o.zoom_y) = (0.5, 3.0));
    gives(&["dpr:1.5"], |o| o.dpr = 1.5);
    gives(&["el:1", "enlarge:true"], |o| o.enlarge = true);
    gives(
        &["rt:", "w:", "h:", "dpr:", "el:", "mw:", "s:", "z:"],
        |_| {},
    );
    refused(
        &["rt:foo", "rs:sm:1:1"],
        "is none of fit, fill, fill-down, force, auto",
    );
    refused(
        &["w:-1", "h:1.5", "s:x", "mw:99999999", "s:1:x"],
        "no whole number from 0 to",
    );
    refused(
        &["z:0", "dpr:0", "dpr:-1", "z:1:0", "dpr:NaN", "z:x"],
        "no number above 0",
    );
}

#[test]
fn extend_and_padding() {
    gives(&["ex:1", "extend:1:", "ex:t:ce", "ex:1:ce:0:0"], |o| {
        o.extend.enabled = true
    });
    gives(
        &[
            "exar:1:fp:0.5:1",
            "extend_ar:1:fp:0.5:1",
            "extend_aspect_ratio:1:fp:0.5:1",
        ],
        |o| {
            let gravity = Gravity::FocusPoint { x: 0.5, y: 1.0 };
            o.extend_aspect_ratio = Extend {
                enabled: true,
                gravity,
            };
        },
    );
    let padding = |top, right, bottom, left| Padding {
        top,
        right,
        bottom,
        left,
    };
    gives(&["pd:1", "padding:1:1:1:1"], |o| {
        o.padding = padding(1, 1, 1, 1)
    });
    gives(&["pd:1:2"], |o| o.padding = padding(1, 2, 1, 2));
    gives(&["pd:1:2:3"], |o| o.padding = padding(1, 2, 3, 2));
    gives(&["pd:1:2:3:4"], |o| o.padding = padding(1, 2, 3, 4));
    gives(&["pd::2::4"], |o| o.padding = padding(0, 2, 0, 4));
    refused(&["ex:1:sm", "ex:1:xx", "exar:1:sm"], "is none of ce, no");
    refused(&["ex:1:fp:1"], "fp takes two arguments");
    refused(&["pd:-1", "pd:1:x", "pd:::0.5"], "no whole number");
}

#[test]
fn position_options() {
    for (name, position) in super::super::args::POSITIONS {
        gives(
            &[&format!("g:{name}"), &format!("gravity:{name}:0:0")],
            |o| {
                o.gravity = compass(position, 0.0, 0.0);
            },
        );
    }
    gives(&["g:no:0.5:-10"], |o| {
        o.gravity = compass(Position::North, 0.5, -10.0)
    });
    gives(&["g:sm"], |o| o.gravity = Gravity::Smart);
    gives(&["g:fp:0.25:1"], |o| {
        o.gravity = Gravity::FocusPoint { x: 0.25, y: 1.0 }
    });
    refused(
        &["g:xx"],
        "is none of ce, no, ea, so, we, nowe, noea, sowe, soea, fp, sm",
    );
    refused(&["g:sm:1"], "sm takes 0 arguments at most");
    refused(&["g:fp", "g:fp:1"], "fp takes two arguments");
    refused(&["g:fp:2:0", "g:fp:0:-0.1"], "no number from 0 to 1");
    refused(&["g:no:x", "g:no:1:inf"], "no number");
    gives(&["c:100:0.5", "crop:100:0.5"], |o| {
        o.crop = Crop {
            width: 100.0,
            height: 0.5,
            gravity: None,
        };
    });
    gives(&["c:1::sm"], |o| {
        o.crop = Crop {
            width: 1.0,
            height: 0.0,
            gravity: Some(Gravity::Smart),
        };
    });
    refused(&["c:-1", "c:x", "c:1:99999999999"], "no number from 0 to");
    let trim = |threshold, color, equal_horizontal, equal_vertical| {
        Some(Trim {
            threshold,
            color,
            equal_horizontal,
            equal_vertical,
        })
    };
    gives(&["t:10", "trim:10:::"], |o| {
        o.trim = trim(10.0, None, false, false)
    });
    gives(&["t:5.5:ff8000:1:t"], |o| {
        o.trim = trim(5.5, Some(Rgb([255, 128, 0])), true, true);
    });
    refused(&["t:-1"], "no number from 0 on");
    refused(&["t:1:xyz"], "hexadecimal");
}

#[test]
fn orientation_options() {
    gives(&["ar:0", "auto_rotate:false"], |o| o.auto_rotate = false);
    for (angle, turns) in [
        (0, 0),
        (90, 1),
        (180, 2),
        (270, 3),
        (360, 0),
        (-90, 3),
        (450, 1),
    ] {
        gives(
            &[&format!("rot:{angle}"), &format!("rotate:{angle}")],
            |o| o.quarter_turns = turns,
        );
    }
    gives(&["fl:1", "flip:1:0"], |o| o.flip_horizontal = true);
    gives(&["fl:0:1", "fl::1"], |o| o.flip_vertical = true);
    refused(&["rot:45"], "not a multiple of 90");
    refused(&["rot:x", "rot:1.5"], "no whole number");
}

#[test]
fn pixel_options() {
    let orange = Some(Rgb([255, 128, 0]));
    gives(
        &["bg:ff8000", "background:255:128:0", "bg:fff/bg:ff8000"],
        |o| o.background = orange,
    );
    gives(&["bg:", "bg:fff/bg:"], |o| o.background = None);
    refused(&["bg:1:2"], "one argument or three");
    refused(&["bg:256:0:0", "bg::0:0"], "no whole number from 0 to 255");
    refused(&["bg:red"], "hexadecimal");
    gives(&["bl:0.7", "blur:0.7"], |o| o.blur = 0.7);
    gives(&["sh:0.7", "sharpen:0.7"], |o| o.sharpen = 0.7);
    gives(&["pix:8", "pixelate:8"], |o| o.pixelate = 8);
    refused(&["bl:-1", "sh:x"], "no number from 0 on");
    refused(&["pix:-1"], "no whole number");
    gives(&["wm:0.5", "watermark:0.5:ce:0:0:0"], |o| {
        o.watermark.opacity = 0.5
    });
    gives(&["wm:1:soea:-10:0.5:0.25"], |o| {
        o.watermark = Watermark {
            opacity: 1.0,
            position: WatermarkPosition::At(Position::SouthEast),
            x: -10.0,
            y: 0.5,
            scale: 0.25,
        };
    });
    gives(&["wm:1:re"], |o| {
        (o.watermark.opacity, o.watermark.position) = (1.0, WatermarkPosition::Replicate);
    });
    refused(&["wm:2", "wm:-1"], "no number from 0 to 1");
    refused(&["wm:1:sm"], "soea, re");
    refused(&["wm:1:ce:x", "wm:1:ce:0:x", "wm:1:ce:0:0:-1"], "no number");
}

#[test]
fn output_options() {
    gives(&["q:70", "quality:70"], |o| o.quality = 70);
    refused(
        &["q:101", "q:-1", "fq:webp:101"],
        "no whole number from 0 to 100",
    );
    gives(
        &[
            "fq:webp:70:avif:50",
            "format_quality:avif:50:webp:70",
            "fq:webp:70/fq:avif:50",
        ],
        |o| {
            o.format_quality = BTreeMap::from([(Format::Webp, 70), (Format::Avif, 50)]);
        },
    );
    refused(&["fq:webp:70:avif"], "\"avif\" has no quality");
    gives(&["mb:1000", "max_bytes:1000"], |o| o.max_bytes = 1000);
    gives(&["f:png", "format:png", "ext:PNG"], |o| {
        o.format = Some(Format::Png)
    });
    refused(
        &["f:exe", "fq:exe:1", "skp:exe"],
        "no image format known here",
    );
    gives(&["sm:0", "strip_metadata:0"], |o| o.strip_metadata = false);
    gives(&["kcr:0", "keep_copyright:0"], |o| o.keep_copyright = false);
    gives(&["scp:0", "strip_color_profile:0"], |o| {
        o.strip_color_profile = false
    });
    gives(&["ph:1", "preserve_hdr:1"], |o| o.preserve_hdr = true);
    gives(&["eth:1", "enforce_thumbnail:1"], |o| {
        o.enforce_thumbnail = true
    });
}

#[test]
fn handling_options() {
    gives(
        &["skp:png:svg", "skip_processing:svg:png", "skp:png/skp:svg"],
        |o| {
            o.skip_processing = [Format::Png, Format::Svg].into();
        },
    );
    gives(&["raw:1"], |o| o.raw = true);
    gives(&["cb:abc", "cachebuster:abc"], |o| {
        o.cachebuster = "abc".into()
    });
    gives(&["exp:17", "expires:17"], |o| o.expires = Some(17));
    refused(&["exp:x", "exp:-1"], "no whole number");
    gives(
        &["fn:a%20b", "filename:a%20b:0", "fn:YSBi:1", "fn:YSBi==:1"],
        |o| {
            o.filename = "a b".into();
        },
    );
    refused(&["fn:%ff", "fn:_w:1"], "no UTF-8");
    refused(&["fn:!:1"], "no base64");
    gives(&["att:1", "return_attachment:1"], |o| {
        o.return_attachment = true
    });
    gives(&["vts:1.5", "video_thumbnail_second:1.5"], |o| {
        o.video_second = Some(VideoSecond::At(1.5));
    });
    gives(&["vts:best"], |o| o.video_second = Some(VideoSecond::Best));
    refused(&["vts:-1", "vts:worst"], "no number from 0 on");
}

#[test]
fn limits_only_where_they_are_allowed() {
    gives(&["msr:12.5/msfs:100/maf:3/mafr:1/mrd:900"], |o| {
        o.limits = AskedLimits {
            megapixels: Some(12.5),
            bytes: Some(100),
            frames: Some(3),
            frame_megapixels: Some(1.0),
            result_side: Some(900),
        };
    });
    refused(&["msr:0"], "no number above 0");
    refused(&["maf:0", "msfs:-1", "mrd:x"], "no whole number");
    let closed = Grammar {
        presets: [("big".to_owned(), "msr:200".to_owned())].into(),
        ..Grammar::default()
    };
    for segment in ["msr:1", "max_src_file_size:1", "maf:1", "mafr:1", "mrd:1"] {
        let error = closed
            .parse_unsigned(&format!("/{segment}/plain/a"))
            .unwrap_err();
        assert!(
            error.to_string().ends_with("is not allowed here"),
            "{error}"
        );
    }
    let request = closed.parse_unsigned("/pr:big/plain/a").unwrap();
    assert_eq!(request.options.limits.megapixels, Some(200.0));
}

#[test]
fn presets_nest_override_and_apply_once() {
    let mut server = Grammar {
        presets: BTreeMap::from([
            ("default".into(), "q:50/w:10".into()),
            ("small".into(), "rs:fill:100:100/pr:sharp".into()),
            ("sharp".into(), "sh:1/pr:small".into()),
        ]),
        ..Grammar::default()
    };
    let request = server
        .parse_unsigned("/preset:small/h:50/plain/a@webp")
        .unwrap();
    let o = request.options;
    assert_eq!(
        (o.quality, o.width, o.height, o.sharpen),
        (50, 100, 50, 1.0)
    );
    assert_eq!(o.format, Some(Format::Webp));
    assert_eq!(request.warnings, ["preset \"small\" is applied once only"]);
    let error = server.parse_unsigned("/pr:nope/plain/a").unwrap_err();
    assert_eq!(error.to_string(), "unknown preset \"nope\"");
    server.only_presets = true;
    let request = server.parse_unsigned("/small:sharp/YQ.png").unwrap();
    assert_eq!((request.options.width, request.source.as_str()), (100, "a"));
    assert!(server.parse_unsigned("/w:1/YQ").is_err());
}

#[test]
fn whole_paths() {
    let mut server = Grammar {
        prefix: "/thumbs/".into(),
        base_url: "http://e.com/".into(),
        ..Grammar::default()
    };
    let request = server
        .parse("/thumbs/insecure/w%3A7/plain/a.jpg@png?x=y:z")
        .unwrap();
    assert_eq!(request.source, "http://e.com/a.jpg");
    assert_eq!(
        (request.options.width, request.options.format),
        (7, Some(Format::Png))
    );
    let raw = server
        .parse("/thumbs/_/raw:1/plain/a.jpg@anything")
        .unwrap();
    assert_eq!(raw.options.format, None);
    for (path, reason) in [
        ("/other/_/plain/a", "does not start with \"/thumbs\""),
        ("/thumbsX/_/plain/a", "does not start with \"/thumbs\""),
        ("/thumbs/", "no signature"),
        ("/thumbs/abc", "no signature"),
        ("/thumbs/w:7/plain/a", "where the signature belongs"),
        ("/thumbs/_/w:7", "there is none"),
        (
            "/thumbs/_/foo:7/plain/a",
            "unknown option \"foo\" in \"foo:7\"",
        ),
        ("/thumbs/_/plain/a@exe", "no image format known here"),
    ] {
        let error = server.parse(path).unwrap_err().to_string();
        assert!(error.contains(reason), "{path}: {error}");
    }
    server.prefix.clear();
    server.base_url.clear();
    server.keys = Keys::from_hex(&["746573742d6b6579"], &["746573742d73616c74"]).unwrap();
    let signature = "My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI";
    for source in ["local:///test1.png", "local:/test1.png"] {
        let request = server
            .parse(&format!("/{signature}/rs:fill:4:4/plain/{source}"))
            .unwrap();
        assert_eq!(request.source, "local:///test1.png");
    }
    let error = server.parse(&format!(
        "/{signature}/rs:fill:4:5/plain/local:///test1.png"
    ));
    assert!(matches!(error, Err(UrlError::Signature { .. })));
}

#[test]
fn urls_expire() {
    let request = grammar().parse_unsigned("/exp:100/plain/a").unwrap();
    assert_eq!(request.check_expiry(100), Ok(()));
    assert_eq!(request.check_expiry(101), Err(UrlError::Expired));
}

prop_compose! {
    fn any_gravity(smart: bool)(kind in 0..11usize, x in -1e9..1e9f64, y in 0.0..1.0f64)
        -> Gravity
    {
        match kind {
            9 => Gravity::FocusPoint { x: y, y: 1.0 - y },
            10 if smart => Gravity::Smart,
            n => compass(super::super::args::POSITIONS[n % 9].1, x, y),
        }
    }
}

prop_compose! {
    fn any_sizes()(
        kind in 0..5usize, sides in prop::array::uniform4(0..1u32 << 24),
        factors in prop::array::uniform3(1e-6..1e6f64), truths in prop::array::uniform3(any::<bool>()),
        first in any_gravity(false), second in any_gravity(false),
    ) -> Options {
        let [width, height, min_width, min_height] = sides;
        Options {
            resizing_type: super::super::args::RESIZING_TYPES[kind].1,
            width, height, min_width, min_height,
            zoom_x: factors[0], zoom_y: factors[1], dpr: factors[2], enlarge: truths[0],
            extend: Extend { enabled: truths[1], gravity: first },
            extend_aspect_ratio: Extend { enabled: truths[2], gravity: second },
            ..Options::default()
        }
    }
}

prop_compose! {
    fn any_options()(
        sizes in any_sizes(),
        gravity in any_gravity(true),
        crop in (0.0..1e6f64, 0.0..1e6f64, prop::option::of(any_gravity(true))),
        trim in prop::option::of((0.0..300f64, prop::option::of(any::<[u8; 3]>()), any::<[bool; 2]>())),
        pad in prop::array::uniform4(0..1u32 << 24),
        turns in 0..4u8, truths in any::<[bool; 12]>(),
        background in prop::option::of(any::<[u8; 3]>()),
        filters in (0.0..1e9f64, 0.0..1e9f64, 0..1u32 << 24),
        mark in (0.0..=1f64, 0..10usize, -1e9..1e9f64, -1e9..1e9f64, 0.0..1e3f64),
        quality in 0..=100u8, bytes in any::<u64>(),
        text in "[a-zA-Z0-9 äß._-]{0,12}",
        expires in prop::option::of(0..i64::MAX),
        second in prop::option::of(prop::option::of(0.0..1e9f64)),
        limits in (prop::option::of(1e-3..1e6f64), prop::option::of(any::<u64>()), prop::option::of(1..u32::MAX)),
    ) -> Options {
        let positions = super::super::args::POSITIONS;
        let position = positions.get(mark.1).map_or(WatermarkPosition::Replicate, |p| WatermarkPosition::At(p.1));
        Options {
            gravity,
            crop: Crop { width: crop.0, height: crop.1, gravity: crop.2 },
            trim: trim.map(|(threshold, color, equal)| Trim {
                threshold, color: color.map(Rgb), equal_horizontal: equal[0], equal_vertical: equal[1],
            }),
            padding: Padding { top: pad[0], right: pad[1], bottom: pad[2], left: pad[3] },
            auto_rotate: truths[0], quarter_turns: turns,
            flip_horizontal: truths[1], flip_vertical: truths[2],
            background: background.map(Rgb),
            blur: filters.0, sharpen: filters.1, pixelate: filters.2,
            watermark: Watermark { opacity: mark.0, position, x: mark.2, y: mark.3, scale: mark.4 },
            quality, max_bytes: bytes,
            format_quality: BTreeMap::from([(Format::Webp, quality), (Format::Avif, 100 - quality)]),
            format: truths[3].then_some(Format::Gif),
            strip_metadata: truths[4], keep_copyright: truths[5], strip_color_profile: truths[6],
            preserve_hdr: truths[7], enforce_thumbnail: truths[8],
            skip_processing: if truths[9] { [Format::Svg, Format::Heic].into() } else { [].into() },
            raw: truths[10], cachebuster: text.clone(), expires, filename: text,
            return_attachment: truths[11],
            limits: AskedLimits {
                megapixels: limits.0, bytes: limits.1, frames: limits.2,
                frame_megapixels: limits.0, result_side: limits.2.map(|side| side % (1 << 24)),
            },
            video_second: second.map(|at| at.map_or(VideoSecond::Best, VideoSecond::At)),
            ..sizes
        }
    }
}

/// Texts made of what paths are made of, so that they get past the first checks.
fn path_like() -> impl Strategy<Value = String> {
    let names: Vec<&str> = TABLE
        .iter()
        .flat_map(|entry| entry.names)
        .copied()
        .collect();
    let piece = prop_oneof![
        prop::sample::select(names).prop_map(str::to_owned),
        prop::sample::select(vec![
            "/",
            ":",
            "%",
            "%3A",
            "@",
            ".",
            "plain",
            "preset",
            "sm",
            "fp",
            "1",
            "-1",
            "1e308",
            "99999999999999999999",
            "=",
            "é",
            "\0",
            "true",
            "png",
            "YQ",
        ])
        .prop_map(str::to_owned),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_printed_reads_the_same(wanted in any_options()) {
        let printed = wanted.to_string();
        let read = options(&printed);
        prop_assert_eq!(read, Ok(wanted), "{}", printed);
    }

    #[test]
    fn no_text_panics_and_errors_are_short_lines(path in path_like(), only_presets: bool) {
        let server = Grammar { only_presets, ..grammar() };
        for error in [server.parse(&path).err(), server.parse_unsigned(&path).err()].into_iter().flatten() {
            let line = error.to_string();
            prop_assert!(line.chars().count() < 1200 && !line.contains('\n'), "{}", line);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let path = String::from_utf8_lossy(&bytes);
        let _ = grammar().parse(&path);
        let _ = grammar().parse(&format!("/_/{path}"));
    }
}
