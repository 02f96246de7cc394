// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work to be done, and what is known of its nodes on the way.

use super::Each;
use crate::engine::InvokeError;
use crate::schedule::NodeId;
use framemill_worker::{Outcome, Task, TaskKey};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Builds a task from its number within its [`Work`], how many more key frames
/// of run-up than needed decoding starts at, and the tasks that it comes after.
pub type Build = Arc<dyn Fn(usize, usize, &[TaskKey]) -> Task + Send + Sync>;

/// The chunks that tasks work on.
#[derive(Default)]
pub enum Chunks {
    /// On none.
    #[default]
    No,
    /// Each on the chunk of its own number.
    All,
    /// Each on one of these.
    Some(Vec<u32>),
}

/// Tasks of one sort.
pub struct Work {
    /// Word for reports: index, analyze, encode, rebase, track, thumb.
    pub kind: &'static str,
    /// The chunks that they work on.
    pub chunks: Chunks,
    /// Whether what a task makes goes into the output.
    pub makes: Arc<dyn Fn(usize) -> bool + Send + Sync>,
    /// Those of higher priority go first, whatever their weight.
    pub priority: i16,
    /// Expected work of each task, in frames.
    pub weights: Vec<u32>,
    /// What each task comes after, as places among all tasks of a run; empty
    /// where none comes after another. It may start while the second one runs.
    pub after: Vec<[u32; 2]>,
    /// Builds a task.
    pub build: Build,
}

impl Work {
    /// Tasks that work on no chunks and come after nothing.
    pub fn new(kind: &'static str, weights: Vec<u32>, build: Build) -> Self {
        Self {
            kind,
            chunks: Chunks::No,
            makes: Arc::new(|_| false),
            priority: 0,
            weights,
            after: Vec::new(),
            build,
        }
    }
}

/// The nodes of one [`Work`], which are numbered one after the other.
struct Group {
    first: u32,
    kind: &'static str,
    chunks: Chunks,
    tasks: usize,
    makes: Arc<dyn Fn(usize) -> bool + Send + Sync>,
    after: Vec<[u32; 2]>,
    build: Build,
}

/// What is known of a node that did not go smoothly.
#[derive(Default)]
pub(super) struct Trouble {
    /// Key frames of run-up more than needed.
    pub(super) extra: usize,
    pub(super) last_failure: Option<InvokeError>,
    pub(super) damaged_at: Option<u64>,
}

/// The nodes that run at present. One that is done leaves its key behind and
/// no more, since there may be a million: the rest is in the work store.
#[derive(Default)]
pub(super) struct Batch {
    first: u32,
    pub(super) queued: Duration,
    groups: Vec<Group>,
    troubles: HashMap<NodeId, Trouble>,
    keys: Vec<Option<TaskKey>>,
    left: usize,
}

impl Batch {
    /// An empty batch, of nodes from `first` on, that begins at `queued`.
    pub(super) fn new(first: u32, queued: Duration, nodes: usize) -> Self {
        Self {
            first,
            queued,
            keys: Vec::with_capacity(nodes),
            ..Self::default()
        }
    }

    /// Adds the nodes of a work; the scheduler numbers them alike.
    pub(super) fn add(&mut self, work: Work) {
        let nodes = self.keys.len() + work.weights.len();
        self.groups.push(Group {
            first: self.first + self.keys.len() as u32,
            kind: work.kind,
            chunks: work.chunks,
            tasks: work.weights.len(),
            makes: work.makes,
            after: work.after,
            build: work.build,
        });
        self.left += work.weights.len();
        self.keys.resize(nodes, None);
    }

    fn group(&self, node: NodeId) -> &Group {
        let later = self.groups.partition_point(|g| g.first <= node.0);
        &self.groups[later - 1]
    }

    /// The word for a node's kind, and its chunk's number if it works on one.
    pub(super) fn name(&self, node: NodeId) -> (&'static str, Option<u32>) {
        let group = self.group(node);
        let number = node.0 - group.first;
        let chunk = match &group.chunks {
            Chunks::No => None,
            Chunks::All => Some(number),
            Chunks::Some(chunks) => chunks.get(number as usize).copied(),
        };
        (group.kind, chunk)
    }

    /// Whether what a node makes goes into the output.
    pub(super) fn makes(&self, node: NodeId) -> bool {
        let group = self.group(node);
        (group.makes)((node.0 - group.first) as usize)
    }

    /// Number of chunks that are encoded.
    pub(super) fn encodes(&self) -> usize {
        let encode = |g: &&Group| g.kind == "encode";
        self.groups.iter().filter(encode).map(|g| g.tasks).sum()
    }

    /// A node's task as it stands now.
    pub(super) fn task(&self, node: NodeId) -> Task {
        let group = self.group(node);
        let extra = self.troubles.get(&node).map_or(0, |t| t.extra);
        let number = (node.0 - group.first) as usize;
        let after = group.after.get(number).into_iter().flatten();
        let after: Vec<_> = after.map(|&place| self.key_at(place)).collect();
        (group.build)(number, extra, &after)
    }

    /// The key of the task at a place, as it stands now.
    fn key_at(&self, place: u32) -> TaskKey {
        let key = self.keys.get(place as usize).copied().flatten();
        key.unwrap_or_else(|| self.task(NodeId(self.first + place)).key())
    }

    /// What is known of a node's troubles.
    pub(super) fn trouble(&self, node: NodeId) -> Option<&Trouble> {
        self.troubles.get(&node)
    }

    /// A node's troubles, from now on.
    pub(super) fn trouble_mut(&mut self, node: NodeId) -> &mut Trouble {
        self.troubles.entry(node).or_default()
    }

    /// Takes the first outcome of a node of this batch.
    pub(super) fn finish(&mut self, node: NodeId, outcome: &Outcome, each: Each<'_>) {
        let Some(place) = node.0.checked_sub(self.first).map(|p| p as usize) else {
            return;
        };
        let key = &mut self.keys[place];
        if key.is_none() {
            *key = Some(outcome.key);
            self.left -= 1;
            self.troubles.remove(&node);
            each(place, outcome);
        }
    }

    /// A node of this batch will have no outcome; gives its place.
    pub(super) fn lose(&mut self, node: NodeId) -> Option<usize> {
        let place = node.0.checked_sub(self.first)? as usize;
        self.keys.get(place)?.is_none().then(|| {
            self.left -= 1;
            self.troubles.remove(&node);
            place
        })
    }

    /// Whether all nodes have an outcome, or are lost.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The keys of all nodes in order; `None` unless all are done.
    pub(super) fn into_keys(self) -> Option<Vec<TaskKey>> {
        self.keys.into_iter().collect()
    }
}
