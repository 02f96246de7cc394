// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contract, on the stores of this crate.

use framemill_store::contract::{self, Deviations};
use framemill_store::{open, DirStore, Location, MemoryStore};

/// The contract to the letter.
const EXACT: Deviations = Deviations {
    lists_in_tree_order: false,
    backslash_is_slash: false,
    creates_in_parts_race: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    contract::all(&MemoryStore::new(), "", &EXACT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_under_a_prefix() {
    let (store, key) = open(&Location::parse("mem:contract/a").unwrap())
        .await
        .unwrap();
    contract::all(store.as_ref(), &format!("{key} b/"), &EXACT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dir() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    contract::all(&store, "", &EXACT).await;
    drop(store);
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 0, "the suite and the store leave nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn dir_under_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let place = Location::parse_place(dir.path().to_str().unwrap()).unwrap();
    let (store, _) = open(&place).await.unwrap();
    contract::all(store.as_ref(), "a/b c/", &EXACT).await;
}
