// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a job is: counted by the runner, shown by the command line.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counters of a running job.
#[derive(Debug, Default)]
pub struct Progress {
    /// Frames of finished chunks.
    frames: AtomicU64,
    /// Of these, taken from an earlier run.
    reused_frames: AtomicU64,
    /// Finished chunks.
    chunks: AtomicU64,
    /// Frames that the job will make; 0 until it is planned.
    total_frames: AtomicU64,
    /// Chunks that the job will make.
    total_chunks: AtomicU64,
    /// Nominal frame rate of the output in millihertz.
    frame_rate: AtomicU64,
    running: Mutex<HashMap<u64, Arc<AtomicU64>>>,
}

/// A moment's view of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Frames done, those of running chunks included.
    pub frames: u64,
    /// Of these, taken from an earlier run.
    pub reused_frames: u64,
    /// Frames to do in all.
    pub total_frames: u64,
    /// Chunks done.
    pub chunks: u64,
    /// Chunks to do in all.
    pub total_chunks: u64,
}

impl Progress {
    /// Says how much there is to do, and at what frame rate it will play.
    pub fn planned(&self, frames: u64, chunks: u64, frame_rate: f64) {
        self.frame_rate
            .store((frame_rate * 1000.0) as u64, Ordering::Relaxed);
        self.total_frames.store(frames, Ordering::Relaxed);
        self.total_chunks.store(chunks, Ordering::Relaxed);
    }

    /// Another round over all chunks begins.
    pub fn restart(&self) {
        for counter in [&self.frames, &self.reused_frames, &self.chunks] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Frames a second that the output plays at; 0 until the job is planned.
    #[must_use]
    pub fn frame_rate(&self) -> f64 {
        self.frame_rate.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// A counter for one invocation's frames.
    #[must_use]
    pub fn invocation(&self, id: u64) -> Arc<AtomicU64> {
        let counter = Arc::new(AtomicU64::new(0));
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, counter.clone());
        counter
    }

    /// An invocation succeeded with this many frames of output.
    pub fn finished(&self, id: u64, frames: u64, chunk: bool, reused: bool) {
        self.dropped(id);
        self.frames.fetch_add(frames, Ordering::Relaxed);
        if chunk {
            self.chunks.fetch_add(1, Ordering::Relaxed);
        }
        if reused {
            self.reused_frames.fetch_add(frames, Ordering::Relaxed);
        }
    }

    /// An invocation came to nothing.
    pub fn dropped(&self, id: u64) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let inside: u64 = running.values().map(|c| c.load(Ordering::Relaxed)).sum();
        let total_frames = self.total_frames.load(Ordering::Relaxed);
        Snapshot {
            frames: (self.frames.load(Ordering::Relaxed) + inside).min(total_frames.max(1)),
            reused_frames: self.reused_frames.load(Ordering::Relaxed),
            total_frames,
            chunks: self.chunks.load(Ordering::Relaxed),
            total_chunks: self.total_chunks.load(Ordering::Relaxed),
        }
    }
}
