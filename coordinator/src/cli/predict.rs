// SPDX-License-Identifier: MIT OR Apache-2.0
//! Predictions: the flags that say where, the table, the picture.

use super::console;
use super::engine::EngineName;
use super::limits::{dollars, PriceArgs};
use crate::error::{JobError, Result};
use crate::schedule::Ramp;
use crate::sim::critical::{critical_path, Stretch};
use crate::sim::model::{Faults, Platform, Workload};
use crate::sim::predict::{predict, Comparison, Predicted, Vm};
use crate::sim::run::Run;
use crate::sim::timeline::{svg, Caption};
use crate::sim::LogNormal;
use serde_json::{json, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Workers where nobody says: what an account of AWS Lambda may run at once.
const WORKERS: u32 = 1000;
/// Memory of a function in MiB, where nobody says: AWS gives it one core then.
const CORE_MIB: u64 = 1769;
/// Seconds of a cold start, p50 and p99. Assumed, not measured.
const COLD: (f64, f64) = (0.5, 3.0);
/// Milliseconds of a request to a store across a network. Assumed, not measured.
const STORE_MS: f64 = 30.0;
/// Milliseconds from a launch to a function. Assumed, not measured.
const DISPATCH_MS: f64 = 50.0;
/// How many times as long a straggler takes.
const SLOWNESS: f64 = 10.0;

/// Flags that describe workers.
#[derive(clap::Args, Clone, Debug)]
pub struct PredictArgs {
    /// Whose workers: lambda and http start cold, are reached over a network and are paid
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,
    /// Memory of a function in MiB; below 1769 it has less than a core [default: 1769]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub memory: Option<u64>,
    /// Seconds of a cold start, that half and 99 of 100 take at most [default: 0.5,3]
    #[arg(long, value_name = "P50,P99", value_parser = quantiles, conflicts_with = "warm")]
    cold: Option<LogNormal>,
    /// All workers are warm
    #[arg(long)]
    warm: bool,
    /// Standard deviation of task times, in percent of their mean
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "10")]
    jitter: f64,
    /// Milliseconds of a request to the store [default: 30 with http and lambda, else 0]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    store_latency: Option<Duration>,
    /// Megabytes a second between a worker and the store [default: no limit]
    #[arg(long, value_name = "MB/S", value_parser = megabytes)]
    store_rate: Option<f64>,
    /// Milliseconds from a launch to the worker [default: 50 with http and lambda, else 0]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    dispatch: Option<Duration>,
    /// Launch up to --workers from the start, as on a platform that has grown already; the
    /// scheduler begins with 1,000 on lambda and adds as many each 10 s
    #[arg(long)]
    at_once: bool,
    /// Workers that the platform has; it throttles what is beyond
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// Cores that all workers share [default: one each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cores: Option<u32>,
    /// Invocations that are throttled at random, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "0")]
    throttles: f64,
    /// Invocations whose worker dies on the way, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "0")]
    crashes: f64,
    /// Invocations that take ten times as long, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "0")]
    stragglers: f64,
    /// What is random is drawn from it
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Cores of a VM to compare with
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=1024))]
    vm_cores: u32,
    /// US dollars for an hour of a VM: by default AWS's list price of c5.2xlarge, us-east-1
    #[arg(long, value_name = "USD", value_parser = dollars, default_value = "0.34")]
    vm_price: f64,
    /// Seconds until a VM works; assumed
    #[arg(long, value_name = "SECONDS", value_parser = dollars, default_value = "60")]
    vm_boot: f64,
    /// Draw the run as an SVG timeline: that of the first number of workers
    #[arg(long, value_name = "FILE.svg")]
    pub timeline: Option<PathBuf>,
}

