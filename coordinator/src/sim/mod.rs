// SPDX-License-Identifier: MIT OR Apache-2.0
//! The simulator: how long a job would take on other workers, and what it would cost.
//!
//! It drives the real [`Scheduler`](crate::schedule::Scheduler) on a virtual clock, with
//! task times from a report or a plan. Pure and seeded: no real time, threads or I/O, so
//! the same input gives the same run.
//!
//! ```text
//! model.rs        what is to be done (Workload), and where (Platform)
//! repeat.rs       a workload as if its source were longer
//! samples.rs      a workload of any length, its chunks drawn from those of reports
//! growth.rs       how the coordinator's own work grows with the length
//! draw.rs         random draws: cold starts, jitter
//! cores.rs        workers that share cores
//! error.rs        why there is no run
//! run.rs          what came of it: invocations, totals
//! drive.rs        the virtual clock and its events
//! live.rs         the steps of one invocation
//! critical.rs     what the job waited for, from its end back to its start
//! from_report.rs  a workload and a run from a `--report`
//! from_plan.rs    a workload from a plan and what tasks are expected to take
//! predict.rs      one workload on several platforms
//! timeline.rs     a run as SVG
//! ```

mod cores;
pub mod critical;
mod draw;
mod drive;
mod error;
pub mod from_plan;
pub mod from_report;
pub mod growth;
mod live;
pub mod model;
pub mod predict;
mod repeat;
pub mod run;
pub mod samples;
#[cfg(test)]
mod tests;
pub mod timeline;

pub use draw::LogNormal;
pub use drive::simulate;
pub use error::SimError;
