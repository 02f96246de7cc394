// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a border of one colour ends.

use crate::picture::{Layout, Picture};
use crate::plan::Rect;
use crate::url::Trim;

/// The part of a picture that is not border. All of it where all of it is border.
///
/// Pixels belong to the border while each channel differs by no more than the threshold, seen
/// over magenta where they are transparent.
pub(crate) fn inner(picture: &Picture, trim: &Trim, swapped: bool) -> Rect {
    let seen = |pixel: &[u8]| -> [i32; 3] {
        let alpha = match picture.layout() {
            Layout::Rgba => i32::from(pixel[3]),
            _ => 255,
        };
        let over = [255, 0, 255];
        std::array::from_fn(|c| (i32::from(pixel[c]) * alpha + over[c] * (255 - alpha)) / 255)
    };
    let border = match trim.color {
        Some(color) => color.0.map(i32::from),
        None => seen(picture.pixel(0, 0)),
    };
    let is_border = |pixel: &[u8]| {
        let seen = seen(pixel);
        (0..3).all(|c| f64::from((seen[c] - border[c]).abs()) <= trim.threshold)
    };
    let bytes = picture.layout().bytes();
    let (mut left, mut right) = (usize::MAX, 0);
    let (mut top, mut bottom) = (usize::MAX, 0);
    for (y, row) in picture.rows().enumerate() {
        let mut pixels = row.chunks_exact(bytes);
        let Some(first) = pixels.position(|pixel| !is_border(pixel)) else {
            continue;
        };
        let mut pixels = row.chunks_exact(bytes);
        let last = pixels.rposition(|pixel| !is_border(pixel)).unwrap_or(first);
        left = left.min(first);
        right = right.max(last + 1);
        top = top.min(y);
        bottom = y + 1;
    }
    let (width, height) = (
        picture.size().width as usize,
        picture.size().height as usize,
    );
    if left >= right {
        (left, right, top, bottom) = (0, width, 0, height);
    }
    let (mut horizontal, mut vertical) = (trim.equal_horizontal, trim.equal_vertical);
    if swapped {
        std::mem::swap(&mut horizontal, &mut vertical);
    }
    if horizontal {
        left = left.min(width - right);
        right = width - left;
    }
    if vertical {
        top = top.min(height - bottom);
        bottom = height - top;
    }
    Rect {
        x: left as u32,
        y: top as u32,
        width: (right - left) as u32,
        height: (bottom - top) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Size;
    use crate::url::Rgb;

    /// 10 × 6, white, with a dark part from (2, 1) to (9, 4).
    fn framed() -> Picture {
        let samples = (0..6)
            .flat_map(|y| (0..10).map(move |x| (x, y)))
            .flat_map(|(x, y)| {
                let dark = (2..9).contains(&x) && (1..4).contains(&y);
                [if dark { 10 } else { 250 + (x % 3) as u8 }; 3]
            })
            .collect();
        Picture::new(Size::new(10, 6), Layout::Rgb, samples).unwrap()
    }

    fn trim(threshold: f64) -> Trim {
        Trim {
            threshold,
            color: None,
            equal_horizontal: false,
            equal_vertical: false,
        }
    }

    fn sides(trim: &Trim, swapped: bool) -> (u32, u32, u32, u32) {
        let rect = inner(&framed(), trim, swapped);
        (rect.x, rect.y, rect.width, rect.height)
    }

    #[test]
    fn borders_end_where_pixels_differ_by_more() {
        assert_eq!(sides(&trim(5.0), false), (2, 1, 7, 3));
        assert_eq!(sides(&trim(0.0), false), (1, 0, 8, 6));
        assert_eq!(sides(&trim(300.0), false), (0, 0, 10, 6));
        let other = Trim {
            color: Some(Rgb([0; 3])),
            ..trim(5.0)
        };
        assert_eq!(sides(&other, false), (0, 0, 10, 6));
    }

    #[test]
    fn sides_can_be_cut_alike() {
        let equal = Trim {
            equal_horizontal: true,
            ..trim(5.0)
        };
        assert_eq!(sides(&equal, false), (1, 1, 8, 3));
        assert_eq!(sides(&equal, true), (2, 1, 7, 4));
        let both = Trim {
            equal_vertical: true,
            ..equal
        };
        assert_eq!(sides(&both, false), (1, 1, 8, 4));
    }
}
