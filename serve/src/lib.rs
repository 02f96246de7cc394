// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails over HTTP: imgproxy's URLs, from directories, S3 and HTTP servers.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`config`] | what a server is told, by file, environment and flags |
//! | [`routes`] | from a request to an answer |
//! | `respond` | answers: conditions, ranges, caching headers |
//! | [`maker`] | from a source and options to a result, in cache or made |
//! | `patience` | clients that do not read |
//! | [`negotiate`] | what a client accepts |
//! | [`sources`] | reading sources, once for all who want them |
//! | [`guard`] | which hosts and sources may be read |
//! | [`cache`] | results in memory and in a store |
//! | [`flight`] | one piece of work for all who ask for the same |
//! | [`gate`] | a bounded queue, and threads for pictures |
//! | [`metrics`] | counters, for Prometheus |
//! | [`server`] | listening, and ending gracefully |
//! | [`error`] | [`ServeError`], and the status of each |

#![forbid(unsafe_code)]

pub mod cache;
pub mod config;
pub mod error;
pub mod flight;
pub mod gate;
pub mod guard;
pub mod maker;
pub mod metrics;
pub mod negotiate;
mod patience;
mod respond;
pub mod routes;
pub mod server;
pub mod sources;

pub use config::{Config, ConfigError, Setting, SETTINGS};
pub use error::{Kind, ServeError};
pub use server::Server;

/// Names this build of the pipeline: part of every result's key.
pub const BUILD: &str = env!("FRAMEMILL_SERVE_BUILD");
