// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers as processes of this machine, behind the Runtime API of AWS Lambda: the
//! same binary as there, crash isolation, and faults where they are asked for.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Faults`] | what goes wrong on purpose |
//! | [`HostServer`] | the Invoke API in front, for clients of Lambda's |
//! | `runtime_api` | what a worker asks and answers, one listener each |
//! | `worker` | one process, from its start to its end |

mod faults;
mod invoke_api;
mod runtime_api;
mod worker;

pub use faults::Faults;
pub use invoke_api::HostServer;

use super::answer::read;
use super::payload::attempt;
use super::{Engine, Invocation, InvokeError, RemoteCpu};
use async_trait::async_trait;
use bytes::Bytes;
use faults::Fate;
use framemill_invocation::BODY_LIMIT;
use framemill_worker::{Failure, Outcome, TaskKey, WorkPlace};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use worker::{Ended, Worker};

/// How workers are run.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The worker, `framemill-worker`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Most workers at work at once; what comes beyond is throttled.
    pub concurrency: u32,
    /// How long a worker may take for one task.
    pub time: Duration,
    /// How long a worker waits for another task before it is ended.
    pub idle: Duration,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl HostOptions {
    /// `concurrency` workers of `program` without faults; a quarter of an hour for a
    /// task, half a minute of idling.
    #[must_use]
    pub fn new(program: PathBuf, concurrency: u32) -> Self {
        Self {
            program,
            args: Vec::new(),
            concurrency: concurrency.max(1),
            time: Duration::from_secs(900),
            idle: Duration::from_secs(30),
            faults: Faults::default(),
        }
    }
}

/// Warm workers, and room for more.
struct Fleet {
    options: HostOptions,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Worker>>,
    started: AtomicU64,
    invocations: AtomicU64,
}

/// Runs tasks in worker processes of this machine.
pub struct HostEngine {
    fleet: Arc<Fleet>,
    place: WorkPlace,
    work: String,
    remote: RemoteCpu,
}

impl HostEngine {
    /// An engine whose workers find the work store, `place`, at `work`.
    #[must_use]
    pub fn new(options: HostOptions, (place, work): (&WorkPlace, &str)) -> Self {
        let entered = place.handle.enter();
        let fleet = Fleet::new(options);
        drop(entered);
        Self {
            fleet,
            place: place.clone(),
            work: work.to_owned(),
            remote: RemoteCpu::default(),
        }
    }

    /// Workers that wait for a task at the moment.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.fleet.idle().len()
    }

    /// Workers started so far.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.fleet.started.load(Ordering::Relaxed)
    }

    async fn run(&self, body: Bytes, key: TaskKey) -> Result<Outcome, InvokeError> {
        match self.fleet.invoke(body).await? {
            Ended::Answered(body) => read(&body, "the worker", &key),
            Ended::Error(error) if error.init => Err(InvokeError::Refused {
                detail: format!("the worker cannot start: {}", error.detail),
            }),
            Ended::Error(error) => Err(InvokeError::Crashed {
                detail: error.detail,
            }),
            Ended::Exited(detail) => Err(InvokeError::Crashed { detail }),
            Ended::TimedOut => Err(InvokeError::TimedOut {
                detail: format!(
                    "no answer in {:.1} s",
                    self.fleet.options.time.as_secs_f64()
                ),
            }),
        }
    }
}

/// Ends workers that have waited too long, as long as the fleet is there.
async fn reap(fleet: Weak<Fleet>, idle: Duration) {
    let pause = (idle / 4).max(Duration::from_millis(20));
    loop {
        tokio::time::sleep(pause).await;
        let Some(fleet) = fleet.upgrade() else {
            return;
        };
        let now = Instant::now();
        let old =
            |worker: &mut Worker| now.duration_since(worker.used) > idle || !worker.is_alive();
        let old: Vec<Worker> = fleet.idle().extract_if(.., old).collect();
        for worker in old {
            tokio::spawn(worker.stop());
        }
    }
}

impl Fleet {
    /// A fleet without workers yet, in the current runtime.
    fn new(options: HostOptions) -> Arc<Self> {
        let fleet = Arc::new(Self {
            slots: Arc::new(Semaphore::new(options.concurrency as usize)),
            options,
            idle: Mutex::default(),
            started: AtomicU64::new(0),
            invocations: AtomicU64::new(0),
        });
        tokio::spawn(reap(Arc::downgrade(&fleet), fleet.options.idle));
        fleet
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self) -> Result<OwnedSemaphorePermit, InvokeError> {
        let slot = self.slots.clone().try_acquire_owned();
        slot.map_err(|_| {
            throttled(format!(
                "all {} workers are at work",
                self.options.concurrency
            ))
        })
    }

