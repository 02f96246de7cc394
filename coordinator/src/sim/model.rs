// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is to be done, and where.

use super::draw::LogNormal;
use crate::limits::Price;
use crate::schedule::Ramp;
use crate::stitch::READERS;
use std::ops::Range;
use std::time::Duration;

/// Most tasks of a workload.
pub const MAX_TASKS: usize = 2_000_000;
/// Bytes that a worker fetches with one request at most.
const FETCH: u64 = 4 << 20;

/// The sort of a task, as reports name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// The source's list of packets.
    Index,
    /// Scene cuts of a chunk.
    Analyze,
    /// A whole audio or subtitle stream.
    Track,
    /// A chunk, or the draft of one.
    Encode,
    /// A draft moved onto the state of the chunk before.
    Rebase,
    /// The output file; the coordinator's own work.
    Stitch,
}

impl TaskKind {
    /// All of them, in the order in which a job meets them.
    pub const ALL: [Self; 6] = [
        Self::Index,
        Self::Analyze,
        Self::Track,
        Self::Encode,
        Self::Rebase,
        Self::Stitch,
    ];

    /// The word for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Analyze => "analyze",
            Self::Track => "track",
            Self::Encode => "encode",
            Self::Rebase => "rebase",
            Self::Stitch => "stitch",
        }
    }

    /// The kind that reports name so.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub struct SimTask {
    /// Its sort.
    pub kind: TaskKind,
    /// The chunk it works on.
    pub chunk: Option<u32>,
    /// Expected work, in frames: what the scheduler compares durations by.
    pub weight: u32,
    /// Work that needs nothing of the task it follows; for tasks that follow none, 0.
    pub head: Duration,
    /// The rest of its work.
    pub rest: Duration,
    /// Tasks that must be done before it starts, all of them before it in the list.
    pub after: Vec<u32>,
    /// A task that must be done before it can go on behind its head, likewise.
    pub follows: Option<u32>,
    /// Bytes fetched from stores.
    pub bytes_read: u64,
    /// Bytes written to stores.
    pub bytes_written: u64,
}

impl SimTask {
    /// A task of so much work that comes after nothing.
    #[must_use]
    pub const fn new(kind: TaskKind, chunk: Option<u32>, weight: u32, work: Duration) -> Self {
        Self {
            kind,
            chunk,
            weight,
            head: Duration::ZERO,
            rest: work,
            after: Vec::new(),
            follows: None,
            bytes_read: 0,
            bytes_written: 0,
        }
    }

    /// All of its work.
    #[must_use]
    pub fn work(&self) -> Duration {
        self.head.saturating_add(self.rest)
    }

    /// Requests to a store that it waits for, one after the other: before its work, for
    /// the state that it continues from, and at its end (packets and record, and the
    /// state where it is kept).
    #[must_use]
    pub fn trips(&self, keeps_state: bool) -> [u32; 3] {
        let ranges = u32::try_from(self.bytes_read.div_ceil(FETCH).max(1)).unwrap_or(u32::MAX);
        let end = 2 + u32::from(keeps_state);
        match self.kind {
            // Its draft besides; then the record of the task before and its state.
            TaskKind::Rebase => [ranges.saturating_add(1), 2, end],
            TaskKind::Stitch => [0; 3],
            _ => [ranges, 0, end],
        }
    }
}

/// Tasks that are known together: when all of the stage before are done.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The coordinator's own time before it begins, planning say.
    pub before: Duration,
    /// Its tasks.
    pub tasks: Range<u32>,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// All tasks; those of a stage lie together, stages in order.
    pub tasks: Vec<SimTask>,
    /// The stages, which tile the tasks.
    pub stages: Vec<Stage>,
    /// The coordinator's time to stitch and check, once all tasks are done, without
    /// requests to a store.
    pub stitch: Duration,
    /// Time besides, which does not depend on the work.
    pub besides: Duration,
}

