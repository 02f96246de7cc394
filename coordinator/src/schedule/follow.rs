// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nodes that follow others: started while those still run, late enough to
//! wait for little, early enough to be waited for little.
//!
//! Nothing deadlocks: what is started early follows a node that is in flight
//! and itself waits for nothing, and goes down with it.

use std::time::Duration;

use super::event::{InvocationId, NodeId};
use super::graph::Phase;
use super::Scheduler;

impl Scheduler {
    /// Tells how long after its start an invocation that has succeeded was
    /// ready but for what it followed. Call it before the report itself.
    pub fn ready_after(&mut self, invocation: InvocationId, time: Duration) {
        if let Some(flight) = self.flights.get(invocation) {
            let node = self.graph.node(flight.node);
            let head = self.heads.entry(node.kind).or_default();
            head.record(time, node.weight);
        }
    }

    /// The usual time until a node is ready but for what it follows.
    fn head(&self, node: NodeId) -> Option<Duration> {
        let n = self.graph.node(node);
        Some(self.heads.get(&n.kind)?.median(1)?.time(n.weight))
    }

    /// When the follower of a running node should start; `None` if it has to
    /// wait until that is done.
    fn early_start(&self, leader: NodeId) -> Option<(Duration, NodeId)> {
        let node = self.graph.follower(leader)?;
        let n = self.graph.node(node);
        let waits = n.phase == Phase::Waiting && n.unmet == 1;
        let l = self.graph.node(leader);
        if !waits || l.unmet > 0 || self.retries.trouble(node).failures() > 0 {
            return None;
        }
        let newest = self.flights.of(leader).next_back();
        let since = newest.and_then(|id| self.flights.get(id))?.since;
        let end = since.saturating_add(self.usual(l.kind, l.weight)?);
        Some((end.saturating_sub(self.head(node)?), node))
    }

    /// When which node is to be started early: the first of all.
    pub(super) fn first_early(&self) -> Option<(Duration, NodeId)> {
        let starts = self.leaders.iter().filter_map(|&l| self.early_start(l));
        starts.min()
    }

    /// A node is done: its follower, if it runs already, waits no more.
    pub(super) fn release_follower(&mut self, leader: NodeId) {
        let Some(node) = self.graph.follower(leader) else {
            return;
        };
        let since = self.now.saturating_sub(self.head(node).unwrap_or_default());
        let flights: Vec<_> = self.flights.of(node).collect();
        for &id in &flights {
            self.flights.count_from(id, since);
        }
        if let Some(&newest) = flights.last() {
            self.watch(newest);
        }
    }

    /// A node runs no more and is not done: its follower must not wait for it.
    pub(super) fn recall_follower(&mut self, leader: NodeId) {
        let Some(node) = self.graph.follower(leader) else {
            return;
        };
        if self.graph.node(node).phase == Phase::Running {
            self.ground(node);
            self.graph.wait(node);
        }
    }
}
