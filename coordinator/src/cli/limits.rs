// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a job may take and what workers can, as the user says it.

use super::engine::EngineName;
use crate::error::{JobError, Result};
use crate::limits::{Limits, Price, GB_SECOND, REQUEST};
use std::time::Duration;

/// Flags that limit a job.
#[derive(clap::Args, Clone, Debug)]
pub struct LimitArgs {
    /// Seconds that an attempt at one task may take; chunks are cut to fit
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    task_time: u64,
    /// Memory of a worker in MiB; what fits into none is refused before anything is encoded
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    worker_memory: Option<u64>,
    /// US dollars that invocations may cost, with --engine http or lambda and --worker-memory
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "worker_memory")]
    budget: Option<f64>,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Flags that say what functions cost.
#[derive(clap::Args, Clone, Debug)]
pub struct PriceArgs {
    /// US dollars for a GB of a worker's memory for a second
    #[arg(long, value_name = "USD", value_parser = dollars, default_value_t = GB_SECOND)]
    price_gb_second: f64,
    /// US dollars for an invocation
    #[arg(long, value_name = "USD", value_parser = dollars, default_value_t = REQUEST)]
    price_request: f64,
}

impl PriceArgs {
    /// The price of an invocation of a worker with so many MiB.
    #[must_use]
    pub fn price(&self, mib: u64) -> Price {
        Price {
            memory_gb: mib as f64 / 1024.0,
            gb_second: self.price_gb_second,
            request: self.price_request,
        }
    }
}

/// Reads a sum of US dollars.
///
/// # Errors
/// Words for the user.
pub(super) fn dollars(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number is expected")?;
    match value.is_finite() && value >= 0.0 {
        true => Ok(value),
        false => Err("a number from 0 up is expected".into()),
    }
}

impl LimitArgs {
    /// The limits as values; `deadline` is in seconds.
    ///
    /// # Errors
    /// [`JobError::Usage`] for a budget where nothing is paid.
    pub fn limits(&self, deadline: Option<f64>, engine: EngineName) -> Result<Limits> {
        let paid = matches!(engine, EngineName::Http | EngineName::Lambda);
        if self.budget.is_some() && !paid {
            return Err(JobError::Usage(
                "--budget needs --engine http or lambda: nothing is paid for this machine".into(),
            ));
        }
        let paid_for = self.worker_memory.filter(|_| paid);
        let price = paid_for.map(|mib| self.prices.price(mib));
        Ok(Limits {
            deadline: deadline.map(Duration::from_secs_f64),
            budget: self.budget,
            price,
            worker_memory: self.worker_memory.map(|mib| mib << 20),
            task_time: self.task_time(),
        })
    }

    /// What functions cost.
    #[must_use]
    pub const fn prices(&self) -> &PriceArgs {
        &self.prices
    }

    /// How long an attempt at a task may take.
    #[must_use]
    pub fn task_time(&self) -> Duration {
        Duration::from_secs(self.task_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_money() {
        assert_eq!(dollars("0.25"), Ok(0.25));
        assert_eq!(dollars("0"), Ok(0.0));
        for wrong in ["", "-1", "inf", "NaN", "1 USD"] {
            assert!(dollars(wrong).is_err(), "{wrong}");
        }
    }
}
