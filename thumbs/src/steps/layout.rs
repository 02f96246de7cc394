// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room around a picture, and watermarks on it.

use super::resize;
use crate::error::{Result, ThumbError};
use crate::picture::{Layout, Picture};
use crate::plan::{place_over, round_even, scale, Rect, Size, Sizes};
use crate::url::{Gravity, Options, Watermark, WatermarkPosition};

/// In transparent room of `size`, in which it lies at a place and does not stand out.
pub(super) fn embed(picture: Picture, size: Size, left: u32, top: u32) -> Result<Picture> {
    let picture = picture.with_alpha();
    let mut out = Picture::filled(size, Layout::Rgba, &[0; 4])?;
    let (bytes, row_bytes) = (picture.row_bytes(), out.row_bytes());
    let from = left as usize * 4;
    let rows = out
        .samples_mut()
        .chunks_exact_mut(row_bytes)
        .skip(top as usize);
    for (row, inner) in rows.zip(picture.rows()) {
        row[from..from + bytes].copy_from_slice(inner);
    }
    Ok(out)
}

/// With a watermark on top, of which parts may stand out.
pub(super) fn watermark(
    mut picture: Picture,
    mark: &Picture,
    options: &Watermark,
    dpr: f64,
    most_pixels: u64,
) -> Result<Picture> {
    let size = picture.size();
    let mark = scaled(mark, size, options, most_pixels)?;
    let inner = mark.size();
    match options.position {
        WatermarkPosition::At(position) => {
            let (x, y) = (options.x, options.y);
            let gravity = Gravity::Compass { position, x, y };
            let (left, top) = place_over(size, inner, &gravity, dpr);
            blend(&mut picture, &mark, left, top, options.opacity);
        }
        WatermarkPosition::Replicate => {
            let gap = |side: u32, value: f64| match value.abs() >= 1.0 {
                true => round_even(value * dpr),
                false => round_even(f64::from(side) * value),
            };
            let step = |side: u32, inner: u32, value: f64| {
                // They do not overlap: each pixel is mixed once.
                (i64::from(inner) + gap(side, value).max(0)).max(1) as usize
            };
            let (across, down) = (
                step(size.width, inner.width, options.x),
                step(size.height, inner.height, options.y),
            );
            // One column and one row lie around the middle.
            let first = |side: u32, inner: u32, step: usize| {
                let middle = (i64::from(side) - i64::from(inner)) / 2;
                middle - (middle.max(0) / step as i64 + 1) * step as i64
            };
            let (left, top) = (
                first(size.width, inner.width, across),
                first(size.height, inner.height, down),
            );
            for y in (top..i64::from(size.height)).step_by(down) {
                for x in (left..i64::from(size.width)).step_by(across) {
                    blend(&mut picture, &mark, x, y, options.opacity);
                }
            }
        }
    }
    Ok(picture)
}

/// The watermark at its size on a result of `size`.
fn scaled(mark: &Picture, size: Size, options: &Watermark, most_pixels: u64) -> Result<Picture> {
    let mark = mark.clone().with_alpha();
    if options.scale <= 0.0 {
        return Ok(mark);
    }
    let wanted = Options {
        width: scale(size.width, options.scale),
        height: scale(size.height, options.scale),
        enlarge: true,
        ..Options::default()
    };
    let own = mark.size();
    let to = Sizes::new(own, &wanted, false, 0).resized;
    if to.pixels() > most_pixels {
        return Err(ThumbError::TooLarge {
            what: "pixels of the watermark",
            value: to.pixels(),
            limit: most_pixels,
        });
    }
    let rect = Rect {
        x: 0,
        y: 0,
        width: own.width,
        height: own.height,
    };
    resize::resize(mark, own, rect, to, false)
}