fn number(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number is expected")?;
    match value.is_finite() && value >= 0.0 {
        true => Ok(value),
        false => Err("a number from 0 up is expected".into()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match number(text)? {
        value if value <= 100.0 => Ok(value / 100.0),
        _ => Err("at most 100 percent".into()),
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match number(text)? {
        value if value <= 1e6 => Ok(Duration::from_secs_f64(value / 1e3)),
        _ => Err("at most 1000000 ms".into()),
    }
}

fn megabytes(text: &str) -> Result<f64, String> {
    match number(text)? {
        value if value > 0.0 => Ok(value * 1e6),
        _ => Err("a number above 0 is expected".into()),
    }
}

fn quantiles(text: &str) -> Result<LogNormal, String> {
    let expected = "two numbers of seconds are expected, such as 0.5,3, the first above 0";
    let (p50, p99) = text.split_once(',').ok_or(expected)?;
    let of = LogNormal::new(number(p50.trim())?, number(p99.trim())?);
    of.filter(|_| number(p99.trim()).is_ok_and(|p99| p99 <= 3600.0))
        .ok_or_else(|| expected.into())
}

impl PredictArgs {
    /// The engine: the user's, or AWS Lambda.
    fn engine(&self) -> EngineName {
        self.engine.unwrap_or(EngineName::Lambda)
    }

    /// What is to be compared, for so many workers (none: a usual number) and cores of
    /// the one machine.
    #[must_use]
    pub fn comparison(
        &self,
        workers: &[u32],
        machine_cores: u32,
        prices: &PriceArgs,
    ) -> Comparison {
        Comparison {
            name: format!("{:?}", self.engine()).to_lowercase(),
            platform: self.platform(prices),
            workers: match workers {
                [] => vec![WORKERS],
                workers => workers.to_vec(),
            },
            machine_cores,
            vm: Vm {
                cores: self.vm_cores,
                usd_hour: self.vm_price,
                boot_s: self.vm_boot,
                // AWS's rule for Linux.
                least_s: 60.0,
            },
        }
    }

    fn platform(&self, prices: &PriceArgs) -> Platform {
        let engine = self.engine();
        let remote = matches!(engine, EngineName::Http | EngineName::Lambda);
        let ms = |ms: f64| Duration::from_secs_f64(if remote { ms / 1e3 } else { 0.0 });
        let memory = self.memory.unwrap_or(CORE_MIB);
        Platform {
            ramp: (engine == EngineName::Lambda && !self.at_once).then(Ramp::default),
            capacity: self.concurrency.map(|initial| Ramp {
                initial,
                step: 0,
                ..Ramp::default()
            }),
            warm: if self.warm || !remote && self.cold.is_none() {
                u32::MAX
            } else {
                0
            },
            cold_start: self.cold.or_else(|| LogNormal::new(COLD.0, COLD.1)),
            dispatch: self.dispatch.unwrap_or_else(|| ms(DISPATCH_MS)),
            jitter: self.jitter,
            store: self.store_latency.unwrap_or_else(|| ms(STORE_MS)),
            store_rate: self.store_rate,
            slowness: match remote {
                true => (CORE_MIB as f64 / memory as f64).max(1.0),
                false => 1.0,
            },
            cores: self.cores,
            faults: Faults {
                throttled: self.throttles,
                crashed: self.crashes,
                transient: 0.0,
                slow: self.stragglers,
                slowness: SLOWNESS,
            },
            speculates: remote,
            deaf: remote,
            price: remote.then(|| prices.price(memory)),
            seed: self.seed,
            ..Platform::ideal(1)
        }
    }

    /// Predicts, and draws what was asked for; `title` names the job.
    ///
    /// # Errors
    /// [`JobError::Failed`] where the simulated job fails, or the picture cannot be written.
    pub fn predict(
        &self,
        workload: &Workload,
        of: &Comparison,
        title: &str,
    ) -> Result<Vec<Predicted>> {
        let failed = |e: crate::sim::SimError| JobError::Failed(e.to_string());
        let rows = predict(workload, of).map_err(failed)?;
        if let (Some(file), Some(row)) = (&self.timeline, rows.first()) {
            let path = critical_path(workload, &row.run, Duration::ZERO);
            let caption = Caption {
                title: title.to_owned(),
                subtitle: format!(
                    "predicted on {} {} workers: {}",
                    row.workers,
                    row.on,
                    in_numbers(row)
                ),
            };
            draw(file, workload, &row.run, &path, &caption)?;
        }
        Ok(rows)
    }
}

fn in_numbers(row: &Predicted) -> String {
    let t = &row.totals;
    let usd = t.usd.map_or(String::new(), |usd| format!(", {usd:.4} USD"));
    format!(
        "{:.2} s, {:.1} function-seconds, {} requests{usd}",
        t.wall_s, t.function_s, t.requests
    )
}

/// Writes the picture of a run.
///
/// # Errors
/// [`JobError::Failed`] with the file and the system's reason.
pub fn draw(
    file: &Path,
    workload: &Workload,
    run: &Run,
    path: &[Stretch],
    caption: &Caption,
) -> Result<()> {
    std::fs::write(file, svg(workload, run, path, caption))
        .map_err(|e| JobError::Failed(format!("{}: {e}", file.display())))
}

/// Prints predictions as a table.
pub fn print_table(rows: &[Predicted]) {
    console::say(&format!(
        "{:<24} {:>8} {:>10} {:>12} {:>9} {:>6} {:>7} {:>10}",
        "on", "workers", "wall s", "function-s", "requests", "cold", "busy", "USD"
    ));
    for row in rows {
        let t = &row.totals;
        let usd = t.usd.map_or("-".into(), |usd| format!("{usd:.4}"));
        let busy = format!("{:.0} %", 100.0 * t.utilisation);
        console::say(&format!(
            "{:<24} {:>8} {:>10.2} {:>12.1} {:>9} {:>6} {busy:>7} {usd:>10}",
            row.on, row.workers, t.wall_s, t.function_s, t.requests, t.cold
        ));
        let lost = [
            (t.throttled, "throttled"),
            (t.failed, "failed"),
            (t.aborted, "given up"),
        ];
        let lost = lost.iter().filter(|(n, _)| *n > 0);
        let lost: Vec<_> = lost.map(|(n, what)| format!("{n} {what}")).collect();
        if !lost.is_empty() {
            console::say(&format!("  {}", lost.join(", ")));
        }
    }
    if let Some(first) = rows.first() {
        let of = format!("critical path on {} {}", first.workers, first.on);
        console::say(&format!("{of}: {}", critical_line(&first.critical)));
    }
}

/// What a job waited for, in words.
#[must_use]
pub fn critical_line(critical: &[(&str, f64)]) -> String {
    let part = |(kind, seconds): &(&str, f64)| format!("{kind} {seconds:.2} s");
    critical.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Predictions as JSON.
#[must_use]
pub fn to_json(rows: &[Predicted]) -> Value {
    let row = |row: &Predicted| {
        let t = &row.totals;
        json!({
            "on": row.on, "workers": row.workers, "wall_s": t.wall_s,
            "function_s": t.function_s, "requests": t.requests, "usd": t.usd,
            "peak": t.peak, "cold": t.cold, "throttled": t.throttled, "failed": t.failed,
            "aborted": t.aborted, "waited_s": t.waited_s, "utilisation": t.utilisation,
            "critical_path": critical_json(&row.critical),
        })
    };
    rows.iter().map(row).collect()
}

/// What a job waited for, as JSON.
#[must_use]
pub fn critical_json(critical: &[(&str, f64)]) -> Value {
    let entries = critical
        .iter()
        .map(|&(kind, s)| (kind.to_owned(), json!(s)));
    Value::Object(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_times_and_shares() {
        assert_eq!(percent("25"), Ok(0.25));
        assert!(percent("101").is_err() && percent("-1").is_err() && percent("x").is_err());
        assert_eq!(milliseconds("30"), Ok(Duration::from_millis(30)));
        assert!(milliseconds("1e9").is_err());
        assert_eq!(quantiles("0.5, 3"), Ok(LogNormal::new(0.5, 3.0).unwrap()));
        for wrong in ["", "1", "3,0.5", "0,1", "1,NaN", "1,1e9"] {
            assert!(quantiles(wrong).is_err(), "{wrong}");
        }
    }
}
