// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

fn result(length: usize) -> Arc<Stored> {
    Arc::new(Stored {
        body: vec![7; length].into(),
        format: Format::Webp,
        size: Some((3, 4)),
        modified: Some(1_700_000_000),
        instead_of: Some(Format::Avif),
        warnings: vec!["one".into()],
    })
}

fn key(first: u8) -> Key {
    let mut key = [9; 32];
    key[0] = first;
    key
}

async fn open(folder: &std::path::Path, most: u64) -> Arc<Results> {
    let place = folder.to_str().unwrap();
    Arc::new(Results::open(0, Some(place), most).await.unwrap())
}

#[test]
fn blobs_are_read_back_whole_or_not_at_all() {
    for stored in [
        result(1000),
        Arc::new(Stored {
            size: None,
            modified: None,
            instead_of: None,
            warnings: Vec::new(),
            ..(*result(0)).clone()
        }),
    ] {
        let blob = form::write(&key(1), &stored);
        assert_eq!(form::read(&key(1), &blob).as_ref(), Some(&*stored));
        assert_eq!(form::read(&key(2), &blob), None, "another key's");
        for end in 0..blob.len() {
            assert_eq!(
                form::read(&key(1), &blob.slice(..end)),
                None,
                "cut at {end}"
            );
        }
        for at in 0..blob.len() {
            let mut wrong = blob.to_vec();
            wrong[at] ^= 1;
            assert_eq!(form::read(&key(1), &wrong.into()), None, "flipped at {at}");
        }
    }
}

#[tokio::test]
async fn results_survive_a_restart_and_damage_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Arc::default();
    let results = open(folder.path(), 1 << 20).await;
    results.keep(key(1), &result(10), &metrics);
    results.keep(key(2), &result(20), &metrics);
    results.settle().await;
    std::fs::write(folder.path().join("README"), "not ours").unwrap();

    let results = open(folder.path(), 1 << 20).await;
    assert_eq!(results.in_memory(&key(1)), None);
    assert_eq!(results.in_store(&key(1)).await, Some(result(10)));
    assert_eq!(results.in_store(&key(3)).await, None);
    let path = folder.path().join(form::name_of(&key(2)));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(results.in_store(&key(2)).await, None);
    assert!(folder.path().join("README").exists());
}

#[tokio::test]
async fn the_store_keeps_to_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Arc::default();
    let results = open(folder.path(), 4000).await;
    for first in 0..8 {
        results.keep(key(first), &result(1000), &metrics);
        results.settle().await;
        assert!(results.bytes().1 <= 4000);
    }
    assert_eq!(results.in_store(&key(7)).await, Some(result(1000)));
    assert_eq!(results.in_store(&key(0)).await, None);
    let files = |folder: &std::path::Path| {
        let folders = std::fs::read_dir(folder).unwrap().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap());
        files.count()
    };
    assert_eq!(files(folder.path()), 3);
    // A smaller size takes hold at the next start.
    let results = open(folder.path(), 1500).await;
    assert!(results.bytes().1 <= 1500);
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn memory_keeps_to_its_size() {
    let results = Arc::new(Results::open(2000, None, 0).await.unwrap());
    let metrics = Arc::default();
    results.keep(key(1), &result(1000), &metrics);
    results.keep(key(2), &result(1000), &metrics);
    assert_eq!(results.in_memory(&key(1)), None);
    assert_eq!(results.in_memory(&key(2)), Some(result(1000)));
    assert_eq!(results.in_store(&key(2)).await, None);
}
