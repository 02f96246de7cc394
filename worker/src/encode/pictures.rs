// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pictures of a span as an encoder gets them: decoded, selected, filtered,
//! each at its time.

use super::feed::{FedFrame, Feed};
use super::filters::Filters;
use super::task::{EncodeTask, Timing};
use crate::run::{Monitor, WorkPlace};
use crate::Failure;
use framemill_codec::libav::Frame;
use framemill_store::ReadStats;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Called with each picture in display order.
type Each<'a> = &'a mut dyn FnMut(&Frame) -> Result<(), Failure>;

/// What is known of a span's pictures once all were shown.
pub(crate) struct Shown {
    pub(crate) frames: u64,
    pub(crate) first_pts: Option<i64>,
    pub(crate) warnings: Vec<String>,
}

/// Gives `each` all pictures that a task wants.
///
/// # Errors
/// Those of reading and decoding, those of `each`, and
/// [`Failure::Mismatch`] where there are other frames than planned.
pub(crate) fn pictures(
    task: &EncodeTask,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
    each: Each<'_>,
) -> Result<Shown, Failure> {
    let mut feed = Feed::new(task, place, stats)?;
    let mut span = Span {
        timing: task.timing,
        filters: Filters::new(&task.filter, task.encoder.width, task.encoder.height),
        emitted: 0,
        waiting: BTreeMap::new(),
        last_pts: None,
        first_pts: None,
        each,
    };
    while let Some(frame) = feed.next_frame()? {
        monitor.check()?;
        span.take(frame)?;
    }
    feed.check_count(task)?;
    span.finish()?;
    Ok(Shown {
        frames: span.emitted,
        first_pts: span.first_pts,
        warnings: feed.warnings,
    })
}

/// A frame on its way through the filters.
struct Waiting {
    /// How often the encoder gets it.
    repeat: u32,
    /// Its time on the output's line.
    pts: i64,
}

/// A span under way.
struct Span<'a> {
    timing: Timing,
    filters: Filters,
    emitted: u64,
    /// Frames inside the filters, by the number they went in under.
    waiting: BTreeMap<i64, Waiting>,
    last_pts: Option<i64>,
    first_pts: Option<i64>,
    each: Each<'a>,
}

impl Span<'_> {
    fn take(&mut self, fed: FedFrame) -> Result<(), Failure> {
        let number = self.filters.push(fed.frame)?;
        self.waiting.insert(
            number,
            Waiting {
                repeat: fed.repeat,
                pts: fed.pts,
            },
        );
        self.pull()
    }

    fn pull(&mut self) -> Result<(), Failure> {
        while let Some((number, frame)) = self.filters.pull()? {
            let waiting = self.waiting.remove(&number).ok_or_else(|| {
                Failure::bug(format!(
                    "the filters gave frame {number} twice or from nowhere"
                ))
            })?;
            self.emit(frame, &waiting)?;
        }
        Ok(())
    }

    fn emit(&mut self, mut frame: Frame, waiting: &Waiting) -> Result<(), Failure> {
        for _ in 0..waiting.repeat {
            let pts = match self.timing {
                Timing::Source { .. } => waiting.pts,
                Timing::Constant { first_tick } => first_tick + self.emitted as i64,
            };
            if self.last_pts.is_some_and(|last| pts <= last) {
                return Err(Failure::Mismatch {
                    expected: self.emitted,
                    got: self.emitted,
                    detail: ": frames are shown in another order than their times".into(),
                    from_start: true,
                });
            }
            self.last_pts = Some(pts);
            self.first_pts.get_or_insert(pts);
            frame.set_pts(pts);
            frame.clear_type();
            (self.each)(&frame)?;
            self.emitted += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.filters.finish()?;
        self.pull()?;
        let left: u64 = self.waiting.values().map(|w| u64::from(w.repeat)).sum();
        if left > 0 {
            return Err(Failure::bug(format!("the filters kept {left} frames")));
        }
        Ok(())
    }
}
