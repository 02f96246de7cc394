// SPDX-License-Identifier: MIT OR Apache-2.0
//! Upload events: what is put into a bucket or a folder becomes a job.
//!
//! | module | what it holds |
//! |---|---|
//! | [`rules`] | which uploads become which jobs |
//! | [`notice`] | what messages say: S3's own, through SNS, through EventBridge |
//! | [`source`] | where messages come from: the trait |
//! | [`sqs`] | a queue of SQS |
//! | [`folder`] | folders, watched by inotify |
//! | [`service`] | from messages to jobs, each done once however often it is told |
//! | `uploads` | what is uploaded, and what it is |
//! | `orphans` | open jobs that nobody is at work on |
//! | `removal` | outputs that go with their source |
//! | [`claims`] | outputs have one source |
//! | [`dead`] | messages that nothing can come of |
//! | [`metrics`] | counters, and their text for Prometheus |
//! | [`http`] | health, readiness and metrics on a loopback port |

pub mod claims;
pub mod dead;
pub mod folder;
pub mod http;
pub mod metrics;
pub mod notice;
mod orphans;
mod removal;
pub mod rules;
pub mod service;
pub mod source;
pub mod sqs;
mod uploads;
