// SPDX-License-Identifier: MIT OR Apache-2.0
//! A few tries of a request over a network, with jitter between them.

use std::future::Future;
use std::time::Duration;

use rand::Rng;

use crate::{Class, Result};

/// Tries in all. What a store cannot get over in these, the scheduler sees and spreads out.
const TRIES: u32 = 4;
/// The longest pause before the second try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The value of `call`, which is called again while its error may pass.
///
/// The pauses are drawn evenly from zero to 0.1, 0.2 and 0.4 s, four times that where the store
/// asks for fewer requests, so that many clients do not come back all at once.
pub(crate) async fn retried<T, F, C>(mut call: C) -> Result<T>
where
    C: FnMut(u32) -> F,
    F: Future<Output = Result<T>>,
{
    for attempt in 1..TRIES {
        let error = match call(attempt).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let slower = match error.class() {
            Class::Transient => 1,
            Class::Throttled => 4,
            _ => return Err(error),
        };
        let longest = FIRST_PAUSE * (slower << (attempt - 1));
        let pause = longest.mul_f64(rand::rng().random());
        tracing::debug!(%error, attempt, ?pause, "a store's request is tried again");
        tokio::time::sleep(pause).await;
    }
    call(TRIES).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, StoreError};

    fn transient() -> StoreError {
        StoreError::Transient {
            operation: Operation::Read,
            key: "a".into(),
            detail: "b".into(),
        }
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_four_times_in_all() {
        let mut calls = 0;
        let outcome: Result<()> = retried(|attempt| {
            calls += 1;
            assert_eq!(attempt, calls);
            async { Err(transient()) }
        })
        .await;
        assert_eq!((outcome, calls), (Err(transient()), TRIES));
    }

    #[tokio::test]
    async fn success_and_lasting_errors_end_it() {
        let outcome = retried(|attempt| async move {
            match attempt {
                1 => Err(transient()),
                _ => Ok(attempt),
            }
        });
        assert_eq!(outcome.await, Ok(2));
        let gone = StoreError::NotFound {
            operation: Operation::Read,
            key: "a".into(),
        };
        let outcome: Result<u32> = retried(|attempt| {
            assert_eq!(attempt, 1);
            let gone = gone.clone();
            async { Err(gone) }
        })
        .await;
        assert_eq!(outcome, Err(gone));
    }
}
