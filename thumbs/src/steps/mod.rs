// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pipeline: a list of steps, each from a picture to a picture.
//!
//! | Module | What is in it |
//! |---|---|
//! | `list` | which steps there are, in imgproxy's order |
//! | `trim` | where a border of one colour ends |
//! | `resize` | cut and resize in one go, with premultiplied alpha |
//! | `color` | colour profiles to sRGB, ink to light |
//! | `saliency` | what draws the eye |
//! | `filter` | blur, sharpen, pixelate |
//! | `layout` | room around, watermarks |

mod color;
mod filter;
mod layout;
mod list;
mod resize;
mod saliency;
mod trim;

pub use list::{list, Output, Step};

use crate::error::Result;
use crate::picture::{Layout, Picture};
use crate::plan::{place, Rect, Size};
use crate::url::Gravity;

pub(crate) use resize::least_source;
pub(crate) use trim::inner;

/// What the steps know beside the picture, and what they remember from one frame to the next.
#[derive(Default)]
pub(crate) struct Run<'a> {
    /// The source's colour profile, until it has been applied.
    pub(crate) profile: Option<&'a [u8]>,
    /// The size that the headers state, before any shrinking on load.
    pub(crate) source: Size,
    /// How many of its pixels one of a frame stands for, where the decoder told.
    pub(crate) shrunk_by: Option<f64>,
    /// The watermark.
    pub(crate) watermark: Option<&'a Picture>,
    /// Most pixels of a watermark.
    pub(crate) most_pixels: u64,
    /// Resize amounts of light in place of sRGB's levels.
    pub(crate) linear: bool,
    /// What was wrong, but is no error.
    pub(crate) warnings: Vec<String>,
    /// Where smart gravity found what it looks for, in the first frame: a subject that jumps
    /// about is no better than one that is missed.
    pub(crate) found: Vec<Rect>,
}

impl Run<'_> {
    /// Does a step. `index` is its place in the list.
    pub(crate) fn apply(&mut self, index: usize, step: &Step, picture: Picture) -> Result<Picture> {
        match step {
            Step::Resize {
                crop,
                gravity,
                dpr,
                to,
                orientation,
            } => {
                let oriented = orientation.size(self.source);
                let rect = if *gravity == Gravity::Smart {
                    let small = |picture: &Picture| picture.clone().oriented(*orientation);
                    self.smart(index, &picture, oriented, *crop, small)?
                } else {
                    place(oriented, *crop, gravity, *dpr)
                };
                let rect = orientation.unturned(rect, oriented);
                let source = resize::Whole {
                    size: self.source,
                    shrunk_by: self.shrunk_by,
                };
                resize::resize(picture, source, rect, orientation.size(*to), self.linear)
            }
            Step::Colour { keep } => {
                let (picture, warning) = color::to_srgb(picture, self.profile, *keep)?;
                self.warnings.extend(warning);
                Ok(picture)
            }
            Step::Orient(orientation) => picture.oriented(*orientation),
            Step::Cut { size, gravity, dpr } => {
                let outer = picture.size();
                let rect = if *gravity == Gravity::Smart {
                    self.smart(index, &picture, outer, *size, |picture| Ok(picture.clone()))?
                } else {
                    place(outer, *size, gravity, *dpr)
                };
                picture.cropped(rect)
            }
            Step::Blur(sigma) => filter::blur(picture, *sigma),
            Step::Sharpen(sigma) => filter::sharpen(picture, *sigma),
            Step::Pixelate(side) => filter::pixelate(picture, *side),
            Step::Extend { size, gravity, dpr } => {
                let rect = place(*size, picture.size(), gravity, *dpr);
                layout::embed(picture, *size, rect.x, rect.y)
            }
            Step::Pad { sides, size } => layout::embed(picture, *size, sides.left, sides.top),
            Step::Flatten(color) => Ok(picture.flattened(color.0)),
            Step::Watermark { options, dpr } => match self.watermark {
                Some(mark) => layout::watermark(picture, mark, options, *dpr, self.most_pixels),
                None => Ok(picture),
            },
        }
    }

    /// The part of `outer` that draws the eye most, by the picture, which may be a smaller one of
    /// the same view.
    fn smart(
        &mut self,
        index: usize,
        picture: &Picture,
        outer: Size,
        inner: Size,
        right: impl Fn(&Picture) -> Result<Picture>,
    ) -> Result<Rect> {
        let room = outer.width > inner.width || outer.height > inner.height;
        if !room || picture.layout() == Layout::Cmyk {
            return Ok(place(outer, inner, &Gravity::Smart, 1.0));
        }
        if self.found.len() <= index {
            self.found.resize(index + 1, Rect::default());
        }
        if self.found[index].size() != inner {
            self.found[index] = saliency::find(&right(picture)?, outer, inner)?;
        }
        Ok(self.found[index])
    }
}
