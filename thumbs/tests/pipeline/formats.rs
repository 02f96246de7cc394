// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every format in and out, and what pictures of them can have.

use std::io::Cursor;

use super::common::*;
use framemill_thumbs::decode::{Decode, Decoders, Facts, Frame, Source};
use framemill_thumbs::plan::Size;
use framemill_thumbs::{thumbnail, Class, Format, Layout, Limits, Picture, Settings, ThumbError};

#[test]
fn every_format_in_becomes_every_format_out() {
    for (from, source) in one_of_each() {
        assert_eq!(Format::sniff(&source), Some(from));
        for to in [
            Format::Jpeg,
            Format::Png,
            Format::Webp,
            Format::Avif,
            Format::Gif,
        ] {
            let made = make(&source, &format!("w:40/q:90/f:{to}")).unwrap();
            assert_eq!(Format::sniff(&made.bytes), Some(to), "{from} to {to}");
            assert_eq!((made.size, made.frames), (Some(Size::new(40, 30)), 1));
            assert_eq!(made.content_type(), to.content_type());
            assert!(made.warnings.is_empty(), "{:?}", made.warnings);
            if to == Format::Avif {
                continue; // No decoder of AV1 in this crate.
            }
            let picture = decoded(&made.bytes);
            assert_eq!(picture.size(), Size::new(40, 30));
            for (found, wanted) in seen_quarters(&picture).iter().zip(QUARTERS) {
                assert!(
                    near(found, &wanted, 12),
                    "{from} to {to}: {found:?} for {wanted:?}"
                );
            }
        }
    }
}

#[test]
fn without_a_wish_the_format_stays_where_it_can() {
    for (from, source) in one_of_each() {
        let wanted = match from {
            Format::Tiff | Format::Bmp => Format::Jpeg,
            Format::Ico | Format::Svg => Format::Png,
            same => same,
        };
        assert_eq!(make(&source, "w:10").unwrap().format, wanted, "{from}");
    }
}

#[test]
fn formats_that_cannot_be_written_or_read_are_unsupported() {
    let source = jpeg(8, 8, &quarters(8, 8));
    for format in ["tiff", "bmp", "ico", "svg", "heic", "jxl"] {
        let error = make(&source, &format!("f:{format}")).unwrap_err();
        assert_eq!(error.class(), Class::Unsupported, "{error}");
    }
    let avif = make(&source, "f:avif").unwrap().bytes;
    let error = make(&avif, "w:4").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read avif: there is no decoder for it here"
    );
    let error = make(b"hello", "").unwrap_err();
    assert_eq!(error.class(), Class::Unsupported);
}

#[test]
fn raw_and_skipped_sources_pass_through_untouched() {
    let source = rgb_png(8, 8, &quarters(8, 8));
    for segments in ["raw:1/w:2", "skp:png/w:2", "skp:png/w:2/f:png"] {
        let made = make(&source, segments).unwrap();
        assert_eq!(
            (made.bytes, made.size),
            (source.clone(), None),
            "{segments}"
        );
    }
    let made = make(&source, "skp:png/w:2/f:jpg").unwrap();
    assert_eq!(
        (made.format, made.size),
        (Format::Jpeg, Some(Size::new(2, 2)))
    );
}

fn exif(orientation: u16) -> Vec<u8> {
    use exif::{Field, In, Tag, Value};
    let fields = [
        Field {
            tag: Tag::Orientation,
            ifd_num: In::PRIMARY,
            value: Value::Short(vec![orientation]),
        },
        Field {
            tag: Tag::Copyright,
            ifd_num: In::PRIMARY,
            value: Value::Ascii(vec![b"Ada".to_vec()]),
        },
        Field {
            tag: Tag::Make,
            ifd_num: In::PRIMARY,
            value: Value::Ascii(vec![b"Camera".to_vec()]),
        },
    ];
    let mut writer = exif::experimental::Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut out = Cursor::new(Vec::new());
    writer.write(&mut out, false).unwrap();
    out.into_inner()
}

fn jpeg_with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, body, &jpeg[2..]].concat()
}

