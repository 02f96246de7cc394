// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bombs, and broken files of every format: typed errors, no panic, no allocation beyond limits.

use std::io::Write;
use std::time::{Duration, Instant};

use super::common::*;

/// What takes so long hangs; how fast things are is no matter of tests.
const SOON: Duration = Duration::from_secs(60);
use framemill_thumbs::{read_source, thumbnail, Class, Format, Limits, Settings, ThumbError};

/// A PNG's chunk.
fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    let crc = crc32(&named).to_be_bytes();
    [&(body.len() as u32).to_be_bytes()[..], &named, &crc].concat()
}

/// PNG annex D.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let body = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 2, 0, 0, 0],
    ]
    .concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &body)].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn too_large(source: &[u8]) -> ThumbError {
    let before = peak();
    let error = make(source, "w:10/f:png").unwrap_err();
    assert_eq!(error.class(), Class::TooLarge, "{error}");
    assert!(peak() < before + (64 << 10), "it was allocated");
    error
}

#[test]
fn huge_pictures_are_refused_by_their_headers() {
    let png = [
        png_header(60_000, 60_000),
        chunk(b"IDAT", &deflated(&[0; 1000])),
    ]
    .concat();
    let error = too_large(&png);
    assert_eq!(
        error.to_string(),
        "pixels of the source: 3600000000, and at most 50000000 are allowed here"
    );
    let mut gif = gif(4, 4, &[([1; 3], 0)], gif::Repeat::Infinite);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    too_large(&gif);
    let mut jpeg = jpeg(8, 8, &quarters(8, 8));
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xf0; 4]);
    too_large(&jpeg);
    let mut bmp = by_image_crate(Format::Bmp, 8, 8, &quarters(8, 8));
    bmp[18..22].copy_from_slice(&50_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&50_000u32.to_le_bytes());
    too_large(&bmp);
    // VP8X of 16384 × 16384, and no more.
    let mut webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    webp.extend_from_slice(&[0xff, 0x3f, 0, 0xff, 0x3f, 0]);
    let error = make(&webp, "w:10/f:png").unwrap_err();
    assert!(
        matches!(error.class(), Class::TooLarge | Class::BrokenSource),
        "{error}"
    );
}

