// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keeps a lease while a job runs, and stops the job where it must.

use super::lease::Lease;
use super::{now_s, Id, Records};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Why a job was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The lane is another's.
    Lost,
    /// Somebody has asked for it.
    Asked,
}

/// Keeps a lease in a task of its own.
pub(super) struct Keeper {
    end: CancellationToken,
    task: tokio::task::JoinHandle<(Lease, Option<Stopped>)>,
}

impl Keeper {
    pub(super) fn start(
        lease: Lease,
        records: Records,
        id: Id,
        time: Duration,
        job: CancellationToken,
    ) -> Self {
        let end = CancellationToken::new();
        let ended = end.clone();
        let task = tokio::spawn(async move {
            let mut good_until = now_s() + time.as_secs_f64();
            loop {
                tokio::select! {
                    () = ended.cancelled() => return (lease, None),
                    () = tokio::time::sleep(time / 3) => {}
                }
                if matches!(records.is_cancelled(&id).await, Ok(true)) {
                    job.cancel();
                    return (lease, Some(Stopped::Asked));
                }
                match lease.renew().await {
                    Ok(true) => good_until = now_s() + time.as_secs_f64(),
                    // A store that does not answer for a while takes nothing away.
                    Err(_) if now_s() < good_until => {}
                    Ok(false) | Err(_) => {
                        job.cancel();
                        return (lease, Some(Stopped::Lost));
                    }
                }
            }
        });
        Self { end, task }
    }

    pub(super) async fn stop(self) -> (Option<Lease>, Option<Stopped>) {
        self.end.cancel();
        match self.task.await {
            Ok((lease, stopped)) => (Some(lease), stopped),
            Err(_) => (None, None),
        }
    }
}
