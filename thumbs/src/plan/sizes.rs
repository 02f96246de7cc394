// SPDX-License-Identifier: MIT OR Apache-2.0
//! The size behind every step, from the source's size and the options.

use super::{round_even, scale};
use crate::url::{Options, ResizingType};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// How many pixels it has.
    #[must_use]
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The lesser width and the lesser height; a side of 0 has no say.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let least = |a: u32, b: u32| match (a, b) {
            (0, side) | (side, 0) => side,
            (a, b) => a.min(b),
        };
        Self::new(
            least(self.width, other.width),
            least(self.height, other.height),
        )
    }

    /// The greater width and the greater height.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self::new(self.width.max(other.width), self.height.max(other.height))
    }
}

/// Pixels on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Above.
    pub top: u32,
    /// On the right.
    pub right: u32,
    /// Below.
    pub bottom: u32,
    /// On the left.
    pub left: u32,
}

/// Factors of the resize.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// Of the width.
    pub x: f64,
    /// Of the height.
    pub y: f64,
    /// How many pixels one that was asked for has: `dpr`, or less where the source has too few.
    pub dpr: f64,
}

/// The size behind every step. All sizes are those of the picture that lies right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// What is cut out of the source.
    pub crop: Size,
    /// What that is resized to.
    pub resized: Size,
    /// What is cut out of that.
    pub cut: Size,
    /// What that is extended to.
    pub extended: Size,
    /// What that is extended to for the shape's sake.
    pub shaped: Size,
    /// What is put around that.
    pub padding: Sides,
    /// The result.
    pub result: Size,
    /// The factors of the resize.
    pub scaled: Scaled,
}

/// How often the sizes are computed anew to get below a limit: each time they get closer to it.
const ROUNDS: usize = 8;

impl Sizes {
    /// The sizes for a source of `source` pixels, which lies right and has been trimmed.
    ///
    /// `vector` sources can be enlarged without loss, so `enlarge` makes no difference to them.
    /// `longest` is the most pixels that the result's longer side may have, 0 for any: results
    /// beyond it are scaled down as if with a smaller `dpr`.
    #[must_use]
    pub fn new(source: Size, options: &Options, vector: bool, longest: u32) -> Self {
        let mut factor = 1.0;
        let mut sizes = Self::with_factor(source, options, vector, factor);
        for _ in 0..ROUNDS {
            let side = sizes.result.width.max(sizes.result.height);
            if longest == 0 || side <= longest {
                break;
            }
            factor *= f64::from(longest) / f64::from(side);
            sizes = Self::with_factor(source, options, vector, factor);
        }
        if longest > 0 {
            sizes.cut_to(longest);
        }
        sizes
    }

    /// Where roundings, or least sizes of one pixel, kept a side above the limit.
    fn cut_to(&mut self, longest: u32) {
        let most = Size::new(longest, longest);
        if self.result.within(most) == self.result {
            return;
        }
        self.padding = Sides::default();
        for size in [
            &mut self.resized,
            &mut self.cut,
            &mut self.extended,
            &mut self.shaped,
        ] {
            *size = size.within(most);
        }
        self.result = self.shaped;
    }

    fn with_factor(source: Size, options: &Options, vector: bool, factor: f64) -> Self {
        let crop = Size::new(
            crop_side(source.width, options.crop.width),
            crop_side(source.height, options.crop.height),
        )
        .within(source);
        let mut scaled = factors(crop, options, vector);
        let least = |side: u32, by: f64| by.max(1.0 / f64::from(side.max(1)));
        scaled = Scaled {
            x: least(crop.width, scaled.x * factor),
            y: least(crop.height, scaled.y * factor),
            dpr: scaled.dpr * factor,
        };
        let resized = Size::new(scale(crop.width, scaled.x), scale(crop.height, scaled.y));
        let target = Size::new(
            scale(options.width, scaled.dpr * options.zoom_x),
            scale(options.height, scaled.dpr * options.zoom_y),
        );
        let cut = cut(resized, target, options);
        let out = resized.within(cut);
        let extended = if options.extend.enabled {
            out.around(target)
        } else {
            out
        };
        let shaped = if options.extend_aspect_ratio.enabled {
            extended.around(with_shape(out, target))
        } else {
            extended
        };
        let side = |pixels: u32| {
            u32::try_from(round_even(f64::from(pixels) * scaled.dpr)).unwrap_or(u32::MAX >> 1)
        };
        let padding = Sides {
            top: side(options.padding.top),
            right: side(options.padding.right),
            bottom: side(options.padding.bottom),
            left: side(options.padding.left),
        };
        let sum = |a: u32, b: u32, c: u32| a.saturating_add(b).saturating_add(c);
        let result = Size::new(
            sum(shaped.width, padding.left, padding.right),
            sum(shaped.height, padding.top, padding.bottom),
        );
        Self {
            crop,
            resized,
            cut: out,
            extended,
            shaped,
            padding,
            result,
            scaled,
        }
    }
}

