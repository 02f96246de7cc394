// SPDX-License-Identifier: MIT OR Apache-2.0
//! The nodes, their phases and their order of launch.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::edges::{Edges, NONE};
use super::event::{Kind, NodeId, NodeSpec, ScheduleError};

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// A dependency is not done.
    Waiting,
    /// May be launched.
    Ready,
    /// Failed, and launched again after a delay.
    Delayed,
    /// At least one invocation is in flight.
    Running,
    /// Done.
    Done,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Done => "done",
        })
    }
}

/// One node. Fields of `phase` and `unmet` change only in [`Graph`].
pub(super) struct Node {
    /// Its first edge to a dependency; they end where the next node's begin.
    first_edge: u32,
    /// The newest edge from a dependant, or [`NONE`].
    newest_dependant: u32,
    /// Dependencies that are not done, in every phase.
    pub(super) unmet: u32,
    pub(super) weight: u32,
    pub(super) kind: Kind,
    pub(super) priority: i16,
    /// Launches since the last replan, throttled ones not counted.
    pub(super) launches: u16,
    /// Speculative launches since the last replan.
    pub(super) duplicates: u8,
    pub(super) replans: u8,
    pub(super) phase: Phase,
    /// Its first edge is to a node that may still run when it starts.
    follows: bool,
    /// Another node follows it.
    pub(super) followed: bool,
}

// There is one for every chunk, to the end of the job.
const _: () = assert!(size_of::<Node>() <= 28);

/// Order of launch: priority, then weight, then age.
type ReadyKey = (Reverse<i16>, Reverse<u32>, NodeId);

/// All nodes with an index by readiness.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    edges: Edges,
    ready: BTreeSet<ReadyKey>,
    delayed: BTreeSet<(Duration, NodeId)>,
    /// Ends of the delays in `delayed`.
    until: BTreeMap<NodeId, Duration>,
    in_phase: [u32; 5],
}

