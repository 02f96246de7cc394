// SPDX-License-Identifier: MIT OR Apache-2.0
//! A workload and a run from a job's `--report`.
//!
//! Tasks and their times are those of the report. What comes after what is known from
//! how a job is made: tasks that were queued at the same time are a stage; a rebase comes
//! after the draft of its chunk and follows the rebase, or the encode, of the chunk
//! before. What the coordinator did between stages is time of its own.

mod records;
#[cfg(test)]
mod tests;

use super::model::{SimTask, Stage, TaskKind, Workload};
use super::run::{Ended, Invocation, Own, OwnWork, Run};
use records::{Record, Report, Times};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

/// Which times of a report tasks are to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TimeOf {
    /// From start to end, as it was on that machine with all that ran beside
    #[default]
    Wall,
    /// CPU of the worker's thread; with engines other than local, of all threads
    Cpu,
}

/// A report, as the simulator has it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What was to be done.
    pub workload: Workload,
    /// What was done.
    pub run: Run,
    /// Whose input, output and engine, as the report names them.
    pub input: String,
    /// The output.
    pub output: String,
    /// The engine.
    pub engine: String,
    /// Frames in the output.
    pub frames: u64,
    /// Its size in bytes.
    pub bytes_out: u64,
    /// What the reader should know of it.
    pub notes: Vec<String>,
}

/// A record and its times.
type Seen<'a> = (&'a Record, Times);

/// What tells tasks of a stage apart: tracks first, then by kind and chunk. Tasks of no
/// chunk are told apart by their place.
type TaskName = (TaskKind, Option<u32>, usize);

/// Reads a report.
///
/// # Errors
/// One line: what is wrong, and where.
pub fn parse(bytes: &[u8], time: TimeOf) -> Result<Replayed, String> {
    let report = records::read(bytes)?;
    let mut stages: BTreeMap<Duration, Vec<Seen<'_>>> = BTreeMap::new();
    let mut stitch = None;
    for (n, record) in report.invocations.iter().enumerate() {
        let times = record.times(n)?;
        match times.kind {
            TaskKind::Stitch => stitch = Some(times),
            _ => stages
                .entry(times.queued)
                .or_default()
                .push((record, times)),
        }
    }
    if stages.is_empty() {
        return Err("it has no invocations".into());
    }
    let mut made = Making::default();
    for (queued, seen) in stages {
        made.stage(queued, seen, time);
    }
    let (workload, run) = made.finish(stitch, report.totals.wall_s);
    let notes = notes(&report, &run, &workload);
    Ok(Replayed {
        workload,
        run,
        notes,
        input: report.input,
        output: report.output,
        engine: report.engine,
        frames: report.totals.frames,
        bytes_out: report.totals.bytes_out,
    })
}

fn notes(report: &Report, run: &Run, workload: &Workload) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &report.error {
        notes.push(format!(
            "the job failed: {}",
            error.replace(['\n', '\r'], " ")
        ));
    }
    let undone = run.done_by(workload.tasks.len());
    let undone = undone.iter().filter(|by| by.is_none()).count();
    if undone > 0 {
        notes.push(format!(
            "{undone} tasks were begun and not done; they count as long as they ran"
        ));
    }
    if report.totals.reused > 0 {
        notes.push(format!(
            "{} results were taken from an earlier run; their tasks are missing here",
            report.totals.reused
        ));
    }
    notes
}

/// The attempts at each task of a stage.
fn by_name<'a, 'b>(seen: &'b [Seen<'a>]) -> BTreeMap<TaskName, Vec<&'b Seen<'a>>> {
    let mut done: BTreeMap<TaskKind, usize> = BTreeMap::new();
    for (place, one) in seen.iter().enumerate() {
        if one.0.is_ok() && one.0.chunk.is_none() {
            done.entry(one.1.kind).or_insert(place);
        }
    }
    let mut by_name: BTreeMap<TaskName, Vec<&Seen<'_>>> = BTreeMap::new();
    for (place, one) in seen.iter().enumerate() {
        let apart = match one.0.chunk {
            Some(_) => 0,
            None if one.0.is_ok() => place,
            // Which of several it was a try at is not told.
            None => done.get(&one.1.kind).copied().unwrap_or(place),
        };
        let name = (one.1.kind, one.0.chunk, apart);
        by_name.entry(name).or_default().push(one);
    }
    by_name
}

/// What a task comes after, and what it follows, among those of its stage.
fn before(
    numbers: &BTreeMap<TaskName, u32>,
    kind: TaskKind,
    chunk: Option<u32>,
) -> (Vec<u32>, Option<u32>) {
    let (TaskKind::Rebase, Some(chunk)) = (kind, chunk) else {
        return (Vec::new(), None);
    };
    let of = |kind, chunk| numbers.get(&(kind, Some(chunk), 0)).copied();
    let leader = chunk
        .checked_sub(1)
        .and_then(|n| of(TaskKind::Rebase, n).or_else(|| of(TaskKind::Encode, n)));
    (of(TaskKind::Encode, chunk).into_iter().collect(), leader)
}

#[derive(Default)]
struct Making {
    workload: Workload,
    run: Run,
    /// When all of the stages so far had ended.
    ended: Duration,
}

