// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop filter (RFC 6386 §9.6, §15): levels, and a row of macroblocks.

use super::frame::{Frame, Target};
use super::header::Header;
use super::modes::{LumaMode, Macroblock};
use super::state::{FilterDeltas, Segmentation};
use crate::dsp::{Dsp, EdgeLimits, MacroblockEdges};

/// How one macroblock is filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strength {
    /// 0 to 63; 0 is not at all.
    pub level: u8,
    /// Whether the edges between its subblocks are filtered too.
    pub inner: bool,
}

/// Limits of one level.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    macroblock: u8,
    subblock: u8,
    interior: u8,
    hev: u8,
}

/// Filter of one frame.
#[derive(Clone, Debug)]
pub(crate) struct LoopFilter {
    simple: bool,
    /// By level.
    limits: [Limits; 64],
    /// By segment, reference and kind of mode.
    levels: [[[u8; 4]; 4]; 4],
}

impl LoopFilter {
    /// `None` where the frame is not filtered.
    pub fn new(
        header: &Header,
        segmentation: &Segmentation,
        deltas: &FilterDeltas,
    ) -> Option<Self> {
        if header.filter_level == 0 {
            return None;
        }
        let limits = |level: usize| Limits::new(level as u8, header.sharpness, header.tag.key);
        let levels = |segment: usize| {
            let own = i32::from(segmentation.filter_level[segment]);
            let level = match (header.segmented, segmentation.absolute) {
                (false, _) => i32::from(header.filter_level),
                (true, true) => own,
                (true, false) => i32::from(header.filter_level) + own,
            };
            levels(level.clamp(0, 63), header.filter_deltas.then_some(deltas))
        };
        Some(Self {
            simple: header.simple_filter,
            limits: std::array::from_fn(limits),
            levels: std::array::from_fn(levels),
        })
    }

    /// Strength for a macroblock; `coded` tells whether it has coefficients.
    #[inline(always)]
    pub fn strength(&self, block: &Macroblock, coded: bool) -> Strength {
        let kind = match block.luma {
            LumaMode::Subblocks => 0,
            LumaMode::Intra(_) | LumaMode::Zero => 1,
            LumaMode::Whole => 2,
            LumaMode::Split(_) => 3,
        };
        Strength {
            level: self.levels[usize::from(block.segment & 3)][usize::from(block.reference & 3)]
                [kind],
            inner: coded || !block.has_y2(),
        }
    }

    /// Filters row `y` of macroblocks. The rows above must have been filtered.
    #[inline(always)]
    pub fn row(&self, dsp: &Dsp, strengths: &[Strength], y: usize, frame: &mut Frame) {
        for (x, strength) in strengths.iter().enumerate() {
            if strength.level == 0 {
                continue;
            }
            let limits = &self.limits[usize::from(strength.level & 63)];
            if self.simple {
                simple(dsp, limits, strength.inner, (x, y), frame);
            } else {
                normal(dsp, limits, strength.inner, (x, y), frame);
            }
        }
    }
}

impl Limits {
    fn new(level: u8, sharpness: u8, key: bool) -> Self {
        let mut interior = level >> (u8::from(sharpness > 0) + u8::from(sharpness > 4));
        if sharpness > 0 {
            interior = interior.min(9 - sharpness);
        }
        let interior = interior.max(1);
        let hev = match (level, key) {
            (40.., true) => 2,
            (15.., true) => 1,
            (40.., false) => 3,
            (20.., false) => 2,
            (15.., false) => 1,
            _ => 0,
        };
        Self {
            macroblock: 2 * (level + 2) + interior,
            subblock: 2 * level + interior,
            interior,
            hev,
        }
    }

    const fn edges(&self, edge: u8) -> EdgeLimits {
        EdgeLimits {
            edge,
            interior: self.interior,
            hev: self.hev,
        }
    }
}

/// Levels of one segment, by reference and kind of mode.
fn levels(segment: i32, deltas: Option<&FilterDeltas>) -> [[u8; 4]; 4] {
    let Some(deltas) = deltas else {
        return [[segment as u8; 4]; 4];
    };
    std::array::from_fn(|reference| {
        let base = segment + i32::from(deltas.reference[reference]);
        std::array::from_fn(|kind| {
            // Among intra modes only subblocks have an adjustment of their own.
            let own = match (reference, kind) {
                (0, 1..) => 0,
                _ => i32::from(deltas.mode[kind]),
            };
            (base + own).clamp(0, 63) as u8
        })
    })
}

#[inline(always)]
fn normal(dsp: &Dsp, limits: &Limits, inside: bool, (x, y): (usize, usize), frame: &mut Frame) {
    let edges = MacroblockEdges {
        left: x > 0,
        top: y > 0,
        inside,
        outer: limits.edges(limits.macroblock),
        inner: limits.edges(limits.subblock),
    };
    let Target {
        samples,
        at,
        stride,
    } = frame.target((x, y));
    dsp.filter_macroblock(samples, at, [stride[0], stride[1]], &edges);
}

#[inline(always)]
fn simple(dsp: &Dsp, limits: &Limits, inner: bool, (x, y): (usize, usize), frame: &mut Frame) {
    let luma = frame.geometry.plane(0);
    let at = luma.row(16 * y) + 16 * x;
    let (samples, stride) = (&mut frame.samples[..], luma.stride);
    if x > 0 {
        dsp.simple_mb_left(samples, at, stride, limits.macroblock);
    }
    if inner {
        dsp.simple_inner_left(samples, at, stride, limits.subblock);
    }
    if y > 0 {
        dsp.simple_mb_top(samples, at, stride, limits.macroblock);
    }
    if inner {
        dsp.simple_inner_top(samples, at, stride, limits.subblock);
    }
}
