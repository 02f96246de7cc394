// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cut and resize in one go, by Lanczos3.

use fast_image_resize as fir;
use fir::images::{Image, ImageRef};
use fir::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::error::{Result, ThumbError};
use crate::picture::{byte_count, Layout, Picture};
use crate::plan::{Rect, Size};

fn bug(error: impl std::fmt::Display) -> ThumbError {
    ThumbError::bug("resize", error)
}

/// The least size of the whole source, as stored, from which a part of `crop` pixels can be
/// resized to `to` without being enlarged more than it has to.
pub(crate) fn least_source(source: Size, crop: Size, to: Size) -> Size {
    let side = |source: u32, crop: u32, to: u32| {
        let wanted = (u64::from(source) * u64::from(to)).div_ceil(u64::from(crop.max(1)));
        u32::try_from(wanted).unwrap_or(u32::MAX)
    };
    Size::new(
        side(source.width, crop.width, to.width),
        side(source.height, crop.height, to.height),
    )
}

/// The source that a picture shows all of.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    /// Its size.
    pub(super) size: Size,
    /// How many of its pixels one of the picture stands for, where that is known: those at the
    /// right and at the bottom may stand for fewer. Else the picture's size tells.
    pub(super) shrunk_by: Option<f64>,
}

impl From<Size> for Whole {
    fn from(size: Size) -> Self {
        let shrunk_by = None;
        Self { size, shrunk_by }
    }
}

/// The part `rect` of a source, which `picture` shows all of, maybe smaller, resized to `to`.
pub(super) fn resize(
    picture: Picture,
    source: impl Into<Whole>,
    rect: Rect,
    to: Size,
    linear: bool,
) -> Result<Picture> {
    let from = picture.size();
    let Whole {
        size: source,
        shrunk_by,
    } = source.into();
    if from == source && rect.size() == to {
        return picture.cropped(rect);
    }
    let factor = |from: u32, source: u32| match shrunk_by {
        Some(by) => 1.0 / by,
        None => f64::from(from) / f64::from(source),
    };
    let x = factor(from.width, source.width);
    let y = factor(from.height, source.height);
    if rect.size() == source && from == to {
        return Ok(picture);
    }
    // Whole pixels first: the filter would look at what lies beyond a cut.
    let (columns, left, width) = span(from.width, rect.x, rect.width, x);
    let (rows, top, height) = span(from.height, rect.y, rect.height, y);
    let picture = picture.cropped(Rect {
        x: columns.start,
        y: rows.start,
        width: columns.end - columns.start,
        height: rows.end - rows.start,
    })?;
    let from = picture.size();
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(picture.is_transparent())
        .crop(left, top, width, height);
    if linear && picture.layout() != Layout::Cmyk {
        return resize_light(&picture, to, &options);
    }
    let layout = picture.layout();
    let kind = match layout {
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba | Layout::Cmyk => PixelType::U8x4,
    };
    let mut samples = vec![0; byte_count(to, layout)?];
    let view = ImageRef::new(from.width, from.height, picture.samples(), kind).map_err(bug)?;
    let mut out = Image::from_slice_u8(to.width, to.height, &mut samples, kind).map_err(bug)?;
    Resizer::new()
        .resize(&view, &mut out, &options)
        .map_err(bug)?;
    drop(out);
    Picture::new(to, layout, samples)
}

/// Whole pixels around a side of a part, in a picture of `outer` pixels; where the part begins in
/// them, and its length.
fn span(outer: u32, at: u32, length: u32, factor: f64) -> (std::ops::Range<u32>, f64, f64) {
    let start = f64::from(at) * factor;
    let end = (f64::from(at + length) * factor).min(f64::from(outer));
    let first = (start.floor() as u32).min(outer - 1);
    let last = (end.ceil() as u32).clamp(first + 1, outer);
    let left = (start - f64::from(first)).max(0.0);
    let length = (end - start).min(f64::from(last - first) - left);
    (first..last, left, length)
}

