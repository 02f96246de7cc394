// SPDX-License-Identifier: MIT OR Apache-2.0
//! The body of a request to a worker: the task itself where it is short, else
//! the key under which it lies in the work store.

use super::answer::request;
use super::{Invocation, InvokeError, RemoteCpu};
use framemill_invocation::{Request, TaskRef, INLINE_LIMIT};
use framemill_store::{shown, PutMode};
use framemill_worker::{Failure, Outcome, Task, TaskKey, WorkPlace};
use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A request as it is sent, and what is to be removed afterwards.
pub struct Payload {
    /// The body.
    pub body: Vec<u8>,
    /// Key of the stored task, with the work store's prefix.
    stored: Option<String>,
}

impl Payload {
    /// The request to do `task` within `time`, with the work store at `work`, which is
    /// `place`. Long tasks are put there, and those whose source's address holds
    /// a secret, since platforms log what they are sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(
        (task, key): (&Task, &TaskKey),
        place: &WorkPlace,
        work: &str,
        time: Duration,
    ) -> Result<Self, Failure> {
        let text = to_json(task)?;
        let is_secret = task.source().is_some_and(|s| shown(&s.uri) != s.uri);
        if text.len() <= INLINE_LIMIT && !is_secret {
            let request = request(TaskRef::Inline(task), key, work, time);
            return Ok(Self {
                body: to_json(&request)?,
                stored: None,
            });
        }
        // Each attempt has its own: one that ends takes none away from another.
        let name = stored_name(key, time);
        let full = place.full_key(&name);
        place
            .work
            .put(&full, text.into(), PutMode::Overwrite)
            .await?;
        let request: Request<Task> = request(TaskRef::Stored { key: name }, key, work, time);
        Ok(Self {
            body: to_json(&request)?,
            stored: Some(full),
        })
    }

    /// Removes the stored task, once no worker needs it any more.
    pub async fn clear(self, place: &WorkPlace) {
        if let Some(key) = self.stored {
            // What stays is small, and under a name that nothing else has.
            let _ = place.work.delete(&key).await;
        }
    }
}

/// Longer than any attempt's clean-up, and than clocks differ.
const LATE: Duration = Duration::from_secs(3600);

/// A key for a task that is stored for an attempt of `time`: it says when the blob is
/// of no more use, in seconds since 1970.
fn stored_name(key: &TaskKey, time: Duration) -> String {
    let until = now_s().saturating_add((time.saturating_add(LATE)).as_secs());
    format!("in/{key}.{until}-{:016x}.json", rand::random::<u64>())
}

/// Whether a stored task's key says that its time is over at `now`.
fn is_over(key: &str, now: u64) -> bool {
    let until = key.rsplit_once('.').and_then(|(rest, json)| {
        let (_, said) = rest.rsplit_once('.').filter(|_| json == "json")?;
        said.split_once('-')?.0.parse::<u64>().ok()
    });
    until.is_some_and(|until| until < now)
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Removes tasks that attempts of killed coordinators have left in the work store.
/// What cannot be listed or removed stays, and harms nobody.
pub async fn sweep(place: &WorkPlace) {
    let (prefix, now) = (place.full_key("in/"), now_s());
    let mut after = None;
    loop {
        let page = place.work.list(&prefix, after.as_deref(), 1000).await;
        let Ok(page) = page else { return };
        for entry in page.entries.iter().filter(|e| is_over(&e.key, now)) {
            let _ = place.work.delete(&entry.key).await;
        }
        after = page.next;
        if after.is_none() {
            return;
        }
    }
}

/// One attempt by a worker that finds the work store, `place`, at `work`, and may take
/// `time`: `send` takes the body to it and brings back what its answer means. When the
/// invocation is cancelled, `send` is dropped.
///
/// # Errors
/// The store's, and those of `send`.
pub(super) async fn attempt<F: Future<Output = Result<Outcome, InvokeError>> + Send>(
    Invocation { task, cancel, .. }: Invocation,
    (place, work): (&WorkPlace, &str),
    time: Duration,
    remote: &RemoteCpu,
    send: impl FnOnce(Vec<u8>, TaskKey) -> F,
) -> Result<Outcome, InvokeError> {
    let key = task.key();
    let mut payload = Payload::of((&task, &key), place, work, time).await?;
    // Thousands wait here for their workers; what they have sent is enough to keep.
    drop(task);
    let result = tokio::select! {
        result = send(std::mem::take(&mut payload.body), key) => result,
        () = cancel.cancelled() => Err(Failure::Cancelled.into()),
    };
    payload.clear(place).await;
    if let Ok(outcome) = &result {
        remote.add(outcome);
    }
    result
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    let mut text = serde_json::to_vec(value).map_err(|e| Failure::bug(e.to_string()))?;
    // It is kept while the worker runs, and so may thousands be.
    text.shrink_to_fit();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use framemill_store::MemoryStore;
    use std::sync::Arc;
    use tokio::runtime::Handle;

    #[tokio::test]
    async fn what_killed_coordinators_leave_is_swept_once_its_time_is_over() {
        let place = WorkPlace {
            handle: Handle::current(),
            work: Arc::new(MemoryStore::named("sweep-tests")),
            prefix: "job/".into(),
            simd: None,
        };
        let key = "00".repeat(20);
        let put = async |name: &str| {
            let name = place.full_key(name);
            let body = Bytes::from_static(b"{}");
            place.work.put(&name, body, PutMode::Overwrite).await
        };
        let old = format!("in/{key}.1700000000-0123456789abcdef.json");
        let live = format!("in/{key}.{}-0123456789abcdef.json", now_s() + 60);
        let others = "in/notes.txt".to_owned();
        for name in [&old, &live, &others] {
            put(name).await.unwrap();
        }
        sweep(&place).await;
        let left = place.work.list("job/in/", None, 9).await.unwrap();
        let left: Vec<_> = left.entries.into_iter().map(|e| e.key).collect();
        assert_eq!(left, [place.full_key(&live), place.full_key(&others)]);
    }

    #[test]
    fn a_stored_task_outlives_its_attempt() {
        let task = "11".repeat(20);
        let key: TaskKey = serde_json::from_value(task.into()).unwrap();
        let name = stored_name(&key, Duration::from_secs(900));
        assert!(!is_over(&name, now_s() + 900));
        assert!(is_over(&name, now_s() + 900 + 3601 + 1));
    }
}
