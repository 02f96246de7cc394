// SPDX-License-Identifier: MIT OR Apache-2.0

use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

use super::*;

/// Waves, edges and noise, all in strong colours.
fn scene(width: usize, height: usize) -> Vec<u8> {
    let mut noise = 1u32;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wave = ((x as f64 / 7.0).sin() * (y as f64 / 11.0).cos() * 100.0 + 128.0) as u8;
            let edge = if (x / 37 + y / 23) % 2 == 0 { 250 } else { 3 };
            samples.extend_from_slice(&[wave, edge, (noise >> 24) as u8]);
        }
    }
    samples
}

fn jpeg(width: usize, height: usize, kind: Subsamp, quality: i32, optimize: bool) -> Vec<u8> {
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(quality).unwrap();
    compressor.set_subsamp(kind).unwrap();
    compressor.set_optimize(optimize).unwrap();
    let pixels = scene(width, height);
    let image = Image {
        pixels: &pixels[..],
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    compressor.compress_to_vec(image).unwrap()
}

fn by_library(bytes: &[u8]) -> turbojpeg::Result<Vec<u8>> {
    let mut decompressor = Decompressor::new()?;
    let scale = ScalingFactor::ONE_EIGHTH;
    decompressor.set_scaling_factor(scale)?;
    let header = decompressor.read_header(bytes)?.scaled(scale);
    let mut image = Image {
        pixels: vec![0; header.width * header.height * 3],
        width: header.width,
        pitch: header.width * 3,
        height: header.height,
        format: PixelFormat::RGB,
    };
    decompressor.decompress(bytes, image.as_deref_mut())?;
    Ok(image.pixels)
}

fn same(bytes: &[u8], width: u32, height: u32, what: &str) {
    let size = Size::new(width, height);
    let found = decode(bytes, size).unwrap_or_else(|| panic!("{what}: not read"));
    assert_eq!(
        found.size(),
        Size::new(width.div_ceil(8), height.div_ceil(8))
    );
    assert_eq!(found.samples(), by_library(bytes).unwrap(), "{what}");
}

#[test]
fn pictures_are_the_librarys_bit_by_bit() {
    use Subsamp::{Gray, None, Sub1x2, Sub2x1, Sub2x2};
    for kind in [Gray, None, Sub2x1, Sub1x2, Sub2x2] {
        for quality in [5, 50, 85, 100] {
            for (width, height) in [(1, 1), (16, 16), (250, 131), (333, 257)] {
                let bytes = jpeg(width, height, kind, quality, quality == 85);
                let what = format!("{kind:?}, quality {quality}, {width} × {height}");
                same(&bytes, width as u32, height as u32, &what);
            }
        }
    }
}

/// Where the scan's bytes begin, and where the marker at the end is.
fn scan(bytes: &[u8]) -> (usize, usize) {
    let header = bytes.windows(2).position(|pair| pair == [0xff, 0xda]);
    let header = header.unwrap() + 2;
    (header + usize::from(bytes[header + 1]), bytes.len() - 2)
}

#[test]
fn restarts_are_read() {
    // Macroblocks that know nothing of each other, one below the other, more than there are
    // numbers of restarts.
    let single = jpeg(16, 16, Subsamp::Sub2x2, 90, false);
    let (from, to) = scan(&single);
    let mut bytes = [&single[..2], &[0xff, 0xdd, 0, 4, 0, 1], &single[2..to]].concat();
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&(16 * 11u16).to_be_bytes());
    for number in 0..10 {
        bytes.extend_from_slice(&[0xff, 0xd0 + number % 8]);
        bytes.extend_from_slice(&single[from..to]);
    }
    bytes.extend_from_slice(&[0xff, 0xd9]);
    same(&bytes, 16, 16 * 11, "restarts");
    // One that is missing, and one with the wrong number.
    let size = Size::new(16, 16 * 11);
    let third = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xd2])
        .unwrap();
    let mut other = bytes.clone();
    other[third + 1] = 0xd3;
    assert!(decode(&other, size).is_none());
    other.drain(third..third + 2);
    assert!(decode(&other, size).is_none());
}

#[test]
fn damage_and_other_kinds_are_left_to_the_library() {
    let size = Size::new(96, 64);
    let bytes = jpeg(96, 64, Subsamp::Sub2x2, 90, false);
    assert!(decode(&bytes, size).is_some());
    assert!(decode(&bytes, Size::new(96, 65)).is_none(), "another size");
    let (from, to) = scan(&bytes);
    for end in 0..to + 1 {
        assert!(decode(&bytes[..end], size).is_none(), "cut at {end}");
    }
    let longer = [&bytes[..to], &[1], &bytes[to..]].concat();
    assert!(decode(&longer, size).is_none(), "bytes behind the scan");
    // Whatever is wrong, it comes to an end, and to the library's picture if to any.
    let mut read = 0;
    let mut noise = 7u32;
    for _ in 0..2000 {
        let mut other = bytes.clone();
        for _ in 0..3 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = noise as usize / 256 % other.len();
            other[at] = noise as u8;
        }
        if let Some(picture) = decode(&other, size) {
            assert_eq!(picture.size(), Size::new(12, 8));
            read += 1;
            assert_eq!(picture.samples(), by_library(&other).unwrap());
        }
    }
    assert!(read > 100, "{read}");
    let mut progressive = Compressor::new().unwrap();
    progressive.set_progressive(true).unwrap();
    let pixels = scene(96, 64);
    let image = Image {
        pixels: &pixels[..],
        width: 96,
        pitch: 288,
        height: 64,
        format: PixelFormat::RGB,
    };
    let progressive = progressive.compress_to_vec(image).unwrap();
    assert!(decode(&progressive, size).is_none());
    assert!(from < to);
}
