// SPDX-License-Identifier: MIT OR Apache-2.0
//! The invocations in flight, and which of them is late.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::event::{InvocationId, NodeId};

/// One invocation in flight.
#[derive(Clone, Copy)]
pub(super) struct Flight {
    pub(super) node: NodeId,
    pub(super) launched: Duration,
    /// When it would have been launched, had what it follows been done by then.
    pub(super) since: Duration,
    pub(super) speculative: bool,
    /// How long its node waits at least should it fail.
    pub(super) pause: Duration,
    watch: Watch,
}

/// How far a flight is watched for being late.
#[derive(Clone, Copy)]
enum Watch {
    No,
    /// Late from this time on.
    Until(Duration),
    /// Late since; with the priority of its node.
    Late(i16, Duration),
}

/// A late flight in the order of duplication: priority, then since when.
type LateKey = (Reverse<i16>, Duration, InvocationId);

/// All invocations in flight, and those aborted but not heard of since.
#[derive(Default)]
pub(super) struct Flights {
    next: u64,
    open: BTreeMap<InvocationId, Flight>,
    of_node: BTreeSet<(NodeId, InvocationId)>,
    speculative: u32,
    due: BTreeSet<(Duration, InvocationId)>,
    late: BTreeSet<LateKey>,
    aborted: BTreeSet<InvocationId>,
}

impl Flights {
    /// Opens a flight under a new name.
    pub(super) fn launch(
        &mut self,
        node: NodeId,
        launched: Duration,
        speculative: bool,
    ) -> InvocationId {
        let id = InvocationId(self.next);
        self.next += 1;
        let flight = Flight {
            node,
            launched,
            since: launched,
            speculative,
            pause: Duration::ZERO,
            watch: Watch::No,
        };
        self.open.insert(id, flight);
        self.of_node.insert((node, id));
        self.speculative += u32::from(speculative);
        id
    }

    /// Closes a flight that reported; `None` if it is not in flight.
    pub(super) fn close(&mut self, id: InvocationId) -> Option<Flight> {
        self.unwatch(id);
        let flight = self.open.remove(&id)?;
        self.of_node.remove(&(flight.node, id));
        self.speculative -= u32::from(flight.speculative);
        Some(flight)
    }

    /// Closes a flight that has not reported; its cost may still be told.
    pub(super) fn abort(&mut self, id: InvocationId) {
        if self.close(id).is_some() {
            self.aborted.insert(id);
        }
    }

    /// Whether a report of this invocation is the first.
    pub(super) fn awaited(&self, id: InvocationId) -> bool {
        self.open.contains_key(&id) || self.aborted.contains(&id)
    }

    /// Notes the report of an aborted invocation.
    pub(super) fn forget(&mut self, id: InvocationId) {
        self.aborted.remove(&id);
    }

    /// Number in flight.
    pub(super) fn len(&self) -> u32 {
        self.open.len() as u32
    }

    /// Number in flight that are duplicates.
    pub(super) fn speculative(&self) -> u32 {
        self.speculative
    }

    /// The flight if open.
    pub(super) fn get(&self, id: InvocationId) -> Option<&Flight> {
        self.open.get(&id)
    }

    /// Sets how long a flight's node waits at least should it fail.
    pub(super) fn pause(&mut self, id: InvocationId, pause: Duration) {
        if let Some(flight) = self.open.get_mut(&id) {
            flight.pause = pause;
        }
    }

    /// Counts a flight as launched at `since`, if that is later than it was.
    pub(super) fn count_from(&mut self, id: InvocationId, since: Duration) {
        if let Some(flight) = self.open.get_mut(&id) {
            flight.since = flight.launched.max(since);
        }
    }

    /// Every open flight, oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (InvocationId, &Flight)> {
        self.open.iter().map(|(id, flight)| (*id, flight))
    }

    /// The open flights of a node, oldest first.
    pub(super) fn of(
        &self,
        node: NodeId,
    ) -> impl DoubleEndedIterator<Item = InvocationId> + use<'_> {
        let range = (node, InvocationId(0))..=(node, InvocationId(u64::MAX));
        self.of_node.range(range).map(|entry| entry.1)
    }

    /// Watches a flight, which is late from `until` on.
    pub(super) fn watch(&mut self, id: InvocationId, until: Duration) {
        self.unwatch(id);
        if let Some(flight) = self.open.get_mut(&id) {
            flight.watch = Watch::Until(until);
            self.due.insert((until, id));
        }
    }

    /// Stops watching a flight.
    pub(super) fn unwatch(&mut self, id: InvocationId) {
        let Some(flight) = self.open.get_mut(&id) else {
            return;
        };
        match std::mem::replace(&mut flight.watch, Watch::No) {
            Watch::No => {}
            Watch::Until(until) => _ = self.due.remove(&(until, id)),
            Watch::Late(priority, since) => {
                self.late.remove(&(Reverse(priority), since, id));
            }
        }
    }

    /// Marks the watched flights late whose time has come.
    pub(super) fn mark_late(&mut self, now: Duration, priority: impl Fn(NodeId) -> i16) {
        while let Some(&(until, id)) = self.due.first() {
            if until > now {
                return;
            }
            self.due.remove(&(until, id));
            if let Some(flight) = self.open.get_mut(&id) {
                let priority = priority(flight.node);
                flight.watch = Watch::Late(priority, until);
                self.late.insert((Reverse(priority), until, id));
            }
        }
    }

    /// When the next watched flight becomes late.
    pub(super) fn next_late(&self) -> Option<Duration> {
        self.due.first().map(|entry| entry.0)
    }

    /// The late flight to duplicate first, and the priority of its node.
    pub(super) fn first_late(&self) -> Option<(i16, InvocationId)> {
        self.late.first().map(|key| (key.0 .0, key.2))
    }

    /// Whether a flight is late.
    pub(super) fn has_late(&self) -> bool {
        !self.late.is_empty()
    }
}