/// Which of the stored quarters are seen where, for the orientations 1 to 8.
const TURNED: [[usize; 4]; 8] = [
    [0, 1, 2, 3],
    [1, 0, 3, 2],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
    [0, 2, 1, 3],
    [2, 0, 3, 1],
    [3, 1, 2, 0],
    [1, 3, 0, 2],
];

#[test]
fn pictures_are_turned_as_exif_says() {
    let rgb = quarters(80, 60);
    for (orientation, wanted) in (1..).zip(TURNED) {
        let body = exif(orientation);
        let prefixed = [b"Exif\0\0", &body[..]].concat();
        let jpeg = jpeg_with_segment(&jpeg(80, 60, &rgb), 0xe1, &prefixed);
        let png = png_with(
            80,
            60,
            png::ColorType::Rgb,
            png::BitDepth::Eight,
            &rgb,
            |info| {
                info.exif_metadata = Some(body.clone().into());
            },
        );
        let webp = make(&jpeg, "ar:0/sm:0/f:webp/q:95").unwrap().bytes;
        for source in [jpeg, png] {
            let made = make(&source, "w:30/f:png").unwrap();
            let picture = decoded(&made.bytes);
            let upright = if orientation < 5 { (30, 23) } else { (30, 40) };
            assert_eq!((picture.size().width, picture.size().height), upright);
            for (found, quarter) in seen_quarters(&picture).iter().zip(wanted) {
                assert!(
                    near(found, &QUARTERS[quarter], 10),
                    "{orientation}: {found:?}"
                );
            }
            // The left half of what is seen, not of what is stored.
            let made = make(&source, "c:0.5:0:we/f:png").unwrap();
            let left = decoded(&made.bytes);
            assert!(
                near(&at(&left, 0.5, 0.25), &QUARTERS[wanted[0]], 10),
                "{orientation}"
            );
            let made = make(&source, "ar:0/f:png").unwrap();
            assert!(near(
                &seen_quarters(&decoded(&made.bytes))[0],
                &QUARTERS[0],
                10
            ));
        }
        // Kept metadata say 1 once the picture lies right.
        let again = make(&webp, "f:png").unwrap();
        assert!(near(
            &seen_quarters(&decoded(&again.bytes))[0],
            &QUARTERS[0],
            12
        ));
    }
}

#[test]
fn turns_and_flips_come_behind_exif() {
    let source = rgb_png(80, 60, &quarters(80, 60));
    for (segments, wanted) in [
        ("rot:90", [2, 0, 3, 1]),
        ("rot:180", [3, 2, 1, 0]),
        ("rot:270", [1, 3, 0, 2]),
        ("fl:1", [1, 0, 3, 2]),
        ("fl:0:1", [2, 3, 0, 1]),
        ("rot:90/fl:1", [0, 2, 1, 3]),
    ] {
        let picture = decoded(&make(&source, segments).unwrap().bytes);
        for (found, quarter) in seen_quarters(&picture).iter().zip(wanted) {
            assert!(near(found, &QUARTERS[quarter], 1), "{segments}: {found:?}");
        }
    }
}

fn facts(bytes: &[u8]) -> Facts {
    let limits = Limits::default();
    let decoders = Decoders::default();
    let source = decoders.open(bytes, &limits).unwrap();
    source.facts().clone()
}

#[test]
fn metadata_is_stripped_but_for_copyright() {
    let prefixed = [b"Exif\0\0", &exif(6)[..]].concat();
    let source = jpeg_with_segment(&jpeg(80, 60, &quarters(80, 60)), 0xe1, &prefixed);
    let text = |bytes: &[u8]| {
        let body = facts(bytes).exif.unwrap_or_default();
        String::from_utf8_lossy(&body).into_owned()
    };
    for format in ["jpg", "png", "webp"] {
        let made = |segments: &str| {
            make(&source, &format!("f:{format}/{segments}"))
                .unwrap()
                .bytes
        };
        let copyright = text(&made(""));
        assert!(
            copyright.contains("Ada") && !copyright.contains("Camera"),
            "{format}"
        );
        let all = made("sm:0");
        assert!(
            text(&all).contains("Ada") && text(&all).contains("Camera"),
            "{format}"
        );
        assert_eq!(facts(&all).orientation, 1, "{format}");
        assert_eq!(text(&made("kcr:0")), "", "{format}");
    }
}

