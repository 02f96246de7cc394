// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scheduler: events and a clock value in, actions out.
//!
//! A pure state machine. It has no clock, threads, I/O or logging, so the same
//! calls give the same actions, and a test can drive a job of 20,000 nodes
//! through every fault on a virtual clock.
//!
//! ```text
//! event.rs      identifiers, Event, Action, errors
//! config.rs     settings with defaults and ranges
//! edges.rs      dependencies
//! graph.rs      nodes, phases, order of launch
//! flight.rs     invocations in flight, which are late
//! follow.rs     nodes that start before what they wait for is done
//! limit.rs      how many may be in flight
//! pace.rs       how long a kind of node takes
//! retry.rs      failure counts and backoff
//! outcome.rs    what an invocation's report does
//! settle.rs     what to launch after an event
//! report.rs     counts and explanations
//! ```
//!
//! Use: [`add`](Scheduler::add) nodes, dependencies first; then feed
//! [`Event::Start`] and whatever happens to [`handle`](Scheduler::handle) and
//! carry out the actions. The graph may grow and nodes may be replanned while
//! the job runs; such calls take effect with the next event, so follow them
//! with [`Event::Tick`]. After [`seal`](Scheduler::seal) the job is done as
//! soon as all nodes are.

mod config;
mod edges;
mod event;
mod flight;
mod follow;
mod graph;
mod limit;
mod outcome;
mod pace;
mod report;
mod retry;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use config::{Attempts, Backoff, Config, Ramp, Speculation, Throttling};
pub use event::{
    Action, Event, Failure, FailureClass, InvocationId, Kind, NodeId, NodeSpec, ScheduleError,
};
pub use graph::Phase;
pub use limit::LimitedBy;
pub use report::{Counts, Explanation};

use flight::Flights;
use graph::Graph;
use limit::Limit;
use pace::Pace;
use retry::Retries;

/// Where the job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Before [`Event::Start`].
    Fresh,
    /// Nodes may be in flight.
    Running,
    /// [`Action::JobDone`] was given.
    Done,
    /// [`Action::JobFailed`] was given.
    Failed,
    /// [`Action::JobCancelled`] was given.
    Cancelled,
}

/// Running totals.
#[derive(Clone, Copy, Default)]
struct Tally {
    launched: u64,
    retries: u64,
    throttles: u64,
    speculated: u64,
    speculation_won: u64,
    /// Reports that told a cost.
    reports: u64,
    spent: f64,
}

/// The scheduler of one job.
pub struct Scheduler {
    config: Config,
    status: Status,
    sealed: bool,
    now: Duration,
    graph: Graph,
    flights: Flights,
    limit: Limit,
    retries: Retries,
    paces: BTreeMap<Kind, Pace>,
    /// Times until nodes are ready but for what they follow.
    heads: BTreeMap<Kind, Pace>,
    /// Running nodes that others follow.
    leaders: BTreeSet<NodeId>,
    tally: Tally,
    /// Invocations aborted between events; told with the next one.
    aborts: Vec<InvocationId>,
    /// The outstanding `WakeAt`.
    wake: Option<Duration>,
}

impl Scheduler {
    /// A scheduler without nodes.
    ///
    /// # Errors
    /// [`ScheduleError::Config`] for a value out of its range.
    pub fn new(config: Config) -> Result<Self, ScheduleError> {
        config.check()?;
        Ok(Self {
            status: Status::Fresh,
            sealed: false,
            now: Duration::ZERO,
            graph: Graph::default(),
            flights: Flights::default(),
            limit: Limit::new(&config),
            retries: Retries::new(&config),
            paces: BTreeMap::new(),
            heads: BTreeMap::new(),
            leaders: BTreeSet::new(),
            tally: Tally::default(),
            aborts: Vec::new(),
            wake: None,
            config,
        })
    }

    /// Makes room for this many nodes more.
    pub fn reserve(&mut self, nodes: usize) {
        self.graph.reserve(nodes);
    }

    /// Adds a node after its dependencies, before or while the job runs.
    ///
    /// # Errors
    /// `UnknownNode` for a dependency never added, `Sealed`, `Over`,
    /// `TooManyNodes`.
    pub fn add(&mut self, spec: NodeSpec) -> Result<NodeId, ScheduleError> {
        self.check_open()?;
        if self.sealed {
            return Err(ScheduleError::Sealed);
        }
        self.graph.add(spec)
    }

    /// Promises that no node will be added any more. May be repeated.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Where the job stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Marks a node done because its result is there already (cached, or from
    /// an earlier run), whatever its dependencies. What is in flight for it is
    /// aborted; no `NodeDone` follows. Does nothing to a node that is done.
    ///
    /// # Errors
    /// `UnknownNode`, `Over`.
    pub fn complete_without_running(&mut self, node: NodeId) -> Result<(), ScheduleError> {
        self.check_open()?;
        self.graph.get(node)?;
        self.ground(node);
        self.graph.finish(node);
        self.release_follower(node);
        self.retries.clear(node);
        Ok(())
    }