#[test]
fn frames_larger_than_their_canvas_are_bounded() {
    let mut gif = gif(4, 4, &[([1; 3], 0)], gif::Repeat::Infinite);
    let frame = gif
        .windows(9)
        .position(|w| w == [0x2c, 0, 0, 0, 0, 4, 0, 4, 0])
        .unwrap();
    gif[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let error = make(&gif, "f:png").unwrap_err();
    assert!(
        matches!(error.class(), Class::TooLarge | Class::BrokenSource),
        "{error}"
    );
}

#[test]
fn profiles_and_texts_that_swell_are_bounded() {
    let profile = deflated(&vec![0; 200 << 20]);
    assert!(profile.len() < 300_000);
    let body = [b"x\0\0", &profile[..]].concat();
    let idat = chunk(b"IDAT", &deflated(&[0; 4 * 13]));
    let end = chunk(b"IEND", b"");
    let source = [
        png_header(4, 4),
        chunk(b"iCCP", &body),
        idat.clone(),
        end.clone(),
    ]
    .concat();
    // The library leaves such a profile out; what matters is that it is never unpacked.
    let started = Instant::now();
    let before = peak();
    let made = make(&source, "f:png");
    assert!(peak() < before + (64 << 10), "{} kB", peak() - before);
    assert!(made.is_ok() || made.unwrap_err().class() != Class::Bug);
    assert!(started.elapsed() < SOON);
    let source = [png_header(4, 4), chunk(b"zTXt", &body), idat, end].concat();
    make(&source, "f:png").unwrap();
    assert!(peak() < before + (64 << 10));
}

#[test]
fn svg_cannot_read_files_and_does_not_swell() {
    let secret = std::env::temp_dir().join(format!("framemill-thumbs-{}.png", std::process::id()));
    std::fs::write(&secret, rgb_png(8, 8, &[255, 0, 0].repeat(64))).unwrap();
    let shown = |href: &str| {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
             width='8' height='8'><image width='8' height='8' xlink:href='{href}'/></svg>"
        );
        let made = make(svg.as_bytes(), "f:png").unwrap();
        decoded(&made.bytes)
            .samples()
            .iter()
            .any(|sample| *sample > 0)
    };
    let name = secret.display().to_string();
    assert!(!shown(&name) && !shown(&format!("file://{name}")));
    std::fs::remove_file(&secret).unwrap();
    let svg = |body: &str, size: &str| {
        format!("<svg xmlns='http://www.w3.org/2000/svg' {size}>{body}</svg>").into_bytes()
    };
    let huge = svg("", "width='1000000' height='1000000'");
    assert_eq!(make(&huge, "f:png").unwrap_err().class(), Class::TooLarge);
    assert!(make(&huge, "f:png/w:10").is_ok());
    // Ten levels of ten entities, or of ten uses.
    let mut entities = String::from("<!DOCTYPE svg [<!ENTITY a0 '<rect/>'>");
    for level in 1..10 {
        let inner = format!("&a{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY a{level} '{inner}'>");
    }
    let source = format!(
        "{entities}]><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>&a9;</svg>"
    );
    let started = Instant::now();
    assert_eq!(
        make(source.as_bytes(), "f:png").unwrap_err().class(),
        Class::BrokenSource
    );
    assert!(started.elapsed() < SOON);
    let mut uses = String::from("<defs><rect id='u0' width='1' height='1'/>");
    for level in 1..10 {
        let inner = format!("<use href='#u{}'/>", level - 1).repeat(10);
        uses += &format!("<g id='u{level}'>{inner}</g>");
    }
    let source = svg(&(uses + "</defs><use href='#u9'/>"), "width='9' height='9'");
    let error = make(&source, "f:png").unwrap_err();
    assert_eq!(error.class(), Class::BrokenSource, "{error}");
    assert!(started.elapsed() < SOON);
    let deep = svg(
        &("<g>".repeat(100_000) + &"</g>".repeat(100_000)),
        "width='9' height='9'",
    );
    let error = make(&deep, "f:png").unwrap_err();
    assert_eq!(error.class(), Class::BrokenSource, "{error}");
}

#[test]
fn svg_that_takes_long_is_refused() {
    let svg = |body: &str| {
        let open = "<svg xmlns='http://www.w3.org/2000/svg' width='2000' height='2000'>";
        format!("{open}{body}</svg>").into_bytes()
    };
    let filter = |primitives: &str, times: usize| {
        let used = "<rect width='2000' height='2000' filter='url(#f)'/>".repeat(times);
        svg(&format!("<filter id='f'>{primitives}</filter>{used}"))
    };
    let mut patterns = String::from(
        "<pattern id='p0' width='9' height='9'><rect width='9' height='9'/></pattern>",
    );
    for level in 1..9 {
        let inner = format!("<rect width='9' height='9' fill='url(#p{})'/>", level - 1).repeat(10);
        patterns += &format!("<pattern id='p{level}' width='9' height='9'>{inner}</pattern>");
    }
    patterns += "<rect width='2000' height='2000' fill='url(#p8)'/>";
    let layers =
        "<g opacity='0.9'>".repeat(900) + "<rect width='9' height='9'/>" + &"</g>".repeat(900);
    let cases = [
        (
            filter(
                "<feTurbulence baseFrequency='0.5' numOctaves='1000000000'/>",
                1,
            ),
            false,
        ),
        (
            filter("<feMorphology radius='1000' operator='dilate'/>", 1),
            false,
        ),
        (
            filter(&"<feGaussianBlur stdDeviation='50'/>".repeat(100), 50),
            false,
        ),
        (filter("<feGaussianBlur stdDeviation='100000'/>", 3), true),
        (
            filter("<feTurbulence baseFrequency='0.5' numOctaves='3'/>", 3),
            true,
        ),
        (svg(&layers), true),
        (svg(&layers.repeat(20)), false),
        (svg(&patterns), false),
    ];
    for (number, (source, fits)) in cases.iter().enumerate() {
        let started = Instant::now();
        let made = make(source, "f:png/w:300");
        assert!(started.elapsed() < SOON, "case {number}");
        match made {
            Ok(_) => assert!(*fits, "case {number}"),
            Err(error) => assert_eq!(
                (error.class(), *fits),
                (Class::TooLarge, false),
                "case {number}: {error}"
            ),
        }
    }
}