#[test]
fn colour_profiles_are_applied_or_kept() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let rgb = [200, 100, 50].repeat(64);
    let png = png_with(
        8,
        8,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &rgb,
        |info| {
            info.icc_profile = Some(profile.clone().into());
        },
    );
    let part = [b"ICC_PROFILE\0\x01\x01", &profile[..]].concat();
    let jpeg = jpeg_with_segment(&jpeg(8, 8, &rgb), 0xe2, &part);
    for source in [png, jpeg] {
        let made = make(&source, "f:png").unwrap();
        let pixel = at(&decoded(&made.bytes), 0.5, 0.5);
        assert!(near(&pixel, &[213, 96, 34], 7), "{pixel:?}");
        assert_eq!(facts(&made.bytes).profile, None);
        for format in ["png", "jpg", "webp"] {
            let made = make(&source, &format!("scp:0/q:100/f:{format}")).unwrap();
            assert_eq!(
                facts(&made.bytes).profile.as_ref(),
                Some(&profile),
                "{format}"
            );
            let pixel = at(&decoded(&made.bytes), 0.5, 0.5);
            assert!(near(&pixel, &[200, 100, 50], 6), "{format} {pixel:?}");
        }
    }
    // One that cannot be used is left out, and said.
    let broken = png_with(
        8,
        8,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &rgb,
        |info| {
            info.icc_profile = Some(b"rubbish".to_vec().into());
        },
    );
    let made = make(&broken, "").unwrap();
    assert!(made.warnings[0].starts_with("the colour profile is left out"));
}

#[test]
fn ink_becomes_light() {
    // Adobe's files hold ink inverted; others as it is.
    let inks: [[u8; 4]; 2] = [[0, 255, 255, 0], [0, 0, 0, 128]];
    for adobe in [true, false] {
        for (ink, wanted) in inks.iter().zip([[255, 0, 0], [127, 127, 127]]) {
            let stored: Vec<u8> = ink
                .iter()
                .map(|i| if adobe { 255 - i } else { *i })
                .collect();
            let pixels = stored.repeat(64);
            let mut compressor = turbojpeg::Compressor::new().unwrap();
            compressor
                .set_colorspace(turbojpeg::Colorspace::CMYK)
                .unwrap();
            compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
            let image = turbojpeg::Image {
                pixels: &pixels[..],
                width: 8,
                pitch: 32,
                height: 8,
                format: turbojpeg::PixelFormat::CMYK,
            };
            let mut bytes = compressor.compress_to_vec(image).unwrap();
            // The encoder writes Adobe's marker itself.
            let marker = bytes.windows(2).position(|pair| pair == [0xff, 0xee]);
            if let (false, Some(marker)) = (adobe, marker) {
                let length = usize::from(bytes[marker + 3]) + 2;
                bytes.drain(marker..marker + length);
            }
            let pixel = at(&decoded(&make(&bytes, "f:png").unwrap().bytes), 0.5, 0.5);
            assert!(
                near(&pixel, &wanted, 4),
                "adobe {adobe}: {pixel:?} for {wanted:?}"
            );
        }
    }
}

#[test]
fn all_kinds_of_png_are_read() {
    use png::{BitDepth, ColorType};
    let sixteen: Vec<u8> = [0x80u8, 0xff, 0x40, 0x00, 0xc8, 0x7f].repeat(16);
    let cases: [(ColorType, BitDepth, Vec<u8>, Vec<u8>); 6] = [
        (
            ColorType::Grayscale,
            BitDepth::One,
            vec![0xf0; 4],
            vec![255, 255, 255],
        ),
        (
            ColorType::Grayscale,
            BitDepth::Eight,
            vec![77; 16],
            vec![77, 77, 77],
        ),
        (
            ColorType::Grayscale,
            BitDepth::Sixteen,
            [0x12, 0xff].repeat(16),
            vec![0x13, 0x13, 0x13],
        ),
        (
            ColorType::GrayscaleAlpha,
            BitDepth::Eight,
            [77, 128].repeat(16),
            vec![77, 77, 77, 128],
        ),
        (
            ColorType::Rgb,
            BitDepth::Sixteen,
            sixteen,
            vec![0x80, 0x40, 0xc8],
        ),
        (
            ColorType::Rgba,
            BitDepth::Eight,
            [9, 8, 7, 200].repeat(16),
            vec![9, 8, 7, 200],
        ),
    ];
    for (color, depth, data, wanted) in cases {
        let made = make(&png(4, 4, color, depth, &data), "").unwrap();
        let found = decoded(&made.bytes).samples()[..wanted.len()].to_vec();
        assert_eq!(found, wanted, "{color:?} {depth:?}");
    }
}

