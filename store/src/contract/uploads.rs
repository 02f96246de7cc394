// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for streams.

use bytes::Bytes;
use futures::future::{join, join_all};

use super::{delete, must, must_fail, pattern, put, reads, Deviations};
use crate::{Meta, PutMode, Result, Store, StoreError};

/// Bytes of an upload that S3 sends in two parts.
const TWO_PARTS: usize = 9 << 20;

/// Uploads give what was written in order, be it nothing, and replace what was there.
pub async fn uploads(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}blob");
    let lists: [&[usize]; 5] = [&[], &[0, 0], &[1], &[1, 0, 70_000, 3], &[300, 2_000_000]];
    for sizes in lists {
        let mut upload = must("writer", store.writer(&key, PutMode::Overwrite)).await;
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
        let mut aborted = must("writer", store.writer(&key, PutMode::Overwrite)).await;
        let mut dropped = must("writer", store.writer(&key, PutMode::Overwrite)).await;
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
        let mut upload = must("writer", store.writer(&key, PutMode::Overwrite)).await;
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
        let mut upload = must("writer", store.writer(&key, PutMode::Overwrite)).await;
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

/// Uploads that create do so where the key is free at their end; otherwise what is there stays.
pub async fn creating_uploads(store: &dyn Store, prefix: &str) {
    for size in [0, 1000, TWO_PARTS] {
        let key = format!("{prefix}{size}/blob");
        let meta = must("finish of a create", create(store, &key, 3, size)).await;
        assert_eq!(meta.size, size as u64, "{store:?}: size of a created blob");
        must_fail!(
            create(store, &key, 9, size).await,
            StoreError::Exists { .. },
            "{store:?}: an upload of {size} bytes that creates what is there"
        );
        let head = must("head", store.head(&key)).await;
        assert_eq!(meta, head, "{store:?}: a create that lost changes nothing");
        delete(store, &key).await;

        // Taken while the upload is under way.
        let mut late = must("writer", store.writer(&key, PutMode::Create)).await;
        must("write", late.write(pattern(9, size))).await;
        put(store, &key, "first").await;
        must_fail!(
            late.finish().await,
            StoreError::Exists { .. },
            "{store:?}: an upload of {size} bytes whose key was taken meanwhile"
        );
        let body = must("get", store.get(&key, 9)).await;
        assert_eq!(body, "first", "{store:?}: what was there first stays");
        delete(store, &key).await;
    }
}

/// Of uploads that create one key at once exactly one wins: 32 that fit into a request each, then
/// six in two parts each. Its bytes stay.
pub async fn upload_races(store: &dyn Store, prefix: &str, deviations: &Deviations) {
    for (count, size) in [(32, 4096), (6, TWO_PARTS)] {
        let key = &format!("{prefix}{size}/blob");
        let creates = (0..count).map(|n| create(store, key, n, size));
        let mut winners = Vec::new();
        for (n, outcome) in (0..count).zip(join_all(creates).await) {
            match outcome {
                Ok(meta) => winners.push((n, meta)),
                Err(StoreError::Exists { .. }) => {}
                Err(error) => panic!("{store:?}: an upload lost with another error: {error}"),
            }
        }
        let several = deviations.creates_in_parts_race && size == TWO_PARTS;
        assert!(
            winners.len() == 1 || (several && !winners.is_empty()),
            "{store:?}: {} of {count} uploads of {size} bytes won",
            winners.len()
        );
        let head = must("head", store.head(key)).await;
        let last = winners.iter().find(|(_, meta)| *meta == head);
        let (n, _) = last.unwrap_or_else(|| panic!("{store:?}: what stays is no winner's"));
        let body = must("get", store.get(key, size as u64)).await;
        assert!(body == pattern(*n, size), "{store:?}: the winner's bytes");
        delete(store, key).await;
    }
}

async fn create(store: &dyn Store, key: &str, from: u64, size: usize) -> Result<Meta> {
    let mut upload = store.writer(key, PutMode::Create).await?;
    upload.write(pattern(from, size)).await?;
    upload.finish().await
}
