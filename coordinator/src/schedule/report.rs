// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking in from outside: counts, and why a node is where it is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{InvocationId, NodeId, ScheduleError};
use super::graph::Phase;
use super::limit::LimitedBy;
use super::Scheduler;

/// The state of the job in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Nodes with a dependency that is not done.
    pub waiting: u32,
    /// Nodes that could be launched.
    pub ready: u32,
    /// Nodes that failed and wait out a delay.
    pub delayed: u32,
    /// Nodes with an invocation in flight.
    pub running: u32,
    /// Nodes done.
    pub done: u32,
    /// Invocations in flight, duplicates included.
    pub in_flight: u32,
    /// Most invocations in flight at present.
    pub limit: u32,
    /// What sets `limit`.
    pub limited_by: LimitedBy,
    /// Invocations launched so far.
    pub launched: u64,
    /// Failed invocations that were or will be made good by another.
    pub retries: u64,
    /// Throttled invocations.
    pub throttles: u64,
    /// Duplicates launched.
    pub speculated: u64,
    /// Duplicates that finished first.
    pub speculation_won: u64,
    /// Sum of the reported costs.
    pub spent: f64,
}

/// Why a node is where it is. `Display` gives a line for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Explanation {
    /// It waits for others.
    Waiting {
        /// Dependencies not done.
        unmet: u32,
        /// All dependencies.
        deps: u32,
        /// The first one not done.
        first: Option<NodeId>,
    },
    /// It waits for room.
    Ready {
        /// Ready nodes that go first.
        ahead: usize,
        /// The in-flight limit.
        limit: u32,
        /// What sets it.
        limited_by: LimitedBy,
    },
    /// It failed and waits out a delay.
    Delayed {
        /// When the delay ends.
        until: Duration,
        /// Failures that count.
        failures: u32,
        /// Throttled launches in a row.
        throttles: u32,
    },
    /// It runs.
    Running {
        /// Its invocations with their time of launch, oldest first.
        invocations: Vec<(InvocationId, Duration)>,
        /// Failures before.
        failures: u32,
        /// The usual time for its kind and weight, once known.
        usual: Option<Duration>,
    },
    /// It is done.
    Done,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { unmet, deps, first } => {
                write!(f, "waits for {unmet} of {deps} dependencies")?;
                first.map_or(Ok(()), |node| write!(f, ", first of them {node}"))
            }
            Self::Ready {
                ahead,
                limit,
                limited_by,
            } => write!(
                f,
                "ready behind {ahead} others, in-flight limit {limit} set by {limited_by}"
            ),
            Self::Delayed {
                until,
                failures,
                throttles,
            } => write!(
                f,
                "again at {until:.1?} after {failures} failures, {throttles} throttles"
            ),
            Self::Running {
                invocations,
                failures,
                usual,
            } => {
                f.write_str("runs as")?;
                for (id, launched) in invocations {
                    write!(f, " {id} since {launched:.1?}")?;
                }
                write!(f, ", {failures} failures before")?;
                usual.map_or(Ok(()), |time| write!(f, ", usually takes {time:.1?}"))
            }
            Self::Done => f.write_str("done"),
        }
    }
}

impl Scheduler {
    /// The state of the job in numbers, as of the last event.
    pub fn counts(&self) -> Counts {
        let (limit, limited_by) = self.limit.at(self.now);
        Counts {
            waiting: self.graph.count(Phase::Waiting),
            ready: self.graph.count(Phase::Ready),
            delayed: self.graph.count(Phase::Delayed),
            running: self.graph.count(Phase::Running),
            done: self.graph.count(Phase::Done),
            in_flight: self.flights.len(),
            limit,
            limited_by,
            launched: self.tally.launched,
            retries: self.tally.retries,
            throttles: self.tally.throttles,
            speculated: self.tally.speculated,
            speculation_won: self.tally.speculation_won,
            spent: self.tally.spent,
        }
    }

    /// Where a node stands.
    ///
    /// # Errors
    /// [`ScheduleError::UnknownNode`].
    pub fn phase(&self, node: NodeId) -> Result<Phase, ScheduleError> {
        Ok(self.graph.get(node)?.phase)
    }

    /// The weight of a node.
    ///
    /// # Errors
    /// [`ScheduleError::UnknownNode`].
    pub fn weight(&self, node: NodeId) -> Result<u32, ScheduleError> {
        Ok(self.graph.get(node)?.weight)
    }

    /// Why a node is where it is, as of the last event.
    ///
    /// # Errors
    /// [`ScheduleError::UnknownNode`].
    pub fn explain(&self, node: NodeId) -> Result<Explanation, ScheduleError> {
        let id = node;
        let node = self.graph.get(id)?;
        let trouble = self.retries.trouble(id);
        Ok(match node.phase {
            Phase::Waiting => {
                let undone = |d: &NodeId| self.graph.node(*d).phase != Phase::Done;
                Explanation::Waiting {
                    unmet: node.unmet,
                    deps: self.graph.deps(id).len() as u32,
                    first: self.graph.deps(id).find(undone),
                }
            }
            Phase::Ready => {
                let (limit, limited_by) = self.limit.at(self.now);
                Explanation::Ready {
                    ahead: self.graph.ahead(id),
                    limit,
                    limited_by,
                }
            }
            Phase::Delayed => Explanation::Delayed {
                until: self.graph.until(id),
                failures: trouble.failures(),
                throttles: trouble.throttles,
            },
            Phase::Running => {
                let launched = |i| self.flights.get(i).map(|f| (i, f.launched));
                Explanation::Running {
                    invocations: self.flights.of(id).filter_map(launched).collect(),
                    failures: trouble.failures(),
                    usual: self.usual(node.kind, node.weight),
                }
            }
            Phase::Done => Explanation::Done,
        })
    }
}
