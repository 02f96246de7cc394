// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to workers outside this process, and what their answers mean.

use super::InvokeError;
use framemill_invocation::{Answer, Refusal, Request, Response, TaskRef, PROTOCOL};
use framemill_worker::task::environment;
use framemill_worker::{Failure, Outcome, TaskKey};
use std::time::Duration;

/// The request for one attempt that may take `time`.
#[must_use]
pub fn request<T>(task: TaskRef<T>, key: &TaskKey, work: &str, time: Duration) -> Request<T> {
    Request {
        protocol: PROTOCOL,
        build: environment().to_owned(),
        key: key.to_string(),
        work: work.to_owned(),
        time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        task,
    }
}

/// What an answer means for the invocation of the task of `key`.
///
/// # Errors
/// [`InvokeError`] for all but that task's outcome.
pub fn judge(answer: Answer<Outcome, Failure>, key: &TaskKey) -> Result<Outcome, InvokeError> {
    match answer {
        Answer::Done(outcome) if outcome.key == *key => Ok(outcome),
        Answer::Done(outcome) => Err(Failure::bug(format!(
            "a worker was asked for {key} and answered for {}",
            outcome.key
        ))
        .into()),
        Answer::Failed(failure) => Err(failure.into()),
        Answer::Crashed { detail } => Err(InvokeError::Crashed { detail }),
        Answer::TimedOut { time_ms } => Err(InvokeError::TimedOut {
            detail: format!("the worker gave it {:.1} s", time_ms as f64 * 1e-3),
        }),
        // The next worker may have more.
        Answer::Refused(refusal @ Refusal::Time { .. }) => Err(Failure::Transient {
            detail: refusal.to_string(),
        }
        .into()),
        Answer::Refused(refusal) => Err(InvokeError::Refused {
            detail: refusal.to_string(),
        }),
    }
}

/// What the body of a response of `who` means for the invocation of the task of `key`.
///
/// # Errors
/// [`InvokeError`] for all but that task's outcome.
pub fn read(body: &[u8], who: &str, key: &TaskKey) -> Result<Outcome, InvokeError> {
    let read: serde_json::Result<Response<Outcome, Failure>> = serde_json::from_slice(body);
    let detail = match (read, version(body)) {
        (Ok(response), _) if response.protocol == PROTOCOL => return judge(response.answer, key),
        (_, Some(worker)) if worker != PROTOCOL => Refusal::Protocol {
            asked: PROTOCOL,
            worker,
        }
        .to_string(),
        _ => format!("{who} does not answer as a worker does"),
    };
    Err(InvokeError::Refused { detail })
}

/// The version that something like a response states.
fn version(body: &[u8]) -> Option<u32> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("protocol")?.as_u64()?.try_into().ok()
}
