// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to launch after an event, and when to look again.

use std::time::Duration;

use super::event::{Action, Failure, InvocationId, Kind, NodeId};
use super::graph::Phase;
use super::{Scheduler, Status};

impl Scheduler {
    /// Brings everything up to `now`: ends the job if it is over, else fills
    /// the free room.
    pub(super) fn settle(&mut self, out: &mut Vec<Action>) {
        if self.status != Status::Running {
            return;
        }
        self.tell_aborts(out);
        let left = self.graph.left();
        if left == 0 && self.sealed {
            return self.end(Status::Done, Action::JobDone, out);
        }
        if let Some(failure) = self.overrun(left) {
            return self.fail(failure, out);
        }
        self.limit.advance(self.now);
        self.graph.wake(self.now);
        let graph = &self.graph;
        let priority = |node| graph.node(node).priority;
        self.flights.mark_late(self.now, priority);
        let room = self.limit.at(self.now).0;
        while self.flights.len() < room && self.launch_next(out) {}
        if self.stuck() {
            return self.fail(Failure::Stuck { left }, out);
        }
        self.set_wake(room, out);
    }

    fn overrun(&self, left: u32) -> Option<Failure> {
        if let Some(deadline) = self.config.deadline.filter(|d| self.now >= *d) {
            return Some(Failure::Deadline { deadline, left });
        }
        let spent = self.tally.spent;
        let budget = self.config.budget.filter(|b| spent > *b)?;
        Some(Failure::Budget {
            spent,
            budget,
            left,
        })
    }

    fn stuck(&self) -> bool {
        let idle = self.flights.len() == 0
            && self.graph.count(Phase::Ready) == 0
            && self.graph.count(Phase::Delayed) == 0;
        idle && self.sealed
    }

    /// Launches one ready node, or a duplicate where that matters more: with
    /// nothing ready, or for a node of higher priority than all ready ones.
    fn launch_next(&mut self, out: &mut Vec<Action>) -> bool {
        let ready = self.graph.first_ready();
        if let Some(node) = self.straggler(ready.map(|r| r.0)) {
            let n = self.graph.node_mut(node);
            n.duplicates = n.duplicates.saturating_add(1);
            self.tally.speculated += 1;
            self.launch(node, true, out);
            return true;
        }
        let early = self.first_early().filter(|(at, _)| *at <= self.now);
        let early = early.map(|(_, node)| (self.graph.node(node).priority, node));
        // Where both are of one priority, work goes before waiting.
        let first = match (early, ready) {
            (Some(early), Some(ready)) if early.0 <= ready.0 => Some(ready),
            (early, ready) => early.or(ready),
        };
        let Some((_, node)) = first else { return false };
        self.graph.run(node);
        if self.graph.node(node).followed {
            self.leaders.insert(node);
        }
        let kind = self.graph.node(node).kind;
        self.paces.entry(kind).or_default().running += 1;
        self.launch(node, false, out);
        true
    }

    fn launch(&mut self, node: NodeId, speculative: bool, out: &mut Vec<Action>) {
        let n = self.graph.node_mut(node);
        n.launches = n.launches.saturating_add(1);
        let attempt = n.launches;
        let invocation = self.flights.launch(node, self.now, speculative);
        self.tally.launched += 1;
        self.watch(invocation);
        out.push(Action::Launch {
            invocation,
            node,
            attempt,
            speculative,
        });
    }

    /// The node of the late flight to duplicate now; it is not watched any
    /// more.
    fn straggler(&mut self, ready: Option<i16>) -> Option<NodeId> {
        let rules = self.config.speculation?;
        loop {
            let (priority, id) = self.flights.first_late()?;
            if ready.is_some_and(|r| r >= priority) {
                return None;
            }
            let share = rules.max_fraction * f64::from(self.flights.len());
            if f64::from(self.flights.speculative()) >= share.ceil() || !self.affordable() {
                return None;
            }
            // The pace, or the number of duplicates, may have changed since.
            self.watch(id);
            if self.late_from(id).is_some_and(|late| late <= self.now) {
                self.flights.unwatch(id);
                return self.flights.get(id).map(|f| f.node);
            }
        }
    }

