// SPDX-License-Identifier: MIT OR Apache-2.0
//! A workload of any length: the times of its chunks are drawn, with repetition, from
//! those that reports have of shorter jobs of the same kind.
//!
//! A batch, or a chunk that begins with a key frame, is drawn from one report, each as
//! often as any other: what is hard in a scene stays hard through its batch. The draft and
//! the rebase of a chunk stay together.

use super::draw::seconds;
use super::from_report::Replayed;
use super::growth::{Extent, Growth};
use super::model::{SimTask, TaskKind, Workload, MAX_TASKS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// The tasks of one chunk, as they were measured.
#[derive(Clone, Debug)]
struct Sample {
    encode: SimTask,
    rebase: Option<SimTask>,
}

impl Sample {
    /// Frames that it came to; a draft has more than its chunk.
    fn frames(&self) -> u32 {
        self.rebase.as_ref().unwrap_or(&self.encode).weight
    }
}

/// The chunks of one report.
#[derive(Clone, Debug)]
struct Clip {
    /// Those that begin with a key frame.
    first: Vec<Sample>,
    /// Those that continue from another.
    next: Vec<Sample>,
    /// Bytes of the output for a frame.
    bytes: f64,
    /// Tracks, as long as the clip.
    tracks: Vec<SimTask>,
    frames: u64,
}

/// The chunks of several reports.
#[derive(Clone, Debug)]
pub struct Samples {
    clips: Vec<Clip>,
    growth: Growth,
    /// Frames of a chunk.
    length: u32,
    /// Chunks of the longest batch.
    longest: u32,
}

/// What is to be made of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// Chunks.
    pub chunks: u32,
    /// Chunks to a batch, where chunks continue each other.
    pub batch: u32,
    /// Chunks are drawn from it.
    pub seed: u64,
}

impl Clip {
    fn of(report: &Replayed) -> Result<(Self, u32), String> {
        let tasks = &report.workload.tasks;
        let mut chunks: Vec<Option<Sample>> = vec![None; report.workload.chunks() as usize];
        for task in tasks.iter().filter(|t| t.kind == TaskKind::Encode) {
            let place = task.chunk.and_then(|n| chunks.get_mut(n as usize));
            match place {
                Some(place @ None) => {
                    *place = Some(Sample {
                        encode: task.clone(),
                        rebase: None,
                    });
                }
                Some(Some(_)) => return Err("its chunks were encoded more than once".into()),
                None => {}
            }
        }
        for task in tasks.iter().filter(|t| t.kind == TaskKind::Rebase) {
            let place = task.chunk.and_then(|n| chunks.get_mut(n as usize));
            let Some(Some(sample)) = place else { continue };
            if sample.rebase.replace(task.clone()).is_some() {
                return Err("its chunks were rebased more than once".into());
            }
        }
        let longest = longest_batch(&chunks);
        let all = chunks.into_iter().flatten();
        let (next, first): (Vec<_>, Vec<_>) = all.partition(|chunk| chunk.rebase.is_some());
        if first.is_empty() {
            return Err("it has no chunk that begins with a key frame".into());
        }
        let tracks = tasks.iter().filter(|t| t.kind == TaskKind::Track);
        let clip = Self {
            first,
            next,
            bytes: report.bytes_out as f64 / report.frames.max(1) as f64,
            tracks: tracks.cloned().collect(),
            frames: report.frames,
        };
        Ok((clip, longest))
    }
}

fn longest_batch(chunks: &[Option<Sample>]) -> u32 {
    let (mut longest, mut length) = (1, 0);
    for chunk in chunks {
        length = match chunk {
            Some(sample) if sample.rebase.is_some() => length + 1,
            _ => 1,
        };
        longest = longest.max(length);
    }
    longest
}

impl Samples {
    /// The chunks of `reports`, each with its name, which may not be none; how the stitch and
    /// the index grow is seen in `sizes`.
    ///
    /// # Errors
    /// A line that says which report is not fit for it, and why.
    pub fn of(reports: &[(String, Replayed)], sizes: &[Replayed]) -> Result<Self, String> {
        let (mut clips, mut longest) = (Vec::new(), 1);
        for (name, report) in reports {
            let (clip, batch) = Clip::of(report).map_err(|e| format!("{name}: {e}"))?;
            clips.push(clip);
            longest = longest.max(batch);
        }
        if longest > 1 {
            if let Some(n) = clips.iter().position(|clip| clip.next.is_empty()) {
                let name = &reports[n].0;
                return Err(format!(
                    "{name}: no chunk continues from another, as elsewhere"
                ));
            }
        }
        let all = clips.iter().flat_map(|c| c.first.iter().chain(&c.next));
        let length = all.map(Sample::frames).max().unwrap_or(1);
        let replayed: Vec<Replayed> = reports.iter().map(|r| r.1.clone()).collect();
        Ok(Self {
            clips,
            growth: Growth::of(&replayed, sizes),
            length: length.max(1),
            longest,
        })
    }

