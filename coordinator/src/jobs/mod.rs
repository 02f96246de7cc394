// SPDX-License-Identifier: MIT OR Apache-2.0
//! Jobs that outlive whoever runs them: what upload events and batches ask for.
//!
//! | module | what it holds |
//! |---|---|
//! | [`order`] | what a job is to make: a value, and the job's name |
//! | [`names`] | what is a video or a picture, and what its outputs are called |
//! | [`record`] | what the work store holds of jobs |
//! | [`lease`] | one coordinator at a time |
//! | [`run`] | an order from beginning to end |
//! | `keeper` | keeps a lease meanwhile |
//! | `look` | what lies where sources and outputs are |
//! | [`watch`] | what can be seen of a job from outside |
//! | `video`, [`picture`] | the outputs themselves |
//!
//! A job's *lane* is what it makes of which source: two versions of a source are two jobs of one
//! lane, and run one after the other. All that is known of a job lies in the work store:
//!
//! ```text
//! jobs/open/LANE/VERSION.json       a job that is not done
//! jobs/open/LANE/lease-N.json       who is at work in this lane; the highest N counts
//! jobs/open/LANE/cancel-VERSION     it shall stop
//! jobs/open/LANE/tasks-VERSION/     its tasks' results; goes with the job
//! jobs/ended/LANE-VERSION.json      how it ended: created once, by whoever ended it
//! ```

mod keeper;
pub mod lease;
mod look;
pub mod names;
pub mod order;
pub mod picture;
pub mod record;
pub mod run;
#[cfg(test)]
mod tests;
mod video;
pub mod watch;

pub use order::{Id, Media, Order};
pub use record::{Ended, Made, Records, Status};
pub use run::Shop;
pub use watch::Watch;

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
#[must_use]
pub fn now_s() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
