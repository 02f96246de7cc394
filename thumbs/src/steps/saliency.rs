// SPDX-License-Identifier: MIT OR Apache-2.0
//! What draws the eye: edges, skin, strong colours, and a little the middle.

use super::resize;
use crate::error::Result;
use crate::picture::Picture;
use crate::plan::{Rect, Size};

/// Longer side of the picture that is looked at.
const LOOK: u32 = 128;

/// What edges, skin and strong colours count.
const EDGE: f32 = 1.0;
const SKIN: f32 = 1.6;
const COLOR: f32 = 0.4;

/// How much less a part counts whose middle is at an edge than one in the middle.
const MIDDLE: f32 = 0.2;

/// The part of `inner` pixels of a view of `outer` pixels that draws the eye most. `picture`
/// shows all of the view.
pub(super) fn find(picture: &Picture, outer: Size, inner: Size) -> Result<Rect> {
    let from = picture.size();
    let factor = f64::from(LOOK) / f64::from(from.width.max(from.height));
    let side = |side: u32| ((f64::from(side) * factor.min(1.0)).round() as u32).max(1);
    let small = Size::new(side(from.width), side(from.height));
    let all = Rect {
        x: 0,
        y: 0,
        width: from.width,
        height: from.height,
    };
    let small = resize::resize(picture.clone(), from, all, small, false)?.flattened([128; 3]);
    let sums = Sums::new(&small);
    let best = |room: u32, count: u32| -> Vec<u32> {
        let steps = room.min(count);
        (0..=steps)
            .map(|i| (u64::from(room) * u64::from(i) / u64::from(steps.max(1))) as u32)
            .collect()
    };
    let xs = best(outer.width - inner.width, small.size().width);
    let ys = best(outer.height - inner.height, small.size().height);
    let mut found = (f32::MIN, Rect::default());
    for &y in &ys {
        for &x in &xs {
            let rect = Rect {
                x,
                y,
                width: inner.width,
                height: inner.height,
            };
            let score = sums.within(rect, outer) * (1.0 - MIDDLE * off_middle(rect, outer));
            if score > found.0 {
                found = (score, rect);
            }
        }
    }
    Ok(found.1)
}

/// How far a part is from the middle, 0 to 1.
fn off_middle(rect: Rect, outer: Size) -> f32 {
    let off = |at: u32, inner: u32, outer: u32| {
        let room = outer - inner;
        match room {
            0 => 0.0,
            room => (2.0 * at as f32 / room as f32 - 1.0).abs(),
        }
    };
    let x = off(rect.x, rect.width, outer.width);
    let y = off(rect.y, rect.height, outer.height);
    x.max(y)
}

/// Sums of all that draws the eye above and left of each place.
struct Sums {
    size: Size,
    sums: Vec<f32>,
}

impl Sums {
    fn new(picture: &Picture) -> Self {
        let size = picture.size();
        let width = size.width as usize + 1;
        let mut sums = vec![0.0; width * (size.height as usize + 1)];
        for y in 0..size.height {
            let mut row = 0.0;
            for x in 0..size.width {
                row += weight(picture, x, y);
                let at = (y as usize + 1) * width + x as usize + 1;
                sums[at] = sums[at - width] + row;
            }
        }
        Self { size, sums }
    }

    /// All within a part of a view of `outer` pixels.
    fn within(&self, rect: Rect, outer: Size) -> f32 {
        let at = |value: u32, outer: u32, own: u32| {
            (f64::from(value) * f64::from(own) / f64::from(outer)).round() as usize
        };
        let x = |value| at(value, outer.width, self.size.width);
        let y = |value| at(value, outer.height, self.size.height);
        let sum = |x: usize, y: usize| self.sums[y * (self.size.width as usize + 1) + x];
        let (left, right) = (x(rect.x), x(rect.x + rect.width));
        let (top, bottom) = (y(rect.y), y(rect.y + rect.height));
        sum(right, bottom) - sum(left, bottom) - sum(right, top) + sum(left, top)
    }
}

/// How much a pixel draws the eye.
fn weight(picture: &Picture, x: u32, y: u32) -> f32 {
    let size = picture.size();
    let light = |x: u32, y: u32| {
        let p = picture.pixel(x.min(size.width - 1), y.min(size.height - 1));
        (0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2])) / 255.0
    };
    let around = light(x.saturating_sub(1), y)
        + light(x + 1, y)
        + light(x, y.saturating_sub(1))
        + light(x, y + 1);
    let own = light(x, y);
    let edge = (4.0 * own - around).abs().min(1.0);
    let pixel = picture.pixel(x, y);
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|level| f32::from(level) / 255.0);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let saturation = if most > 0.0 {
        (most - least) / most
    } else {
        0.0
    };
    let strong = if (0.15..0.95).contains(&own) {
        (saturation - 0.4).max(0.0)
    } else {
        0.0
    };
    EDGE * edge + SKIN * skin(r, g, b, own) + COLOR * strong * strong
}

/// How close a colour is to skin's, by its share of red, green and blue: light and dark skin
/// differ in brightness more than in hue.
fn skin(r: f32, g: f32, b: f32, light: f32) -> f32 {
    if !(0.15..=0.95).contains(&light) {
        return 0.0;
    }
    let length = (r * r + g * g + b * b).sqrt().max(1e-6);
    let wanted = [0.73, 0.535, 0.43];
    let distance = [r, g, b]
        .iter()
        .zip(wanted)
        .map(|(value, wanted)| (value / length - wanted).powi(2))
        .sum::<f32>()
        .sqrt();
    (1.0 - distance / 0.2).max(0.0).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Layout;

    /// Grey, with a checked patch of `color` around `middle`.
    fn scene(middle: (u32, u32), color: [u8; 3]) -> Picture {
        let samples = (0..300)
            .flat_map(|y: u32| (0..400).map(move |x: u32| (x, y)))
            .flat_map(|(x, y)| {
                let near = x.abs_diff(middle.0) < 30 && y.abs_diff(middle.1) < 30;
                match (near, (x / 6 + y / 6) % 2) {
                    (true, 0) => color,
                    (true, _) => [20; 3],
                    _ => [120; 3],
                }
            })
            .collect();
        Picture::new(Size::new(400, 300), Layout::Rgb, samples).unwrap()
    }

    #[test]
    fn subjects_are_kept() {
        for middle in [(60, 60), (340, 240), (200, 150), (60, 240)] {
            let rect = find(
                &scene(middle, [230, 180, 150]),
                Size::new(400, 300),
                Size::new(150, 150),
            )
            .unwrap();
            assert!(
                rect.x <= middle.0 - 25 && rect.x + 150 >= middle.0 + 25,
                "{middle:?} {rect:?}"
            );
            assert!(
                rect.y <= middle.1 - 25 && rect.y + 150 >= middle.1 + 25,
                "{middle:?} {rect:?}"
            );
        }
    }

    #[test]
    fn views_can_be_larger_than_their_picture() {
        let rect = find(
            &scene((340, 150), [255; 3]),
            Size::new(4000, 3000),
            Size::new(3000, 3000),
        )
        .unwrap();
        assert_eq!((rect.width, rect.height, rect.y), (3000, 3000, 0));
        assert!(rect.x >= 700, "{rect:?}");
    }

    #[test]
    fn skin_of_any_brightness_counts_more_than_sky() {
        let sky = skin(0.4, 0.6, 0.9, 0.6);
        for (r, g, b) in [(0.95, 0.78, 0.65), (0.75, 0.52, 0.4), (0.45, 0.31, 0.24)] {
            assert!(skin(r, g, b, 0.5) > sky + 0.3);
        }
    }
}