    async fn invoke(self: &Arc<Self>, body: Bytes) -> Result<Ended, InvokeError> {
        if body.len() > BODY_LIMIT {
            return Err(InvokeError::Refused {
                detail: format!("a request of {} bytes is too long", body.len()),
            });
        }
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let fate = self.options.faults.fate(number);
        if fate == Fate::Throttle {
            return Err(throttled("by a fault that was asked for".into()));
        }
        let _slot = self.slot()?;
        tokio::time::sleep(self.options.faults.latency).await;
        let mut worker = self.worker().await?;
        let time = self.options.time;
        if fate == Fate::Twice {
            self.deliver_again(number, body.clone()).await;
        }
        let begun = Instant::now();
        let run = worker.run(format!("{number:032x}"), body, time);
        match fate {
            // Wherever it is by then: before it has begun, amid its work, or done.
            Fate::Crash(after) => {
                let _ = tokio::time::timeout(after, run).await;
                worker.kill().await;
                Ok(Ended::Exited("by a fault that was asked for".into()))
            }
            Fate::TimeOut(after) => {
                let _ = tokio::time::timeout(after, run).await;
                Ok(Ended::TimedOut)
            }
            Fate::Slow(times) => {
                let ended = run.await;
                let longer = (times - 1.0).max(0.0);
                tokio::time::sleep(begun.elapsed().mul_f64(longer)).await;
                Ok(self.keep(worker, ended))
            }
            Fate::Run | Fate::Throttle | Fate::Twice => {
                let ended = run.await;
                Ok(self.keep(worker, ended))
            }
        }
    }

    /// Gives an event to one more worker, whose answer nobody hears.
    async fn deliver_again(self: &Arc<Self>, number: u64, body: Bytes) {
        let Ok(mut worker) = self.worker().await else {
            return;
        };
        let fleet = self.clone();
        tokio::spawn(async move {
            let id = format!("{:032x}", u128::from(number) | 1 << 64);
            let ended = worker.run(id, body, fleet.options.time).await;
            fleet.keep(worker, ended);
        });
    }

    /// Keeps a worker that has answered; others are stopped.
    fn keep(&self, worker: Worker, ended: Ended) -> Ended {
        if matches!(ended, Ended::Answered(_)) {
            self.idle().push(worker);
        }
        ended
    }

    /// A worker that waits.
    fn warm(&self) -> Option<Worker> {
        let mut idle = self.idle();
        while let Some(mut worker) = idle.pop() {
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }

    /// A worker that waits, else a new one.
    async fn worker(&self) -> Result<Worker, InvokeError> {
        if let Some(worker) = self.warm() {
            return Ok(worker);
        }
        tokio::time::sleep(self.options.faults.cold_start).await;
        let program = &self.options.program;
        let worker = Worker::start(program, &self.options.args).await;
        let worker = worker.map_err(|e| Failure::Transient {
            detail: format!("cannot start {}: {e}", program.display()),
        })?;
        self.started.fetch_add(1, Ordering::Relaxed);
        Ok(worker)
    }
}

fn throttled(detail: String) -> InvokeError {
    InvokeError::Throttled {
        detail,
        after: None,
    }
}

#[async_trait]
impl Engine for HostEngine {
    fn name(&self) -> &'static str {
        "host"
    }

    fn slots(&self) -> u32 {
        self.fleet.options.concurrency
    }

    fn speculates(&self) -> bool {
        false
    }

    fn remote_cpu_s(&self) -> f64 {
        self.remote.seconds()
    }

    fn at(&self, place: &WorkPlace, work: &str) -> Arc<dyn Engine> {
        Arc::new(Self {
            fleet: self.fleet.clone(),
            place: place.clone(),
            work: work.to_owned(),
            remote: RemoteCpu::default(),
        })
    }

    async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        // When it is cancelled, its worker is stopped, and what it does with it.
        let at = (&self.place, self.work.as_str());
        let (time, remote) = (self.fleet.options.time, &self.remote);
        attempt(invocation, at, time, remote, |body, key| {
            self.run(body.into(), key)
        })
        .await
    }
}
