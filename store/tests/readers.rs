// SPDX-License-Identifier: MIT OR Apache-2.0
//! The readers against a plain vector.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use framemill_store::{
    plan_fetches, Blocking, Extent, ExtentOptions, ExtentReader, MemoryStore, Meta, PutMode,
    RangeReader, ReadStats, ReaderOptions, StoreError,
};
use proptest::prelude::*;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn blob(size: usize) -> Vec<u8> {
    let byte = |at: usize| ((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    (0..size).map(byte).collect()
}

fn stored(body: &[u8]) -> (Blocking, Meta) {
    let store = Blocking::new(Arc::new(MemoryStore::new()), RUNTIME.handle().clone());
    let body = Bytes::copy_from_slice(body);
    store.put("blob", body, PutMode::Create).unwrap();
    let meta = store.head("blob").unwrap();
    (store, meta)
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    Seek(SeekFrom),
    Horizon(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..3000).prop_map(Step::Read),
        1 => (0u64..12_000).prop_map(|at| Step::Seek(SeekFrom::Start(at))),
        1 => (-9000i64..9000).prop_map(|by| Step::Seek(SeekFrom::Current(by))),
        1 => (-12_000i64..2000).prop_map(|by| Step::Seek(SeekFrom::End(by))),
        1 => (0u64..12_000).prop_map(Step::Horizon),
    ]
}

fn read_full(from: &mut impl Read, count: usize) -> Vec<u8> {
    let mut body = Vec::new();
    from.take(count as u64).read_to_end(&mut body).unwrap();
    body
}

proptest! {
    #[test]
    fn range_reader_reads_as_a_vector_does(
        size in 0usize..10_000,
        block in 0u64..700,
        read_ahead in 0u64..3000,
        cache in 0u64..6000,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let body = blob(size);
        let (store, meta) = stored(&body);
        let options = ReaderOptions { block, read_ahead, cache };
        let mut reader = RangeReader::new(store, "blob", meta, options, Arc::default());
        let mut oracle = Cursor::new(body);
        for step in steps {
            match step {
                Step::Read(count) => {
                    prop_assert_eq!(read_full(&mut reader, count), read_full(&mut oracle, count));
                }
                Step::Seek(to) => {
                    prop_assert_eq!(reader.seek(to).ok(), oracle.seek(to).ok());
                }
                Step::Horizon(end) => reader.set_horizon(end),
            }
            prop_assert_eq!(reader.stream_position().unwrap(), oracle.position());
        }
    }

    #[test]
    fn extent_reader_gives_every_extent(
        size in 1usize..300_000,
        max_gap in 0u64..100_000,
        max_fetch in 0u64..50_000,
        shapes in prop::collection::vec((any::<u32>(), 0u64..5000, any::<bool>()), 0..80),
    ) {
        let body = blob(size);
        let (store, meta) = stored(&body);
        let extents = extents(size as u64, &shapes);
        let options = ExtentOptions { max_gap, max_fetch };
        let wanted: u64 = extents.iter().map(|extent| extent.len).sum();
        let largest = extents.iter().map(|extent| extent.len).max().unwrap_or(0);
        for fetch in plan_fetches(&extents, &options) {
            prop_assert!(fetch.range.end - fetch.range.start <= max_fetch.max(largest));
        }

        let stats = Arc::new(ReadStats::default());
        let list = extents.clone();
        let reader = ExtentReader::new(store, "blob", meta, list, options, stats.clone()).unwrap();
        let read: Vec<Bytes> = reader.collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read.len(), extents.len());
        for (read, extent) in read.iter().zip(&extents) {
            prop_assert_eq!(read, &body[extent.offset as usize..extent.end() as usize]);
        }
        prop_assert!(stats.bytes() <= wanted + wanted / 10 + 65_536);
        let some = extents.iter().filter(|extent| extent.len > 0).count();
        prop_assert!(stats.requests() <= some as u64);
    }
}

/// Extents that mostly follow each other, with jumps in both directions.
fn extents(size: u64, shapes: &[(u32, u64, bool)]) -> Vec<Extent> {
    let mut at = 0;
    let extent = |&(jump, len, far): &(u32, u64, bool)| {
        let step = if far { size } else { 2000.min(size) };
        let offset = if far { 0 } else { at } + u64::from(jump) % (step + 1);
        let offset = offset.min(size);
        let len = len.min(size - offset);
        at = offset + len;
        Extent { offset, len }
    };
    shapes.iter().map(extent).collect()
}

