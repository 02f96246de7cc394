// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes that do tasks, kept warm between requests.

use framemill_invocation::{Answer, Child, Order, Refusal, Request};
use serde_json::Value;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What a request is answered. Tasks, outcomes and failures pass as they are.
pub type Said = Answer<Value, Value>;

/// The least time that a task is begun with: a process starts in a tenth of it.
const LEAST: Duration = Duration::from_secs(1);

/// Processes that do one task each at a time.
pub struct Pool {
    program: PathBuf,
    /// Bytes of memory for each task.
    memory: Option<u64>,
    slots: Semaphore,
    idle: Mutex<Vec<Child>>,
}

impl Pool {
    /// At most `slots` processes of `program`, among which `memory` bytes are shared.
    pub fn new(program: PathBuf, memory: Option<u64>, slots: u32) -> Self {
        Self {
            program,
            memory: memory.map(|bytes| bytes / u64::from(slots.max(1))),
            slots: Semaphore::new(slots as usize),
            idle: Mutex::default(),
        }
    }

    /// Room for a task, if there is any now.
    pub fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.try_acquire().ok()
    }

    /// Does what a request asks, within the time `left` where the platform sets one.
    /// Nothing of it goes on when this is dropped, or once `ending` comes.
    pub async fn answer(
        &self,
        body: &[u8],
        left: Option<Duration>,
        ending: impl Future<Output = ()>,
    ) -> Said {
        let request: Request<Value> = match Request::parse(body) {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        let asked = Duration::from_millis(request.time_ms);
        let time = left.map_or(asked, |left| left.min(asked));
        let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if time < LEAST {
            return Answer::Refused(Refusal::Time {
                left_ms: time_ms,
                least_ms: LEAST.as_millis() as u64,
            });
        }
        let mut child = match self.child() {
            Ok(child) => child,
            Err(detail) => return Answer::Crashed { detail },
        };
        let order = Order {
            request,
            memory: self.memory,
        };
        tokio::select! {
            answer = child.run(&order, |_| {}) => {
                if !matches!(answer, Answer::Crashed { .. }) {
                    self.idle().push(child);
                }
                answer
            }
            () = tokio::time::sleep(time) => {
                child.kill().await;
                Answer::TimedOut { time_ms }
            }
            () = ending => {
                child.stop().await;
                Answer::Crashed { detail: "the worker was told to end".into() }
            }
        }
    }

    /// Ends the processes that wait.
    pub async fn end(&self) {
        let idle = std::mem::take(&mut *self.idle());
        for child in idle {
            child.stop().await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that waits, else a new one.
    fn child(&self) -> Result<Child, String> {
        while let Some(mut child) = self.idle().pop() {
            if child.is_alive() {
                return Ok(child);
            }
        }
        let none: [&str; 0] = [];
        Child::start(&self.program, none)
            .map_err(|e| format!("cannot start {}: {e}", self.program.display()))
    }
}