fn blend(picture: &mut Picture, mark: &Picture, left: i64, top: i64, opacity: f64) {
    let (size, inner) = (picture.size(), mark.size());
    let channels = picture.layout().bytes();
    let row_bytes = picture.row_bytes();
    let visible = |at: i64, outer: u32, inner: u32| {
        let from = at.clamp(0, i64::from(outer));
        let to = (at + i64::from(inner)).clamp(0, i64::from(outer));
        from..to
    };
    for y in visible(top, size.height, inner.height) {
        for x in visible(left, size.width, inner.width) {
            let front = mark.pixel((x - left) as u32, (y - top) as u32);
            let at = y as usize * row_bytes + x as usize * channels;
            over(
                &mut picture.samples_mut()[at..at + channels],
                front,
                opacity,
            );
        }
    }
}

/// A pixel over another (Porter and Duff's "over"), not premultiplied.
fn over(back: &mut [u8], front: &[u8], opacity: f64) {
    let front_alpha = f64::from(front[3]) / 255.0 * opacity;
    let back_alpha = match back.get(3) {
        Some(alpha) => f64::from(*alpha) / 255.0 * (1.0 - front_alpha),
        None => 1.0 - front_alpha,
    };
    let sum = front_alpha + back_alpha;
    if sum <= 0.0 {
        return;
    }
    for (back, front) in back[..3].iter_mut().zip(front) {
        let mixed = f64::from(*front) * front_alpha + f64::from(*back) * back_alpha;
        *back = (mixed / sum).round() as u8;
    }
    if let Some(alpha) = back.get_mut(3) {
        *alpha = (sum * 255.0).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Position;

    fn filled(width: u32, height: u32, layout: Layout, pixel: &[u8]) -> Picture {
        Picture::filled(Size::new(width, height), layout, pixel).unwrap()
    }

    #[test]
    fn room_is_transparent() {
        let out = embed(filled(2, 1, Layout::Rgb, &[9; 3]), Size::new(4, 3), 1, 2).unwrap();
        let opaque: Vec<(u32, u32)> = (0..3)
            .flat_map(|y| (0..4).map(move |x| (x, y)))
            .filter(|(x, y)| out.pixel(*x, *y)[3] == 255)
            .collect();
        assert_eq!(opaque, [(1, 2), (2, 2)]);
    }

    fn marked(options: &Watermark) -> Vec<u8> {
        let mark = filled(2, 2, Layout::Rgb, &[200; 3]);
        let out = watermark(
            filled(6, 6, Layout::Rgb, &[0; 3]),
            &mark,
            options,
            1.0,
            1000,
        )
        .unwrap();
        out.samples().iter().step_by(3).copied().collect()
    }

    #[test]
    fn watermarks_lie_where_they_are_asked_to() {
        let corner = Watermark {
            opacity: 0.5,
            position: WatermarkPosition::At(Position::SouthEast),
            x: -1.0,
            ..Watermark::default()
        };
        let levels = marked(&corner);
        let lit: Vec<usize> = (0..36).filter(|at| levels[*at] == 100).collect();
        assert_eq!(lit, [29, 35]);
        let all = Watermark {
            position: WatermarkPosition::Replicate,
            opacity: 1.0,
            x: 1.0,
            y: 1.0,
            ..corner
        };
        assert_eq!(
            marked(&all).iter().filter(|level| **level == 200).count(),
            16
        );
        let large = Watermark {
            opacity: 1.0,
            scale: 0.5,
            ..Watermark::default()
        };
        assert_eq!(
            marked(&large).iter().filter(|level| **level > 190).count(),
            9
        );
    }

    #[test]
    fn over_mixes_as_porter_and_duff_say() {
        let mut back = [0, 0, 0, 0];
        over(&mut back, &[10, 20, 30, 128], 1.0);
        assert_eq!(back, [10, 20, 30, 128]);
        let mut back = [0, 0, 0];
        over(&mut back, &[100, 200, 50, 255], 0.5);
        assert_eq!(back, [50, 100, 25]);
    }
}
