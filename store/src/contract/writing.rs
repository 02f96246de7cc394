// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for writing.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::{join, join_all};

use super::{delete, must, must_fail, pattern, put, reads};
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

/// Of 32 creates at once exactly one wins, and its bytes stay.
pub async fn create_races(store: &dyn Store, prefix: &str) {
    for round in 0..8 {
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

/// Uploads give what was written in order, be it nothing, and replace what was there.
pub async fn uploads(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}blob");
    let lists: [&[usize]; 5] = [&[], &[0, 0], &[1], &[1, 0, 70_000, 3], &[300, 2_000_000]];
    for sizes in lists {
        let mut upload = must("writer", store.writer(&key)).await;
        let mut written = 0;
        for size in sizes {
            must("write", upload.write(pattern(written, *size))).await;
            written += *size as u64;
        }
        let meta = must("finish", upload.finish()).await;
        assert_eq!(meta.size, written, "{store:?}: finish gives the size");
        let head = must("head", store.head(&key)).await;
        assert_eq!(meta, head, "{store:?}: finish gives what head does");
        reads(store, &key, &pattern(0, written as usize)).await;
    }
    delete(store, &key).await;
}

/// Before it is finished, an upload changes nothing; aborted or dropped, it never does.
pub async fn unfinished_uploads_are_invisible(store: &dyn Store, prefix: &str) {
    for old in [None, Some(pattern(7, 500))] {
        let key = format!("{prefix}blob");
        if let Some(old) = &old {
            put(store, &key, old.clone()).await;
        }
        let mut aborted = must("writer", store.writer(&key)).await;
        let mut dropped = must("writer", store.writer(&key)).await;
        for _ in 0..3 {
            must("write", aborted.write(pattern(0, 1 << 20))).await;
            must("write", dropped.write(pattern(0, 1 << 20))).await;
        }
        unchanged(store, prefix, &key, old.as_ref()).await;
        must("abort", aborted.abort()).await;
        drop(dropped);
        unchanged(store, prefix, &key, old.as_ref()).await;
        delete(store, &key).await;
    }
}

async fn unchanged(store: &dyn Store, prefix: &str, key: &str, old: Option<&Bytes>) {
    match old {
        Some(old) => {
            let body = must("get", store.get(key, u64::MAX)).await;
            assert!(body == *old, "{store:?}: the old blob stays until finish");
        }
        None => must_fail!(
            store.head(key).await,
            StoreError::NotFound { .. },
            "{store:?}: head of an unfinished upload"
        ),
    }
    let page = must("list", store.list(prefix, None, 10)).await;
    assert_eq!(
        page.entries.len(),
        usize::from(old.is_some()),
        "{store:?}: an unfinished upload is not listed"
    );
}

/// An upload of 48 MB in parts of odd sizes, beside others to other keys.
pub async fn large_upload(store: &dyn Store, prefix: &str) {
    let total = 48_000_000u64;
    let key = format!("{prefix}large");
    let large = async {
        let mut upload = must("writer", store.writer(&key)).await;
        let mut written = 0;
        for part in [1usize, 5000, 1_048_577, 262_143].into_iter().cycle() {
            let part = part.min((total - written) as usize);
            must("write", upload.write(pattern(written, part))).await;
            written += part as u64;
            if written == total {
                break;
            }
        }
        must("finish", upload.finish()).await
    };
    let others = join_all((0..8u64).map(|n| async move {
        let key = format!("{prefix}other/{n}");
        let mut upload = must("writer", store.writer(&key)).await;
        must("write", upload.write(pattern(n, 100_000))).await;
        must("finish", upload.finish()).await;
        reads(store, &key, &pattern(n, 100_000)).await;
        delete(store, &key).await;
    }));
    let (meta, _) = join(large, others).await;
    assert_eq!(meta.size, total, "{store:?}: size of a large upload");
    let mut at = 0;
    while at < total {
        let end = total.min(at + 4_000_001);
        let range = store.get_range(&key, at..end, Some(&meta.version));
        let part = must("get_range", range).await;
        assert!(
            part == pattern(at, (end - at) as usize),
            "{store:?}: bytes {at}..{end} of a large upload"
        );
        at = end;
    }
    delete(store, &key).await;
}
