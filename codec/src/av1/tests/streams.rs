// SPDX-License-Identifier: MIT OR Apache-2.0
//! The encoder's contract: errors, determinism, bounds.

use super::*;
use crate::picture::ColourInfo;
use std::sync::mpsc;
use std::time::Duration;
use ChromaSampling::{Cs420, Cs422, Cs444, Mono};

#[test]
fn equal_input_gives_equal_bytes_for_any_number_of_threads() {
    let clip = clip((321, 241), 8, Cs420, 12);
    for (tiles, speed) in [(1, 10), (4, 8)] {
        let mut config = config(&clip);
        (config.tiles, config.speed) = (tiles, speed);
        let one = encode(&config, &clip).unwrap();
        assert_eq!(
            one,
            encode(&config, &clip).unwrap(),
            "two runs, {tiles} tiles"
        );
        for threads in [2, 5] {
            config.threads = threads;
            assert_eq!(
                one,
                encode(&config, &clip).unwrap(),
                "{threads} threads, {tiles} tiles"
            );
        }
    }
}

#[test]
fn bitrate_mode_is_repeatable_too() {
    let clip = clip((160, 96), 8, Cs420, 30);
    let mut config = config(&clip);
    config.rate = RateControl::Bitrate(100_000);
    let one = encode(&config, &clip).unwrap();
    config.threads = 2;
    assert_eq!(one, encode(&config, &clip).unwrap());
}

/// The receiving side compares it with every key frame's header, so encoding is the check.
#[test]
fn header_known_in_advance_is_the_streams() {
    let sizes = [(16, 16), (17, 31), (64, 64), (129, 65)];
    for (i, (depth, sampling)) in [
        (8, Cs420),
        (10, Cs420),
        (12, Cs420),
        (8, Mono),
        (12, Cs422),
        (8, Cs444),
        (12, Cs444),
    ]
    .into_iter()
    .enumerate()
    {
        let clip = clip(sizes[i % 4], depth, sampling, 1);
        for (still, colour) in [
            (false, ColourInfo::default()),
            (
                true,
                ColourInfo {
                    primaries: 9,
                    transfer: 18,
                    matrix: 9,
                    range: 2,
                    chroma_location: 1,
                },
            ),
        ] {
            let mut config = config(&clip);
            (config.still_picture, config.colour) = (still, colour);
            let units = encode(&config, &clip).unwrap();
            let encoder = Rav1eEncoder::new(&config).unwrap();
            let header = encoder.sequence_header();
            assert_eq!(header[0], 0x81);
            assert_eq!(&header[4..], encoder.sequence_header_obu());
            assert_eq!(sequence::find_header(&units[0].data), Some(&header[4..]));
        }
    }
    let clip = clip((64, 64), 8, Cs444, 1);
    let mut config = config(&clip);
    config.colour = ColourInfo {
        primaries: 1,
        transfer: 13,
        matrix: 0,
        ..config.colour
    };
    assert_eq!(encode(&config, &clip).unwrap().len(), 1);
}

#[test]
fn sizes_that_rav1e_cannot_code_are_typed_errors() {
    for (width, height) in [(15, 16), (16, 15), (0, 0), (1, 1), (65_536, 64)] {
        let config = Rav1eConfig::new(width, height, Rational::new(25, 1));
        let error = Rav1eEncoder::new(&config).unwrap_err();
        assert_eq!(
            error,
            Error::Size {
                width,
                height,
                min: 16,
                max: 65_535
            }
        );
    }
}

/// Makes one field of a good configuration bad.
type Damage = fn(&mut Rav1eConfig);

