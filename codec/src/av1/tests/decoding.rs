// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams through FFmpeg's decoder (libdav1d) and containers.

use super::*;
use crate::metrics::mse;
use crate::picture::{ColourInfo, ContentLight, MasteringDisplay};
use ChromaSampling::{Cs420, Cs422, Cs444, Mono};

/// Decodes `units` and compares with `clip`: every frame is there, at `least` dB.
fn check(name: &str, config: &Rav1eConfig, units: &[EncodedUnit], clip: &Clip, least: f64) {
    let file = Scratch::new(name, &ivf(config, units));
    let arguments = ["-nostdin", "-i", file.path(), "-f", "rawvideo", "-"];
    let decoded = Clip::from_raw(clip, &run("ffmpeg", &arguments).stdout);
    assert_eq!(decoded.len(), clip.len(), "{name}: frames");
    let mut worst = f64::INFINITY;
    for (a, b) in clip.views().zip(decoded.views()) {
        worst = worst.min(mse(&a, &b).unwrap().psnr());
    }
    assert!(worst >= least, "{name}: {worst} dB, least {least}");
}

#[test]
fn decodes_with_the_right_pictures() {
    if !has("ffmpeg", "decodes_with_the_right_pictures") {
        return;
    }
    let forms = [
        ((64, 64), 8, Cs420),
        ((64, 64), 10, Cs420),
        ((16, 16), 8, Cs420),
        ((17, 16), 10, Cs420),
        ((31, 33), 8, Cs420),
        ((321, 241), 8, Cs420),
        ((321, 241), 10, Cs420),
        ((97, 65), 12, Cs420),
        ((97, 65), 8, Mono),
        ((96, 64), 10, Cs422),
        ((97, 65), 8, Cs444),
    ];
    for (i, (size, depth, sampling)) in forms.into_iter().enumerate() {
        let clip = clip(size, depth, sampling, 13);
        let config = config(&clip);
        let units = encode(&config, &clip).unwrap();
        assert_eq!(units.len(), clip.len());
        assert!(units
            .iter()
            .zip(0..)
            .all(|(unit, frame)| unit.input_frame == frame));
        assert!(units[0].key && units[1..].iter().all(|unit| !unit.key));
        check(&format!("form{i}.ivf"), &config, &units, &clip, 30.0);
    }
}

#[test]
fn still_pictures_decode_from_one_pixel_up() {
    if !has("ffmpeg", "still_pictures_decode_from_one_pixel_up") {
        return;
    }
    for (i, size) in [(1, 1), (2, 3), (8, 8), (33, 7), (100, 75)]
        .into_iter()
        .enumerate()
    {
        let clip = clip(size, 8, Cs420, 1);
        let mut config = config(&clip);
        config.still_picture = true;
        let units = encode(&config, &clip).unwrap();
        check(&format!("still{i}.ivf"), &config, &units, &clip, 33.0);
    }
}

#[test]
fn colour_and_hdr_metadata_arrive() {
    if !has("ffprobe", "colour_and_hdr_metadata_arrive") {
        return;
    }
    let clip = clip((64, 48), 10, Cs420, 2);
    let mut config = config(&clip);
    config.colour = ColourInfo {
        primaries: 9,
        transfer: 16,
        matrix: 9,
        range: 2,
        chroma_location: 3,
    };
    config.mastering = Some(MasteringDisplay {
        primaries: [(34_000, 16_000), (13_250, 34_500), (7_500, 3_000)],
        white_point: (15_635, 16_450),
        max_luminance: 10_000_000,
        min_luminance: 50,
    });
    config.content_light = Some(ContentLight {
        max_content: 1000,
        max_frame_average: 400,
    });
    let units = encode(&config, &clip).unwrap();
    let file = Scratch::new("hdr.ivf", &ivf(&config, &units));
    let output = run("ffprobe", &["-show_frames", "-show_streams", file.path()]);
    let text = String::from_utf8_lossy(&output.stdout);
    for line in [
        "color_primaries=bt2020",
        "color_transfer=smpte2084",
        "color_space=bt2020nc",
        "color_range=pc",
        "chroma_location=topleft",
        "level=0",
        "red_x=44564/65536",
        "white_point_y=21561/65536",
        "max_luminance=256000/256",
        "min_luminance=82/16384",
        "max_content=1000",
        "max_average=400",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is missing in {text}"
        );
    }
}

