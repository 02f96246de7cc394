// SPDX-License-Identifier: MIT OR Apache-2.0
//! Search for the loop filter's level.

use super::field::Field;
use crate::dsp::Dsp;
use crate::vp8::frame::Frame;
use crate::vp8::header::Header;
use crate::vp8::loop_filter::{LoopFilter, Strength};
use crate::vp8::state::{FilterDeltas, Segmentation};

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

    /// Squared differences of luma from the source, in some rows.
    fn error(&self, rows: &std::ops::Range<usize>, frame: &Frame) -> u64 {
        let layout = frame.geometry.plane(0);
        let at = layout.row(16 * rows.start);
        let (a, b, stride) = (&self.source.samples, &frame.samples, layout.stride);
        let count = 16 * rows.len();
        self.dsp
            .sse_region(a, at, stride, b, at, stride, layout.width, count)
    }

    /// Error of luma in `rows` with a level.
    fn error_at(
        &self,
        level: u8,
        header: &Header,
        rows: &std::ops::Range<usize>,
        frame: &Frame,
        room: &mut Frame,
    ) -> u64 {
        let layout = frame.geometry.plane(0);
        // The row above, too: its lowest lines change.
        let first = layout.row(16 * rows.start.saturating_sub(1));
        let end = layout.row(16 * rows.end);
        room.samples[first..end].copy_from_slice(&frame.samples[first..end]);
        let header = Header {
            filter_level: level,
            ..header.clone()
        };
        self.apply_luma(&header, rows.clone(), room);
        self.error(rows, room)
    }

    fn apply_luma(&self, header: &Header, rows: std::ops::Range<usize>, frame: &mut Frame) {
        // Chroma in `room` is of no use, and does no harm.
        self.apply(header, rows, frame);
    }

    /// The level with the least error of luma in `rows`, looked for around
    /// `start`, in steps from `step` on.
    pub fn level(
        &self,
        header: &Header,
        rows: std::ops::Range<usize>,
        (start, step): (u8, u8),
        frame: &Frame,
        room: &mut Frame,
    ) -> u8 {
        let mut known = [None; 64];
        let mut error = |level: u8, room: &mut Frame| {
            *known[usize::from(level)]
                .get_or_insert_with(|| self.error_at(level, header, &rows, frame, room))
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