impl Workload {
    /// How many chunks it is made of.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        let chunks = self.tasks.iter().filter_map(|task| task.chunk);
        chunks.max().map_or(0, |last| last.saturating_add(1))
    }

    /// How long the stitch takes with a store that takes `latency` a request. Each output is
    /// looked up and fetched: the first before all else, the others many at a time while
    /// the file is written.
    #[must_use]
    pub fn stitching(&self, latency: Duration) -> Duration {
        let chunks = self.chunks().saturating_sub(1);
        let rounds = chunks.div_ceil(READERS as u32);
        let output = latency.saturating_mul(2);
        let fetching = output.saturating_mul(rounds);
        output.saturating_add(self.stitch.max(fetching))
    }

    /// Adds a stage of tasks whose `after` and `follows` count from the first of all tasks.
    pub fn push_stage(&mut self, before: Duration, tasks: impl IntoIterator<Item = SimTask>) {
        let first = self.tasks.len() as u32;
        self.tasks.extend(tasks);
        let tasks = first..self.tasks.len() as u32;
        self.stages.push(Stage { before, tasks });
    }

    /// The sum of all tasks' work, the coordinator's own left out.
    #[must_use]
    pub fn work(&self) -> Duration {
        let sum = |sum: Duration, task: &SimTask| sum.saturating_add(task.work());
        self.tasks.iter().fold(Duration::ZERO, sum)
    }

    /// Says what is wrong with it, if anything: it must not be too large, and tasks must
    /// come after earlier ones.
    ///
    /// # Errors
    /// A line that names the task.
    pub fn check(&self) -> Result<(), String> {
        if self.tasks.len() > MAX_TASKS {
            return Err(format!("{} tasks are too many", self.tasks.len()));
        }
        let mut first = 0;
        for stage in &self.stages {
            if stage.tasks.start != first || stage.tasks.end < first {
                return Err(format!("a stage does not begin at task {first}"));
            }
            first = stage.tasks.end;
        }
        if first as usize != self.tasks.len() {
            return Err(format!("task {first} is in no stage"));
        }
        for (n, task) in self.tasks.iter().enumerate() {
            let mut before = task.after.iter().chain(&task.follows);
            if let Some(wrong) = before.find(|&&dep| dep as usize >= n) {
                return Err(format!("task {n} comes after task {wrong}"));
            }
        }
        Ok(())
    }
}

/// What goes wrong, as shares of all invocations from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Turned away at random, besides what finds no room.
    pub throttled: f64,
    /// Whose worker dies on the way.
    pub crashed: f64,
    /// That fail on the way for another passing reason.
    pub transient: f64,
    /// That take `slowness` times as long as they would.
    pub slow: f64,
    /// How many times as long, at least 1.
    pub slowness: f64,
}

impl Default for Faults {
    /// None.
    fn default() -> Self {
        Self {
            throttled: 0.0,
            crashed: 0.0,
            transient: 0.0,
            slow: 0.0,
            slowness: 1.0,
        }
    }
}

/// Where it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// Most invocations in flight, at least 1.
    pub workers: u32,
    /// Slow start of the scheduler's launches.
    pub ramp: Option<Ramp>,
    /// Workers that the platform has, as they grow; what finds none is throttled.
    pub capacity: Option<Ramp>,
    /// Workers that are warm at the start; all others start cold once.
    pub warm: u32,
    /// Seconds of a cold start; `None` where they take none.
    pub cold_start: Option<LogNormal>,
    /// From a launch to its arrival at a worker.
    pub dispatch: Duration,
    /// Standard deviation of the time of a task's work, as a share of its mean.
    pub jitter: f64,
    /// A request to the store and its answer.
    pub store: Duration,
    /// Bytes a second between a worker and the store, above 0; `None` for any number.
    pub store_rate: Option<f64>,
    /// The times of tasks are multiplied by it; above 0.
    pub slowness: f64,
    /// Cores that all workers share; `None` where each has one of its own.
    pub cores: Option<u32>,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether stragglers are duplicated.
    pub speculates: bool,
    /// Whether invocations that are given up go on to their end, as functions do.
    pub deaf: bool,
    /// What invocations cost, where they are paid.
    pub price: Option<Price>,
    /// What is random is drawn from it.
    pub seed: u64,
}

impl Platform {
    /// Workers that take no time to start or reach, cost nothing and never fail.
    #[must_use]
    pub fn ideal(workers: u32) -> Self {
        Self {
            workers,
            ramp: None,
            capacity: None,
            warm: 0,
            cold_start: None,
            dispatch: Duration::ZERO,
            jitter: 0.0,
            store: Duration::ZERO,
            store_rate: None,
            slowness: 1.0,
            cores: None,
            faults: Faults::default(),
            speculates: false,
            deaf: false,
            price: None,
            seed: 0,
        }
    }
}