#[test]
fn sixteen_bits_of_tiff_become_eight() {
    let mut bytes = Cursor::new(Vec::new());
    let samples: Vec<u8> = [0x80ffu16, 0x4000, 0xc87f]
        .repeat(16)
        .iter()
        .flat_map(|s| s.to_ne_bytes())
        .collect();
    image::ImageEncoder::write_image(
        image::codecs::tiff::TiffEncoder::new(&mut bytes),
        &samples,
        4,
        4,
        image::ExtendedColorType::Rgb16,
    )
    .unwrap();
    let made = make(&bytes.into_inner(), "f:png").unwrap();
    assert_eq!(decoded(&made.bytes).samples()[..3], [0x80, 0x40, 0xc8]);
}

#[test]
fn opacity_is_kept_or_laid_over_a_background() {
    let rgba: Vec<u8> = [[255, 0, 0, 255].repeat(8), [0, 0, 255, 0].repeat(8)]
        .concat()
        .repeat(16);
    let source = png(16, 16, png::ColorType::Rgba, png::BitDepth::Eight, &rgba);
    for format in ["png", "webp", "gif"] {
        let picture = decoded(&make(&source, &format!("f:{format}")).unwrap().bytes);
        assert_eq!(picture.layout(), Layout::Rgba, "{format}");
        assert!(
            at(&picture, 0.1, 0.5)[3] > 250 && at(&picture, 0.9, 0.5)[3] < 5,
            "{format}"
        );
    }
    for (segments, wanted) in [
        ("f:jpg", [255, 255, 255]),
        ("f:jpg/bg:102030", [16, 32, 48]),
        ("bg:102030", [16, 32, 48]),
    ] {
        let picture = decoded(&make(&source, segments).unwrap().bytes);
        assert_eq!(picture.layout(), Layout::Rgb);
        assert!(near(&at(&picture, 0.9, 0.5), &wanted, 3), "{segments}");
    }
    let small = decoded(&make(&source, "w:5").unwrap().bytes);
    for pixel in small
        .samples()
        .chunks_exact(4)
        .filter(|pixel| pixel[3] > 20)
    {
        assert!(pixel[0] > 235 && pixel[2] < 20, "{pixel:?}");
    }
    // Opacity that lets nothing through is dropped.
    let opaque = png(
        4,
        4,
        png::ColorType::Rgba,
        png::BitDepth::Eight,
        &[1, 2, 3, 255].repeat(16),
    );
    assert_eq!(
        decoded(&make(&opaque, "").unwrap().bytes).layout(),
        Layout::Rgb
    );
}

#[test]
fn room_trim_and_watermarks_are_where_they_belong() {
    let source = rgb_png(80, 60, &quarters(80, 60));
    let padded = decoded(&make(&source, "pd:10:0:0:20/bg:ff00ff").unwrap().bytes);
    assert_eq!(padded.size(), Size::new(100, 70));
    assert_eq!(at(&padded, 0.05, 0.5), [255, 0, 255]);
    assert_eq!(at(&padded, 0.21, 0.16), QUARTERS[0]);
    let extended = decoded(&make(&source, "s:100:100:0:1:no").unwrap().bytes);
    assert_eq!(
        (at(&extended, 0.5, 0.3)[3], at(&extended, 0.5, 0.9)[3]),
        (255, 0)
    );
    let trimmed = make(&rgb_png(100, 70, padded.samples()), "t:10").unwrap();
    assert_eq!(trimmed.size, Some(Size::new(80, 60)));
    assert_eq!(
        seen_quarters(&decoded(&trimmed.bytes)).map(|p| p[0]),
        QUARTERS.map(|p| p[0])
    );
    let settings = Settings {
        watermark: Some(decoded(&rgb_png(10, 10, &[0; 300]))),
        ..Settings::default()
    };
    let marked = thumbnail(&source, &options("wm:1:soea"), &settings, &|| false).unwrap();
    let marked = decoded(&marked.bytes);
    assert_eq!(
        (at(&marked, 0.95, 0.95), at(&marked, 0.8, 0.8)),
        (vec![0; 3], QUARTERS[3].to_vec())
    );
    let without = make(&source, "wm:1:soea").unwrap();
    assert_eq!(without.warnings, ["there is no watermark here"]);
}

