// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drives the scheduler: launches what it says on an engine, tells it what
//! came of it, takes results that are already there.

use crate::engine::{Engine, Invocation, InvokeError};
use crate::error::{JobError, Result};
use crate::progress::Progress;
use crate::report::{InvocationRecord, ReportStats};
use crate::schedule::{
    Action, Config, Event, FailureClass, InvocationId, Kind, NodeId, NodeSpec, Scheduler,
};
use framemill_worker::{verify_blob, Failure, Outcome, Task, TaskKey, WorkPlace};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Builds a node's task from its chunk's number, or 0, and how many more key
/// frames of run-up than needed decoding starts at. Shared by all chunks.
pub type Build = Arc<dyn Fn(usize, usize) -> Task + Send + Sync>;

/// Work to be done.
pub struct Work {
    /// Word for reports: index, analyze, encode, track.
    pub kind: &'static str,
    /// Chunk number, for those that work on one.
    pub chunk: Option<u32>,
    /// Expected work, in frames.
    pub weight: u32,
    /// Builds the task.
    pub build: Build,
}

struct Node {
    work: Work,
    extra: usize,
    queued: Duration,
    last_failure: Option<Box<InvokeError>>,
    damaged_at: Option<u64>,
    outcome: Option<Box<Outcome>>,
}

struct Flight {
    node: NodeId,
    attempt: u16,
    start: Duration,
    cancel: CancellationToken,
}

/// What an invocation came to.
struct Ended {
    invocation: InvocationId,
    result: Result<Outcome, InvokeError>,
    reused: bool,
}

/// Runs batches of work to their end.
pub struct Runner {
    scheduler: Scheduler,
    engine: Arc<dyn Engine>,
    place: WorkPlace,
    resume: bool,
    /// What this run itself has made, which counts even without `resume`.
    made: HashSet<TaskKey>,
    started: Instant,
    nodes: Vec<Node>,
    flights: HashMap<InvocationId, Flight>,
    ended: (mpsc::UnboundedSender<Ended>, mpsc::UnboundedReceiver<Ended>),
    wake: Option<Duration>,
    cancel: CancellationToken,
    progress: Arc<Progress>,
    file: String,
    /// Every invocation so far.
    pub records: Vec<InvocationRecord>,
    /// Results taken from an earlier run.
    pub reused: u64,
}

/// Numbers for the scheduler's kinds.
fn kind_number(kind: &str) -> Kind {
    const KINDS: [&str; 4] = ["index", "analyze", "encode", "track"];
    Kind(KINDS.iter().position(|k| *k == kind).unwrap_or(KINDS.len()) as u16)
}

impl Runner {
    /// A runner for one job; `file` names the input in messages.
    ///
    /// # Errors
    /// [`JobError::Failed`] for a configuration out of range.
    pub fn new(
        engine: Arc<dyn Engine>,
        place: WorkPlace,
        resume: bool,
        cancel: CancellationToken,
        progress: Arc<Progress>,
        file: &str,
    ) -> Result<Self> {
        let config = Config {
            max_in_flight: engine.slots(),
            speculation: if engine.speculates() {
                Config::default().speculation
            } else {
                None
            },
            ..Config::default()
        };
        Ok(Self {
            scheduler: Scheduler::new(config).map_err(|e| JobError::Failed(e.to_string()))?,
            engine,
            place,
            resume,
            made: HashSet::new(),
            started: Instant::now(),
            nodes: Vec::new(),
            flights: HashMap::new(),
            ended: mpsc::unbounded_channel(),
            wake: None,
            cancel,
            progress,
            file: file.to_owned(),
            records: Vec::new(),
            reused: 0,
        })
    }

