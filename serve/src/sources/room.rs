// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory for sources: what is being read and what waits to be worked on counts, too.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes for sources beside those that are kept, unless one alone may be larger.
const BESIDE: u64 = 1 << 30;

/// Room for all sources in memory, in KiB.
#[derive(Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    /// What a source of unknown size may take.
    most: u32,
}

/// The room of one source, given back when dropped.
#[derive(Debug)]
pub(super) struct Taken(OwnedSemaphorePermit);

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

impl Room {
    /// Room for `kept` bytes of sources that are kept, and some beside, of `most` bytes each.
    pub fn new(kept: u64, most: u64) -> Self {
        let all = kept.saturating_add(BESIDE.max(most.saturating_mul(2)));
        let all = usize::try_from(all >> 10).unwrap_or(usize::MAX);
        let all = all.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(all)),
            most: kib(most).min(u32::try_from(all).unwrap_or(u32::MAX)),
        }
    }

    /// Room for a source whose size is not known yet, once there is some.
    pub async fn take(&self) -> Option<Taken> {
        let free = Arc::clone(&self.free);
        free.acquire_many_owned(self.most).await.ok().map(Taken)
    }
}

impl Taken {
    /// Gives back what a source of so many bytes does not need.
    pub fn shrink(&mut self, bytes: u64) {
        let spare = self.0.num_permits().saturating_sub(kib(bytes) as usize);
        drop(self.0.split(spare));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn room_is_bounded_and_comes_back() {
        let room = Room::new(0, 600 << 20);
        let first = room.take().now_or_never().unwrap().unwrap();
        let mut second = room.take().now_or_never().unwrap().unwrap();
        assert!(room.take().now_or_never().is_none());
        second.shrink(1 << 20);
        assert!(room.take().now_or_never().is_none());
        drop(first);
        let third = room.take().now_or_never().unwrap();
        assert!(third.is_some());
    }
}