#[test]
fn photon_noise_decodes() {
    if !has("ffmpeg", "photon_noise_decodes") {
        return;
    }
    let clip = clip((96, 64), 8, Cs420, 5);
    let mut config = config(&clip);
    config.options.insert("photon_noise".into(), "8".into());
    let units = encode(&config, &clip).unwrap();
    check("grain.ivf", &config, &units, &clip, 20.0);
}

/// A Matroska element: id, size, content.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u64 | 1 << 56).to_be_bytes();
    [id, &size, content].concat()
}

/// The least Matroska file around `units`, with `private` as CodecPrivate:
/// FFmpeg hands that on to its muxers as extradata, unread.
fn matroska(config: &Rav1eConfig, private: &[u8], units: &[EncodedUnit]) -> Vec<u8> {
    let head = element(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &element(&[0x42, 0x82], b"matroska"),
    );
    let (width, height) = (config.width as u32, config.height as u32);
    let size = [
        element(&[0xb0], &width.to_be_bytes()),
        element(&[0xba], &height.to_be_bytes()),
    ];
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[1]),
        element(&[0x23, 0xe3, 0x83], &40_000_000u32.to_be_bytes()),
        element(&[0x86], b"V_AV1"),
        element(&[0x63, 0xa2], private),
        element(&[0xe0], &size.concat()),
    ];
    let tracks = element(
        &[0x16, 0x54, 0xae, 0x6b],
        &element(&[0xae], &track.concat()),
    );
    let mut cluster = element(&[0xe7], &[0]);
    for unit in units {
        let time = (unit.input_frame as u16 * 40).to_be_bytes();
        let flags = if unit.key { 0x80 } else { 0 };
        let block = [&[0x81, time[0], time[1], flags], &unit.data[..]].concat();
        cluster.extend(element(&[0xa3], &block));
    }
    let info = element(
        &[0x15, 0x49, 0xa9, 0x66],
        &element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]),
    );
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &cluster);
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &[info, tracks, cluster].concat());
    [head, segment].concat()
}

#[test]
fn sequence_header_suits_the_muxers() {
    if !has("ffmpeg", "sequence_header_suits_the_muxers") {
        return;
    }
    for (i, (depth, sampling)) in [(8, Cs420), (10, Cs420), (10, Mono)]
        .into_iter()
        .enumerate()
    {
        let clip = clip((96, 64), depth, sampling, 5);
        let mut config = config(&clip);
        config.colour = ColourInfo {
            primaries: 1,
            transfer: 1,
            matrix: 1,
            ..config.colour
        };
        let av1c = Rav1eEncoder::new(&config).unwrap().sequence_header();
        let units = encode(&config, &clip).unwrap();
        let source = Scratch::new(&format!("m{i}.mkv"), &matroska(&config, &av1c, &units));
        for container in ["mp4", "webm", "mkv"] {
            let target = Scratch::new(&format!("mux{i}.{container}"), b"");
            run(
                "ffmpeg",
                &[
                    "-nostdin",
                    "-y",
                    "-i",
                    source.path(),
                    "-c",
                    "copy",
                    target.path(),
                ],
            );
            let bytes = std::fs::read(target.path()).unwrap();
            let found = bytes.windows(av1c.len()).any(|window| window == av1c);
            assert!(found, "{container} does not hold the av1C record as given");
            let raw = run(
                "ffmpeg",
                &["-nostdin", "-i", target.path(), "-f", "rawvideo", "-"],
            );
            assert_eq!(Clip::from_raw(&clip, &raw.stdout).len(), 5, "{container}");
        }
    }
}