    /// Time since the job's start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs all of `works`; outcomes come in the same order.
    ///
    /// # Errors
    /// The first failure that the scheduler gives up on, in the user's words.
    pub async fn run(&mut self, works: Vec<Work>) -> Result<Vec<Outcome>> {
        let first = self.nodes.len();
        let now = self.now();
        // Exact, since thousands of small things doubled are megabytes.
        self.nodes.reserve_exact(works.len());
        self.records.reserve_exact(works.len());
        self.scheduler.reserve(works.len());
        for work in works {
            let spec = NodeSpec::new(kind_number(work.kind), work.weight);
            self.scheduler
                .add(spec)
                .map_err(|e| JobError::Failed(e.to_string()))?;
            self.nodes.push(Node {
                work,
                extra: 0,
                queued: now,
                last_failure: None,
                damaged_at: None,
                outcome: None,
            });
        }
        let mut left = self.nodes.len() - first;
        left -= self.feed(Event::Start)?;
        left -= self.feed(Event::Tick)?;
        while left > 0 {
            let event = self.next_event().await;
            left -= self.feed(event)?;
        }
        let take = |node: &mut Node| node.outcome.take().map(|outcome| *outcome);
        let outcomes: Option<Vec<Outcome>> = self.nodes[first..].iter_mut().map(take).collect();
        outcomes.ok_or_else(|| JobError::Failed("a finished node left no outcome".into()))
    }

