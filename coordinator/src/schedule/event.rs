// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes in and what comes out: identifiers, events, actions, errors.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A node of the graph: its index in the order of adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// One attempt at a node. Unique within a job, rising in the order of launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InvocationId(pub u64);

/// The sort of work a node does; the caller gives the number its meaning.
/// Durations are only ever compared within one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Kind(pub u16);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}

/// What the caller says of a node when adding it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// The sort of work.
    pub kind: Kind,
    /// Higher goes first among ready nodes, whatever the weight: for short
    /// work on the critical path (a rebase chain). Zero for most.
    pub priority: i16,
    /// Expected work in the caller's unit (frames, say); the heaviest ready
    /// node of a priority goes first. Zero counts as one.
    pub weight: u32,
    /// Nodes that must be done before this one starts. Repeats are harmless.
    pub deps: Vec<NodeId>,
    /// A node that must be done before this one can end. It may start while
    /// that one runs, so as to be ready just when it is done. At most one node
    /// follows another.
    pub follows: Option<NodeId>,
}

impl NodeSpec {
    /// A node of priority zero without dependencies.
    pub fn new(kind: Kind, weight: u32) -> Self {
        Self {
            kind,
            priority: 0,
            weight,
            deps: Vec::new(),
            follows: None,
        }
    }

    /// The same, to follow `node`.
    #[must_use]
    pub fn following(mut self, node: NodeId) -> Self {
        self.follows = Some(node);
        self
    }

    /// The same, to run after `deps`.
    #[must_use]
    pub fn after(mut self, deps: impl IntoIterator<Item = NodeId>) -> Self {
        self.deps.extend(deps);
        self
    }

    /// The same at another priority.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }
}

/// Why an invocation failed, as far as the scheduler needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureClass {
    /// The input is at fault: running it again cannot help. Fails the job.
    BadInput,
    /// Our own fault: running it again must not hide it. Fails the job.
    Bug,
    /// A fault that may pass (network, store). Retried.
    Transient,
    /// The platform had no room. Retried, lowers the in-flight limit, and is
    /// not an attempt.
    Throttled,
    /// The invocation ran into the engine's time limit. Retried.
    TimedOut,
    /// The worker died. Retried.
    Crashed,
    /// The engine gave the invocation up unasked (a worker reclaimed, say).
    /// Retried, counted as transient.
    Cancelled,
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadInput => "bad input",
            Self::Bug => "bug",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out",
            Self::Crashed => "crashed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// Something that happened outside. An event about an invocation that is
/// unknown or already settled changes nothing, so delivery may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The job begins; nothing is launched before. Only the first counts.
    Start,
    /// An invocation succeeded.
    Finished {
        /// Which one.
        invocation: InvocationId,
        /// What it cost, in the budget's unit. Negative or NaN counts as zero.
        cost: f64,
    },
    /// An invocation failed.
    Failed {
        /// Which one.
        invocation: InvocationId,
        /// Why.
        class: FailureClass,
        /// What it cost all the same.
        cost: f64,
    },
    /// Time has passed, or the graph was changed from outside.
    Tick,
    /// Stop the job.
    Cancel,
}

/// Something the caller has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Run the node.
    Launch {
        /// Name of the new invocation.
        invocation: InvocationId,
        /// What to run.
        node: NodeId,
        /// 1-based count of launches of this node, duplicates included,
        /// throttled ones not; starts over when the node is replanned.
        attempt: u16,
        /// A duplicate of an invocation that is still running.
        speculative: bool,
    },
    /// Stop the invocation if possible. Its slot counts as free from now on;
    /// a late report of it is only read for its cost.
    Abort {
        /// Which one.
        invocation: InvocationId,
    },
    /// The node is done, by this invocation; comes once, and again only after
    /// [`invalidate`](super::Scheduler::invalidate).
    NodeDone {
        /// Which node.
        node: NodeId,
        /// The invocation whose result counts.
        invocation: InvocationId,
    },
    /// The node counts as done and has no result; with
    /// [`keep_going`](super::Config::keep_going) alone. Comes at most once for a node.
    NodeLost(Failure),
    /// Send [`Event::Tick`] at this time at the latest. Comes only when
    /// earlier than the one outstanding, so the newest one is enough to keep.
    WakeAt(Duration),
    /// Every node is done and the graph is sealed. Nothing follows.
    JobDone,
    /// The job failed; all invocations were aborted. Nothing follows.
    JobFailed(Failure),
    /// The job was cancelled; all invocations were aborted. Nothing follows.
    JobCancelled,
}

/// Why the job failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// A node cannot be done.
    #[error("{node} failed after {attempts} attempts: {class}")]
    Node {
        /// Which node.
        node: NodeId,
        /// Why its last invocation failed.
        class: FailureClass,
        /// Launches of it, throttled ones not counted.
        attempts: u16,
    },
    /// Time is up.
    #[error("deadline of {deadline:?} passed with {left} nodes left")]
    Deadline {
        /// The configured deadline.
        deadline: Duration,
        /// Nodes not done.
        left: u32,
    },
    /// The reported costs exceed the budget.
    #[error("spent {spent} of a budget of {budget} with {left} nodes left")]
    Budget {
        /// Sum of all reported costs.
        spent: f64,
        /// The configured budget.
        budget: f64,
        /// Nodes not done.
        left: u32,
    },
    /// Nothing runs, nothing can run, and nodes are left: a bug in here. The
    /// graph has no cycles by construction, so no test has ever seen it.
    #[error("no runnable node with {left} nodes left")]
    Stuck {
        /// Nodes not done.
        left: u32,
    },
}

/// Misuse of the scheduler by its caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A configuration value outside its range.
    #[error("{field} is {value}, must be {range}")]
    Config {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// The node (or a dependency) was never added.
    #[error("{node} is unknown")]
    UnknownNode {
        /// The node named.
        node: NodeId,
    },
    /// Adding after `seal`.
    #[error("the graph is sealed")]
    Sealed,
    /// More nodes than a `NodeId` can name.
    #[error("too many nodes")]
    TooManyNodes,
    /// The job has ended.
    #[error("the job is over")]
    Over,
    /// The node is in a phase that does not allow the call.
    #[error("{node} is {phase}")]
    WrongPhase {
        /// The node named.
        node: NodeId,
        /// Its phase.
        phase: super::Phase,
    },
    /// The node was replanned or invalidated too often.
    #[error("{node} was replanned {cap} times, the most allowed")]
    TooManyReplans {
        /// The node named.
        node: NodeId,
        /// The configured cap.
        cap: u8,
    },
}
