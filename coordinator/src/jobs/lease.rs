// SPDX-License-Identifier: MIT OR Apache-2.0
//! One coordinator at a time in a lane.
//!
//! Leases of a lane are numbered, and the highest counts. Whoever wants a lane whose lease is
//! over creates the next number, which only one can. Should a coordinator that was thought dead
//! go on, nothing is harmed: tasks give the same bytes, outputs appear whole, and the record of
//! the job's end is created once.

use super::record::Records;
use super::{now_s, Id};
use crate::error::Result;
use framemill_store::PutMode;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What clocks of coordinators may differ, in seconds.
const SKEW_S: f64 = 2.0;

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Of this very coordinator.
    pub name: String,
    /// Where its process numbers mean something: machine, boot and namespace.
    pub host: String,
    /// Its process.
    pub pid: u32,
}

/// A lease as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Who holds it.
    pub holder: Holder,
    /// Until when, in seconds since 1970.
    pub until_s: f64,
}

/// A lease that we hold.
#[derive(Debug)]
pub struct Lease {
    records: Records,
    lane: String,
    number: u32,
    holder: Holder,
    time: Duration,
}

impl Holder {
    /// This process, under a name that no other coordinator has.
    #[must_use]
    pub fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let host = format!(
            "{} {} {}",
            read("/proc/sys/kernel/hostname").trim(),
            read("/proc/sys/kernel/random/boot_id").trim(),
            space.display()
        );
        Self {
            name: format!("{:016x}", rand::random::<u64>()),
            host,
            pid: std::process::id(),
        }
    }

    /// Whether its process has ended, as far as can be seen from here.
    fn is_dead(&self, seen_from: &Self) -> bool {
        let pid = i32::try_from(self.pid).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        let here = self.host == seen_from.host && self.host.len() > 2;
        here && pid.is_some_and(|pid| {
            rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        })
    }
}

fn name(lane: &str, number: u32) -> String {
    format!("{lane}lease-{number:08}.json")
}

/// The highest lease of a lane, and its number.
async fn highest(records: &Records, lane: &str) -> Result<Option<(u32, Option<Stored>)>> {
    let names = records.list(&format!("{lane}lease-")).await?;
    let number = |(name, _): &(String, u64)| {
        let rest = name.rsplit_once("lease-")?.1.strip_suffix(".json")?;
        rest.parse::<u32>().ok()
    };
    let Some(number) = names.iter().filter_map(number).max() else {
        return Ok(None);
    };
    Ok(Some((number, records.get(&name(lane, number)).await?)))
}

/// Who is at work in a job's lane.
///
/// # Errors
/// The store's.
pub async fn holder(records: &Records, id: &Id) -> Result<Option<Stored>> {
    let found = highest(records, &Records::lane(id)).await?;
    let stored = found.and_then(|(_, stored)| stored);
    Ok(stored.filter(|stored| stored.until_s + SKEW_S > now_s()))
}

impl Lease {
    /// Takes a job's lane for `time`; gives who holds it where somebody does.
    ///
    /// # Errors
    /// The store's.
    pub async fn take(
        records: &Records,
        id: &Id,
        me: &Holder,
        time: Duration,
    ) -> Result<Result<Self, Option<Stored>>> {
        let lane = Records::lane(id);
        let found = highest(records, &lane).await?;
        let number = match found {
            None => 1,
            Some((number, None)) => number + 1,
            Some((number, Some(stored))) => {
                let over = stored.until_s + SKEW_S < now_s() || stored.holder.is_dead(me);
                if !over {
                    return Ok(Err(Some(stored)));
                }
                number + 1
            }
        };
        let lease = Self {
            records: records.clone(),
            lane,
            number,
            holder: me.clone(),
            time,
        };
        let first = lease.put(number, PutMode::Create).await?;
        if !first {
            return Ok(Err(None));
        }
        if number > 1 {
            records.delete(&name(&lease.lane, number - 1)).await?;
        }
        Ok(Ok(lease))
    }

    async fn put(&self, number: u32, mode: PutMode) -> Result<bool> {
        let stored = Stored {
            holder: self.holder.clone(),
            until_s: now_s() + self.time.as_secs_f64(),
        };
        let name = name(&self.lane, number);
        self.records.put(&name, &stored, mode).await
    }

    /// Keeps the lease for its time from now; gives whether it is ours still.
    ///
    /// # Errors
    /// The store's.
    pub async fn renew(&self) -> Result<bool> {
        let found = highest(&self.records, &self.lane).await?;
        let ours = |stored: &Stored| stored.holder.name == self.holder.name;
        match found {
            Some((number, Some(stored))) if number == self.number && ours(&stored) => {
                self.put(number, PutMode::Overwrite).await
            }
            _ => Ok(false),
        }
    }

    /// Gives the lane back.
    ///
    /// # Errors
    /// The store's.
    pub async fn release(self) -> Result<()> {
        self.records.delete(&name(&self.lane, self.number)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn records(name: &str) -> Records {
        Records::at(&format!("mem:{name}")).await.unwrap()
    }

    fn id() -> Id {
        "0123456789abcdef-01234567".parse().unwrap()
    }

    fn elsewhere() -> Holder {
        Holder {
            host: "another machine".into(),
            ..Holder::this()
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_lane_has_one_holder() {
        let records = records("lease-one").await;
        let (one, two) = (elsewhere(), elsewhere());
        let held = Lease::take(&records, &id(), &one, LONG).await.unwrap();
        let held = held.unwrap();
        let busy = Lease::take(&records, &id(), &two, LONG).await.unwrap();
        assert_eq!(busy.unwrap_err().unwrap().holder, one);
        assert!(held.renew().await.unwrap());
        held.release().await.unwrap();
        let taken = Lease::take(&records, &id(), &two, LONG).await.unwrap();
        assert!(taken.is_ok());
    }

    #[tokio::test]
    async fn what_is_over_is_taken_and_its_holder_learns_of_it() {
        let records = records("lease-over").await;
        let (one, two) = (elsewhere(), elsewhere());
        let held = Lease::take(&records, &id(), &one, Duration::ZERO).await;
        let held = held.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs_f64(SKEW_S + 0.1)).await;
        let taken = Lease::take(&records, &id(), &two, LONG).await.unwrap();
        let taken = taken.unwrap();
        assert!(!held.renew().await.unwrap());
        assert!(taken.renew().await.unwrap());
        taken.release().await.unwrap();
        assert!(!held.renew().await.unwrap(), "nor is it ours again");
    }

    #[tokio::test]
    async fn a_dead_process_of_this_machine_holds_nothing() {
        let records = records("lease-dead").await;
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = Holder {
            pid: child.id(),
            ..Holder::this()
        };
        child.wait().unwrap();
        let held = Lease::take(&records, &id(), &dead, LONG).await.unwrap();
        held.unwrap();
        let taken = Lease::take(&records, &id(), &Holder::this(), LONG).await;
        assert!(taken.unwrap().is_ok());
        let busy = Lease::take(&records, &id(), &Holder::this(), LONG).await;
        assert!(busy.unwrap().is_err(), "this one is alive");
    }
}
