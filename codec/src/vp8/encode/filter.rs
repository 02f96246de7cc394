// SPDX-License-Identifier: MIT OR Apache-2.0
//! Search for the loop filter's level.

use super::field::Field;
use crate::dsp::Dsp;
use crate::vp8::frame::{Frame, Layout};
use crate::vp8::header::Header;
use crate::vp8::loop_filter::{LoopFilter, Strength};
use crate::vp8::state::{FilterDeltas, Segmentation};

/// Rows of macroblocks that are enough to judge a level by.
const SAMPLED_ROWS: usize = 4;

/// A frame before its filter, and what the filter's strength depends on.
pub(crate) struct Filtering<'a> {
    pub dsp: &'static Dsp,
    pub source: &'a Frame,
    pub field: &'a Field,
    pub segmentation: &'a Segmentation,
    pub deltas: &'a FilterDeltas,
}

impl Filtering<'_> {
    /// Filters rows of macroblocks of `frame` as `header` says.
    pub fn apply(&self, header: &Header, rows: std::ops::Range<usize>, frame: &mut Frame) {
        let Some(filter) = LoopFilter::new(header, self.segmentation, self.deltas) else {
            return;
        };
        let mut strengths = vec![Strength::default(); frame.geometry.mb_cols];
        for y in rows {
            for (x, strength) in strengths.iter_mut().enumerate() {
                let (block, _) = self.field.block(x, y);
                *strength = filter.strength(block, !block.skip);
            }
            filter.row(self.dsp, &strengths, y, frame);
        }
    }

    /// Squared differences from the source in row `y` of macroblocks, filtered
    /// with `header`'s level.
    fn error(&self, header: &Header, y: usize, frame: &Frame, room: &mut Frame) -> u64 {
        let planes = [(0, 16), (1, 8), (2, 8)].map(|(plane, size)| {
            let layout = frame.geometry.plane(plane);
            (layout, size)
        });
        for (layout, size) in planes {
            // The row above, too: its lowest lines change.
            let first = layout.row(size * y.saturating_sub(1));
            let end = layout.row(size * (y + 1));
            room.samples[first..end].copy_from_slice(&frame.samples[first..end]);
        }
        self.apply(header, y..y + 1, room);
        let (a, b) = (&self.source.samples, &room.samples);
        let error = |(layout, size): (Layout, usize)| {
            let (at, stride) = (layout.row(size * y), layout.stride);
            self.dsp
                .sse_region(a, at, stride, b, at, stride, layout.width, size)
        };
        planes.map(error).iter().sum()
    }

    /// The level with the least error, by a fourth of the rows of macroblocks,
    /// looked for around `start` in steps from `step` on.
    pub fn level(
        &self,
        header: &Header,
        (start, step): (u8, u8),
        frame: &Frame,
        room: &mut Frame,
    ) -> u8 {
        let rows = frame.geometry.mb_rows;
        let stride = if rows >= 4 * SAMPLED_ROWS { 4 } else { 1 };
        let mut known = [None; 64];
        let mut error = |level: u8, room: &mut Frame| {
            *known[usize::from(level)].get_or_insert_with(|| {
                let header = Header {
                    filter_level: level,
                    ..header.clone()
                };
                let rows = (stride / 2..rows).step_by(stride);
                rows.map(|y| self.error(&header, y, frame, room))
                    .sum::<u64>()
            })
        };
        let (mut best, mut step) = (start.min(63), step.max(1));
        let mut least = error(best, room);
        loop {
            let center = best;
            for level in [center.saturating_sub(step), (center + step).min(63)] {
                let error = error(level, room);
                // A weaker filter is preferred: what it leaves sharp stays so.
                let better = if level < best {
                    error <= least
                } else {
                    error < least
                };
                if better {
                    (best, least) = (level, error);
                }
            }
            if best == center {
                if step == 1 {
                    return best;
                }
                step /= 2;
            }
        }
    }
}
