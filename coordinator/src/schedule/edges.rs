// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who waits for whom, in 12 bytes an edge.

use super::event::NodeId;

/// The end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// A node waits for another.
struct Edge {
    dependency: NodeId,
    dependant: NodeId,
    /// The edge of the same dependency that was added before, or [`NONE`].
    before: u32,
}

/// All edges. Those of one dependant lie together, in the order of its
/// dependencies; those of one dependency are a list from its newest edge back.
#[derive(Default)]
pub(super) struct Edges(Vec<Edge>);

impl Edges {
    /// Number of edges, and so the number of the next one.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an edge; `before` is the newest one of the same dependency.
    pub(super) fn push(&mut self, dependency: NodeId, dependant: NodeId, before: u32) {
        self.0.push(Edge {
            dependency,
            dependant,
            before,
        });
    }

    /// What the edges from `from` up to `to` wait for.
    pub(super) fn dependencies(
        &self,
        from: u32,
        to: u32,
    ) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.0[from as usize..to as usize]
            .iter()
            .map(|edge| edge.dependency)
    }

    /// The dependant of an edge, and the edge before it; `None` at [`NONE`].
    pub(super) fn dependant(&self, edge: u32) -> Option<(NodeId, u32)> {
        let edge = self.0.get(edge as usize)?;
        Some((edge.dependant, edge.before))
    }
}
