// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines between a worker and the process that does its tasks, its child.
//!
//! ```text
//! parent → child   lines of Order, one at a time; end of file means stop
//! child → parent   lines of Message: frames as they are done, then the answer
//! ```

use crate::{Answer, Request};
use serde::{Deserialize, Serialize};

/// What the child is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order<T> {
    /// What was asked.
    pub request: Request<T>,
    /// Bytes of memory that the task may use; `None` where nobody says.
    pub memory: Option<u64>,
}

/// What the child says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message<O, F> {
    /// Frames done so far.
    Frames(u64),
    /// The answer to the order; the next one may come.
    Answer(Answer<O, F>),
}
