// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for writing.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::{join, join_all};

use super::{delete, must, must_fail, put};
use crate::{PutMode, Store, StoreError};

/// A deleted blob is gone, and deleting it again is no error.
pub async fn deletes(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}a/blob");
    delete(store, &key).await;
    put(store, &key, "x").await;
    delete(store, &key).await;
    delete(store, &key).await;
    must_fail!(
        store.head(&key).await,
        StoreError::NotFound { .. },
        "{store:?}: head of a deleted blob"
    );
    let created = store.put(&key, "y".into(), PutMode::Create);
    must("create of a deleted blob", created).await;
    delete(store, &key).await;
}

/// Of 32 creates at once exactly one wins, and its bytes stay. Few rounds, since a server may take
/// a second for each (SeaweedFS does).
pub async fn create_races(store: &dyn Store, prefix: &str) {
    for round in 0..4 {
        let key = format!("{prefix}{round}/blob");
        let creates = (0..32u8).map(|n| {
            let body = Bytes::from(vec![n; 4096]);
            let key = &key;
            async move { (n, store.put(key, body, PutMode::Create).await) }
        });
        let mut winners = Vec::new();
        for (n, outcome) in join_all(creates).await {
            match outcome {
                Ok(version) => winners.push((n, version)),
                Err(StoreError::Exists { .. }) => {}
                Err(error) => panic!("{store:?}: a create lost with another error: {error}"),
            }
        }
        let [(winner, version)] = winners.as_slice() else {
            panic!("{store:?}: {} of 32 creates won", winners.len());
        };
        let body = must("get", store.get(&key, 4096)).await;
        assert!(
            body == vec![*winner; 4096],
            "{store:?}: the winner's bytes stay"
        );
        let meta = must("head", store.head(&key)).await;
        assert_eq!(meta.version, *version, "{store:?}: the winner's version");
        delete(store, &key).await;
    }
}

/// Readers see all of one version or all of another while a blob is overwritten.
pub async fn overwrite_is_atomic(store: &dyn Store, prefix: &str) {
    let key = &format!("{prefix}blob");
    let size = |fill: u8| 200_000 + usize::from(fill) * 1000;
    let whole = |body: &[u8]| match body.first() {
        Some(&fill) => body.len() == size(fill) && body.iter().all(|byte| *byte == fill),
        None => false,
    };
    put(store, key, vec![0; size(0)]).await;
    let done = &AtomicBool::new(false);
    let write = async {
        for fill in 1..40 {
            put(store, key, vec![fill; size(fill)]).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let read = |_| async move {
        while !done.load(Ordering::Relaxed) {
            let body = must("get during overwrites", store.get(key, u64::MAX)).await;
            assert!(whole(&body), "{store:?}: get saw parts of two versions");
            let meta = must("head during overwrites", store.head(key)).await;
            let range = store.get_range(key, 0..meta.size, Some(&meta.version));
            match range.await {
                Ok(body) => assert!(whole(&body), "{store:?}: get_range mixed versions"),
                Err(StoreError::Changed { .. }) => {}
                Err(error) => panic!("{store:?}: get_range during overwrites: {error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let readers = join_all((0..4).map(read));
    join(write, readers).await;
    delete(store, key).await;
}
