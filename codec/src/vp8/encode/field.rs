// SPDX-License-Identifier: MIT OR Apache-2.0
//! The macroblocks of a whole frame.

use crate::vp8::frame::Geometry;
use crate::vp8::modes::{LumaMode, Macroblock, Parts};
use crate::vp8::mv::Mv;

/// Modes of all macroblocks, and what lies above and to the left of the frame.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    geometry: Geometry,
    blocks: Vec<Macroblock>,
    parts: Vec<Parts>,
}

impl Field {
    pub fn new(geometry: Geometry) -> Self {
        let count = (geometry.mb_cols + 1) * (geometry.mb_rows + 1);
        Self {
            geometry,
            blocks: vec![Macroblock::OUTSIDE; count],
            parts: vec![Parts::NONE; count],
        }
    }

    pub const fn geometry(&self) -> Geometry {
        self.geometry
    }

    const fn at(&self, x: usize, y: usize) -> usize {
        (y + 1) * (self.geometry.mb_cols + 1) + x + 1
    }

    pub fn set(&mut self, (x, y): (usize, usize), block: Macroblock, parts: &Parts) {
        let at = self.at(x, y);
        self.blocks[at] = block;
        self.parts[at] = *parts;
        // So that neighbours need not ask how luma is predicted.
        if let LumaMode::Intra(mode) = block.luma {
            self.parts[at].modes = [mode.implied(); 16];
        }
        if block.reference > 0 && !block.is_split() {
            self.parts[at].mvs = [block.mv; 16];
        } else if block.reference == 0 {
            self.parts[at].mvs = [Mv::ZERO; 16];
        }
    }

    pub fn set_skip(&mut self, (x, y): (usize, usize), skip: bool) {
        let at = self.at(x, y);
        self.blocks[at].skip = skip;
    }

    pub fn block(&self, x: usize, y: usize) -> (&Macroblock, &Parts) {
        let at = self.at(x, y);
        (&self.blocks[at], &self.parts[at])
    }

    /// Macroblocks that are intra coded.
    pub fn intra(&self) -> usize {
        let Geometry {
            mb_cols, mb_rows, ..
        } = self.geometry;
        let all = (0..mb_rows).flat_map(|y| (0..mb_cols).map(move |x| (x, y)));
        all.filter(|&(x, y)| self.block(x, y).0.reference == 0)
            .count()
    }

    /// The largest component of all vectors.
    pub fn farthest(&self) -> u16 {
        let vectors = self.parts.iter().flat_map(|parts| &parts.mvs);
        vectors.map(|mv| mv.farthest()).max().unwrap_or(0)
    }

    /// Above, left, above left.
    pub fn neighbours(&self, x: usize, y: usize) -> [&Macroblock; 3] {
        let at = self.at(x, y);
        let above = at - self.geometry.mb_cols - 1;
        [above, at - 1, above - 1].map(|at| &self.blocks[at])
    }

    /// Parts of the macroblocks above and to the left.
    pub fn around(&self, x: usize, y: usize) -> (&Parts, &Parts) {
        let at = self.at(x, y);
        let above = at - self.geometry.mb_cols - 1;
        (&self.parts[above], &self.parts[at - 1])
    }
}
