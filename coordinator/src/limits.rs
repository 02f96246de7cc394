// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job may take, and what its workers can: time, money, memory.

use std::time::Duration;

/// US dollars for a GB of memory for a second: AWS Lambda's list price on x86.
pub const GB_SECOND: f64 = 0.000_016_666_7;
/// US dollars for a request to a function, likewise.
pub const REQUEST: f64 = 0.000_000_2;

/// What an invocation costs, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Memory of a worker in GB of 2^30 bytes.
    pub memory_gb: f64,
    /// For each of them, a second.
    pub gb_second: f64,
    /// For the request.
    pub request: f64,
}

impl Price {
    /// Of one invocation that takes so long, in whole milliseconds begun.
    #[must_use]
    pub fn of(self, time: Duration) -> f64 {
        let billed = (time.as_secs_f64() * 1e3).ceil() / 1e3;
        self.request + billed * self.memory_gb * self.gb_second
    }
}

/// Limits of one job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From the job's start to the output's name.
    pub deadline: Option<Duration>,
    /// US dollars for its invocations.
    pub budget: Option<f64>,
    /// What an invocation costs, where that is known.
    pub price: Option<Price>,
    /// Bytes of memory of a worker, where somebody says.
    pub worker_memory: Option<u64>,
    /// How long an attempt at a task may take.
    pub task_time: Duration,
}

impl Default for Limits {
    /// No limits but a quarter of an hour for a task.
    fn default() -> Self {
        Self {
            deadline: None,
            budget: None,
            price: None,
            worker_memory: None,
            task_time: Duration::from_secs(900),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_paid_by_the_millisecond_begun() {
        let price = Price {
            memory_gb: 2.0,
            gb_second: 0.5,
            request: 0.1,
        };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(price.of(Duration::ZERO), 0.1));
        assert!(close(price.of(Duration::from_micros(1)), 0.101));
        assert!(close(price.of(Duration::from_secs(3)), 3.1));
    }
}
