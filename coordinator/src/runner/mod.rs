// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drives the scheduler: launches what it says on an engine, tells it what
//! came of it, takes results that are already there.

mod batch;
mod ended;
mod stored;

pub use batch::{Build, Chunks, Work};
pub use stored::recorded;

use crate::engine::{Engine, Invocation, InvokeError};
use crate::error::{JobError, Result};
use crate::limits::{Limits, Price};
use crate::progress::Progress;
use crate::report::ReportFile;
use crate::schedule::{Action, Config, Event, InvocationId, Kind, NodeId, NodeSpec, Scheduler};
use crate::share::Seat;
use batch::Batch;
use framemill_worker::{crash_detail, Outcome, TaskKey, WorkPlace};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Called with a task's place in its batch and what came of it, once for each
/// task, in the order they finish.
pub type Each<'a> = &'a mut (dyn FnMut(usize, &Outcome) + Send);

struct Flight {
    node: NodeId,
    kind: &'static str,
    chunk: Option<u32>,
    makes: bool,
    attempt: u16,
    queued: Duration,
    start: Duration,
    cancel: CancellationToken,
}

/// What an invocation came to.
struct Ended {
    invocation: InvocationId,
    result: Result<Outcome, InvokeError>,
    reused: bool,
}

/// Called with a task's place in its batch and why it could not be done.
pub type Lost<'a> = &'a mut (dyn FnMut(usize, JobError) + Send);

/// How a runner takes what it meets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Take results that are there.
    pub resume: bool,
    /// Whether an earlier run may have left any; else they are not looked for.
    pub earlier: bool,
    /// Go on without tasks that cannot be done; nothing may come after such ones.
    pub keep_going: bool,
}

/// Runs batches of work to their end.
pub struct Runner {
    scheduler: Scheduler,
    engine: Arc<dyn Engine>,
    place: WorkPlace,
    rules: Rules,
    /// Short keys of what this run has made, which is taken even without `resume`.
    made: HashSet<u64>,
    started: Instant,
    /// Nodes added so far.
    nodes: u32,
    batch: Batch,
    flights: HashMap<InvocationId, Flight>,
    ended: (mpsc::UnboundedSender<Ended>, mpsc::UnboundedReceiver<Ended>),
    wake: Option<Duration>,
    /// What could not be done, until it is told.
    lost: Vec<(usize, JobError)>,
    cancel: CancellationToken,
    progress: Arc<Progress>,
    file: String,
    report: Option<Arc<ReportFile>>,
    price: Option<Price>,
    /// What other jobs leave, where they share the engine.
    seat: Option<Seat>,
    /// Results taken from an earlier run.
    pub reused: u64,
    /// US dollars that invocations have cost, where their price is known.
    pub spent: f64,
}

/// Numbers for the scheduler's kinds.
fn kind_number(kind: &str) -> Kind {
    const KINDS: [&str; 6] = ["index", "analyze", "encode", "track", "rebase", "thumb"];
    Kind(KINDS.iter().position(|k| *k == kind).unwrap_or(KINDS.len()) as u16)
}

/// Waits until other jobs leave more, or less.
async fn changed(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.changed().await,
        None => std::future::pending().await,
    }
}

/// One attempt on the engine. If that panics, this attempt is lost and no more.
async fn run_on(engine: Arc<dyn Engine>, run: Invocation) -> Result<Outcome, InvokeError> {
    let result = tokio::spawn(async move { engine.invoke(run).await }).await;
    result.unwrap_or_else(|error| {
        Err(InvokeError::Crashed {
            detail: crash_detail(error),
        })
    })
}