    async fn next_event(&mut self) -> Event {
        let wait = self
            .wake
            .map_or(Duration::from_secs(3600), |w| w.saturating_sub(self.now()));
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Event::Cancel,
            Some(ended) = self.ended.1.recv() => self.settle(ended),
            () = tokio::time::sleep(wait) => Event::Tick,
        }
    }

    /// Gives an event to the scheduler and does what it says; how many nodes got done.
    fn feed(&mut self, event: Event) -> Result<usize> {
        let mut actions = Vec::new();
        let now = self.now();
        self.wake = self.wake.filter(|&at| at > now);
        self.scheduler.handle(event, now, &mut actions);
        let mut done = 0;
        for action in actions {
            match action {
                Action::Launch {
                    invocation,
                    node,
                    attempt,
                    ..
                } => self.launch(invocation, node, attempt),
                Action::Abort { invocation } => {
                    if let Some(flight) = self.flights.get(&invocation) {
                        flight.cancel.cancel();
                    }
                }
                Action::NodeDone { .. } => done += 1,
                Action::WakeAt(at) => self.wake = Some(at),
                Action::JobDone => {}
                Action::JobFailed(failure) => return Err(self.failed(&failure)),
                Action::JobCancelled => return Err(JobError::Interrupted("interrupted".into())),
            }
        }
        Ok(done)
    }

    fn launch(&mut self, invocation: InvocationId, id: NodeId, attempt: u16) {
        let node = &self.nodes[id.0 as usize];
        let task = Arc::new((node.work.build)(
            node.work.chunk.unwrap_or(0) as usize,
            node.extra,
        ));
        let cancel = self.cancel.child_token();
        let progress = self.progress.invocation(invocation.0);
        let (engine, place) = (self.engine.clone(), self.place.clone());
        let reuse = self.resume || self.made.contains(&task.key());
        let sender = self.ended.0.clone();
        let run = Invocation {
            task,
            cancel: cancel.clone(),
            progress,
        };
        self.flights.insert(
            invocation,
            Flight {
                node: id,
                attempt,
                start: self.now(),
                cancel,
            },
        );
        tokio::spawn(async move {
            if reuse {
                if let Some(outcome) = stored(&run.task, place).await {
                    let _ = sender.send(Ended {
                        invocation,
                        result: Ok(outcome),
                        reused: true,
                    });
                    return;
                }
            }
            let result = engine.invoke(run).await;
            let _ = sender.send(Ended {
                invocation,
                result,
                reused: false,
            });
        });
    }

    /// Records what an invocation came to and turns it into an event.
    fn settle(&mut self, ended: Ended) -> Event {
        let Ended {
            invocation,
            result,
            reused,
        } = ended;
        let Some(flight) = self.flights.remove(&invocation) else {
            return Event::Tick;
        };
        self.record(&flight, &result, reused);
        let node = &mut self.nodes[flight.node.0 as usize];
        match result {
            Ok(outcome) => {
                let frames = if node.work.kind == "encode" {
                    outcome.frames
                } else {
                    0
                };
                self.progress
                    .finished(invocation.0, frames, node.work.kind == "encode", reused);
                node.outcome.get_or_insert_with(|| Box::new(outcome));
                Event::Finished {
                    invocation,
                    cost: 0.0,
                }
            }
            Err(error) => {
                self.progress.dropped(invocation.0);
                let class = self.classify(flight.node, &error);
                tracing::debug!(?class, %error, "invocation failed");
                self.nodes[flight.node.0 as usize].last_failure = Some(Box::new(error));
                match class {
                    Some(class) => Event::Failed {
                        invocation,
                        class,
                        cost: 0.0,
                    },
                    None => Event::Tick,
                }
            }
        }
    }

    fn record(&mut self, flight: &Flight, result: &Result<Outcome, InvokeError>, reused: bool) {
        if let Ok(outcome) = result {
            let new = self.made.insert(outcome.key);
            if reused {
                self.reused += u64::from(new);
                return;
            }
        }
        let node = &self.nodes[flight.node.0 as usize];
        self.records.push(InvocationRecord {
            kind: node.work.kind,
            chunk: node.work.chunk,
            attempt: flight.attempt,
            queued_s: node.queued.as_secs_f64(),
            start_s: flight.start.as_secs_f64(),
            end_s: self.now().as_secs_f64(),
            stats: result
                .as_ref()
                .map(|o| ReportStats::from(&o.stats))
                .unwrap_or_default(),
            outcome: match result {
                Ok(_) => "ok".into(),
                Err(error) => error.to_string().into(),
            },
        });
    }

    /// The scheduler's word for a failure; `None` when the node was replanned
    /// to decode from further back, which may well make it go away.
    fn classify(&mut self, id: NodeId, error: &InvokeError) -> Option<FailureClass> {
        let failure = match error {
            InvokeError::Crashed { .. } => return Some(FailureClass::Crashed),
            InvokeError::Task(failure) => failure,
        };
        let node = &mut self.nodes[id.0 as usize];
        let more = match failure {
            Failure::Damaged {
                from_start: false,
                packet,
                ..
            } if node.damaged_at != *packet => {
                node.damaged_at = *packet;
                Some(node.extra + 1)
            }
            Failure::Mismatch {
                from_start: false, ..
            } => Some(if node.extra == 0 { 1 } else { usize::MAX }),
            _ => None,
        };
        if let Some(extra) = more {
            node.extra = extra;
            let weight = node.work.weight;
            if self.scheduler.replace(id, weight).is_ok() {
                return None;
            }
        }
        Some(match failure {
            Failure::Transient { .. } | Failure::Full { .. } => FailureClass::Transient,
            Failure::Throttled { .. } => FailureClass::Throttled,
            Failure::Cancelled => FailureClass::Cancelled,
            Failure::Bug { .. } => FailureClass::Bug,
            _ => FailureClass::BadInput,
        })
    }

    fn failed(&self, failure: &crate::schedule::Failure) -> JobError {
        let crate::schedule::Failure::Node { node, attempts, .. } = failure else {
            return JobError::Failed(failure.to_string());
        };
        let node = &self.nodes[node.0 as usize];
        match node.last_failure.as_deref() {
            Some(InvokeError::Task(f @ Failure::Mismatch { .. })) => {
                JobError::Replan(f.to_string())
            }
            Some(InvokeError::Task(f)) => JobError::from_failure(&self.file, f),
            Some(crash) => JobError::Failed(format!(
                "{}: {}{} failed {attempts} times: {crash}",
                self.file,
                node.work.kind,
                node.work
                    .chunk
                    .map_or(String::new(), |c| format!(" of chunk {c}"))
            )),
            None => JobError::Failed(failure.to_string()),
        }
    }

    /// Stops what still runs and waits for it, so that nothing writes any more.
    pub async fn stop(&mut self) {
        self.cancel.cancel();
        while !self.flights.is_empty() {
            let Some(ended) = self.ended.1.recv().await else {
                return;
            };
            if let Some(flight) = self.flights.remove(&ended.invocation) {
                self.record(&flight, &ended.result, ended.reused);
            }
        }
    }
}

/// The outcome of an earlier run, if all that it wrote is still whole.
async fn stored(task: &Arc<Task>, place: WorkPlace) -> Option<Outcome> {
    const RECORD_MAX: u64 = 16 << 20;
    let key = task.key();
    let record = place
        .work
        .get(&place.full_key(&key.outcome_key()), RECORD_MAX)
        .await
        .ok()?;
    let outcome: Outcome = serde_json::from_slice(&record).ok()?;
    if outcome.key != key || outcome.blobs.is_empty() {
        return None;
    }
    tokio::task::spawn_blocking(move || {
        let whole = outcome
            .blobs
            .iter()
            .all(|blob| verify_blob(blob, &place).unwrap_or(false));
        whole.then_some(outcome)
    })
    .await
    .ok()?
}