    /// How many chunks were measured.
    #[must_use]
    pub fn count(&self) -> usize {
        let of_clip = |clip: &Clip| clip.first.len() + clip.next.len();
        self.clips.iter().map(of_clip).sum()
    }

    /// Frames of a chunk.
    #[must_use]
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Chunks of the longest batch that was measured; 1 where each begins with a key frame.
    #[must_use]
    pub fn longest(&self) -> u32 {
        self.longest
    }

    /// A job of that length.
    ///
    /// # Errors
    /// A line that says so where it would have too many tasks.
    pub fn workload(&self, of: Length) -> Result<Workload, String> {
        let batch = if self.longest > 1 { of.batch.max(1) } else { 1 };
        if (of.chunks as usize).saturating_mul(2) >= MAX_TASKS || of.chunks == 0 {
            return Err(format!("from 1 to {} chunks", MAX_TASKS / 2 - 1));
        }
        let drawn = self.draw(of, batch);
        let frames = f64::from(of.chunks) * f64::from(self.length);
        let bytes: f64 = drawn.iter().map(|d| d.0.bytes).sum::<f64>() * f64::from(self.length);
        let once = self.growth.at(Extent {
            chunks: f64::from(of.chunks),
            frames,
            bytes,
        });
        let mut workload = Workload::default();
        let index = SimTask::new(TaskKind::Index, None, 1, seconds(once.index));
        workload.push_stage(Duration::ZERO, [index]);
        let mut tasks: Vec<SimTask> = Vec::new();
        if let Some(clip) = self.clips.first() {
            let longer = frames / clip.frames.max(1) as f64;
            tasks.extend(clip.tracks.iter().map(|track| scaled(track, longer)));
        }
        // Tasks are numbered from the index on.
        let encodes = 1 + tasks.len() as u32;
        for (chunk, (_, sample)) in (0..).zip(&drawn) {
            tasks.push(self.placed(sample, &sample.encode, chunk));
        }
        let mut before = encodes;
        for (chunk, (_, sample)) in (0..).zip(&drawn) {
            let draft = encodes + chunk;
            before = match &sample.rebase {
                Some(rebase) => {
                    tasks.push(SimTask {
                        after: vec![draft],
                        follows: Some(before),
                        ..self.placed(sample, rebase, chunk)
                    });
                    tasks.len() as u32
                }
                None => draft,
            };
        }
        workload.push_stage(seconds(once.plan), tasks);
        workload.stitch = seconds(once.stitch);
        workload.besides = seconds(once.besides);
        Ok(workload)
    }

    /// A sample for each chunk, and the clip that it is from.
    fn draw(&self, of: Length, batch: u32) -> Vec<(&Clip, &Sample)> {
        let mut rng = ChaCha8Rng::seed_from_u64(of.seed);
        let mut clip = &self.clips[0];
        let mut one = |chunk: u32| {
            let begins = chunk.is_multiple_of(batch);
            if begins {
                clip = &self.clips[rng.random_range(0..self.clips.len())];
            }
            let among = if begins { &clip.first } else { &clip.next };
            (clip, &among[rng.random_range(0..among.len())])
        };
        (0..of.chunks).map(&mut one).collect()
    }

    /// A task of a sample for another chunk. What was measured of shorter chunks takes as
    /// much longer as its chunk has more frames.
    fn placed(&self, sample: &Sample, task: &SimTask, chunk: u32) -> SimTask {
        let longer = f64::from(self.length) / f64::from(sample.frames().max(1));
        SimTask {
            chunk: Some(chunk),
            weight: self.length,
            after: Vec::new(),
            follows: None,
            ..scaled(task, longer)
        }
    }
}