/// A decoder of a format that this crate has none for.
struct Grey;

impl Decode for Grey {
    fn format(&self) -> Format {
        Format::Avif
    }

    fn open<'a>(&self, _: &'a [u8], _: &Limits) -> Result<Box<dyn Source + 'a>, ThumbError> {
        Ok(Box::new(GreySource(
            Facts::still(Format::Avif, Size::new(400, 300)),
            1,
        )))
    }
}

struct GreySource(Facts, u32);

impl Source for GreySource {
    fn facts(&self) -> &Facts {
        &self.0
    }

    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>, ThumbError> {
        assert_eq!(least, Size::new(40, 30));
        let samples = vec![99; least.pixels() as usize * 3];
        let picture = Picture::new(least, Layout::Rgb, samples)?;
        let left = std::mem::take(&mut self.1);
        Ok((left > 0).then_some(Frame {
            picture,
            milliseconds: 0,
        }))
    }
}

#[test]
fn other_decoders_can_be_added() {
    let avif = make(&rgb_png(4, 4, &[9; 48]), "f:avif").unwrap().bytes;
    let settings = Settings {
        decoders: Decoders::default().with(std::sync::Arc::new(Grey)),
        ..Settings::default()
    };
    let made = thumbnail(&avif, &options("w:40/f:png"), &settings, &|| false).unwrap();
    assert_eq!(made.size, Some(Size::new(40, 30)));
    assert_eq!(at(&decoded(&made.bytes), 0.5, 0.5), [99; 3]);
}

#[test]
fn what_is_not_done_is_said() {
    let made = make(&rgb_png(4, 4, &[9; 48]), "ph:1/eth:1").unwrap();
    assert_eq!(made.warnings.len(), 2, "{:?}", made.warnings);
}

#[test]
fn max_bytes_lowers_the_quality() {
    let source = jpeg(300, 200, &photo(300, 200));
    for format in ["jpg", "webp", "avif"] {
        let whole = make(&source, &format!("f:{format}/q:90"))
            .unwrap()
            .bytes
            .len();
        let most = whole * 2 / 3;
        let made = make(&source, &format!("f:{format}/q:90/mb:{most}")).unwrap();
        let size = made.bytes.len();
        assert!(
            size <= most && size > most * 3 / 4,
            "{format}: {size} of {most}"
        );
        assert!(made.warnings.is_empty());
        let tiny = make(&source, &format!("f:{format}/mb:10")).unwrap();
        assert_eq!(tiny.warnings, ["10 bytes are too few, even at quality 10"]);
    }
    let png = make(&source, "f:png/mb:10").unwrap();
    assert_eq!(png.warnings, ["max_bytes is not for png"]);
}

#[test]
fn callers_can_stop_between_steps() {
    let source = jpeg(300, 200, &photo(300, 200));
    let stopped = std::cell::Cell::new(0);
    let stop = || {
        stopped.set(stopped.get() + 1);
        stopped.get() > 3
    };
    let error =
        thumbnail(&source, &options("w:100/bl:1"), &Settings::default(), &stop).unwrap_err();
    assert_eq!(error.class(), Class::Cancelled);
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let source = jpeg(300, 200, &photo(300, 200));
    for format in ["jpg", "png", "webp", "avif", "gif"] {
        let once = make(&source, &format!("rs:fill:90:90/g:sm/sh:1/f:{format}")).unwrap();
        let twice = make(&source, &format!("rs:fill:90:90/g:sm/sh:1/f:{format}")).unwrap();
        assert_eq!(once, twice, "{format}");
    }
}