impl Runner {
    /// A runner for one job. `file` names the input in messages, `report` is told of every
    /// invocation.
    ///
    /// # Errors
    /// [`JobError::Failed`] for a configuration out of range.
    pub fn new(
        (engine, place): (Arc<dyn Engine>, WorkPlace),
        rules: Rules,
        cancel: CancellationToken,
        progress: Arc<Progress>,
        file: &str,
        report: Option<Arc<ReportFile>>,
        limits: &Limits,
    ) -> Result<Self> {
        let config = Config {
            max_in_flight: engine.slots(),
            budget: limits.budget,
            ramp: engine.ramp(),
            keep_going: rules.keep_going,
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
            rules,
            made: HashSet::new(),
            started: Instant::now(),
            nodes: 0,
            batch: Batch::default(),
            flights: HashMap::new(),
            ended: mpsc::unbounded_channel(),
            wake: None,
            lost: Vec::new(),
            cancel,
            progress,
            file: file.to_owned(),
            report,
            price: limits.price,
            seat: None,
            reused: 0,
            spent: 0.0,
        })
    }

    /// The same, using no more workers than `seat` allows.
    #[must_use]
    pub fn sharing(mut self, seat: Option<Seat>) -> Self {
        self.seat = seat;
        self
    }

    /// Time since the job's start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs all of `works`; gives their keys in the same order. What a task
    /// wrote lies in the work store under its key, its outcome record too.
    ///
    /// # Errors
    /// The first failure that the scheduler gives up on, in the user's words.
    pub async fn run(&mut self, works: Vec<Work>, each: Each<'_>) -> Result<Vec<TaskKey>> {
        self.run_all(works, each, &mut |_, _| {}).await?;
        let keys = std::mem::take(&mut self.batch).into_keys();
        keys.ok_or_else(|| JobError::Failed("a finished node left no key".into()))
    }

    /// Runs all of `works`; `lost` hears of each task that could not be done, where the
    /// rules are to keep going.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for tasks that are lost.
    pub async fn run_all(
        &mut self,
        works: Vec<Work>,
        each: Each<'_>,
        lost: Lost<'_>,
    ) -> Result<()> {
        let nodes = works.iter().map(|w| w.weights.len()).sum();
        let first = self.nodes;
        self.batch = Batch::new(first, self.now(), nodes);
        // Exact, since thousands of small things doubled are megabytes.
        self.scheduler.reserve(nodes);
        for work in works {
            for (n, &weight) in work.weights.iter().enumerate() {
                let mut spec =
                    NodeSpec::new(kind_number(work.kind), weight).priority(work.priority);
                if let Some(&[before, leader]) = work.after.get(n) {
                    let (before, leader) = (NodeId(first + before), NodeId(first + leader));
                    spec = spec.after([before]).following(leader);
                }
                self.scheduler
                    .add(spec)
                    .map_err(|e| JobError::Failed(e.to_string()))?;
                self.nodes += 1;
            }
            self.batch.add(work);
        }
        if self.seat.is_some() {
            // Nothing is launched before others have been asked.
            self.scheduler.set_share(0);
        }
        self.feed(Event::Start)?;
        self.feed(Event::Tick)?;
        while !self.batch.is_done() {
            self.share()?;
            let event = self.next_event(each).await;
            self.feed(event)?;
            for (place, error) in self.lost.drain(..) {
                lost(place, error);
            }
        }
        self.share()
    }

    /// Tells other jobs what this one could use, and launches what they leave it.
    fn share(&mut self) -> Result<()> {
        loop {
            let Some(seat) = &self.seat else {
                return Ok(());
            };
            let in_flight = self.flights.len() as u32;
            // Given up, and at work still.
            let ending = in_flight.saturating_sub(self.scheduler.counts().in_flight);
            let held = seat.update(self.scheduler.demand() + ending, in_flight);
            self.scheduler.set_share(held.saturating_sub(ending));
            self.feed(Event::Tick)?;
            if self.flights.len() as u32 == in_flight {
                return Ok(());
            }
        }
    }

    async fn next_event(&mut self, each: Each<'_>) -> Event {
        let wait = self
            .wake
            .map_or(Duration::from_secs(3600), |w| w.saturating_sub(self.now()));
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Event::Cancel,
            Some(ended) = self.ended.1.recv() => self.settle(ended, each),
            () = tokio::time::sleep(wait) => Event::Tick,
            () = changed(self.seat.as_ref()) => Event::Tick,
        }
    }

    /// Gives an event to the scheduler and does what it says.
    fn feed(&mut self, event: Event) -> Result<()> {
        let mut actions = Vec::new();
        let now = self.now();
        self.wake = self.wake.filter(|&at| at > now);
        self.scheduler.handle(event, now, &mut actions);
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
                Action::WakeAt(at) => self.wake = Some(at),
                Action::NodeDone { .. } | Action::JobDone => {}
                Action::NodeLost(failure) => self.lose(&failure)?,
                Action::JobFailed(failure) => return Err(self.failed(&failure)),
                Action::JobCancelled => return Err(JobError::Interrupted("interrupted".into())),
            }
        }
        Ok(())
    }

    /// Notes that a node is lost.
    fn lose(&mut self, failure: &crate::schedule::Failure) -> Result<()> {
        let error = self.failed(failure);
        let crate::schedule::Failure::Node { node, .. } = *failure else {
            return Err(error);
        };
        let trouble = self.batch.trouble(node);
        let last = trouble.and_then(|trouble| trouble.last_failure.as_ref());
        if matches!(last, Some(InvokeError::Refused { .. })) {
            // The engine will do no other task either.
            return Err(error);
        }
        let place = self.batch.lose(node);
        self.lost.extend(place.map(|place| (place, error)));
        Ok(())
    }

    fn launch(&mut self, invocation: InvocationId, id: NodeId, attempt: u16) {
        let task = Arc::new(self.batch.task(id));
        let (kind, chunk) = self.batch.name(id);
        let makes = self.batch.makes(id);
        let cancel = self.cancel.child_token();
        // A draft's frames are counted when they are rebased.
        let progress = match kind == "encode" && !makes {
            true => Arc::default(),
            false => self.progress.invocation(invocation.0),
        };
        let (engine, place) = (self.engine.clone(), self.place.clone());
        // An attempt that failed may have left all the same what it was to make.
        let look = self.rules.resume && (self.rules.earlier || attempt > 1);
        let reuse = look || self.made.contains(&task.key().short());
        let sender = self.ended.0.clone();
        let run = Invocation {
            task,
            cancel: cancel.clone(),
            progress,
            sole: self.batch.encodes() == 1,
        };
        self.flights.insert(
            invocation,
            Flight {
                node: id,
                kind,
                chunk,
                makes,
                attempt,
                queued: self.batch.queued,
                start: self.now(),
                cancel,
            },
        );
        tokio::spawn(async move {
            if reuse {
                if let Some(outcome) = stored::whole(&run.task, place).await {
                    let _ = sender.send(Ended {
                        invocation,
                        result: Ok(outcome),
                        reused: true,
                    });
                    return;
                }
            }
            let result = run_on(engine, run).await;
            let _ = sender.send(Ended {
                invocation,
                result,
                reused: false,
            });
        });
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
                self.charge(&flight, &ended.result, ended.reused);
            }
        }
    }
}
