// SPDX-License-Identifier: MIT OR Apache-2.0
//! Open files: invocations that wait hold a socket each.

use crate::error::{JobError, Result};
use rustix::process::{getrlimit, setrlimit, Resource, Rlimit};

/// What this process needs beside invocations: stores, stitch, standard streams.
const OTHERS: u64 = 256;

/// Raises the soft limit of open files so that `invocations` of `each` files may be
/// under way.
///
/// # Errors
/// [`JobError::Usage`] where the hard limit does not allow that; it names both numbers.
pub fn allow(invocations: u32, each: u64) -> Result<()> {
    let needed = u64::from(invocations) * each + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(most) = maximum.filter(|&most| most < needed) {
        return Err(JobError::Usage(format!(
            "{invocations} tasks at once need {needed} open files, and {most} are allowed here: \
             lower --workers, or raise the hard limit (ulimit -Hn)"
        )));
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|e| JobError::Usage(format!("cannot raise the limit of open files: {e}")))
}
