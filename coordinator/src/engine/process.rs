// SPDX-License-Identifier: MIT OR Apache-2.0
//! One task in a process of its own: this binary again, as `framemill work`.
//!
//! Some encoders keep tables in globals that every new instance writes anew
//! (SVT-AV1): two of them in one process crash or disturb each other. A process
//! each also means that a crash costs one attempt and not the job.

use super::answer::{judge, request};
use super::{Invocation, InvokeError};
use framemill_codec::dsp::Dsp;
use framemill_invocation::{Child, Order, TaskRef};
use framemill_worker::{Failure, Outcome};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Runs one attempt in a child process, with kernels of the level of `simd`
/// where they are chosen.
///
/// # Errors
/// What the task says, or [`InvokeError::Crashed`].
pub async fn invoke(
    invocation: &Invocation,
    work: &str,
    simd: Option<&'static Dsp>,
) -> Result<Outcome, InvokeError> {
    let key = invocation.task.key();
    let order = Order {
        // Nobody limits it: who waits for it is at the same machine.
        request: request(
            TaskRef::Inline(&*invocation.task),
            &key,
            work,
            Duration::MAX,
        ),
        memory: None,
    };
    let no_child = |e: std::io::Error| Failure::Transient {
        detail: format!("cannot start a worker: {e}"),
    };
    let program = std::env::current_exe().map_err(no_child)?;
    let level = simd.map(|dsp| format!("--simd={}", dsp.level()));
    let args = std::iter::once("work".to_owned()).chain(level);
    let mut child = Child::start(&program, args).map_err(no_child)?;
    let frames = |done| invocation.progress.store(done, Ordering::Relaxed);
    tokio::select! {
        // All is stored by then. Taking a large process down is not waited for.
        answer = child.run(&order, frames) => judge(answer, &key),
        () = invocation.cancel.cancelled() => {
            child.stop().await;
            Err(Failure::Cancelled.into())
        }
    }
}
