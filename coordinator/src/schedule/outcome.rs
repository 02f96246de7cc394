// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the report of an invocation does to its node and to the job.

use super::event::{Action, Failure, FailureClass, InvocationId, NodeId};
use super::flight::Flight;
use super::retry::Verdict;
use super::{Scheduler, Status};

impl Scheduler {
    /// First finisher wins: the node is done, its other invocations go.
    pub(super) fn finished(&mut self, id: InvocationId, cost: f64, out: &mut Vec<Action>) {
        self.charge(id, cost);
        let Some(flight) = self.flights.close(id) else {
            return;
        };
        let node = flight.node;
        self.stopped_running(node);
        let (kind, weight) = {
            let n = self.graph.node(node);
            (n.kind, n.weight)
        };
        if self.graph.node(node).unmet == 0 {
            let took = self.now.saturating_sub(flight.since);
            self.paces.entry(kind).or_default().record(took, weight);
        }
        self.tally.speculation_won += u64::from(flight.speculative);
        let done = Action::NodeDone {
            node,
            invocation: id,
        };
        self.close(node, done, out);
        self.review(kind);
    }

    /// Retries within the caps, or gives the node up.
    pub(super) fn failed(
        &mut self,
        id: InvocationId,
        class: FailureClass,
        cost: f64,
        out: &mut Vec<Action>,
    ) {
        let in_flight = self.flights.len();
        self.charge(id, cost);
        let Some(flight) = self.flights.close(id) else {
            return;
        };
        let node = flight.node;
        let verdict = match class {
            FailureClass::BadInput | FailureClass::Bug => {
                return self.fail_node(node, class, out);
            }
            FailureClass::Throttled => {
                self.tally.throttles += 1;
                self.limit.throttled(flight.launched, in_flight, self.now);
                let n = self.graph.node_mut(node);
                n.launches = n.launches.saturating_sub(1);
                self.retries.throttled(node, self.now)
            }
            FailureClass::Transient
            | FailureClass::TimedOut
            | FailureClass::Crashed
            | FailureClass::Cancelled => self.retries.failed(node, class),
        };
        self.again(flight, class, verdict, out);
    }

    fn again(
        &mut self,
        flight: Flight,
        class: FailureClass,
        verdict: Verdict,
        out: &mut Vec<Action>,
    ) {
        let node = flight.node;
        let newest = self.flights.of(node).next_back();
        if let Some(newest) = newest {
            // Another invocation of the node may still make it good.
            self.tally.retries += u64::from(class != FailureClass::Throttled);
            return self.watch(newest);
        }
        let delay = match verdict {
            // A duplicate used the attempts up while this one was out.
            Verdict::Again(delay) if !self.retries.exhausted(node) => delay,
            Verdict::Again(_) | Verdict::GiveUp => return self.fail_node(node, class, out),
        };
        let kind = self.graph.node(node).kind;
        self.stopped_running(node);
        self.recall_follower(node);
        self.tally.retries += u64::from(class != FailureClass::Throttled);
        let delay = delay.max(flight.pause);
        self.graph.delay(node, self.now.saturating_add(delay));
        self.review(kind);
    }

    fn fail_node(&mut self, node: NodeId, class: FailureClass, out: &mut Vec<Action>) {
        let attempts = self.graph.node(node).launches;
        let failure = Failure::Node {
            node,
            class,
            attempts,
        };
        if !self.config.keep_going {
            return self.fail(failure, out);
        }
        let kind = self.graph.node(node).kind;
        self.stopped_running(node);
        self.close(node, Action::NodeLost(failure), out);
        self.review(kind);
    }

    /// The node is done, with a result or without.
    fn close(&mut self, node: NodeId, told: Action, out: &mut Vec<Action>) {
        self.graph.finish(node);
        self.release_follower(node);
        self.retries.clear(node);
        out.push(told);
        self.abort_rest(node, out);
    }

    /// Fails the job.
    pub(super) fn fail(&mut self, failure: Failure, out: &mut Vec<Action>) {
        self.end(Status::Failed, Action::JobFailed(failure), out);
    }

    /// Ends the job: everything in flight is aborted, then `last`.
    pub(super) fn end(&mut self, status: Status, last: Action, out: &mut Vec<Action>) {
        self.tell_aborts(out);
        let open: Vec<_> = self.flights.all().map(|(id, _)| id).collect();
        for invocation in open {
            self.flights.abort(invocation);
            out.push(Action::Abort { invocation });
        }
        self.status = status;
        out.push(last);
    }

    /// Tells the aborts that came from calls between events.
    pub(super) fn tell_aborts(&mut self, out: &mut Vec<Action>) {
        let aborts = self.aborts.drain(..);
        out.extend(aborts.map(|invocation| Action::Abort { invocation }));
    }

    fn abort_rest(&mut self, node: NodeId, out: &mut Vec<Action>) {
        let rest: Vec<_> = self.flights.of(node).collect();
        for invocation in rest {
            self.flights.abort(invocation);
            out.push(Action::Abort { invocation });
        }
    }

    /// Counts the cost of an invocation once, even when it was aborted.
    fn charge(&mut self, id: InvocationId, cost: f64) {
        if !self.flights.awaited(id) {
            return;
        }
        self.flights.forget(id);
        self.aborts.retain(|told| *told != id);
        self.tally.reports += 1;
        self.tally.spent += cost.max(0.0); // NaN: the other operand
    }

    /// Notes that the node, running so far, runs no more.
    pub(super) fn stopped_running(&mut self, node: NodeId) {
        self.leaders.remove(&node);
        let kind = self.graph.node(node).kind;
        let pace = self.paces.entry(kind).or_default();
        pace.running = pace.running.saturating_sub(1);
    }
}
