// SPDX-License-Identifier: MIT OR Apache-2.0
//! One piece of work for all who ask for the same at the same time.
//!
//! Who leaves does not end the work that others wait for; work that nobody waits for is told to
//! stop, and dropped at its next await.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Work under way, by key. Clones are cheap and share it.
#[derive(Debug)]
pub struct Flight<K, V>(Arc<Mutex<HashMap<K, Work<V>>>>);

impl<K, V> Clone for Flight<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Flight<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[derive(Debug)]
struct Work<V> {
    waiters: usize,
    stop: CancellationToken,
    result: watch::Receiver<Option<V>>,
}

/// The work ended without a result: it panicked, or the process is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl<K, V> Flight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Work<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many pieces of work are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The result of the work under `key`, which `start` begins where nobody has. What it gets
    /// is cancelled once nobody waits.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn join<F>(
        &self,
        key: K,
        start: impl FnOnce(CancellationToken) -> F,
    ) -> Result<V, Lost>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (mut result, waiter) = self.board(key, start);
        let value = match result.wait_for(Option::is_some).await {
            Ok(value) => value.clone().ok_or(Lost),
            Err(_) => Err(Lost),
        };
        drop(waiter);
        value
    }

    fn board<F>(
        &self,
        key: K,
        start: impl FnOnce(CancellationToken) -> F,
    ) -> (watch::Receiver<Option<V>>, Waiter<K, V>)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut works = self.lock();
        if let Some(work) = works.get_mut(&key) {
            work.waiters += 1;
            let waiter = Waiter {
                flight: self.clone(),
                stop: work.stop.clone(),
                key,
            };
            return (work.result.clone(), waiter);
        }
        let (sender, result) = watch::channel(None);
        let stop = CancellationToken::new();
        let work = start(stop.clone());
        works.insert(
            key.clone(),
            Work {
                waiters: 1,
                stop: stop.clone(),
                result: result.clone(),
            },
        );
        let end = End {
            flight: self.clone(),
            key: key.clone(),
            stop: stop.clone(),
        };
        let stopped = stop.clone();
        tokio::spawn(async move {
            let done = tokio::select! {
                done = work => Some(done),
                () = stopped.cancelled() => None,
            };
            // First out of the map, so that whoever comes later starts anew.
            drop(end);
            if let Some(done) = done {
                let _ = sender.send(Some(done));
            }
        });
        let waiter = Waiter {
            flight: self.clone(),
            stop,
            key,
        };
        (result, waiter)
    }
}

/// Takes work out of the map at its end, panics included.
struct End<K: Eq + Hash, V> {
    flight: Flight<K, V>,
    key: K,
    stop: CancellationToken,
}

impl<K: Eq + Hash, V> Drop for End<K, V> {
    fn drop(&mut self) {
        let works = &self.flight.0;
        let mut works = works.lock().unwrap_or_else(PoisonError::into_inner);
        // Work that was given up has left already, and other work may be under its key.
        if !self.stop.is_cancelled() {
            works.remove(&self.key);
        }
    }
}

/// Somebody who waits.
struct Waiter<K: Eq + Hash, V> {
    flight: Flight<K, V>,
    key: K,
    stop: CancellationToken,
}

impl<K: Eq + Hash, V> Drop for Waiter<K, V> {
    fn drop(&mut self) {
        let works = &self.flight.0;
        let mut works = works.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = works.get_mut(&self.key) else {
            return;
        };
        if work.stop != self.stop {
            return;
        }
        work.waiters -= 1;
        if work.waiters == 0 {
            // Under the lock, so that nobody boards work that is about to stop.
            self.stop.cancel();
            works.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::{oneshot, Notify};

    #[tokio::test]
    async fn who_asks_for_the_same_shares_the_work() {
        let flight: Flight<&str, u32> = Flight::default();
        let (gate, begun) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (flight, gate, begun) = (flight.clone(), gate.clone(), begun.clone());
            tokio::spawn(async move {
                let work = |_| async move {
                    begun.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    7
                };
                flight.join("a", work).await
            })
        };
        let all: Vec<_> = (0..5).map(|_| ask()).collect();
        let waiting = || flight.lock().get("a").map_or(0, |work| work.waiters);
        while waiting() < 5 {
            tokio::task::yield_now().await;
        }
        all[0].abort();
        while waiting() > 4 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
        for one in all.into_iter().skip(1) {
            assert_eq!(one.await.unwrap(), Ok(7));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        assert!(flight.is_empty());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_stopped_and_the_next_one_begins_anew() {
        let flight: Flight<&str, u32> = Flight::default();
        let (tell, told) = oneshot::channel();
        let asking = {
            let flight = flight.clone();
            tokio::spawn(async move {
                let work = |stop: CancellationToken| async move {
                    let _ = tell.send(stop);
                    std::future::pending().await
                };
                flight.join("a", work).await
            })
        };
        let stop = told.await.unwrap();
        assert!(!stop.is_cancelled());
        asking.abort();
        stop.cancelled().await;
        assert_eq!(flight.join("a", |_| async { 2 }).await, Ok(2));
        assert!(flight.is_empty());
    }

    #[tokio::test]
    async fn a_panic_is_told_to_all_and_leaves_nothing_behind() {
        let flight: Flight<&str, u32> = Flight::default();
        let work = |_| async { panic!("as the test wants it") };
        assert_eq!(flight.join("a", work).await, Err(Lost));
        assert_eq!(flight.join("a", |_| async { 1 }).await, Ok(1));
    }
}
