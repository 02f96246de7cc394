// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes as a table, without pixels. Options are written as in URLs.

use proptest::prelude::*;

use super::*;
use crate::url::Grammar;

fn options(segments: &str) -> Options {
    let path = format!("/{segments}/plain/a").replace("//", "/");
    Grammar::default().parse_unsigned(&path).unwrap().options
}

/// Source, options, and the resized, cut and final sizes.
type Row = ((u32, u32), &'static str, (u32, u32), (u32, u32), (u32, u32));

const PHOTO: (u32, u32) = (4000, 3000);

const TABLE: &[Row] = &[
    (PHOTO, "", (4000, 3000), (4000, 3000), (4000, 3000)),
    (PHOTO, "rs:fit:300:300", (300, 225), (300, 225), (300, 225)),
    (PHOTO, "rs:fill:300:300", (400, 300), (300, 300), (300, 300)),
    (
        PHOTO,
        "rs:force:300:500",
        (300, 500),
        (300, 500),
        (300, 500),
    ),
    (
        PHOTO,
        "rs:force:300:0",
        (300, 3000),
        (300, 3000),
        (300, 3000),
    ),
    (PHOTO, "rs:auto:300:200", (300, 225), (300, 200), (300, 200)),
    (PHOTO, "rs:auto:200:300", (200, 150), (200, 150), (200, 150)),
    (PHOTO, "w:300", (300, 225), (300, 225), (300, 225)),
    (PHOTO, "h:300", (400, 300), (400, 300), (400, 300)),
    (PHOTO, "rt:fill/h:300", (400, 300), (400, 300), (400, 300)),
    ((1001, 333), "s:100:100", (100, 33), (100, 33), (100, 33)),
    ((10000, 1), "s:100:100", (100, 1), (100, 1), (100, 1)),
    // Nothing is enlarged unless asked for.
    ((200, 100), "s:300:300", (200, 100), (200, 100), (200, 100)),
    (
        (200, 100),
        "s:300:300:1",
        (300, 150),
        (300, 150),
        (300, 150),
    ),
    (
        (200, 100),
        "rs:fill:300:300",
        (200, 100),
        (200, 100),
        (200, 100),
    ),
    (
        (200, 100),
        "rs:fill:100:300",
        (200, 100),
        (100, 100),
        (100, 100),
    ),
    (
        (200, 100),
        "rs:fill:300:300:1",
        (600, 300),
        (300, 300),
        (300, 300),
    ),
    (
        (200, 100),
        "rs:fill-down:300:300",
        (200, 100),
        (100, 100),
        (100, 100),
    ),
    (
        (200, 100),
        "rs:fill-down:300:100",
        (200, 100),
        (200, 67),
        (200, 67),
    ),
    (
        (200, 100),
        "rs:fill-down:100:50",
        (100, 50),
        (100, 50),
        (100, 50),
    ),
    (
        (200, 100),
        "rs:force:400:50",
        (200, 25),
        (200, 25),
        (200, 25),
    ),
    // Density and zoom.
    (PHOTO, "s:300:300/dpr:2", (600, 450), (600, 450), (600, 450)),
    (
        (500, 500),
        "s:300:300/dpr:2",
        (500, 500),
        (500, 500),
        (500, 500),
    ),
    (
        (300, 300),
        "s:500:500/dpr:0.5",
        (250, 250),
        (250, 250),
        (250, 250),
    ),
    (
        (300, 300),
        "s:500:500:0:1/dpr:0.5",
        (150, 150),
        (150, 150),
        (250, 250),
    ),
    (
        (400, 400),
        "s:100:100/z:2",
        (200, 200),
        (200, 200),
        (200, 200),
    ),
    (
        (400, 400),
        "s:100:100/z:2:1",
        (200, 100),
        (200, 100),
        (200, 100),
    ),
    (PHOTO, "z:0.5", (2000, 1500), (2000, 1500), (2000, 1500)),
    // Least sizes grow the picture, and what is more than asked for is cut.
    (
        (400, 100),
        "s:100:100/mw:200",
        (200, 50),
        (100, 50),
        (100, 50),
    ),
    (
        (400, 100),
        "s:100:100/mh:50",
        (200, 50),
        (100, 50),
        (100, 50),
    ),
    ((400, 100), "mw:800", (800, 200), (800, 200), (800, 200)),
    // Cuts come first.
    (
        PHOTO,
        "c:1000:1000/s:100:100",
        (100, 100),
        (100, 100),
        (100, 100),
    ),
    (
        PHOTO,
        "c:0.5:0.5/s:200:200",
        (200, 150),
        (200, 150),
        (200, 150),
    ),
    (
        PHOTO,
        "c:9000:1500/w:400",
        (400, 150),
        (400, 150),
        (400, 150),
    ),
    (PHOTO, "c:1.5:1", (1, 1), (1, 1), (1, 1)),
    // Room around.
    (
        (200, 100),
        "s:300:300:0:1",
        (200, 100),
        (200, 100),
        (300, 300),
    ),
    ((200, 100), "w:300/ex:1", (200, 100), (200, 100), (300, 100)),
    (
        (200, 100),
        "s:300:300/exar:1",
        (200, 100),
        (200, 100),
        (200, 200),
    ),
    (
        (100, 200),
        "s:300:150/exar:1",
        (75, 150),
        (75, 150),
        (300, 150),
    ),
    ((200, 100), "exar:1", (200, 100), (200, 100), (200, 100)),
    (
        PHOTO,
        "s:300:300/pd:10:20:30:40",
        (300, 225),
        (300, 225),
        (360, 265),
    ),
    (
        PHOTO,
        "s:300:300/pd:10:20:30:40/dpr:2",
        (600, 450),
        (600, 450),
        (720, 530),
    ),
];

#[test]
fn sizes_are_as_imgproxy_has_them() {
    for (source, text, resized, cut, result) in TABLE {
        let source = Size::new(source.0, source.1);
        let sizes = Sizes::new(source, &options(text), false, 0);
        let got = [sizes.resized, sizes.cut, sizes.result].map(|size| (size.width, size.height));
        assert_eq!(got, [*resized, *cut, *result], "{source:?} {text}");
    }
}

#[test]
fn vectors_are_enlarged() {
    let sizes = Sizes::new(Size::new(100, 50), &options("w:1000"), true, 0);
    assert_eq!(sizes.result, Size::new(1000, 500));
}

#[test]
fn results_have_a_longest_side() {
    let limited = |text: &str, longest| {
        let source = Size::new(PHOTO.0, PHOTO.1);
        let sizes = Sizes::new(source, &options(text), false, longest);
        (sizes.result.width, sizes.result.height)
    };
    assert_eq!(limited("", 1000), (1000, 750));
    assert_eq!(limited("s:500:500", 1000), (500, 375));
    assert_eq!(limited("rs:fill:2000:2000:1/dpr:2", 1000), (1000, 1000));
    let (width, height) = limited("pd:100", 1000);
    assert!(
        (990..=1000).contains(&width) && (740..=770).contains(&height),
        "{width} {height}"
    );
    assert!((90..=100).contains(&limited("s:1:1/pd:16777216", 100).0));
    assert_eq!(limited("s:1:1:1:1/dpr:1e300", 100), (100, 100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_sizes_are_sound(
        source in (1..70_000u32, 1..70_000u32),
        kind in 0..5usize, asked in prop::array::uniform4(prop_oneof![0..5u32, 0..5000u32, 0..1u32 << 24]),
        crop in prop::array::uniform2(prop_oneof![Just(0.0), 0.0..1.0f64, 1.0..1e5f64]),
        factors in prop::array::uniform3(prop_oneof![Just(1.0), 0.01..100.0f64, 1e-300..1e300f64]),
        truths in prop::array::uniform4(any::<bool>()), longest in prop_oneof![1..100u32, 1..20_000u32],
        pad in prop_oneof![Just(0u32), 0..1u32 << 24],
    ) {
        let kinds = [ResizingType::Fit, ResizingType::Fill, ResizingType::FillDown,
            ResizingType::Force, ResizingType::Auto];
        let mut o = Options { resizing_type: kinds[kind], ..Options::default() };
        [o.width, o.height, o.min_width, o.min_height] = asked;
        [o.zoom_x, o.zoom_y, o.dpr] = factors;
        [o.crop.width, o.crop.height] = crop;
        [o.enlarge, o.extend.enabled, o.extend_aspect_ratio.enabled, _] = truths;
        o.padding.left = pad;
        let source = Size::new(source.0, source.1);
        let s = Sizes::new(source, &o, truths[3], longest);
        for size in [s.crop, s.resized, s.cut, s.extended, s.shaped, s.result] {
            prop_assert!(size.width > 0 && size.height > 0, "{:?}", s);
        }
        let inside = |a: Size, b: Size| a.width <= b.width && a.height <= b.height;
        prop_assert!(inside(s.crop, source) && inside(s.cut, s.resized), "{:?}", s);
        prop_assert!(inside(s.cut, s.extended) && inside(s.extended, s.shaped), "{:?}", s);
        prop_assert!(inside(s.shaped, s.result), "{:?}", s);
        prop_assert!(s.result.width.max(s.result.height) <= longest, "{:?}", s);
    }
}
