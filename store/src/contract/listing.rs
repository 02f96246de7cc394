// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for keys and their order.

use futures::stream::{self, StreamExt};

use super::{delete, must, pattern, put, reads};
use crate::{Entry, Store};

/// Blobs that are written or removed at once.
const WIDTH: usize = 32;

/// All pages of a listing, checked for size, order and progress.
async fn pages(store: &dyn Store, prefix: &str, after: Option<&str>, limit: usize) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut next = after.map(str::to_owned);
    loop {
        let page = must("list", store.list(prefix, next.as_deref(), limit)).await;
        assert!(
            page.entries.len() <= limit,
            "{store:?}: a page has at most {limit} blobs"
        );
        found.extend(page.entries);
        assert!(
            page.next.is_none() || page.next != next,
            "{store:?}: a listing goes on"
        );
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let sorted = found.windows(2).all(|pair| pair[0].key < pair[1].key);
    assert!(sorted, "{store:?}: a listing is in bytewise order");
    found
}

/// 5,000 keys list in order over pages of any size, from any key on.
pub async fn many_keys(store: &dyn Store, prefix: &str) {
    // `-` and `.` sort before `/`, and `0` after it, which a naive walk of a tree gets wrong.
    let names = ["a", "a-", "a.b", "a0", "a/x", "a/x.y", "b/c/d"];
    let mut keys: Vec<String> = (0..5000)
        .map(|n| format!("{prefix}{}/{n}", names[n % names.len()]))
        .collect();
    let puts = stream::iter(&keys).map(|key| put(store, key, key.clone()));
    puts.buffer_unordered(WIDTH).collect::<Vec<_>>().await;
    keys.sort_unstable();

    for limit in [5000, 999, 1000] {
        let found = pages(store, prefix, None, limit).await;
        let listed: Vec<&str> = found.iter().map(|entry| entry.key.as_str()).collect();
        assert!(
            listed == keys,
            "{store:?}: pages of {limit} list every key once"
        );
        let sized = found
            .iter()
            .all(|entry| entry.size == entry.key.len() as u64);
        assert!(sized, "{store:?}: a listing gives sizes");
    }
    for at in [0, 1, 2499, 4998, 4999] {
        let found = pages(store, prefix, Some(&keys[at]), 1000).await;
        assert_eq!(
            found.len(),
            keys.len() - at - 1,
            "{store:?}: a listing starts after {:?}",
            keys[at]
        );
    }
    for start in ["a", "a/", "a/x", "a-", "b/c/d/4", "none", "a//"] {
        let start = format!("{prefix}{start}");
        let expected = keys.iter().filter(|key| key.starts_with(&start)).count();
        let found = pages(store, &start, None, 700).await;
        assert_eq!(found.len(), expected, "{store:?}: list of {start:?}");
    }
    let beyond = pages(
        store,
        &format!("{prefix}a/"),
        Some(&format!("{prefix}b")),
        9,
    )
    .await;
    assert!(beyond.is_empty(), "{store:?}: list after all of the prefix");

    let deletes = stream::iter(&keys).map(|key| delete(store, key));
    deletes.buffer_unordered(WIDTH).collect::<Vec<_>>().await;
    let left = pages(store, prefix, None, 1000).await;
    assert!(left.is_empty(), "{store:?}: deleted keys are not listed");
}

/// Spaces, escapes, signs and any Unicode in keys mean themselves.
pub async fn odd_keys(store: &dyn Store, prefix: &str) {
    let names = [
        "with space",
        " leading and trailing ",
        "plus+plus",
        "a%20b",
        "a b",
        "a+b",
        "%2e%2e%2f",
        "100%",
        "q?x=1&y=2#z",
        "quote\"'`$(x);\\",
        "...",
        ".hidden",
        "e\u{301}",
        "\u{e9}",
        "日本語/ファイル.mp4",
        "🎬 film",
        "CASE",
        "case",
    ];
    let mut keys: Vec<String> = names.map(|name| format!("{prefix}{name}")).into();
    for (n, key) in keys.iter().enumerate() {
        put(store, key, pattern(n as u64, n + 1)).await;
    }
    for (n, key) in keys.iter().enumerate() {
        reads(store, key, &pattern(n as u64, n + 1)).await;
    }
    keys.sort_unstable();
    let found = pages(store, prefix, None, 5).await;
    let listed: Vec<&str> = found.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(listed, keys, "{store:?}: odd keys are listed as they are");
    for key in &keys {
        delete(store, key).await;
    }
}
