// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use crate::picture::PlaneView;
use crate::vp8::Decoder;

/// Moving shapes over texture with some noise.
fn picture(width: usize, height: usize, n: usize) -> [Vec<u8>; 3] {
    let mut seed = n as u32;
    let mut plane = |w: usize, h: usize| {
        let mut samples = vec![0; w * h];
        for (i, sample) in samples.iter_mut().enumerate() {
            let (x, y) = (i % w + 3 * n, i / w + n);
            let wave = 60.0 * ((x as f64) / 9.0).sin() + 40.0 * ((y as f64) / 7.0).cos();
            let square = if (x / 23 + y / 19) % 2 == 0 {
                30.0
            } else {
                0.0
            };
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(seed >> 29) - 4.0;
            *sample = (128.0 + wave + square + noise) as u8;
        }
        samples
    };
    let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
    [plane(width, height), plane(cw, ch), plane(cw, ch)]
}

fn view(planes: &[Vec<u8>; 3], width: usize, height: usize) -> PictureView<'_> {
    let plane = |n: usize| {
        let (w, h) = match n {
            0 => (width, height),
            _ => (width.div_ceil(2), height.div_ceil(2)),
        };
        PlaneView {
            data: &planes[n],
            stride: w,
            width: w,
            height: h,
        }
    };
    PictureView {
        planes: (0..3).map(plane).collect(),
        depth: 8,
        sampling: ChromaSampling::Cs420,
    }
}

#[test]
fn decoders_get_the_encoders_state() {
    let dsp = Dsp::best();
    for (preset, quality) in [
        (Preset::Fast, 10),
        (Preset::Medium, 40),
        (Preset::Slow, 30),
        (Preset::Slow, 63),
        (Preset::Slow, 0),
    ] {
        for (width, height) in [(176, 144), (35, 50), (1, 1)] {
            let settings = Settings {
                preset,
                quality,
                key_interval: 5,
            };
            let mut encoder = Encoder::new(dsp, settings, width as u32, height as u32).unwrap();
            let mut decoder = Decoder::new(dsp);
            for n in 0..7 {
                let planes = picture(width, height, n);
                let packet = encoder.encode(&view(&planes, width, height)).unwrap();
                let picture = decoder.decode(&packet).unwrap().unwrap();
                assert!(!picture.is_damaged());
                assert!(
                    decoder.state() == encoder.state(),
                    "{preset:?} {quality} {width}x{height} frame {n}"
                );
            }
        }
    }
}
