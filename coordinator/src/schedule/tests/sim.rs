// SPDX-License-Identifier: MIT OR Apache-2.0
//! A discrete-event platform around the scheduler, with every fault we fear.
//! It checks the scheduler's promises at each action.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::*;
use super::secs;

/// The platform.
#[derive(Clone)]
pub(super) struct Platform {
    pub(super) seed: u64,
    /// Speed of each worker, lowest free index first; empty for a worker
    /// per invocation, all of speed 1.
    pub(super) slots: Vec<f64>,
    /// Invocations above this many are throttled.
    pub(super) capacity: usize,
    /// Seconds per weight at speed 1.
    pub(super) pace: f64,
    /// Relative spread of a node's time around it, fixed per node.
    pub(super) spread: f64,
    /// Chance of each fault per invocation.
    pub(super) transient: f64,
    pub(super) crash: f64,
    pub(super) time_out: f64,
    /// Chance that an invocation takes ten times as long.
    pub(super) slow: f64,
    /// Chance that a report is delivered again, up to three seconds later.
    pub(super) repeat: f64,
    /// Cost per second of running.
    pub(super) price: f64,
    /// An aborted invocation keeps its slot until it would have ended.
    pub(super) deaf: bool,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            seed: 1,
            slots: Vec::new(),
            capacity: usize::MAX,
            pace: 0.1,
            spread: 0.2,
            transient: 0.0,
            crash: 0.0,
            time_out: 0.0,
            slow: 0.0,
            repeat: 0.0,
            price: 1.0,
            deaf: false,
        }
    }
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    /// A report, repeated or not, reaches the scheduler.
    Report(Event, bool),
    /// A deaf worker is free again.
    Free(usize),
    Wake,
}

/// What became of a job.
#[derive(Default)]
pub(super) struct Run {
    pub(super) log: Vec<(Duration, Action)>,
    pub(super) end: Duration,
    pub(super) events: u64,
    pub(super) launched: BTreeMap<NodeId, u32>,
    pub(super) done: BTreeMap<NodeId, u32>,
    pub(super) max_in_flight: usize,
    pub(super) last: Option<Action>,
    pub(super) spent: f64,
    /// Time that invocations waited for what they follow.
    pub(super) waited: Duration,
}

/// An invocation that waits for what it follows.
struct Held {
    leader: NodeId,
    /// When it is ready.
    ready: Duration,
    /// What it takes then.
    rest: Duration,
    event: Event,
}

/// Share of a follower's time that needs nothing of what it follows.
pub(super) const HEAD: f64 = 0.5;

/// Work done by a running job's caller after each node: new nodes, say.
pub(super) type OnDone<'a> = &'a mut dyn FnMut(&mut Scheduler, NodeId);

struct Sim<'a> {
    platform: &'a Platform,
    rng: ChaCha8Rng,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    sequence: u64,
    free: BTreeSet<usize>,
    backlog: Vec<(InvocationId, NodeId)>,
    running: BTreeMap<InvocationId, (NodeId, Duration, Option<usize>, Duration)>,
    scheduled: BTreeSet<InvocationId>,
    /// What an invocation started early follows.
    early: BTreeMap<InvocationId, NodeId>,
    held: BTreeMap<InvocationId, Held>,
    run: Run,
}

/// Runs the job until nothing happens any more.
pub(super) fn simulate(scheduler: &mut Scheduler, platform: &Platform) -> Run {
    simulate_with(scheduler, platform, &mut |_, _| {})
}

/// Runs the job; `on_done` is called after each node.
pub(super) fn simulate_with(
    scheduler: &mut Scheduler,
    platform: &Platform,
    on_done: OnDone<'_>,
) -> Run {
    let mut sim = Sim {
        platform,
        rng: ChaCha8Rng::seed_from_u64(platform.seed),
        now: Duration::ZERO,
        queue: BinaryHeap::new(),
        happenings: BTreeMap::new(),
        sequence: 0,
        free: (0..platform.slots.len()).collect(),
        backlog: Vec::new(),
        running: BTreeMap::new(),
        scheduled: BTreeSet::new(),
        early: BTreeMap::new(),
        held: BTreeMap::new(),
        run: Run::default(),
    };
    sim.feed(scheduler, Event::Start, on_done);
    while let Some(Reverse((at, sequence))) = sim.queue.pop() {
        sim.now = at;
        match sim.happenings.remove(&sequence) {
            Some(Happening::Report(event, again)) => sim.report(scheduler, event, again, on_done),
            Some(Happening::Free(slot)) => {
                sim.release(slot);
                sim.start_backlog(scheduler);
            }
            Some(Happening::Wake) => sim.feed(scheduler, Event::Tick, on_done),
            None => {}
        }
        assert!(sim.run.events < 10_000_000, "the job does not end");
    }
    sim.run.spent = scheduler.counts().spent;
    sim.run
}