    /// Whether one more invocation than needed seems to fit the budget.
    fn affordable(&self) -> bool {
        let Some(budget) = self.config.budget else {
            return true;
        };
        let mean = self.tally.spent / self.tally.reports.max(1) as f64;
        let more = f64::from(self.flights.len()) + f64::from(self.graph.left()) + 1.0;
        self.tally.spent + mean * more <= budget
    }

    /// When the invocation counts as late; `None` if it may not be duplicated
    /// or the pace of its kind is unknown.
    fn late_from(&self, id: InvocationId) -> Option<Duration> {
        let rules = self.config.speculation?;
        let flight = self.flights.get(id)?;
        let node = self.graph.node(flight.node);
        // What waits for another is not slow itself.
        if node.unmet > 0
            || node.duplicates >= rules.max_duplicates
            || self.retries.exhausted(flight.node)
        {
            return None;
        }
        let usual = self.usual(node.kind, node.weight)?;
        let late = usual.as_nanos() as f64 * rules.multiplier; // saturates below
        let late = Duration::from_nanos(late as u64);
        Some(flight.since.saturating_add(late))
    }

    /// Watches the invocation for lateness at the present pace.
    pub(super) fn watch(&mut self, id: InvocationId) {
        let Some(flight) = self.flights.get(id) else {
            return;
        };
        let node = flight.node;
        match self.late_from(id) {
            Some(late) => self.flights.watch(id, late),
            None => {
                self.flights.unwatch(id);
                let kind = self.graph.node(node).kind;
                if let Some(pace) = self.paces.get_mut(&kind) {
                    if pace.median(1).is_none() {
                        pace.unjudged();
                    }
                }
            }
        }
    }

    /// Watches all that runs of a kind anew if its pace has changed. Only the
    /// newest invocation of a node is ever watched.
    pub(super) fn review(&mut self, kind: Kind) {
        let Some(rules) = self.config.speculation else {
            return;
        };
        let pace = self.paces.entry(kind).or_default();
        if !pace.moved(rules.min_samples) {
            return;
        }
        let newest = |(id, flight): (InvocationId, &super::flight::Flight)| {
            let same = self.graph.node(flight.node).kind == kind;
            let last = self.flights.of(flight.node).next_back() == Some(id);
            (same && last).then_some(id)
        };
        let ids: Vec<_> = self.flights.all().filter_map(newest).collect();
        for id in ids {
            self.watch(id);
        }
    }

    /// The usual time for a kind and weight, once known.
    pub(super) fn usual(&self, kind: Kind, weight: u32) -> Option<Duration> {
        let min_samples = self.config.speculation.map_or(1, |s| s.min_samples);
        let rate = self.paces.get(&kind)?.median(min_samples)?;
        Some(rate.time(weight))
    }

    /// Asks for a tick where time alone changes something. What is late
    /// already and has no room waits for an event, not for time.
    fn set_wake(&mut self, room: u32, out: &mut Vec<Action>) {
        let full = self.flights.len() >= room;
        let blocked = full && (self.graph.count(Phase::Ready) > 0 || self.flights.has_late());
        let times = [
            self.config.deadline,
            self.graph.first_delay(),
            self.flights.next_late(),
            (!full).then(|| self.first_early()).flatten().map(|e| e.0),
            blocked.then(|| self.limit.next_raise(self.now)).flatten(),
        ];
        let next = times.into_iter().flatten().filter(|t| *t > self.now).min();
        let outstanding = self.wake.filter(|t| *t > self.now);
        match (next, outstanding) {
            (Some(next), Some(old)) if next >= old => {}
            (Some(next), _) => {
                self.wake = Some(next);
                out.push(Action::WakeAt(next));
            }
            (None, _) => self.wake = outstanding,
        }
    }
}
