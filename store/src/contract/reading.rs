// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for reading.

use super::{delete, must, must_fail, pattern, put};
use crate::{PutMode, Store, StoreError, Version};

/// Every way to read the blob `key`, which holds `body`. Nothing is written.
pub async fn reads(store: &dyn Store, key: &str, body: &[u8]) {
    let size = body.len() as u64;
    let meta = must("head", store.head(key)).await;
    assert_eq!(meta.size, size, "{store:?}: head gives the size");
    let again = must("head", store.head(key)).await;
    assert_eq!(again, meta, "{store:?}: head of an unchanged blob");

    let cuts = [0, 1, size / 3, size / 2, size.saturating_sub(1), size];
    for start in cuts {
        for end in cuts.into_iter().filter(|end| (start..=size).contains(end)) {
            for expect in [None, Some(&meta.version)] {
                let part = must("get_range", store.get_range(key, start..end, expect)).await;
                assert!(
                    part == body[start as usize..end as usize],
                    "{store:?}: get_range {start}..{end} of {size} gives exactly those bytes"
                );
            }
        }
    }
    for (start, end) in [
        (0, size + 1),
        (size, size + 1),
        (size + 1, size + 1),
        (size + 1, size + 9),
        (u64::MAX - 1, u64::MAX),
        (size + 1, size),
    ] {
        must_fail!(
            store.get_range(key, start..end, None).await,
            StoreError::OutOfRange { .. },
            "{store:?}: get_range {start}..{end} of {size} bytes"
        );
    }
    let other = Version::new("not-a-version");
    must_fail!(
        store.get_range(key, 0..size.min(1), Some(&other)).await,
        StoreError::Changed { .. },
        "{store:?}: get_range that expects another version"
    );

    for limit in [size, size + 1, u64::MAX] {
        let whole = must("get", store.get(key, limit)).await;
        assert!(whole == body, "{store:?}: get gives the whole blob");
    }
    if size > 0 {
        must_fail!(
            store.get(key, size - 1).await,
            StoreError::TooLarge { .. },
            "{store:?}: get of {size} bytes with a lower limit"
        );
    }
}

/// A small blob reads back as it was put.
pub async fn small_blob(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}blob");
    let body = pattern(0, 1000);
    let version = put(store, &key, body.clone()).await;
    let meta = must("head", store.head(&key)).await;
    assert_eq!(meta.version, version, "{store:?}: put gives head's version");
    reads(store, &key, &body).await;
    delete(store, &key).await;
}

/// A blob may have no bytes.
pub async fn empty_blob(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}blob");
    put(store, &key, "").await;
    reads(store, &key, b"").await;
    must_fail!(
        store.put(&key, "x".into(), PutMode::Create).await,
        StoreError::Exists { .. },
        "{store:?}: create over an empty blob"
    );
    delete(store, &key).await;
}

/// A key that holds nothing is told apart from failures, and so are keys that cannot be.
pub async fn missing_blobs(store: &dyn Store, prefix: &str) {
    put(store, &format!("{prefix}dir/blob"), "x").await;
    for name in ["none", "dir", "dir/none", "dir/blob/none", "di"] {
        let key = format!("{prefix}{name}");
        let rule = format!("{store:?}: a read of the missing {key:?}");
        must_fail!(
            store.head(&key).await,
            StoreError::NotFound { .. },
            "{rule}"
        );
        must_fail!(
            store.get(&key, 9).await,
            StoreError::NotFound { .. },
            "{rule}"
        );
        must_fail!(
            store.get_range(&key, 0..1, None).await,
            StoreError::NotFound { .. },
            "{rule}"
        );
    }
    for key in [String::new(), format!("{prefix}a\0b")] {
        let rule = format!("{store:?}: the key {key:?}");
        must_fail!(
            store.head(&key).await,
            StoreError::InvalidKey { .. },
            "{rule}"
        );
        must_fail!(
            store.put(&key, "x".into(), PutMode::Overwrite).await,
            StoreError::InvalidKey { .. },
            "{rule}"
        );
    }
    delete(store, &format!("{prefix}dir/blob")).await;
}

/// Every write gives a new version, and reads that expect an old one fail, though the sizes are
/// the same and the writes follow each other at once.
pub async fn changed_version(store: &dyn Store, prefix: &str) {
    let key = format!("{prefix}blob");
    let mut versions: Vec<Version> = Vec::new();
    for round in 0..20u8 {
        let version = put(store, &key, vec![round; 100]).await;
        for old in &versions {
            assert_ne!(*old, version, "{store:?}: a write gives a new version");
            must_fail!(
                store.get_range(&key, 0..100, Some(old)).await,
                StoreError::Changed { .. },
                "{store:?}: get_range that expects an old version"
            );
        }
        let part = must(
            "get_range of the newest version",
            store.get_range(&key, 50..100, Some(&version)),
        );
        assert!(part.await == vec![round; 50], "{store:?}: newest bytes");
        versions.push(version);
    }
    put(store, &key, "short").await;
    must_fail!(
        store.get_range(&key, 50..100, versions.last()).await,
        StoreError::Changed { .. },
        "{store:?}: get_range of an old, longer version"
    );
    delete(store, &key).await;
}
