// SPDX-License-Identifier: MIT OR Apache-2.0
//! Batches: many sources, one job each.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sources`] | which sources a folder, a bucket or a manifest names |
//! | [`manifest`] | lists of sources: TOML, JSON lines, CSV |
//! | [`orders`] | from sources to jobs: filters, and outputs that have names of their own |
//! | [`go`] | all jobs to their end |

pub mod go;
pub mod manifest;
pub mod orders;
pub mod sources;
