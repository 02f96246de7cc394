// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a directory can get wrong; the rest is in the contract.

use std::fs;

use super::*;
use crate::key::TEMP_AREA;

fn body(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn unfinished(root: &Path) -> usize {
    fs::read_dir(root.join(TEMP_AREA)).map_or(0, Iterator::count)
}

#[tokio::test]
async fn nothing_unfinished_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("new/root");
    let store = DirStore::new(&root);
    store
        .put("a/b", body("1"), PutMode::Overwrite)
        .await
        .unwrap();
    let lost = store.put("a/b", body("2"), PutMode::Create).await;
    assert!(matches!(lost, Err(StoreError::Exists { .. })));
    let mut dropped = store.writer("c", PutMode::Overwrite).await.unwrap();
    dropped.write(vec![0; 3 << 20].into()).await.unwrap();
    assert_eq!(unfinished(&root), 1);
    drop(dropped);
    let aborted = store.writer("c", PutMode::Overwrite).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(unfinished(&root), 0);
    drop(store);
    assert!(!root.join(TEMP_AREA).exists());
    assert!(root.join("a/b").exists());
}

#[tokio::test]
async fn an_upload_outlives_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    let mut upload = store.writer("a", PutMode::Overwrite).await.unwrap();
    drop(store);
    upload.write(body("late")).await.unwrap();
    upload.finish().await.unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"late");
    assert!(!dir.path().join(TEMP_AREA).exists());
}

#[tokio::test]
async fn bad_keys_are_refused_by_every_method() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    let long = "n".repeat(256);
    for key in [
        "",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a//b",
        "a\0b",
        &long,
    ] {
        let errors = [
            store.head(key).await.err(),
            store.get(key, 9).await.err(),
            store.get_range(key, 0..1, None).await.err(),
            store.put(key, body("x"), PutMode::Create).await.err(),
            store.writer(key, PutMode::Overwrite).await.err(),
            store.delete(key).await.err(),
        ];
        for error in errors {
            assert!(
                matches!(error, Some(StoreError::InvalidKey { .. })),
                "{key:?}: {error:?}"
            );
        }
    }
    let outside = store.list("../", None, 9).await.unwrap();
    assert_eq!(outside, Page::default());
}

#[tokio::test]
async fn blobs_and_directories_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    store.put("a", body("1"), PutMode::Create).await.unwrap();
    store.put("d/x", body("1"), PutMode::Create).await.unwrap();
    for key in ["a/b", "a/b/c", "d"] {
        for mode in [PutMode::Create, PutMode::Overwrite] {
            let refused = store.put(key, body("2"), mode).await;
            assert!(
                matches!(refused, Err(StoreError::InvalidKey { .. })),
                "{key} {mode:?}: {refused:?}"
            );
        }
        let missing = store.head(key).await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
        store.delete(key).await.unwrap();
    }
    store.delete("d/x").await.unwrap();
    store
        .put("d", body("now free"), PutMode::Create)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_file_that_others_rewrite_in_place_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    fs::write(dir.path().join("a"), b"1234").unwrap();
    let meta = store.head("a").await.unwrap();
    fs::write(dir.path().join("a"), b"12345").unwrap();
    let changed = store.get_range("a", 0..2, Some(&meta.version)).await;
    assert!(matches!(changed, Err(StoreError::Changed { .. })));
}

#[tokio::test]
async fn finished_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    fs::write(dir.path().join("plain"), b"").unwrap();
    store.put("a", body("1"), PutMode::Create).await.unwrap();
    let mode = |name| {
        let found = fs::metadata(dir.path().join(name)).unwrap();
        found.permissions().mode()
    };
    assert_eq!(mode("a"), mode("plain"));
}

#[tokio::test]
async fn a_root_that_is_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = DirStore::new(&file)
        .put("a", body("1"), PutMode::Create)
        .await;
    assert!(matches!(refused, Err(StoreError::InvalidLocation { .. })));
}

#[tokio::test]
async fn deleting_and_creating_race_without_errors() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    let tasks = (0..16).map(|task| {
        let store = store.clone();
        async move {
            for _ in 0..20 {
                let key = format!("deep/er/{task}");
                store.put(&key, body("1"), PutMode::Create).await.unwrap();
                store.delete(&key).await.unwrap();
            }
        }
    });
    futures::future::join_all(tasks).await;
    assert!(!dir.path().join("deep").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_come_and_go_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    // Each removes the area for unfinished files at its end, where that is empty.
    let tasks = (0..16).map(|task| {
        let root = dir.path().to_owned();
        tokio::spawn(async move {
            for _ in 0..100 {
                let store = DirStore::new(&root);
                let key = format!("out/{task}");
                let put = store.put(&key, body("1"), PutMode::Overwrite);
                put.await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 16);
}
