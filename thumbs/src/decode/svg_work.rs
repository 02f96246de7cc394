// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much work an SVG is, before it is drawn: filters and layers of a small file can take
//! hours.

use resvg::tiny_skia::Transform;
use resvg::usvg::filter::Kind;
use resvg::usvg::{Group, Node, Tree};

use crate::error::{Result, ThumbError};
use crate::plan::Size;

/// Most work of a picture, in nanoseconds of an ordinary core as estimated here.
const MOST: u64 = 3_000_000_000;

/// What a node costs wherever it is.
const NODE: f64 = 500.0;

/// What a pixel costs: painted, of a layer, of a filter's ordinary primitive, of one that shades,
/// of an octave of turbulence, of a cell of a matrix.
const PAINT: f64 = 1.0;
const LAYER: f64 = 8.0;
const PRIMITIVE: f64 = 20.0;
const LIGHT: f64 = 60.0;
const OCTAVE: f64 = 80.0;
const CELL: f64 = 3.0;

/// Passes what is drawn at `size` in a bearable time.
pub(super) fn check(tree: &Tree, size: Size, scale: Transform) -> Result<()> {
    let mut work = Work {
        pixels: size.pixels() as f64,
        scale: f64::from(scale.sx) * f64::from(scale.sy),
        done: 0.0,
    };
    work.group(tree.root());
    // A cast of what is too large, or no number, ends at a bound.
    let value = work.done as u64;
    if work.done.is_nan() || value > MOST {
        return Err(ThumbError::TooLarge {
            what: "nanoseconds to draw the SVG, by estimate",
            value,
            limit: MOST,
        });
    }
    Ok(())
}

struct Work {
    pixels: f64,
    /// Pixels of the result a square unit of the file.
    scale: f64,
    done: f64,
}

impl Work {
    /// Stops as soon as it is too much: patterns within patterns are walked as often as drawn.
    fn group(&mut self, group: &Group) {
        if group.should_isolate() {
            self.done += self.pixels * LAYER;
        }
        let (x, y) = group.abs_transform().get_scale();
        let scale = self.scale.sqrt() * f64::from(x.max(y));
        for filter in group.filters() {
            for primitive in filter.primitives() {
                self.done += self.pixels * of_primitive(primitive.kind(), scale, self.pixels);
            }
        }
        for node in group.children() {
            if self.done > MOST as f64 {
                return;
            }
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        let bounds = node.abs_bounding_box();
        let area = f64::from(bounds.width()) * f64::from(bounds.height()) * self.scale;
        self.done += NODE;
        match node {
            Node::Group(group) => self.group(group),
            _ => self.done += area.min(self.pixels) * PAINT,
        }
        node.subroots(|group| self.group(group));
    }
}

/// What a pixel of a filter's primitive costs.
fn of_primitive(kind: &Kind, scale: f64, pixels: f64) -> f64 {
    match kind {
        Kind::Turbulence(turbulence) => OCTAVE * f64::from(turbulence.num_octaves()),
        Kind::ConvolveMatrix(convolve) => {
            let matrix = convolve.matrix();
            CELL * f64::from(matrix.columns()) * f64::from(matrix.rows())
        }
        Kind::Morphology(morphology) => {
            let side = |radius: f32| f64::from(radius) * scale * 2.0 + 1.0;
            let (x, y) = (morphology.radius_x().get(), morphology.radius_y().get());
            CELL * (side(x) * side(y)).min(pixels)
        }
        Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => LIGHT,
        _ => PRIMITIVE,
    }
}