#[test]
fn bad_fields_are_typed_errors() {
    let damages: [(&str, Damage); 9] = [
        ("depth", |config| config.depth = 9),
        ("frame_rate", |config| {
            config.frame_rate = Rational::new(0, 1)
        }),
        ("speed", |config| config.speed = 11),
        ("threads", |config| config.threads = 0),
        ("tiles", |config| config.tiles = 0),
        ("rate.bitrate", |config| {
            config.rate = RateControl::Bitrate(0)
        }),
        ("min_key_interval", |config| config.max_key_interval = 5),
        ("max_key_interval", |config| {
            config.max_key_interval = u64::MAX
        }),
        ("colour.matrix", |config| config.colour.matrix = 0),
    ];
    for (name, damage) in damages {
        let mut config = Rav1eConfig::new(64, 64, Rational::new(25, 1));
        config.validate().unwrap();
        damage(&mut config);
        match Rav1eEncoder::new(&config).map(drop) {
            Err(Error::Config { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn pictures_unlike_the_configuration_are_refused_and_harmless() {
    let good = clip((64, 48), 8, Cs420, 2);
    let mut encoder = Rav1eEncoder::new(&config(&good)).unwrap();
    let wrong = [
        (clip((66, 48), 8, Cs420, 1), "size of Y"),
        (clip((64, 48), 10, Cs420, 1), "depth"),
        (clip((64, 48), 8, Cs444, 1), "sampling"),
    ];
    encoder.send(&good.view(0)).unwrap();
    for (clip, expected) in &wrong {
        match encoder.send(&clip.view(0)) {
            Err(Error::Picture {
                picture: 1, what, ..
            }) => assert_eq!(what, *expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let mut cut = good.view(0);
    cut.planes[2].data = &cut.planes[2].data[1..];
    assert!(matches!(
        encoder.send(&cut),
        Err(Error::Picture {
            what: "data of V",
            ..
        })
    ));
    encoder.send(&good.view(1)).unwrap();
    encoder.finish().unwrap();
    encoder.finish().unwrap();
    assert_eq!(encoder.send(&good.view(1)), Err(Error::Finished));
    let units: Vec<_> = std::iter::from_fn(|| encoder.receive().unwrap()).collect();
    assert_eq!(units.len(), 2);
    assert_eq!((encoder.receive(), encoder.pending()), (Ok(None), 0));
}

#[test]
fn samples_above_the_depth_are_clamped() {
    let clip = clip((32, 32), 10, Cs420, 1);
    let bytes = vec![0xff; 32 * 32 * 2];
    let mut loud = clip.view(0);
    for plane in &mut loud.planes {
        plane.data = &bytes;
    }
    let mut encoder = Rav1eEncoder::new(&config(&clip)).unwrap();
    encoder.send(&loud).unwrap();
    encoder.finish().unwrap();
    assert!(encoder.receive().unwrap().unwrap().key);
}

#[test]
fn no_pictures_give_no_units() {
    let mut encoder = Rav1eEncoder::new(&Rav1eConfig::new(64, 64, Rational::new(25, 1))).unwrap();
    assert_eq!(encoder.receive(), Ok(None));
    encoder.finish().unwrap();
    assert_eq!(encoder.receive(), Ok(None));
}

#[test]
fn a_caller_that_never_receives_is_stopped() {
    let clip = clip((16, 16), 8, Cs420, 1);
    let mut encoder = Rav1eEncoder::new(&config(&clip)).unwrap();
    let full = (0..1000).find_map(|_| encoder.send(&clip.view(0)).err());
    assert_eq!(full, Some(Error::Full { pending: 42 }));
    while encoder.receive().unwrap().is_some() {}
    encoder.send(&clip.view(0)).unwrap();
}

/// The slowest preset looks furthest ahead; a caller in step must never meet `Full`.
#[test]
fn a_caller_in_step_is_never_stopped() {
    let clip = clip((16, 16), 8, Cs420, 90);
    let mut config = config(&clip);
    config.options.insert("rdo_lookahead".into(), "60".into());
    assert_eq!(encode(&config, &clip).unwrap().len(), 90);
}

#[test]
fn key_frames_where_asked_and_where_due() {
    let clip = clip((32, 32), 8, Cs420, 20);
    let mut config = config(&clip);
    (config.min_key_interval, config.max_key_interval) = (1, 8);
    config.options.insert("scene_cuts".into(), "none".into());
    let mut encoder = Rav1eEncoder::new(&config).unwrap();
    let mut keys = Vec::new();
    for frame in 0..20 {
        let send = if frame == 5 {
            Rav1eEncoder::send_key
        } else {
            Rav1eEncoder::send
        };
        send(&mut encoder, &clip.view(frame)).unwrap();
    }
    encoder.finish().unwrap();
    while let Some(unit) = encoder.receive().unwrap() {
        keys.extend(unit.key.then_some(unit.input_frame));
    }
    assert_eq!(keys, [0, 5, 13]);
}

#[test]
fn still_picture_takes_one() {
    let clip = clip((24, 24), 8, Cs420, 2);
    let mut config = config(&clip);
    config.still_picture = true;
    assert_eq!(encode(&config, &clip), Err(Error::Finished));
}

#[test]
fn dropping_in_the_middle_does_not_hang() {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let clip = clip((64, 64), 8, Cs420, 20);
        for frames in [0, 1, 7, 20] {
            for receive in [false, true] {
                let mut config = config(&clip);
                config.threads = 2;
                let mut encoder = Rav1eEncoder::new(&config).unwrap();
                for frame in 0..frames {
                    encoder.send(&clip.view(frame)).unwrap();
                    if receive {
                        encoder.receive().unwrap();
                    }
                }
                drop(encoder);
            }
        }
        done.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(60))
        .expect("a dropped encoder hangs");
}

#[test]
fn encoders_and_configurations_travel() {
    fn is_send<T: Send>() {}
    is_send::<Rav1eEncoder>();
    let mut config = Rav1eConfig::new(64, 64, Rational::new(30_000, 1001));
    config.options.insert("tune".into(), "psnr".into());
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<Rav1eConfig>(&text).unwrap(), config);
}