fn crop_side(source: u32, crop: f64) -> u32 {
    if crop <= 0.0 {
        source
    } else if crop >= 1.0 {
        // The bound keeps the cast exact.
        crop.min(f64::from(source)) as u32
    } else {
        scale(source, crop)
    }
}

/// By how much each side shrinks so that the shape is treated as the resizing type says.
fn shrinks(source: Size, options: &Options) -> (f64, f64) {
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    let or_source = |asked: u32, side: f64| match asked {
        0 => side,
        asked => f64::from(asked),
    };
    let target = (
        or_source(options.width, width),
        or_source(options.height, height),
    );
    let (x, y) = (width / target.0, height / target.1);
    if x == 1.0 && y == 1.0 {
        return (x, y);
    }
    let kind = match options.resizing_type {
        ResizingType::Auto if (width >= height) == (target.0 >= target.1) => ResizingType::Fill,
        ResizingType::Auto => ResizingType::Fit,
        kind => kind,
    };
    match kind {
        ResizingType::Force => (x, y),
        _ if options.width == 0 => (y, y),
        _ if options.height == 0 => (x, x),
        ResizingType::Fill | ResizingType::FillDown => (x.min(y), x.min(y)),
        ResizingType::Fit | ResizingType::Auto => (x.max(y), x.max(y)),
    }
}

fn factors(source: Size, options: &Options, vector: bool) -> Scaled {
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    let (mut x, mut y) = shrinks(source, options);
    x /= options.zoom_x;
    y /= options.zoom_y;
    let mut dpr = options.dpr;
    if !options.enlarge && !vector {
        let least = x.min(y);
        if least < 1.0 {
            x /= least;
            y /= least;
            // A density below 1 counts from the size asked for; with `extend`, whose frame
            // shrinks with the density, from the picture's own.
            if !options.extend.enabled {
                dpr /= least;
            }
        }
        dpr = dpr.min(x.min(y));
    }
    if options.min_width > 0 {
        let most = width / f64::from(options.min_width);
        if most < x {
            y /= x / most;
            x = most;
        }
    }
    if options.min_height > 0 {
        let most = height / f64::from(options.min_height);
        if most < y {
            x /= y / most;
            y = most;
        }
    }
    Scaled {
        x: dpr / x,
        y: dpr / y,
        dpr,
    }
}

/// What is cut out of the resized picture: the size asked for, or with `fill-down`, where the
/// picture is smaller, the largest size of that shape. A side of 0 is not cut.
fn cut(resized: Size, target: Size, options: &Options) -> Size {
    if options.resizing_type != ResizingType::FillDown || options.enlarge {
        return target;
    }
    let ratio = |target: u32, resized: u32| match target {
        0 => 1.0,
        target => f64::from(target) / f64::from(resized),
    };
    let (x, y) = (
        ratio(target.width, resized.width),
        ratio(target.height, resized.height),
    );
    let shape = f64::from(target.width) / f64::from(target.height);
    if x > y && x > 1.0 && target.height > 0 {
        Size::new(resized.width, scale(resized.width, 1.0 / shape))
    } else if y > x && y > 1.0 && target.width > 0 {
        Size::new(scale(resized.height, shape), resized.height)
    } else {
        target
    }
}

/// The least size of `target`'s shape around `out`; `out` where the target has no shape.
fn with_shape(out: Size, target: Size) -> Size {
    if target.width == 0 || target.height == 0 {
        return out;
    }
    let shape = f64::from(target.width) / f64::from(target.height);
    let x = f64::from(target.width) / f64::from(out.width);
    let y = f64::from(target.height) / f64::from(out.height);
    if y > x {
        Size::new(out.width, scale(out.width, 1.0 / shape))
    } else if x > y {
        Size::new(scale(out.height, shape), out.height)
    } else {
        out
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
