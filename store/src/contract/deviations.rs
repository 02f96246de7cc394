// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a store does otherwise.

/// What a store does otherwise than the contract says. The default is nothing: each field that
/// is set takes one rule away, and names why that is bearable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deviations {
    /// Listings walk a tree of folders: `a/x` comes before `a-`, though `-` sorts before `/`, and
    /// from a key on (`start-after`) they skip some. Pages that follow one another still hold
    /// every key once, which is what sweeping and counting need. SeaweedFS 4.48.
    pub lists_in_tree_order: bool,
    /// A backslash in a key is a slash, and at a key's end makes a folder of it. framemill's own
    /// keys hold none. SeaweedFS 4.48.
    pub backslash_is_slash: bool,
    /// Of uploads in parts that create one key and end at the same moment, several are told that
    /// they won; one's bytes stay, whole. The work store knows no such creates, since what lies
    /// under its keys is equal whoever wrote it: only two jobs that make one output, and finish
    /// together, can both say that they made it. SeaweedFS 4.48.
    pub creates_in_parts_race: bool,
}
