// SPDX-License-Identifier: MIT OR Apache-2.0
//! All jobs of a batch to their end: several at once, and once more at the end what may pass.

use crate::error::{JobError, Result};
use crate::jobs::run::Known;
use crate::jobs::{Ended, Order, Shop, Status, Watch};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a batch has come to so far.
#[derive(Debug, Default)]
pub struct State {
    /// Jobs in all.
    pub total: usize,
    /// Jobs that this run has done.
    pub made: usize,
    /// Jobs that were done before.
    pub skipped: usize,
    /// Jobs that failed, with the source and the reason.
    pub failures: Vec<(String, String)>,
    /// Outputs that are there, of all jobs.
    pub outputs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// CPU seconds of workers that are no threads of this process.
    pub cpu_s: f64,
    /// US dollars, where the price is known.
    pub spent_usd: f64,
    /// Jobs under way, with their sources.
    pub running: Vec<(usize, String, Arc<Watch>)>,
}

/// A batch's state, which others may look at.
pub type Shared = Arc<Mutex<State>>;

/// Looks at a batch's state.
pub fn look(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a job ended, as soon as it has.
pub enum Event<'a> {
    /// It is done, by this run or before.
    Done {
        /// What it was.
        ended: &'a Ended,
        /// Whether an earlier run has done it.
        before: bool,
    },
    /// It cannot be done.
    Failed {
        /// The source.
        input: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// It is tried again at the end.
    Later {
        /// The source.
        input: &'a str,
        /// Why.
        reason: &'a str,
    },
}

/// One job's place in the batch, and what came of it.
type Ran = (usize, Result<(Ended, bool)>);

/// Does all orders, `at_once` of them at a time; `tell` hears of each.
///
/// # Errors
/// [`JobError::Interrupted`], and [`JobError::Limit`] and [`JobError::Refused`] once a job has met
/// one: no other would fare better.
pub async fn go(
    shop: &Arc<Shop>,
    orders: Vec<Order>,
    at_once: usize,
    cancel: &CancellationToken,
    (state, tell): (&Shared, &mut dyn FnMut(Event<'_>)),
) -> Result<()> {
    let orders: Arc<[Order]> = orders.into();
    look(state).total += orders.len();
    let mut left: VecDeque<usize> = (0..orders.len()).collect();
    let mut later = Vec::new();
    for last in [false, true] {
        let mut running: JoinSet<Ran> = JoinSet::new();
        loop {
            while running.len() < at_once && !cancel.is_cancelled() {
                let Some(n) = left.pop_front() else { break };
                start(shop, &orders, n, (&mut running, cancel), state);
            }
            let Some(ran) = running.join_next().await else {
                break;
            };
            let (n, result) = ran.map_err(|e| JobError::Failed(format!("a job was lost: {e}")))?;
            look(state).running.retain(|(number, ..)| *number != n);
            let order = &orders[n];
            match result {
                Err(JobError::Interrupted(_)) => {}
                Err(error @ (JobError::Limit(_) | JobError::Refused(_))) => {
                    cancel.cancel();
                    while running.join_next().await.is_some() {}
                    return Err(error);
                }
                Err(error) if !last => {
                    let (input, reason) = (input(order), error.reason());
                    tell(Event::Later {
                        input: &input,
                        reason: &reason,
                    });
                    later.push(n);
                }
                Err(error) => {
                    let ended = shop.give_up(order, error.reason()).await?;
                    settle(state, &ended, false, tell);
                }
                Ok((ended, first)) => settle(state, &ended, !first, tell),
            }
        }
        if cancel.is_cancelled() {
            return Err(JobError::Interrupted("interrupted".into()));
        }
        left.extend(later.drain(..));
    }
    Ok(())
}

fn start(
    shop: &Arc<Shop>,
    orders: &Arc<[Order]>,
    n: usize,
    (running, cancel): (&mut JoinSet<Ran>, &CancellationToken),
    state: &Shared,
) {
    let (shop, orders, cancel) = (shop.clone(), orders.clone(), cancel.clone());
    let watch = Arc::<Watch>::default();
    look(state)
        .running
        .push((n, input(&orders[n]), watch.clone()));
    running.spawn(async move {
        let result = shop.run(&orders[n], Known::IfThere, &cancel, &watch).await;
        (n, result)
    });
}

fn input(order: &Order) -> String {
    framemill_store::shown(&order.source.uri)
}

/// Takes in how a job ended.
fn settle(state: &Shared, ended: &Ended, before: bool, tell: &mut dyn FnMut(Event<'_>)) {
    let mut s = look(state);
    s.outputs += ended.outputs.len() as u64;
    s.bytes += ended.outputs.iter().map(|made| made.size).sum::<u64>();
    if !before {
        s.cpu_s += ended.cpu_s;
        s.spent_usd += ended.spent_usd;
    }
    if ended.status == Status::Done {
        match before {
            true => s.skipped += 1,
            false => s.made += 1,
        }
        drop(s);
        return tell(Event::Done { ended, before });
    }
    let (input, reason) = (
        input(&ended.order),
        ended.reason.clone().unwrap_or_default(),
    );
    s.failures.push((input.clone(), reason.clone()));
    drop(s);
    tell(Event::Failed {
        input: &input,
        reason: &reason,
    });
}
