// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every store must do, as a suite that runs on any of them.
//!
//! Each function works under the prefix that it is given (empty, or ending in `/`), which must
//! hold no blobs, and removes what it wrote. A violation panics with the store and the rule.
//! [`reads`] alone suits a store that is read only.

mod deviations;
mod listing;
mod reading;
mod uploads;
mod writing;

use std::future::Future;

use bytes::Bytes;

use crate::{PutMode, Result, Store, Version};

pub use deviations::Deviations;
pub use listing::{many_keys, odd_keys};
pub use reading::{changed_version, empty_blob, missing_blobs, reads, small_blob};
pub use uploads::{
    creating_uploads, large_upload, unfinished_uploads_are_invisible, upload_races, uploads,
};
pub use writing::{create_races, deletes, overwrite_is_atomic};

/// The whole suite. It writes about 150 MB and 5,100 blobs.
pub async fn all(store: &dyn Store, prefix: &str, deviations: &Deviations) {
    let under = |name: &str| format!("{prefix}{name}/");
    small_blob(store, &under("small")).await;
    empty_blob(store, &under("empty")).await;
    missing_blobs(store, &under("missing")).await;
    changed_version(store, &under("changed")).await;
    deletes(store, &under("deletes")).await;
    create_races(store, &under("races")).await;
    overwrite_is_atomic(store, &under("overwrite")).await;
    uploads(store, &under("uploads")).await;
    unfinished_uploads_are_invisible(store, &under("unfinished")).await;
    creating_uploads(store, &under("creating")).await;
    upload_races(store, &under("upload-races"), deviations).await;
    large_upload(store, &under("large")).await;
    odd_keys(store, &under("odd"), deviations).await;
    many_keys(store, &under("many"), deviations).await;
}

/// The value of a call that must succeed.
async fn must<T>(rule: &str, call: impl Future<Output = Result<T>>) -> T {
    match call.await {
        Ok(value) => value,
        Err(error) => panic!("{rule} must succeed, but: {error}"),
    }
}

async fn put(store: &dyn Store, key: &str, body: impl Into<Bytes>) -> Version {
    let body = body.into();
    must("put", store.put(key, body, PutMode::Overwrite)).await
}

async fn delete(store: &dyn Store, key: &str) {
    must("delete", store.delete(key)).await;
}

/// Panics unless the call fails as the pattern says.
macro_rules! must_fail {
    ($result:expr, $error:pat, $($rule:tt)+) => {
        match $result {
            Err($error) => {}
            other => panic!(
                "{} must fail with {}, but gave {other:?}",
                format_args!($($rule)+),
                stringify!($error)
            ),
        }
    };
}
use must_fail;

/// Bytes that differ from place to place, so that a shifted or repeated read shows.
fn pattern(from: u64, len: usize) -> Bytes {
    (from..from + len as u64)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}
