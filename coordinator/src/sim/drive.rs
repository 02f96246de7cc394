// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scheduler on a virtual clock.

use super::cores::Cores;
use super::draw::Draws;
use super::error::SimError;
use super::live::{Live, Of, Step};
use super::model::{Platform, TaskKind, Workload};
use super::run::{Ended, Invocation, Own, OwnWork, Run};
use crate::schedule::{
    Action, Config, Event, FailureClass, InvocationId, Kind, NodeId, NodeSpec, Ramp, Scheduler,
    Speculation,
};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// An invocation has done a step.
    Step(u64),
    /// The scheduler asked to be woken.
    Wake,
    /// The next stage begins.
    Stage,
}

struct Sim<'a> {
    workload: &'a Workload,
    platform: &'a Platform,
    scheduler: Scheduler,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Happening)>>,
    sequence: u64,
    cores: Option<Cores>,
    live: HashMap<u64, Live>,
    /// Invocations that wait for a task.
    waiting: HashMap<u32, Vec<u64>>,
    done: Vec<bool>,
    /// Whether a task is followed, and so keeps its state.
    followed: Vec<bool>,
    stage: usize,
    /// Tasks of the stage that are not done.
    left: u32,
    idle: BTreeSet<u32>,
    slots: u32,
    busy: u32,
    over: bool,
    run: Run,
}

/// Runs a workload on a platform.
///
/// # Errors
/// [`SimError`].
pub fn simulate(workload: &Workload, platform: &Platform) -> Result<Run, SimError> {
    workload.check().map_err(SimError::Workload)?;
    let mut followed = vec![false; workload.tasks.len()];
    for leader in workload.tasks.iter().filter_map(|task| task.follows) {
        followed[leader as usize] = true;
    }
    let config = Config {
        max_in_flight: platform.workers.max(1),
        ramp: platform.ramp,
        speculation: platform.speculates.then(Speculation::default),
        seed: platform.seed,
        ..Config::default()
    };
    let mut sim = Sim {
        workload,
        platform,
        scheduler: Scheduler::new(config)?,
        now: Duration::ZERO,
        queue: BinaryHeap::new(),
        sequence: 0,
        cores: platform.cores.map(Cores::new),
        live: HashMap::new(),
        waiting: HashMap::new(),
        done: vec![false; workload.tasks.len()],
        followed,
        stage: 0,
        left: 0,
        idle: BTreeSet::new(),
        slots: 0,
        busy: 0,
        over: false,
        run: Run::default(),
    };
    sim.scheduler.reserve(workload.tasks.len());
    sim.next_stage();
    sim.drive()?;
    Ok(sim.run)
}