impl Sim<'_> {
    fn at(&mut self, after: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.push(Reverse((self.now + after, self.sequence)));
        self.happenings.insert(self.sequence, happening);
    }

    fn feed(&mut self, scheduler: &mut Scheduler, event: Event, on_done: OnDone<'_>) {
        let mut actions = Vec::new();
        scheduler.handle(event, self.now, &mut actions);
        self.run.events += 1;
        let mut done = Vec::new();
        for action in actions {
            assert!(self.run.last.is_none(), "{action:?} after the end");
            self.run.log.push((self.now, action.clone()));
            match action {
                Action::Launch {
                    invocation, node, ..
                } => self.launch(scheduler, invocation, node),
                Action::Abort { invocation } => self.abort(invocation),
                Action::NodeDone { node, .. } => {
                    *self.run.done.entry(node).or_default() += 1;
                    self.go_on_after(node);
                    done.push(node);
                }
                Action::WakeAt(at) => {
                    assert!(at > self.now, "a wake in the past");
                    self.at(at - self.now, Happening::Wake);
                }
                end => {
                    self.run.last = Some(end);
                    self.run.end = self.now;
                }
            }
        }
        for node in &done {
            on_done(scheduler, *node);
        }
        if !done.is_empty() && self.run.last.is_none() {
            self.feed(scheduler, Event::Tick, on_done);
        }
    }

    fn launch(&mut self, scheduler: &Scheduler, invocation: InvocationId, node: NodeId) {
        assert!(self.scheduled.insert(invocation), "{invocation} used twice");
        let counts = scheduler.counts();
        assert_eq!(scheduler.phase(node), Ok(Phase::Running), "{node}");
        let leader = scheduler.graph.leader(node);
        for dep in scheduler.graph.deps(node) {
            let phase = scheduler.phase(dep).expect("a node");
            if Some(dep) == leader && phase == Phase::Running {
                assert_eq!(scheduler.graph.node(dep).unmet, 0, "two wait in a row");
                self.early.insert(invocation, dep);
                continue;
            }
            assert_eq!(phase, Phase::Done, "{dep} of {node}");
        }
        assert!(counts.in_flight <= counts.limit, "{counts:?}");
        *self.run.launched.entry(node).or_default() += 1;
        if self.running.len() >= self.platform.capacity {
            let class = FailureClass::Throttled;
            let cost = 0.0;
            let throttled = Event::Failed {
                invocation,
                class,
                cost,
            };
            return self.at(secs(0.02), Happening::Report(throttled, false));
        }
        if self.platform.slots.is_empty() {
            return self.begin(scheduler.graph.node(node).weight, invocation, node, None);
        }
        match self.free.pop_first() {
            Some(slot) => {
                let weight = scheduler.graph.node(node).weight;
                self.begin(weight, invocation, node, Some(slot));
            }
            None => self.backlog.push((invocation, node)),
        }
    }

    fn begin(&mut self, weight: u32, id: InvocationId, node: NodeId, slot: Option<usize>) {
        let p = self.platform;
        let speed = slot.map_or(1.0, |s| p.slots[s]);
        let own = ChaCha8Rng::seed_from_u64(u64::from(node.0) ^ 0x5eed).random_range(-1.0..=1.0);
        let mut time = p.pace * f64::from(weight.max(1)) * (1.0 + p.spread * own) / speed;
        if self.rng.random_bool(p.slow) {
            time *= 10.0;
        }
        let draw: f64 = self.rng.random();
        let mut class = None;
        let mut below = 0.0;
        for (chance, fault) in [
            (p.transient, FailureClass::Transient),
            (p.crash, FailureClass::Crashed),
            (p.time_out, FailureClass::TimedOut),
        ] {
            below += chance;
            if class.is_none() && draw < below {
                class = Some(fault);
            }
        }
        if class.is_some_and(|c| c != FailureClass::TimedOut) {
            time *= self.rng.random::<f64>();
        }
        let cost = time * p.price;
        let invocation = id;
        let event = match class {
            None => Event::Finished { invocation, cost },
            Some(class) => Event::Failed {
                invocation,
                class,
                cost,
            },
        };
        self.running
            .insert(id, (node, self.now, slot, self.now + secs(time)));
        self.run.max_in_flight = self.run.max_in_flight.max(self.running.len());
        let leader = self.early.remove(&id).filter(|_| class.is_none());
        if let Some(leader) = leader.filter(|l| !self.run.done.contains_key(l)) {
            let (ready, rest) = (self.now + secs(time * HEAD), secs(time * (1.0 - HEAD)));
            let held = Held {
                leader,
                ready,
                rest,
                event,
            };
            self.held.insert(id, held);
            return;
        }
        self.at(secs(time), Happening::Report(event, false));
        if self.rng.random_bool(p.repeat) {
            let late = time + self.rng.random_range(0.0..3.0);
            self.at(secs(late), Happening::Report(event, true));
        }
    }

    /// Lets what follows a node go on, now that it is done.
    fn go_on_after(&mut self, node: NodeId) {
        let of_node = |(id, held): (&InvocationId, &Held)| (held.leader == node).then_some(*id);
        let ids: Vec<_> = self.held.iter().filter_map(of_node).collect();
        for id in ids {
            let Some(held) = self.held.remove(&id) else {
                continue;
            };
            self.run.waited += self.now.saturating_sub(held.ready);
            let until = self.now.max(held.ready) + held.rest;
            self.at(until - self.now, Happening::Report(held.event, false));
        }
    }

    fn report(&mut self, s: &mut Scheduler, event: Event, again: bool, on_done: OnDone<'_>) {
        if let Event::Finished { invocation, .. } | Event::Failed { invocation, .. } = event {
            match self.running.remove(&invocation) {
                Some((_, _, Some(slot), _)) => self.release(slot),
                Some(_) => {}
                None if again => {}
                None if matches!(
                    event,
                    Event::Failed {
                        class: FailureClass::Throttled,
                        ..
                    }
                ) => {}
                None => return, // aborted: it told its cost then
            }
        }
        if let (Event::Finished { invocation, .. }, false) = (event, again) {
            let node = s.flights.get(invocation).map(|f| f.node);
            let weight = node.map_or(0, |n| s.graph.node(n).weight);
            let head = self.platform.pace * HEAD * f64::from(weight);
            if node.is_some_and(|n| s.graph.leader(n).is_some()) {
                s.ready_after(invocation, secs(head));
            }
        }
        self.feed(s, event, on_done);
        self.start_backlog(s);
    }

    fn start_backlog(&mut self, scheduler: &Scheduler) {
        while !self.backlog.is_empty() {
            let Some(slot) = self.free.pop_first() else {
                return;
            };
            let (id, node) = self.backlog.remove(0);
            self.begin(scheduler.graph.node(node).weight, id, node, Some(slot));
        }
    }

    fn release(&mut self, slot: usize) {
        assert!(self.free.insert(slot));
    }

    fn abort(&mut self, invocation: InvocationId) {
        self.backlog.retain(|b| b.0 != invocation);
        self.held.remove(&invocation);
        self.early.remove(&invocation);
        let Some((_, since, slot, until)) = self.running.remove(&invocation) else {
            return;
        };
        match slot {
            Some(slot) if self.platform.deaf => {
                self.at(until.saturating_sub(self.now), Happening::Free(slot));
            }
            Some(slot) => self.release(slot),
            None => {}
        }
        // The confirmation, with what it cost.
        let event = Event::Failed {
            invocation,
            class: FailureClass::Cancelled,
            cost: (self.now - since).as_secs_f64() * self.platform.price,
        };
        self.at(secs(0.01), Happening::Report(event, true));
    }
}

impl Run {
    /// Asserts that the job is done and each of `nodes` was done once.
    pub(super) fn assert_done(&self, nodes: &[NodeId]) {
        assert_eq!(self.last, Some(Action::JobDone));
        assert_eq!(self.done.len(), nodes.len());
        assert!(nodes.iter().all(|n| self.done.get(n) == Some(&1)));
    }
}