/// A task that takes so many times as long.
fn scaled(task: &SimTask, longer: f64) -> SimTask {
    let time = |time: Duration| seconds(time.as_secs_f64() * longer);
    let bytes = |bytes: u64| (bytes as f64 * longer) as u64;
    SimTask {
        head: time(task.head),
        rest: time(task.rest),
        bytes_read: bytes(task.bytes_read),
        bytes_written: bytes(task.bytes_written),
        ..task.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::from_report::{parse, TimeOf};
    use super::super::model::Platform;
    use super::super::simulate;
    use super::*;
    use serde_json::{json, Value};

    fn record(kind: &str, chunk: Option<u32>, frames: u64, (start, seconds): (f64, f64)) -> Value {
        json!({
            "kind": kind, "chunk": chunk, "attempt": 1, "queued_s": 0.5, "start_s": start,
            "end_s": start + seconds, "cpu_s": 0.5, "ready_s": 0.0, "frames": frames,
            "bytes_read": 10, "bytes_written": 20, "outcome": "ok",
        })
    }

    fn report(chunks: &[(Option<f64>, f64, u64)]) -> (String, Replayed) {
        let mut list = vec![record("index", None, 1, (0.0, 0.25))];
        list[0]["queued_s"] = json!(0.0);
        let mut at = 0.5;
        for (n, &(rebase, encode, frames)) in (0..).zip(chunks) {
            // A draft has two frames more than its chunk.
            let drafted = if rebase.is_some() { frames + 2 } else { frames };
            list.push(record("encode", Some(n), drafted, (at, encode)));
            at += encode;
            if let Some(rebase) = rebase {
                list.push(record("rebase", Some(n), frames, (at, rebase)));
                at += rebase;
            }
        }
        let frames: u64 = chunks.iter().map(|c| c.2).sum();
        let text = json!({
            "version": 1, "input": "a", "output": "b", "engine": "local", "invocations": list,
            "totals": {"wall_s": 100.0, "frames": frames, "bytes_out": 60 * frames},
            "error": null,
        });
        let report = parse(text.to_string().as_bytes(), TimeOf::Wall).expect("a report");
        ("r.json".into(), report)
    }

    fn length(chunks: u32, batch: u32, seed: u64) -> Length {
        Length {
            chunks,
            batch,
            seed,
        }
    }

    #[test]
    fn batches_are_drawn_from_one_report_each() {
        let slow = report(&[(None, 8.0, 4), (Some(2.0), 9.0, 4), (Some(3.0), 9.0, 4)]);
        let fast = report(&[(None, 1.0, 4), (Some(0.5), 1.0, 4)]);
        let samples = Samples::of(&[slow, fast], &[]).unwrap();
        assert_eq!((samples.count(), samples.longest()), (5, 3));
        let workload = samples.workload(length(40, 4, 7)).unwrap();
        assert_eq!(workload.check(), Ok(()));
        let kinds = |kind| workload.tasks.iter().filter(move |t| t.kind == kind);
        assert_eq!(
            (
                kinds(TaskKind::Encode).count(),
                kinds(TaskKind::Rebase).count()
            ),
            (40, 30)
        );
        let slow = |task: &SimTask| task.work() > Duration::from_millis(1500);
        for rebase in kinds(TaskKind::Rebase) {
            let draft = &workload.tasks[rebase.after[0] as usize];
            assert_eq!(draft.chunk, rebase.chunk);
            assert_eq!(slow(draft), slow(rebase), "{draft:?} {rebase:?}");
            let leader = &workload.tasks[rebase.follows.unwrap() as usize];
            assert_eq!(leader.chunk.map(|n| n + 1), rebase.chunk);
            assert_eq!(
                leader.kind == TaskKind::Encode,
                rebase.chunk.unwrap() % 4 == 1
            );
            assert_eq!(slow(leader), slow(rebase));
        }
        let both = kinds(TaskKind::Encode).filter(|t| slow(t)).count();
        assert!((1..40).contains(&both), "{both}");
        assert!(simulate(&workload, &Platform::ideal(9)).is_ok());
    }

    #[test]
    fn the_same_seed_draws_the_same_and_short_chunks_count_by_frames() {
        let samples = Samples::of(&[report(&[(None, 8.0, 4), (None, 1.0, 1)])], &[]).unwrap();
        assert_eq!((samples.length(), samples.longest()), (4, 1));
        let once = samples.workload(length(30, 5, 1)).unwrap();
        assert_eq!(once, samples.workload(length(30, 9, 1)).unwrap());
        assert_ne!(once, samples.workload(length(30, 5, 2)).unwrap());
        let times: Vec<_> = once.tasks[1..]
            .iter()
            .map(|t| t.work().as_secs_f64())
            .collect();
        assert!(times.iter().all(|&t| t == 8.0 || t == 4.0), "{times:?}");
        assert_eq!(once.chunks(), 30);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let closed = report(&[(None, 1.0, 4)]);
        let rebased = report(&[(None, 1.0, 4), (Some(1.0), 1.0, 4)]);
        let wrong = Samples::of(&[rebased.clone(), closed], &[]).unwrap_err();
        assert_eq!(
            wrong,
            "r.json: no chunk continues from another, as elsewhere"
        );
        let mut twice = rebased.clone();
        let again = twice.1.workload.tasks[1].clone();
        twice.1.workload.tasks.push(again);
        let wrong = Samples::of(&[twice], &[]).unwrap_err();
        assert_eq!(wrong, "r.json: its chunks were encoded more than once");
        let mut none = rebased.clone();
        none.1.workload.tasks.truncate(1);
        assert!(Samples::of(&[none], &[]).is_err());
        let samples = Samples::of(&[rebased], &[]).unwrap();
        for chunks in [0, u32::MAX] {
            assert!(samples.workload(length(chunks, 2, 0)).is_err());
        }
    }
}
