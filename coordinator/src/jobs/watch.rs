// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be seen of a job from outside.

use crate::progress::{Progress, Snapshot};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What can be seen of a job under way.
#[derive(Debug, Default)]
pub struct Watch {
    parts: Mutex<Vec<Arc<Progress>>>,
    pub(super) began_s: OnceLock<f64>,
}

impl Watch {
    pub(super) fn part(&self) -> Arc<Progress> {
        let part = Arc::<Progress>::default();
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(part.clone());
        part
    }

    /// When its work began, in seconds since 1970.
    #[must_use]
    pub fn began_s(&self) -> Option<f64> {
        self.began_s.get().copied()
    }

    /// The counters of all its outputs together.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().fold(Snapshot::default(), |sum, part| {
            let part = part.snapshot();
            Snapshot {
                frames: sum.frames + part.frames.min(part.total_frames),
                reused_frames: sum.reused_frames + part.reused_frames,
                total_frames: sum.total_frames + part.total_frames,
                chunks: sum.chunks + part.chunks,
                total_chunks: sum.total_chunks + part.total_chunks,
            }
        })
    }
}