    /// Takes back a node that is done, because its result turned out lost or
    /// damaged: it runs again. Dependants that have not started wait for it;
    /// running ones go on, and wait for it if they fail.
    ///
    /// # Errors
    /// `UnknownNode`, `Over`, `WrongPhase` unless done, `TooManyReplans`.
    pub fn invalidate(&mut self, node: NodeId) -> Result<(), ScheduleError> {
        self.check_open()?;
        let phase = self.graph.get(node)?.phase;
        if phase != Phase::Done {
            return Err(ScheduleError::WrongPhase { node, phase });
        }
        self.count_replan(node)?;
        self.graph.reopen(node);
        Ok(())
    }

    /// Runs a node from the start because the caller has replanned its
    /// content, now of `weight`. What is in flight for it is aborted, and its
    /// failures are forgotten. For a worker's "this does not match the plan",
    /// call this *instead of* passing the failure on; a later
    /// [`Event::Failed`] for the invocation is then read for its cost only.
    ///
    /// # Errors
    /// `UnknownNode`, `Over`, `WrongPhase` if done, `TooManyReplans`.
    pub fn replace(&mut self, node: NodeId, weight: u32) -> Result<(), ScheduleError> {
        self.check_open()?;
        let phase = self.graph.get(node)?.phase;
        if phase == Phase::Done {
            return Err(ScheduleError::WrongPhase { node, phase });
        }
        self.count_replan(node)?;
        self.ground(node);
        self.recall_follower(node);
        // Out of the ready order before the weight changes.
        self.graph.run(node);
        self.graph.node_mut(node).weight = weight;
        self.graph.wait(node);
        Ok(())
    }

    /// Notes that the node of an invocation that is about to fail should not be
    /// launched again before `pause` has passed, as its engine asks. Takes no room
    /// meanwhile. Does nothing to one that is not in flight.
    pub fn not_before(&mut self, invocation: InvocationId, pause: Duration) {
        self.flights.pause(invocation, pause);
    }

    /// Sets how many invocations may be in flight for the sake of other jobs, 0 included; all
    /// at first. What is in flight beyond goes on. Takes effect with the next event.
    pub fn set_share(&mut self, share: u32) {
        self.limit.set_share(share);
    }

    /// How many invocations could be in flight, were there no other jobs: what is, what is
    /// ready, and one more where a duplicate or an early start may come.
    pub fn demand(&self) -> u32 {
        let ready = self.graph.count(Phase::Ready);
        let soon = self.flights.has_late() || self.first_early().is_some();
        let demand = self.flights.len().saturating_add(ready) + u32::from(soon);
        demand.min(self.limit.own(self.now).0)
    }

    /// Takes in one event at `now`, the time since the start of the job, and
    /// appends what follows to `out`. A `now` before the last one counts as
    /// that one.
    pub fn handle(&mut self, event: Event, now: Duration, out: &mut Vec<Action>) {
        self.now = self.now.max(now);
        match event {
            Event::Start => self.start(),
            Event::Finished { invocation, cost } => self.finished(invocation, cost, out),
            Event::Failed {
                invocation,
                class,
                cost,
            } => self.failed(invocation, class, cost, out),
            Event::Tick => {}
            Event::Cancel => self.cancel(out),
        }
        self.settle(out);
    }

    fn start(&mut self) {
        if self.status == Status::Fresh {
            self.status = Status::Running;
            self.limit.start(self.now);
        }
    }

    fn cancel(&mut self, out: &mut Vec<Action>) {
        if self.check_open().is_ok() {
            self.end(Status::Cancelled, Action::JobCancelled, out);
        }
    }

    fn check_open(&self) -> Result<(), ScheduleError> {
        match self.status {
            Status::Fresh | Status::Running => Ok(()),
            Status::Done | Status::Failed | Status::Cancelled => Err(ScheduleError::Over),
        }
    }

    fn count_replan(&mut self, id: NodeId) -> Result<(), ScheduleError> {
        let cap = self.config.max_replans;
        let node = self.graph.node_mut(id);
        if node.replans >= cap {
            return Err(ScheduleError::TooManyReplans { node: id, cap });
        }
        node.replans += 1;
        node.launches = 0;
        node.duplicates = 0;
        self.retries.clear(id);
        Ok(())
    }

    /// Aborts what is in flight for a node, with the next event.
    fn ground(&mut self, node: NodeId) {
        let invocations: Vec<_> = self.flights.of(node).collect();
        if invocations.is_empty() {
            return;
        }
        self.stopped_running(node);
        for invocation in invocations {
            self.flights.abort(invocation);
            self.aborts.push(invocation);
        }
    }
}
