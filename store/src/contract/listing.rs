// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for keys and their order.

use futures::stream::{self, StreamExt};

use super::{delete, must, pattern, put, reads, Deviations};
use crate::{Entry, Store};

/// Blobs that are written or removed at once.
const WIDTH: usize = 32;

/// All pages of a listing, checked for size, order and progress; in order.
async fn pages(
    store: &dyn Store,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    deviations: &Deviations,
) -> Vec<Entry> {
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
    if deviations.lists_in_tree_order {
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    let rising = found.windows(2).all(|pair| pair[0].key < pair[1].key);
    assert!(
        rising,
        "{store:?}: a listing is in bytewise order, each key once"
    );
    found
}

/// 5,000 keys list in order over pages of any size, from any key on.
pub async fn many_keys(store: &dyn Store, prefix: &str, deviations: &Deviations) {
    // `-` and `.` sort before `/`, and `0` after it, which a naive walk of a tree gets wrong.
    let names = ["a", "a-", "a.b", "a0", "a/x", "a/x.y", "b/c/d"];
    let mut keys: Vec<String> = (0..5000)
        .map(|n| format!("{prefix}{}/{n}", names[n % names.len()]))
        .collect();
    let puts = stream::iter(&keys).map(|key| put(store, key, key.clone()));
    puts.buffer_unordered(WIDTH).collect::<Vec<_>>().await;
    keys.sort_unstable();

    for limit in [5000, 999, 1000] {
        let found = pages(store, prefix, None, limit, deviations).await;
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
    if !deviations.lists_in_tree_order {
        lists_from_a_key(store, prefix, &keys).await;
    }
    for start in ["a", "a/", "a/x", "a-", "b/c/d/4", "none", "a//"] {
        let start = format!("{prefix}{start}");
        let expected = keys.iter().filter(|key| key.starts_with(&start)).count();
        let found = pages(store, &start, None, 700, deviations).await;
        assert_eq!(found.len(), expected, "{store:?}: list of {start:?}");
    }

    let deletes = stream::iter(&keys).map(|key| delete(store, key));
    deletes.buffer_unordered(WIDTH).collect::<Vec<_>>().await;
    let left = pages(store, prefix, None, 1000, deviations).await;
    assert!(left.is_empty(), "{store:?}: deleted keys are not listed");
}

/// A listing starts after any key, whether it is there or not.
async fn lists_from_a_key(store: &dyn Store, prefix: &str, keys: &[String]) {
    let all = &Deviations::default();
    for at in [0, 1, 2499, 4998, 4999] {
        let found = pages(store, prefix, Some(&keys[at]), 1000, all).await;
        assert_eq!(
            found.len(),
            keys.len() - at - 1,
            "{store:?}: a listing starts after {:?}",
            keys[at]
        );
    }
    let (start, after) = (format!("{prefix}a/"), format!("{prefix}b"));
    let beyond = pages(store, &start, Some(&after), 9, all).await;
    assert!(beyond.is_empty(), "{store:?}: list after all of the prefix");
}

/// Spaces, escapes, signs and any Unicode in keys mean themselves.
pub async fn odd_keys(store: &dyn Store, prefix: &str, deviations: &Deviations) {
    let mut names = vec![
        "with space",
        " leading and trailing ",
        "plus+plus",
        "a%20b",
        "a b",
        "a+b",
        "%2e%2e%2f",
        "100%",
        "q?x=1&y=2#z",
        "quote\"'`$(x);",
        "tab\tand\nline",
        "<a&b>",
        "...",
        ".hidden",
        "e\u{301}",
        "\u{e9}",
        "日本語/ファイル.mp4",
        "🎬 film",
        "CASE",
        "case",
    ];
    if !deviations.backslash_is_slash {
        names.extend(["back\\slash", "\\"]);
    }
    let mut keys: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
    for (n, key) in keys.iter().enumerate() {
        put(store, key, pattern(n as u64, n + 1)).await;
    }
    for (n, key) in keys.iter().enumerate() {
        reads(store, key, &pattern(n as u64, n + 1)).await;
    }
    keys.sort_unstable();
    let found = pages(store, prefix, None, 5, deviations).await;
    let listed: Vec<&str> = found.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(listed, keys, "{store:?}: odd keys are listed as they are");
    for key in &keys {
        delete(store, key).await;
    }
}
