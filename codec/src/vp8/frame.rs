// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reconstructed frame: three planes in whole macroblocks, with borders.

use crate::picture::PlaneView;
use std::fmt;

/// Samples around each plane that repeat its outermost ones, so that most
/// motion vectors past the edge need no special care.
pub(crate) const BORDER: usize = 32;

/// Where the planes of a frame of a given size lie in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Macroblocks in a row.
    pub mb_cols: usize,
    /// Rows of macroblocks.
    pub mb_rows: usize,
}

/// One plane of a [`Geometry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Index of the top left sample.
    pub at: usize,
    /// Samples from one row to the next.
    pub stride: usize,
    /// Samples in a row, whole macroblocks, without borders.
    pub width: usize,
    /// Rows, whole macroblocks, without borders.
    pub height: usize,
}

impl Layout {
    /// Samples that the plane takes with its borders.
    const fn len(&self) -> usize {
        self.stride * (self.height + 2 * BORDER)
    }

    /// Index of the first sample of row `y`.
    pub const fn row(&self, y: usize) -> usize {
        self.at + y * self.stride
    }
}

impl Geometry {
    /// Of a picture of `width` by `height` samples.
    pub const fn new(width: u16, height: u16) -> Self {
        Self {
            mb_cols: (width as usize).div_ceil(16),
            mb_rows: (height as usize).div_ceil(16),
        }
    }

    /// Number of macroblocks.
    pub const fn macroblocks(&self) -> usize {
        self.mb_cols * self.mb_rows
    }

    /// Plane 0 (Y), 1 (U) or 2 (V).
    pub const fn plane(&self, plane: usize) -> Layout {
        let luma = self.layout(0, 16);
        if plane == 0 {
            return luma;
        }
        let u = self.layout(luma.len(), 8);
        if plane == 1 {
            return u;
        }
        self.layout(luma.len() + u.len(), 8)
    }

    const fn layout(&self, start: usize, block: usize) -> Layout {
        let width = self.mb_cols * block;
        let stride = (width + 2 * BORDER).next_multiple_of(32);
        Layout {
            at: start + BORDER * stride + BORDER,
            stride,
            width,
            height: self.mb_rows * block,
        }
    }

    /// Samples of all three planes with their borders.
    const fn len(&self) -> usize {
        self.plane(0).len() + 2 * self.plane(1).len()
    }
}

/// A reconstructed frame.
///
/// Two frames are equal when their planes are; borders follow from them.
pub struct Frame {
    pub(crate) geometry: Geometry,
    /// All planes with their borders, end to end.
    pub(crate) samples: Vec<u8>,
}

impl Frame {
    /// A frame of zeros.
    pub(crate) fn new(geometry: Geometry) -> Self {
        Self {
            samples: vec![0; geometry.len()],
            geometry,
        }
    }

    /// The same with its borders filled, to be referred to.
    pub(crate) fn extended(&self) -> Self {
        let mut frame = Self {
            geometry: self.geometry,
            samples: self.samples.clone(),
        };
        frame.extend();
        frame
    }

    /// Plane 0 (Y), 1 (U) or 2 (V) in whole macroblocks, without borders.
    #[must_use]
    pub fn plane(&self, plane: usize) -> PlaneView<'_> {
        let layout = self.geometry.plane(plane);
        self.view(plane, layout.width, layout.height)
    }

    /// The top left `width` by `height` samples of a plane.
    pub(crate) fn view(&self, plane: usize, width: usize, height: usize) -> PlaneView<'_> {
        let layout = self.geometry.plane(plane);
        PlaneView {
            data: &self.samples[layout.at..layout.row(height - 1) + width],
            stride: layout.stride,
            width,
            height,
        }
    }

    /// The macroblock at column `x`, row `y`.
    #[inline(always)]
    pub(crate) fn target(&mut self, (x, y): (usize, usize)) -> Target<'_> {
        let (luma, u, v) = (
            self.geometry.plane(0),
            self.geometry.plane(1),
            self.geometry.plane(2),
        );
        Target {
            at: [
                luma.row(16 * y) + 16 * x,
                u.row(8 * y) + 8 * x,
                v.row(8 * y) + 8 * x,
            ],
            stride: [luma.stride, u.stride, v.stride],
            samples: &mut self.samples,
        }
    }

    /// Repeats the outermost samples of every plane into its borders.
    pub(crate) fn extend(&mut self) {
        for plane in 0..3 {
            let layout = self.geometry.plane(plane);
            for y in 0..layout.height {
                let at = layout.row(y);
                let (first, last) = (self.samples[at], self.samples[at + layout.width - 1]);
                let end = at + layout.width;
                self.samples[at - BORDER..at].fill(first);
                // The stride may leave more room than the border needs.
                self.samples[end..at - BORDER + layout.stride].fill(last);
            }
            let row = |y: usize| layout.row(y) - BORDER..layout.row(y) - BORDER + layout.stride;
            let (top, bottom) = (row(0), row(layout.height - 1));
            for n in 1..=BORDER {
                self.samples
                    .copy_within(top.clone(), top.start - n * layout.stride);
                self.samples
                    .copy_within(bottom.clone(), bottom.start + n * layout.stride);
            }
        }
    }
}

/// Where one macroblock is written: in a frame, or in scratch of an encoder.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub samples: &'a mut [u8],
    /// Index of the top left sample of each plane's block.
    pub at: [usize; 3],
    /// Samples from one row of a plane to the next.
    pub stride: [usize; 3],
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.geometry == other.geometry
            && (0..3).all(|plane| {
                let (a, b) = (self.plane(plane), other.plane(plane));
                (0..a.height).all(|y| a.row(y, 1) == b.row(y, 1))
            })
    }
}

impl Eq for Frame {}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let luma = self.geometry.plane(0);
        write!(f, "Frame({}x{})", luma.width, luma.height)
    }
}
