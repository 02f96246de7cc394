// SPDX-License-Identifier: MIT OR Apache-2.0
//! Open jobs that nobody is at work on.

use super::metrics::one;
use super::service::{Service, REST};
use crate::error::{JobError, Result};
use crate::jobs::{lease, now_s, Id};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

impl Service {
    /// Takes up open jobs that nobody is at work on: those of coordinators that died after their
    /// message was gone, and those that somebody wants tried again.
    pub(super) async fn take_over(
        self: Arc<Self>,
        room: Arc<Semaphore>,
        end: CancellationToken,
        stop: CancellationToken,
    ) {
        let mut seen: HashSet<Id> = HashSet::new();
        loop {
            let begun = Instant::now();
            // Two looks in a row: a job's own message may be about to bring it.
            seen = match self.look_for_orphans(&seen, &room, (&end, &stop)).await {
                Ok(seen) => seen,
                Err(error) => {
                    tracing::warn!(%error, "open jobs could not be looked at");
                    HashSet::new()
                }
            };
            let rest = self.settings.hold.saturating_sub(begun.elapsed());
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(rest.max(REST)) => {}
            }
        }
    }

    async fn look_for_orphans(
        &self,
        seen: &HashSet<Id>,
        room: &Arc<Semaphore>,
        (end, stop): (&CancellationToken, &CancellationToken),
    ) -> Result<HashSet<Id>> {
        let records = &self.shop.records;
        let mut now = HashSet::new();
        for id in records.all_open().await? {
            // Not held across what waits.
            let mine = self.mine().contains(&id);
            if mine || end.is_cancelled() || lease::holder(records, &id).await?.is_some() {
                continue;
            }
            if !seen.contains(&id) {
                now.insert(id);
                continue;
            }
            let Some(open) = records.open(&id).await?.filter(|open| !open.secret) else {
                continue;
            };
            let Ok(_place) = room.clone().acquire_owned().await else {
                return Ok(now);
            };
            one(&self.health.metrics.taken_over);
            match self.job(&open.order, 0.0, now_s(), stop).await {
                Ok((ended, true)) => self.count(&ended),
                Ok((_, false)) | Err(JobError::Interrupted(_)) => {}
                Err(error) => tracing::warn!(job = %id, %error, "an open job was not done"),
            }
        }
        Ok(now)
    }
}