#[test]
fn sequential_reads_grow_and_cover_the_blob_once() {
    let body = blob(40 << 20);
    let (store, _) = stored(&body);
    let stats = Arc::new(ReadStats::default());
    let mut reader = RangeReader::open(store, "blob", stats.clone()).unwrap();
    let mut piece = vec![0; 32 << 10];
    for expected in body.chunks(piece.len()) {
        reader.read_exact(&mut piece).unwrap();
        assert!(piece == expected);
    }
    assert_eq!(stats.bytes(), 40 << 20);
    // 256 KiB, 512 KiB, 1, 2, then 4 MiB each.
    assert_eq!(stats.requests(), 4 + 10);
}

#[test]
fn alternating_between_two_tracks_stays_sequential() {
    let body = blob(32 << 20);
    let (store, _) = stored(&body);
    let stats = Arc::new(ReadStats::default());
    let mut reader = RangeReader::open(store, "blob", stats.clone()).unwrap();
    let mut piece = vec![0; 16 << 10];
    for step in 0..512u64 {
        for track in [0, 16 << 20] {
            let at = track + step * piece.len() as u64;
            reader.seek(SeekFrom::Start(at)).unwrap();
            reader.read_exact(&mut piece).unwrap();
            assert!(piece == body[at as usize..][..piece.len()]);
        }
    }
    assert!(stats.requests() <= 14, "{stats:?}");
    assert!(stats.bytes() <= 24 << 20, "{stats:?}");
}

#[test]
fn scattered_reads_fetch_one_block_each() {
    let body = blob(16 << 20);
    let (store, _) = stored(&body);
    let stats = Arc::new(ReadStats::default());
    let mut reader = RangeReader::open(store, "blob", stats.clone()).unwrap();
    for at in [9 << 20, 3 << 20, 14 << 20, 3 << 20, 9 << 20] {
        reader.seek(SeekFrom::Start(at)).unwrap();
        assert_eq!(read_full(&mut reader, 9), body[at as usize..][..9]);
    }
    assert_eq!((stats.requests(), stats.bytes()), (3, 3 * (256 << 10)));
}

#[test]
fn the_horizon_stops_read_ahead() {
    let body = blob(16 << 20);
    let (store, _) = stored(&body);
    let stats = Arc::new(ReadStats::default());
    let mut reader = RangeReader::open(store, "blob", stats.clone()).unwrap();
    reader.set_horizon(5_000_000);
    assert_eq!(read_full(&mut reader, 5_000_000), body[..5_000_000]);
    assert_eq!(stats.bytes(), 5_000_000);
}

#[test]
fn a_changed_blob_stops_both_readers() {
    let body = blob(1 << 20);
    let (store, meta) = stored(&body);
    let stats = Arc::<ReadStats>::default();
    let mut reader = RangeReader::open(store.clone(), "blob", stats.clone()).unwrap();
    let list = vec![Extent { offset: 0, len: 1 }; 3];
    let options = ExtentOptions::default();
    let mut extents =
        ExtentReader::new(store.clone(), "blob", meta, list, options, stats.clone()).unwrap();
    store.put("blob", body.into(), PutMode::Overwrite).unwrap();
    let error = reader.read(&mut [0; 9]).unwrap_err();
    assert!(matches!(
        StoreError::from_io(&error),
        Some(StoreError::Changed { .. })
    ));
    assert!(matches!(
        extents.next(),
        Some(Err(StoreError::Changed { .. }))
    ));
    assert!(extents.next().is_none());
    assert_eq!(stats.bytes(), 0);
}

#[test]
fn extents_beyond_the_end_are_refused() {
    let (store, meta) = stored(&blob(100));
    for (offset, len) in [(0, 101), (100, 1), (101, 0), (u64::MAX, 2)] {
        let refused = ExtentReader::new(
            store.clone(),
            "blob",
            meta.clone(),
            vec![
                Extent {
                    offset: 0,
                    len: 100,
                },
                Extent { offset, len },
            ],
            ExtentOptions::default(),
            Arc::default(),
        );
        assert!(matches!(refused, Err(StoreError::OutOfRange { .. })));
    }
}

#[test]
fn blocking_uploads_write() {
    use std::io::Write;
    let (store, _) = stored(b"");
    let mut upload = store.writer("up", PutMode::Overwrite).unwrap();
    upload.write_all(b"12").unwrap();
    upload.write(Bytes::from_static(b"3")).unwrap();
    assert_eq!(upload.finish().unwrap().size, 3);
    assert_eq!(store.get("up", 3).unwrap(), "123");
    let page = store.list("", None, 9).unwrap();
    assert_eq!(page.entries.len(), 2);
    store.delete("up").unwrap();
    store
        .writer("up", PutMode::Overwrite)
        .unwrap()
        .abort()
        .unwrap();
    assert!(store.head("up").is_err());
}