impl Sim<'_> {
    fn drive(&mut self) -> Result<(), SimError> {
        loop {
            let queued = self.queue.peek().map(|entry| entry.0 .0);
            let worked = self.cores.as_ref().and_then(Cores::first_end);
            // What is over has nothing to wake for but what goes on unheard.
            if self.over && self.live.is_empty() {
                return Ok(());
            }
            match (queued, worked) {
                (None, None) => return Err(SimError::Stuck),
                (queued, Some(worked)) if queued.is_none_or(|at| worked <= at) => {
                    self.now = self.now.max(worked);
                    let id = self.cores.as_mut().and_then(|cores| cores.take(worked));
                    if let Some(id) = id {
                        self.step_done(id)?;
                    }
                }
                _ => {
                    let Some(Reverse((at, _, happening))) = self.queue.pop() else {
                        return Err(SimError::Stuck);
                    };
                    self.now = self.now.max(at);
                    self.happen(happening)?;
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), SimError> {
        match happening {
            Happening::Step(id) => self.step_done(id),
            Happening::Wake if self.over => Ok(()),
            Happening::Wake => self.feed(Event::Tick),
            Happening::Stage => self.begin_stage(),
        }
    }

    fn after(&mut self, time: Duration, happening: Happening) {
        self.sequence += 1;
        let at = self.now.saturating_add(time);
        self.queue.push(Reverse((at, self.sequence, happening)));
    }

    fn own(&mut self, what: Own, time: Duration) {
        if !time.is_zero() {
            let (from, to) = (self.now, self.now.saturating_add(time));
            self.run.own.push(OwnWork { what, from, to });
        }
    }

    /// Plans the next stage, or ends the job.
    fn next_stage(&mut self) {
        match self.workload.stages.get(self.stage) {
            Some(stage) => {
                self.own(Own::Plan, stage.before);
                self.after(stage.before, Happening::Stage);
            }
            None => {
                let last = self.workload.stitching(self.platform.store);
                let last = last.saturating_add(self.workload.besides);
                self.own(Own::Stitch, last);
                self.run.wall = self.now.saturating_add(last);
                self.over = true;
            }
        }
    }

    fn begin_stage(&mut self) -> Result<(), SimError> {
        let tasks = self.workload.stages[self.stage].tasks.clone();
        self.run.stages.push(self.now);
        self.stage += 1;
        self.left = tasks.len() as u32;
        for task in &self.workload.tasks[tasks.start as usize..tasks.end as usize] {
            let mut spec = NodeSpec::new(kind_of(task.kind), task.weight)
                .priority(i16::from(task.kind == TaskKind::Rebase))
                .after(task.after.iter().map(|&dep| NodeId(dep)));
            if let Some(leader) = task.follows {
                spec = spec.following(NodeId(leader));
            }
            self.scheduler.add(spec)?;
        }
        if self.left == 0 {
            self.next_stage();
            return Ok(());
        }
        self.feed(Event::Start)?;
        self.feed(Event::Tick)
    }

    /// Tells the scheduler, and does what it says.
    fn feed(&mut self, event: Event) -> Result<(), SimError> {
        let mut actions = Vec::new();
        self.scheduler.handle(event, self.now, &mut actions);
        for action in actions {
            match action {
                Action::Launch {
                    invocation,
                    node,
                    attempt,
                    ..
                } => self.launch(invocation, node, attempt),
                Action::Abort { invocation } => self.abort(invocation.0),
                Action::NodeDone { node, .. } => self.node_done(node.0)?,
                Action::WakeAt(at) => {
                    self.after(at.saturating_sub(self.now), Happening::Wake);
                }
                Action::JobFailed(failure) => return Err(SimError::Failed(failure)),
                // Jobs that are replayed do not keep going without a task.
                Action::NodeLost(failure) => return Err(SimError::Failed(failure)),
                Action::JobDone | Action::JobCancelled => {}
            }
        }
        Ok(())
    }

    fn launch(&mut self, invocation: InvocationId, node: NodeId, attempt: u16) {
        let (task, number) = (node.0, self.run.invocations.len());
        if self.turns_away(number) {
            let turned_away = Invocation {
                ended: Ended::Throttled,
                ..Invocation::launched(task, attempt, 0, self.now)
            };
            self.run.invocations.push(turned_away);
            let live = Live::throttled(number, self.platform);
            self.live.insert(invocation.0, live);
            return self.next_step(invocation.0);
        }
        self.busy += 1;
        let (slot, used) = match self.idle.pop_first() {
            Some(slot) => (slot, true),
            None => {
                self.slots += 1;
                (self.slots - 1, false)
            }
        };
        let cold = !used && slot >= self.platform.warm && self.platform.cold_start.is_some();
        self.run.invocations.push(Invocation {
            cold,
            ..Invocation::launched(task, attempt, slot, self.now)
        });
        let of = Of::new(&self.workload.tasks, task, self.followed[task as usize]);
        let draws = &mut Draws::new(self.platform.seed, task, attempt);
        let live = Live::new(number, of, (self.platform, cold), draws);
        self.live.insert(invocation.0, live);
        self.next_step(invocation.0);
    }

    /// Whether the platform has no room for an invocation.
    fn turns_away(&self, number: usize) -> bool {
        let capacity = self.platform.capacity;
        let full = capacity.is_some_and(|c| self.busy >= room(c, self.now));
        let share = self.platform.faults.throttled;
        // Not by attempt, which is the same when a task is launched again.
        full || share > 0.0 && Draws::new(!self.platform.seed, number as u32, 0).share() < share
    }

    /// Begins an invocation's next step; one that waits is left as it is.
    fn next_step(&mut self, id: u64) {
        let now = self.now;
        let Some(live) = self.live.get_mut(&id) else {
            return;
        };
        live.at = live.steps.pop_front();
        let invocation = &mut self.run.invocations[live.number];
        match live.at {
            Some(Step::Join) => {
                invocation.ready = now;
                let leader = self.workload.tasks[invocation.task as usize].follows;
                match leader.filter(|&task| !self.done[task as usize]) {
                    Some(leader) => self.waiting.entry(leader).or_default().push(id),
                    None => self.after(Duration::ZERO, Happening::Step(id)),
                }
            }
            Some(Step::Work(time)) => match &mut self.cores {
                Some(cores) => cores.enter(id, time, now),
                None => self.after(time, Happening::Step(id)),
            },
            Some(Step::Arrive(time) | Step::Init(time) | Step::Store(time)) => {
                self.after(time, Happening::Step(id));
            }
            None => self.after(Duration::ZERO, Happening::Step(id)),
        }
    }

    /// An invocation has come to the end of a step.
    fn step_done(&mut self, id: u64) -> Result<(), SimError> {
        let now = self.now;
        let Some(live) = self.live.get(&id) else {
            return Ok(());
        };
        let invocation = &mut self.run.invocations[live.number];
        match live.at {
            Some(Step::Arrive(_)) => (invocation.begin, invocation.work) = (now, now),
            Some(Step::Init(_)) => invocation.work = now,
            Some(Step::Join) => invocation.go = now,
            Some(Step::Store(_) | Step::Work(_)) => {}
            None => return self.end(id),
        }
        self.next_step(id);
        Ok(())
    }

    fn end(&mut self, id: u64) -> Result<(), SimError> {
        let Some(live) = self.live.remove(&id) else {
            return Ok(());
        };
        self.stop(&live);
        if live.unheard {
            return Ok(());
        }
        let invocation = InvocationId(id);
        let record = &mut self.run.invocations[live.number];
        let event = match live.fails {
            Some(class) => {
                if class != FailureClass::Throttled {
                    record.ended = Ended::Failed;
                }
                let cost = 0.0;
                Event::Failed {
                    invocation,
                    class,
                    cost,
                }
            }
            None => {
                let head = record.ready.saturating_sub(record.work);
                let follows = self.workload.tasks[record.task as usize].follows.is_some();
                if follows && !head.is_zero() {
                    self.scheduler.ready_after(invocation, head);
                }
                let cost = 0.0;
                Event::Finished { invocation, cost }
            }
        };
        self.feed(event)
    }

    /// Notes an invocation's end, and frees its worker.
    fn stop(&mut self, live: &Live) {
        let now = self.now;
        let record = &mut self.run.invocations[live.number];
        record.end = now;
        // Steps that it did not come to take no time.
        record.begin = record.begin.max(record.launch);
        record.work = record.work.max(record.begin);
        record.ready = record.ready.max(record.work);
        record.go = match live.at {
            Some(Step::Join) => now,
            _ => record.go.max(record.ready),
        };
        if record.ended != Ended::Throttled {
            self.idle.insert(record.slot);
            self.busy -= 1;
        }
    }

    fn abort(&mut self, id: u64) {
        let Some(live) = self.live.get_mut(&id) else {
            return;
        };
        let record = &mut self.run.invocations[live.number];
        if record.ended != Ended::Throttled {
            record.ended = Ended::Aborted;
        }
        if self.platform.deaf {
            live.unheard = true;
            return;
        }
        if let Some(cores) = &mut self.cores {
            cores.leave(id, self.now);
        }
        let Some(live) = self.live.remove(&id) else {
            return;
        };
        self.stop(&live);
    }

    fn node_done(&mut self, task: u32) -> Result<(), SimError> {
        self.done[task as usize] = true;
        self.left -= 1;
        for id in self.waiting.remove(&task).unwrap_or_default() {
            self.step_done(id)?;
        }
        if self.left == 0 {
            self.next_stage();
        }
        Ok(())
    }
}

/// Numbers for the scheduler's kinds.
fn kind_of(kind: TaskKind) -> Kind {
    Kind(kind as u16)
}

/// Workers that a platform has by now.
fn room(capacity: Ramp, now: Duration) -> u32 {
    let steps = now.as_nanos() / capacity.every.as_nanos().max(1);
    let more = u128::from(capacity.step).saturating_mul(steps);
    u32::try_from(more.saturating_add(u128::from(capacity.initial))).unwrap_or(u32::MAX)
}