#[test]
fn sources_are_read_up_to_their_limit() {
    let limits = Limits {
        bytes: 1000,
        ..Limits::default()
    };
    assert_eq!(read_source(&[7; 1000][..], &limits).unwrap().len(), 1000);
    let error = read_source(std::io::repeat(7), &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bytes of the source: 1001, and at most 1000 are allowed here"
    );
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let error = thumbnail(&[7; 1001], &options(""), &settings, &|| false).unwrap_err();
    assert_eq!(error.class(), Class::TooLarge);
}

#[test]
fn results_are_bounded() {
    let source = rgb_png(4, 4, &[9; 48]);
    let error = make(&source, "s:20000:20000:1/rt:force").unwrap_err();
    assert_eq!(
        error.to_string(),
        "pixels of the result: 400000000, and at most 50000000 are allowed here"
    );
    let error = make(&source, "w:4/pd:9000000").unwrap_err();
    assert_eq!(error.class(), Class::TooLarge);
}

#[test]
fn watermarks_are_bounded() {
    let source = rgb_png(1000, 1000, &photo(1000, 1000));
    let settings = Settings {
        watermark: Some(decoded(&rgb_png(40, 40, &[0; 4800]))),
        ..Settings::default()
    };
    let started = Instant::now();
    for (segments, fits) in [
        ("wm:1:ce:0:0:100", false),
        ("wm:1:ce:0:0:1e300", false),
        ("wm:1:re:-39:-39:1", true),
        ("wm:1:re:-1e300:1e300:0", true),
        ("wm:1:ce:-1e300:1e300", true),
        ("bl:1e300/sh:1e300/pix:16777216", true),
    ] {
        let made = thumbnail(&source, &options(segments), &settings, &|| false);
        assert_eq!(made.is_ok(), fits, "{segments}");
    }
    assert!(started.elapsed() < SOON);
}

/// A damaged file must give a picture or a typed error, soon.
fn survives(format: Format, source: &[u8], what: &str) {
    let started = Instant::now();
    let settings = Settings {
        limits: Limits {
            frames: 50,
            pixels: 1_000_000,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let made = thumbnail(source, &options("w:20/f:png"), &settings, &|| false);
    if let Err(error) = made {
        let class = error.class();
        assert!(
            matches!(
                class,
                Class::BrokenSource | Class::TooLarge | Class::Unsupported
            ),
            "{format}, {what}: {error}"
        );
        let line = error.to_string();
        assert!(!line.contains('\n') && line.len() < 400, "{line}");
    }
    assert!(started.elapsed() < SOON, "{format}, {what}");
}

#[test]
fn files_cut_anywhere_are_survived() {
    let deep = photo(40, 60);
    let deep = png(20, 60, png::ColorType::Rgb, png::BitDepth::Sixteen, &deep);
    let half = make(&deep[..deep.len() / 2], "f:jpg").unwrap_err();
    assert_eq!(half.class(), Class::BrokenSource, "{half}");
    for (format, source) in one_of_each().into_iter().chain([(Format::Png, deep)]) {
        let step = (source.len() / 200).max(1);
        for end in (0..source.len()).step_by(step) {
            survives(format, &source[..end], &format!("cut at {end}"));
        }
    }
}

#[test]
fn files_with_flipped_bits_are_survived() {
    let mut seed = 7u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for (format, source) in one_of_each() {
        for round in 0..400 {
            let mut broken = source.clone();
            for _ in 0..=random(4) {
                // Headers are where sizes are.
                let reach = if round % 2 == 0 {
                    broken.len().min(64)
                } else {
                    broken.len()
                };
                let at = random(reach);
                broken[at] ^= 1 << random(8);
            }
            survives(format, &broken, &format!("round {round}"));
        }
    }
}

#[test]
fn most_truncated_files_are_refused() {
    for (format, source) in one_of_each() {
        let half = &source[..source.len() / 2];
        let error = make(half, "w:20/f:png").unwrap_err();
        assert!(
            matches!(error.class(), Class::BrokenSource | Class::Unsupported),
            "{format}: {error}"
        );
    }
}