impl Graph {
    /// Makes room for this many nodes more, and no more.
    pub(super) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve_exact(nodes);
    }

    /// Adds a node: waiting, or ready if its dependencies are done.
    pub(super) fn add(&mut self, spec: NodeSpec) -> Result<NodeId, ScheduleError> {
        let number = u32::try_from(self.nodes.len()).map_err(|_| ScheduleError::TooManyNodes)?;
        if number == u32::MAX {
            return Err(ScheduleError::TooManyNodes);
        }
        let id = NodeId(number);
        let mut deps = spec.deps;
        deps.sort_unstable();
        deps.dedup();
        if let Some(leader) = spec.follows {
            deps.retain(|dep| *dep != leader);
            deps.insert(0, leader);
        }
        if let Some(&node) = deps.iter().find(|d| **d >= id) {
            return Err(ScheduleError::UnknownNode { node });
        }
        // The number of the last edge must be less than `NONE`.
        let edges = self.edges.len() + deps.len();
        if edges >= NONE as usize {
            return Err(ScheduleError::TooManyNodes);
        }
        let first_edge = self.edges.len() as u32;
        let mut unmet = 0;
        for dependency in deps {
            let edge = self.edges.len() as u32;
            let node = self.node_mut(dependency);
            let before = std::mem::replace(&mut node.newest_dependant, edge);
            unmet += u32::from(node.phase != Phase::Done);
            self.edges.push(dependency, id, before);
        }
        if let Some(leader) = spec.follows {
            self.node_mut(leader).followed = true;
        }
        self.nodes.push(Node {
            first_edge,
            newest_dependant: NONE,
            unmet,
            weight: spec.weight,
            kind: spec.kind,
            priority: spec.priority,
            launches: 0,
            duplicates: 0,
            replans: 0,
            phase: Phase::Waiting,
            follows: spec.follows.is_some(),
            followed: false,
        });
        self.in_phase[Phase::Waiting as usize] += 1;
        self.wait(id);
        Ok(id)
    }

    /// The node if it was ever added.
    pub(super) fn get(&self, id: NodeId) -> Result<&Node, ScheduleError> {
        let node = self.nodes.get(id.0 as usize);
        node.ok_or(ScheduleError::UnknownNode { node: id })
    }

    /// The node; `id` must have come from this graph.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node; `id` must have come from this graph. Weight and priority of
    /// a ready node must not change.
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// The node that this one follows.
    pub(super) fn leader(&self, id: NodeId) -> Option<NodeId> {
        let first = self.deps(id).next();
        first.filter(|_| self.node(id).follows)
    }

    /// The node that follows this one.
    pub(super) fn follower(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        let mut edge = node.newest_dependant;
        while let Some((dependant, before)) = self.edges.dependant(edge).filter(|_| node.followed) {
            if self.leader(dependant) == Some(id) {
                return Some(dependant);
            }
            edge = before;
        }
        None
    }

    /// What the node waits for; what it follows comes first; `id` must have come from this graph.
    pub(super) fn deps(&self, id: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        let from = self.node(id).first_edge;
        let next = self.nodes.get(id.0 as usize + 1);
        let to = next.map_or(self.edges.len() as u32, |node| node.first_edge);
        self.edges.dependencies(from, to)
    }

    /// End of the delay of a delayed node.
    pub(super) fn until(&self, id: NodeId) -> Duration {
        self.until.get(&id).copied().unwrap_or_default()
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Number of nodes in a phase.
    pub(super) fn count(&self, phase: Phase) -> u32 {
        self.in_phase[phase as usize]
    }

    /// Number of nodes not done.
    pub(super) fn left(&self) -> u32 {
        self.len() - self.count(Phase::Done)
    }

    /// The ready node to launch first, and its priority.
    pub(super) fn first_ready(&self) -> Option<(i16, NodeId)> {
        self.ready.first().map(|key| (key.0 .0, key.2))
    }

    /// Ready nodes that go before this ready one.
    pub(super) fn ahead(&self, id: NodeId) -> usize {
        self.ready.range(..self.ready_key(id)).count()
    }

    /// End of the first delay.
    pub(super) fn first_delay(&self) -> Option<Duration> {
        self.delayed.first().map(|d| d.0)
    }

    /// Makes all nodes ready whose delay has ended.
    pub(super) fn wake(&mut self, now: Duration) {
        while let Some(&(until, id)) = self.delayed.first() {
            if until > now {
                return;
            }
            self.shift(id, Phase::Ready);
        }
    }

    /// Sets the node ready, or waiting if a dependency is not done.
    pub(super) fn wait(&mut self, id: NodeId) {
        let blocked = self.node(id).unmet > 0;
        self.shift(
            id,
            if blocked {
                Phase::Waiting
            } else {
                Phase::Ready
            },
        );
    }

    /// Sets the node delayed, or waiting if a dependency is not done.
    pub(super) fn delay(&mut self, id: NodeId, until: Duration) {
        if self.node(id).unmet > 0 {
            return self.shift(id, Phase::Waiting);
        }
        self.shift(id, Phase::Delayed);
        self.until.insert(id, until);
        self.delayed.insert((until, id));
    }

    /// Sets the node running.
    pub(super) fn run(&mut self, id: NodeId) {
        self.shift(id, Phase::Running);
    }

    /// Sets the node done; dependants that waited for it alone become ready.
    pub(super) fn finish(&mut self, id: NodeId) {
        if self.node(id).phase == Phase::Done {
            return;
        }
        self.shift(id, Phase::Done);
        self.for_dependants(id, |graph, dependant| {
            let node = graph.node_mut(dependant);
            node.unmet = node.unmet.saturating_sub(1);
            if node.unmet == 0 && node.phase == Phase::Waiting {
                graph.shift(dependant, Phase::Ready);
            }
        });
    }

    /// Takes a done node back; dependants that have not started wait again.
    pub(super) fn reopen(&mut self, id: NodeId) {
        if self.node(id).phase != Phase::Done {
            return;
        }
        self.wait(id);
        self.for_dependants(id, |graph, dependant| {
            let node = graph.node_mut(dependant);
            node.unmet += 1;
            if matches!(node.phase, Phase::Ready | Phase::Delayed) {
                graph.shift(dependant, Phase::Waiting);
            }
        });
    }

    fn for_dependants(&mut self, id: NodeId, mut each: impl FnMut(&mut Self, NodeId)) {
        let mut edge = self.node(id).newest_dependant;
        while let Some((dependant, before)) = self.edges.dependant(edge) {
            each(self, dependant);
            edge = before;
        }
    }

    /// The one place where a phase changes.
    fn shift(&mut self, id: NodeId, to: Phase) {
        let key = self.ready_key(id);
        let from = std::mem::replace(&mut self.node_mut(id).phase, to);
        self.in_phase[from as usize] -= 1;
        self.in_phase[to as usize] += 1;
        match from {
            Phase::Ready => _ = self.ready.remove(&key),
            Phase::Delayed => {
                if let Some(until) = self.until.remove(&id) {
                    self.delayed.remove(&(until, id));
                }
            }
            _ => {}
        }
        if to == Phase::Ready {
            self.ready.insert(key);
        }
    }

    fn ready_key(&self, id: NodeId) -> ReadyKey {
        let node = self.node(id);
        (Reverse(node.priority), Reverse(node.weight), id)
    }
}
