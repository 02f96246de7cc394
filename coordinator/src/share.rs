// SPDX-License-Identifier: MIT OR Apache-2.0
//! Workers that several jobs use: each gets what it can use, or else an equal part.
//!
//! A job never has to give up what runs. So one that joins later waits until others' tasks end,
//! and from then on has its part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The workers, and who uses them.
#[derive(Debug)]
pub struct Shares {
    slots: u32,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    /// In the order in which they came.
    of: BTreeMap<u64, Part>,
}

/// A job's part.
#[derive(Debug, Default)]
struct Part {
    /// How many it could use.
    demand: u32,
    /// How many it uses.
    used: u32,
    /// How many are kept for it, those included.
    held: u32,
    /// How many it may use: less than it does where others wait for their part.
    may: u32,
    changed: Arc<Notify>,
}

/// A job's place at the workers; it leaves when this is dropped.
#[derive(Debug)]
pub struct Seat {
    shares: Arc<Shares>,
    id: u64,
    changed: Arc<Notify>,
}

impl Shares {
    /// `slots` workers that nobody uses yet.
    #[must_use]
    pub fn new(slots: u32) -> Arc<Self> {
        Arc::new(Self {
            slots: slots.max(1),
            seats: Mutex::default(),
        })
    }

    /// A place for one more job.
    #[must_use]
    pub fn seat(self: &Arc<Self>) -> Seat {
        let mut seats = self.seats();
        let id = seats.next;
        seats.next += 1;
        let part = Part::default();
        let changed = part.changed.clone();
        seats.of.insert(id, part);
        Seat {
            shares: self.clone(),
            id,
            changed,
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// Shares `slots` out anew, and tells those who have more or less than before.
    fn share_out(&mut self, slots: u32) {
        let demands: Vec<u32> = self.of.values().map(|part| part.demand).collect();
        let fair = fair(&demands, slots);
        // What is held beyond the fair part and not used goes back.
        let mut held = 0;
        for (part, fair) in self.of.values_mut().zip(&fair) {
            part.held = part.held.min(*fair).max(part.used);
            held += part.held;
        }
        let mut free = slots.saturating_sub(held);
        for (part, fair) in self.of.values_mut().zip(&fair) {
            let more = fair.saturating_sub(part.held).min(free);
            part.held += more;
            free -= more;
            let may = part.held.min(*fair);
            if may != part.may {
                part.may = may;
                part.changed.notify_one();
            }
        }
    }
}

/// The fairest parts: nobody gets more than they ask for, and nobody could get more without
/// taking it from one who has no more. What cannot be divided goes to those who came first.
fn fair(demands: &[u32], slots: u32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|&n| (demands[n], std::cmp::Reverse(n)));
    let mut parts = vec![0; demands.len()];
    let mut left = slots;
    for (done, &n) in order.iter().enumerate() {
        let takers = (demands.len() - done) as u32;
        parts[n] = demands[n].min(left / takers);
        left -= parts[n];
    }
    parts
}

impl Seat {
    /// Says how many workers the job could use and how many it uses; gives how many it may use.
    pub fn update(&self, demand: u32, used: u32) -> u32 {
        let mut seats = self.shares.seats();
        let Some(part) = seats.of.get_mut(&self.id) else {
            return used;
        };
        if (part.demand, part.used) != (demand, used) {
            (part.demand, part.used) = (demand, used);
            seats.share_out(self.shares.slots);
        }
        seats.of.get(&self.id).map_or(used, |part| part.may)
    }

    /// Waits until the part may have changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.shares.seats();
        seats.of.remove(&self.id);
        seats.share_out(self.shares.slots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_fair() {
        assert!(fair(&[], 5).is_empty());
        assert_eq!(fair(&[10], 4), [4]);
        assert_eq!(fair(&[10, 10], 5), [3, 2], "the first has the odd one");
        assert_eq!(fair(&[1, 100, 100], 9), [1, 4, 4]);
        assert_eq!(fair(&[5, 5, 5], 2), [1, 1, 0]);
        assert_eq!(fair(&[0, 0, 7], 9), [0, 0, 7]);
    }

    #[test]
    fn who_comes_later_waits_for_what_is_used_and_no_longer() {
        let shares = Shares::new(4);
        let one = shares.seat();
        assert_eq!(one.update(9, 0), 4);
        assert_eq!(one.update(9, 4), 4);
        let two = shares.seat();
        assert_eq!(two.update(9, 0), 0, "all are at work");
        assert_eq!(one.update(9, 4), 2, "it shall have fewer");
        assert_eq!(one.update(8, 3), 2);
        assert_eq!(two.update(9, 0), 1);
        assert_eq!(two.update(9, 1), 1);
        assert_eq!(one.update(7, 2), 2);
        assert_eq!(two.update(9, 1), 2);
        drop(one);
        assert_eq!(two.update(9, 2), 4);
        assert_eq!(two.update(1, 1), 1);
    }

    proptest! {
        #[test]
        fn never_more_than_there_are_and_none_idle(
            slots in 1u32..9,
            steps in prop::collection::vec((0usize..4, 0u32..12, any::<bool>()), 1..80),
        ) {
            let shares = Shares::new(slots);
            let seats: Vec<Seat> = (0..4).map(|_| shares.seat()).collect();
            let mut state = [(0u32, 0u32); 4];
            for (n, demand, end) in steps {
                // A task ends, or all that may be launched is.
                let (_, used) = state[n];
                let used = if end { used.saturating_sub(1) } else { used };
                let demand = demand.max(used);
                let may = seats[n].update(demand, used);
                let now = if end { used } else { used.max(demand.min(may)) };
                seats[n].update(demand, now);
                state[n] = (demand, now);
                let in_use: u32 = state.iter().map(|s| s.1).sum();
                prop_assert!(in_use <= slots);
            }
            // Whoever launches all they may in the end leaves none idle that is wanted.
            for (n, seat) in seats.iter().chain(&seats).enumerate() {
                let (demand, used) = state[n % 4];
                let now = used.max(demand.min(seat.update(demand, used)));
                seat.update(demand, now);
                state[n % 4].1 = now;
            }
            let wanted: u32 = state.iter().map(|s| s.0).sum();
            let in_use: u32 = state.iter().map(|s| s.1).sum();
            prop_assert_eq!(in_use, wanted.min(slots));
        }
    }
}
