// SPDX-License-Identifier: MIT OR Apache-2.0
//! What earlier invocations left in the work store.

use framemill_worker::{verify_blob, Outcome, Task, TaskKey, WorkPlace};
use std::sync::Arc;

/// The outcome record of a task, if it has one.
pub async fn recorded(key: &TaskKey, place: &WorkPlace) -> Option<Outcome> {
    const RECORD_MAX: u64 = 16 << 20;
    let record = place
        .work
        .get(&place.full_key(&key.outcome_key()), RECORD_MAX)
        .await
        .ok()?;
    let outcome: Outcome = serde_json::from_slice(&record).ok()?;
    (outcome.key == *key && !outcome.blobs.is_empty()).then_some(outcome)
}

/// The outcome of a task that is done, if all that it wrote is still whole.
pub(super) async fn whole(task: &Arc<Task>, place: WorkPlace) -> Option<Outcome> {
    let key = task.key();
    let outcome = recorded(&key, &place).await?;
    let (work, record) = (place.work.clone(), place.full_key(&key.outcome_key()));
    let whole = tokio::task::spawn_blocking(move || {
        let whole = outcome
            .blobs
            .iter()
            .all(|blob| verify_blob(blob, &place).unwrap_or(false));
        whole.then_some(outcome)
    })
    .await
    .ok()?;
    if whole.is_none() {
        // What follows the task must wait until it is made again.
        let _ = work.delete(&record).await;
    }
    whole
}