impl Making {
    fn stage(&mut self, queued: Duration, seen: Vec<Seen<'_>>, time: TimeOf) {
        let first = self.workload.tasks.len() as u32;
        let by_name = by_name(&seen);
        let numbers: BTreeMap<TaskName, u32> = by_name.keys().copied().zip(first..).collect();
        let mut ends: Vec<Option<Duration>> = Vec::new();
        for (&(kind, chunk, _), attempts) in &by_name {
            let (after, follows) = before(&numbers, kind, chunk);
            let leader_end = follows.and_then(|task| ends[(task - first) as usize]);
            let task = SimTask {
                after,
                follows,
                ..task(kind, chunk, attempts, leader_end, time)
            };
            ends.push(first_end(attempts));
            self.workload.tasks.push(task);
        }
        for (name, attempts) in &by_name {
            let task = numbers[name];
            let follows = self.workload.tasks[task as usize].follows;
            let leader_end = follows.and_then(|task| ends[(task - first) as usize]);
            let all = attempts.iter();
            let all = all.map(|one| invocation(task, one, leader_end));
            self.run.invocations.extend(all);
        }
        let before = queued.saturating_sub(self.ended);
        self.plan(before, queued);
        let tasks = first..self.workload.tasks.len() as u32;
        self.workload.stages.push(Stage { before, tasks });
        self.run.stages.push(queued);
        let end = ends.iter().flatten().max();
        self.ended = self.ended.max(queued).max(end.copied().unwrap_or_default());
    }

    fn plan(&mut self, before: Duration, until: Duration) {
        if !before.is_zero() {
            self.run.own.push(OwnWork {
                what: Own::Plan,
                from: until - before,
                to: until,
            });
        }
    }

    /// The stitch, and what the report does not account for, which is at its end here.
    fn finish(mut self, stitch: Option<Times>, wall_s: f64) -> (Workload, Run) {
        let own_end = stitch.map_or(self.ended, |stitch| stitch.end.max(self.ended));
        let end = own_end.max(Duration::from_secs_f64(wall_s));
        self.workload.stitch = own_end - self.ended;
        self.workload.besides = end - own_end;
        if end > self.ended {
            self.run.own.push(OwnWork {
                what: Own::Stitch,
                from: self.ended,
                to: end,
            });
        }
        self.run.wall = end;
        self.run
            .invocations
            .sort_by_key(|i| (i.launch, i.task, i.attempt));
        give_slots(&mut self.run.invocations);
        (self.workload, self.run)
    }
}

/// When a task was done first.
fn first_end(attempts: &[&Seen<'_>]) -> Option<Duration> {
    let done = attempts.iter().filter(|one| one.0.is_ok());
    done.map(|one| one.1.end).min()
}

/// A task by its attempts: the mean of those that did it, or of all where none did.
fn task(
    kind: TaskKind,
    chunk: Option<u32>,
    attempts: &[&Seen<'_>],
    leader_end: Option<Duration>,
    time: TimeOf,
) -> SimTask {
    let done = attempts.iter().any(|one| one.0.is_ok());
    let counted = attempts.iter().filter(|one| one.0.is_ok() == done);
    let (mut head, mut rest, mut count) = (Duration::ZERO, Duration::ZERO, 0);
    let (mut frames, mut read, mut written) = (0, 0, 0);
    for (record, times) in counted {
        let (h, r) = work(times, leader_end, time);
        head += h;
        rest += r;
        count += 1;
        frames = frames.max(record.frames);
        read = read.max(record.bytes_read);
        written = written.max(record.bytes_written);
    }
    let weight = match kind {
        // As the job launches them: before all else.
        TaskKind::Track => u32::MAX,
        _ => u32::try_from(frames).unwrap_or(u32::MAX).max(1),
    };
    SimTask {
        head: head / count.max(1),
        bytes_read: read,
        bytes_written: written,
        ..SimTask::new(kind, chunk, weight, rest / count.max(1))
    }
}

/// Work before and behind the join, without the time in which the state was waited for.
fn work(times: &Times, leader_end: Option<Duration>, time: TimeOf) -> (Duration, Duration) {
    let head = match leader_end {
        Some(_) => times.head,
        None => Duration::ZERO,
    };
    let (ready, go) = join(times, leader_end);
    let rest = (times.end - times.start).saturating_sub(head + (go - ready));
    match time {
        TimeOf::Wall => (head, rest),
        TimeOf::Cpu => {
            let all = (head + rest).as_secs_f64();
            let share = if all > 0.0 {
                head.as_secs_f64() / all
            } else {
                0.0
            };
            let head = times.cpu.mul_f64(share);
            (head, times.cpu.saturating_sub(head))
        }
    }
}

/// When a record was ready for what it follows, and when it went on.
fn join(times: &Times, leader_end: Option<Duration>) -> (Duration, Duration) {
    let Some(leader_end) = leader_end else {
        return (times.start, times.start);
    };
    let ready = times.start + times.head;
    (ready, leader_end.clamp(ready, times.end))
}

fn invocation(task: u32, (record, times): &Seen<'_>, leader_end: Option<Duration>) -> Invocation {
    let (ready, go) = join(times, leader_end);
    let ended = match record.outcome.as_str() {
        "ok" => Ended::Ok,
        "cancelled" => Ended::Aborted,
        text if text.starts_with("throttled") => Ended::Throttled,
        _ => Ended::Failed,
    };
    Invocation {
        ready,
        go,
        end: times.end,
        ended,
        ..Invocation::launched(task, record.attempt, 0, times.start)
    }
}

/// Gives each invocation the lowest worker that is free: which one it had is not told.
fn give_slots(invocations: &mut [Invocation]) {
    let mut busy: BinaryHeap<Reverse<(Duration, u32)>> = BinaryHeap::new();
    let mut free = BTreeSet::new();
    let mut slots = 0;
    for invocation in invocations.iter_mut().filter(|i| i.ran()) {
        while let Some(&Reverse((end, slot))) = busy.peek() {
            if end > invocation.launch {
                break;
            }
            busy.pop();
            free.insert(slot);
        }
        invocation.slot = free.pop_first().unwrap_or_else(|| {
            slots += 1;
            slots - 1
        });
        busy.push(Reverse((invocation.end, invocation.slot)));
    }
}
