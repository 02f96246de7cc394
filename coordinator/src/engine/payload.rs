// SPDX-License-Identifier: MIT OR Apache-2.0
//! The body of a request to a worker: the task itself where it is short, else
//! the key under which it lies in the work store.

use super::answer::request;
use super::{Invocation, InvokeError, RemoteCpu};
use framemill_invocation::{Request, TaskRef, INLINE_LIMIT};
use framemill_store::{shown, PutMode};
use framemill_worker::{Failure, Outcome, Task, TaskKey, WorkPlace};
use std::future::Future;
use std::time::Duration;

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
        let name = format!("in/{key}.{:016x}.json", rand::random::<u64>());
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

/// One attempt by a worker that finds the work store, `place`, at `work`, and may take
/// `time`: `send` takes the body to it and brings back what its answer means. When the
/// invocation is cancelled, `send` is dropped.
///
/// # Errors
/// The store's, and those of `send`.
pub(super) async fn attempt<F: Future<Output = Result<Outcome, InvokeError>> + Send>(
    invocation: &Invocation,
    (place, work): (&WorkPlace, &str),
    time: Duration,
    remote: &RemoteCpu,
    send: impl FnOnce(Vec<u8>, TaskKey) -> F,
) -> Result<Outcome, InvokeError> {
    let key = invocation.task.key();
    let mut payload = Payload::of((&invocation.task, &key), place, work, time).await?;
    let result = tokio::select! {
        result = send(std::mem::take(&mut payload.body), key) => result,
        () = invocation.cancel.cancelled() => Err(Failure::Cancelled.into()),
    };
    payload.clear(place).await;
    if let Ok(outcome) = &result {
        remote.add(outcome);
    }
    result
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|e| Failure::bug(e.to_string()))
}