/// The same on amounts of light, of sixteen bits.
fn resize_light(picture: &Picture, to: Size, options: &ResizeOptions) -> Result<Picture> {
    let (from, layout) = (picture.size(), picture.layout());
    let kind = match layout {
        Layout::Rgb => PixelType::U16x3,
        _ => PixelType::U16x4,
    };
    let light: Vec<u16> = (0..=255u8)
        .map(|level| (to_light(level) * 65_535.0).round() as u16)
        .collect();
    let mut image = Image::new(from.width, from.height, kind);
    let bytes = layout.bytes();
    for (pixel, out) in picture
        .samples()
        .chunks_exact(bytes)
        .zip(image.buffer_mut().chunks_exact_mut(bytes * 2))
    {
        for (channel, (&level, out)) in pixel.iter().zip(out.chunks_exact_mut(2)).enumerate() {
            let value = match channel {
                3 => u16::from(level) * 257,
                _ => light[usize::from(level)],
            };
            out.copy_from_slice(&value.to_ne_bytes());
        }
    }
    let mut resized = Image::new(to.width, to.height, kind);
    Resizer::new()
        .resize(&image, &mut resized, options)
        .map_err(bug)?;
    let levels = from_light();
    let samples = resized
        .buffer()
        .chunks_exact(2)
        .enumerate()
        .map(|(at, pair)| {
            let value = u16::from_ne_bytes([pair[0], pair[1]]);
            if bytes == 4 && at % 4 == 3 {
                ((u32::from(value) + 128) / 257) as u8
            } else {
                levels[usize::from(value)]
            }
        })
        .collect();
    Picture::new(to, layout, samples)
}

/// sRGB's transfer function (IEC 61966-2-1), from a level to an amount of light of 0 to 1.
pub(super) fn to_light(level: u8) -> f64 {
    let value = f64::from(level) / 255.0;
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// Its inverse, for every amount of sixteen bits.
fn from_light() -> Vec<u8> {
    (0..=u16::MAX)
        .map(|amount| {
            let value = f64::from(amount) / 65_535.0;
            let level = if value <= 0.003_130_8 {
                value * 12.92
            } else {
                1.055 * value.powf(1.0 / 2.4) - 0.055
            };
            (level * 255.0).round() as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(size: Size) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: size.width,
            height: size.height,
        }
    }

    #[test]
    fn light_and_levels_are_each_others_inverse() {
        let levels = from_light();
        for level in 0..=255u8 {
            let amount = (to_light(level) * 65_535.0).round() as usize;
            assert_eq!(levels[amount], level);
        }
    }

    #[test]
    fn lines_of_black_and_white_become_half_the_light_only_where_asked_for() {
        let size = Size::new(64, 64);
        let row: Vec<u8> = (0..64)
            .flat_map(|x| [if x % 2 == 0 { 255 } else { 0 }; 3])
            .collect();
        let lines = Picture::new(size, Layout::Rgb, row.repeat(64)).unwrap();
        let middle = |linear| {
            let to = Size::new(8, 8);
            let small = resize(lines.clone(), size, whole(size), to, linear).unwrap();
            small.pixel(4, 4)[0]
        };
        assert!((126..=129).contains(&middle(false)), "{}", middle(false));
        assert!((186..=190).contains(&middle(true)), "{}", middle(true));
    }

    #[test]
    fn what_is_transparent_gives_no_colour() {
        let size = Size::new(40, 40);
        let row = [[255, 0, 0, 255].repeat(20), [0, 255, 0, 0].repeat(20)].concat();
        let picture = Picture::new(size, Layout::Rgba, row.repeat(40)).unwrap();
        for linear in [false, true] {
            let small =
                resize(picture.clone(), size, whole(size), Size::new(7, 7), linear).unwrap();
            for pixel in small.samples().chunks_exact(4).filter(|pixel| pixel[3] > 8) {
                assert!(pixel[0] > 240 && pixel[1] < 15, "{pixel:?}");
            }
        }
    }

    #[test]
    fn parts_of_smaller_pictures_are_found() {
        // The source is 80 × 80; this picture of it is half as large.
        let row = [[0; 3].repeat(20), [200; 3].repeat(20)].concat();
        let picture = Picture::new(Size::new(40, 40), Layout::Rgb, row.repeat(40)).unwrap();
        let right = Rect {
            x: 48,
            y: 0,
            width: 32,
            height: 80,
        };
        let part = resize(picture, Size::new(80, 80), right, Size::new(4, 10), false).unwrap();
        assert!(part.samples().iter().all(|sample| *sample == 200));
    }

    #[test]
    fn sources_are_asked_for_as_large_as_the_crop_needs() {
        let source = Size::new(4000, 3000);
        let least = least_source(source, Size::new(1000, 1500), Size::new(100, 150));
        assert_eq!(least, Size::new(400, 300));
        assert_eq!(
            least_source(source, source, Size::new(3, 2)),
            Size::new(3, 2)
        );
    }
}
