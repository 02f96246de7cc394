// SPDX-License-Identifier: MIT OR Apache-2.0
//! One workload on several platforms, side by side.

use super::critical::{by_kind, critical_path};
use super::draw::seconds;
use super::model::{Platform, Workload};
use super::run::{Run, Totals};
use super::{simulate, SimError};
use std::time::Duration;

/// Virtual machines that are rented for the job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vm {
    /// Cores of one; a worker each.
    pub cores: u32,
    /// US dollars for an hour of one.
    pub usd_hour: f64,
    /// Seconds from asking for it until it works.
    pub boot_s: f64,
    /// Seconds that are paid at least.
    pub least_s: f64,
}

/// What to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What to call the platform.
    pub name: String,
    /// The platform; its number of workers is each of `workers`.
    pub platform: Platform,
    /// Numbers of workers, at least 1 each.
    pub workers: Vec<u32>,
    /// Cores of the one machine.
    pub machine_cores: u32,
    /// The virtual machines: as many as have a core for each worker that was busy at a
    /// time.
    pub vm: Vm,
}

/// What is expected of one platform.
#[derive(Clone, Debug)]
pub struct Predicted {
    /// Where.
    pub on: String,
    /// Most tasks at once.
    pub workers: u32,
    /// The run in numbers; `usd` is what the platform costs.
    pub totals: Totals,
    /// What the job waited for, in seconds.
    pub critical: Vec<(&'static str, f64)>,
    /// The run.
    pub run: Run,
}

/// Runs a workload on each: the platform at each number of workers, one machine, and
/// virtual machines.
///
/// # Errors
/// [`SimError`] of the first that comes to no end.
pub fn predict(workload: &Workload, of: &Comparison) -> Result<Vec<Predicted>, SimError> {
    let mut rows = Vec::new();
    for &workers in &of.workers {
        let platform = Platform {
            workers,
            warm: of.platform.warm.min(workers),
            ..of.platform.clone()
        };
        rows.push(predicted(workload, of.name.clone(), &platform)?);
    }
    let plain = |workers: u32| Platform {
        jitter: of.platform.jitter,
        seed: of.platform.seed,
        ..Platform::ideal(workers)
    };
    let cores = of.machine_cores.max(1);
    let name = format!("one machine of {cores} {}", plural(cores, "core"));
    rows.push(predicted(workload, name, &plain(cores))?);
    let mut fleets: Vec<u32> = Vec::new();
    for row in rows.iter().take(of.workers.len()) {
        let count = row.totals.peak.max(1).div_ceil(of.vm.cores.max(1));
        if !fleets.contains(&count) {
            fleets.push(count);
        }
    }
    for count in fleets {
        let platform = Platform {
            // Across a network, as from functions.
            store: of.platform.store,
            store_rate: of.platform.store_rate,
            dispatch: of.platform.dispatch,
            ..plain(count.saturating_mul(of.vm.cores.max(1)))
        };
        let name = format!("{count} {} of {} cores", plural(count, "VM"), of.vm.cores);
        let mut row = predicted(workload, name, &platform)?;
        let paid = (of.vm.boot_s + row.totals.wall_s).max(of.vm.least_s);
        row.totals.usd = Some(f64::from(count) * paid / 3600.0 * of.vm.usd_hour);
        row.totals.wall_s += of.vm.boot_s;
        row.critical.insert(0, ("boot", of.vm.boot_s));
        row.run.wall += seconds(of.vm.boot_s);
        rows.push(row);
    }
    Ok(rows)
}

fn predicted(workload: &Workload, on: String, platform: &Platform) -> Result<Predicted, SimError> {
    let run = simulate(workload, platform)?;
    let path = critical_path(workload, &run, Duration::ZERO);
    Ok(Predicted {
        on,
        workers: platform.workers,
        totals: run.totals(platform.price),
        critical: by_kind(workload, &run, &path),
        run,
    })
}

fn plural(count: u32, word: &str) -> String {
    format!("{word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::model::{SimTask, TaskKind};
    use super::*;
    use crate::limits::Price;

    #[test]
    fn functions_one_machine_and_vms_side_by_side() {
        let mut workload = Workload::default();
        let chunk = |n| SimTask::new(TaskKind::Encode, Some(n), 1, Duration::from_secs(2));
        workload.push_stage(Duration::ZERO, (0..16).map(chunk));
        let of = Comparison {
            name: "lambda".into(),
            platform: Platform {
                price: Some(Price {
                    memory_gb: 1.0,
                    gb_second: 1.0,
                    request: 0.5,
                }),
                ..Platform::ideal(1)
            },
            workers: vec![4, 16],
            machine_cores: 2,
            vm: Vm {
                cores: 8,
                usd_hour: 36.0,
                boot_s: 30.0,
                least_s: 60.0,
            },
        };
        let rows = predict(&workload, &of).unwrap();
        let seen: Vec<_> = rows
            .iter()
            .map(|r| (r.on.as_str(), r.workers, r.totals.wall_s, r.totals.usd))
            .collect();
        // 32 seconds and 16 requests; a machine that is one's own; 60 s at 1 cent a second.
        let expected = [
            ("lambda", 4, 8.0, Some(40.0)),
            ("lambda", 16, 2.0, Some(40.0)),
            ("one machine of 2 cores", 2, 16.0, None),
            ("1 VM of 8 cores", 8, 34.0, Some(0.6)),
            ("2 VMs of 8 cores", 16, 32.0, Some(1.2)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(rows[0].critical, [("encode", 8.0)]);
        assert_eq!(rows[3].critical, [("boot", 30.0), ("encode", 4.0)]);
    }
}
