// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use framemill_codec::libav::{self, CodecParams, MediaKind};
use framemill_codec::packet::{PacketFileWriter, StreamHeader, FLAG_KEY};
use framemill_store::{MemoryStore, PutMode};
use framemill_worker::track::TrackMode;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Ticks of a frame of the video, of which there are 12,800 in a second.
const PERIOD: i64 = 512;
const CHUNK: usize = 100;

/// A work store with the chunks and tracks of one output.
struct Bench {
    runtime: Runtime,
    place: WorkPlace,
    folder: TempDir,
    shown: Vec<i64>,
    reorder: usize,
    chunks: Vec<TaskKey>,
    tracks: Vec<(TrackPlan, TaskKey)>,
    chapters: Vec<ChapterInfo>,
}

fn video() -> StreamHeader {
    StreamHeader {
        params: CodecParams {
            kind: MediaKind::Video,
            codec: "mpeg4".into(),
            extradata: vec![0, 0, 1, 0xb0, 1],
            format: "yuv420p".into(),
            width: 64,
            height: 48,
            ..CodecParams::default()
        },
        time_base: Rational::new(1, 12_800),
        frame_rate: Rational::new(25, 1),
        mastering: None,
        content_light: None,
    }
}

fn aac() -> StreamHeader {
    StreamHeader {
        params: CodecParams {
            kind: MediaKind::Audio,
            codec: "aac".into(),
            extradata: vec![0x11, 0x90],
            sample_rate: 48_000,
            channel_layout: "stereo".into(),
            channels: 2,
            frame_size: 1024,
            ..CodecParams::default()
        },
        time_base: Rational::new(1, 48_000),
        frame_rate: Rational::new(0, 1),
        mastering: None,
        content_light: None,
    }
}

fn text() -> StreamHeader {
    StreamHeader {
        params: CodecParams {
            kind: MediaKind::Subtitle,
            codec: "mov_text".into(),
            ..CodecParams::default()
        },
        time_base: Rational::new(1, 1000),
        ..aac()
    }
}

fn packet(pts: i64, duration: i64, key: bool, size: usize) -> Packet {
    Packet {
        pts,
        dts: pts,
        duration,
        flags: if key { FLAG_KEY } else { 0 },
        data: vec![1; size],
        side: Vec::new(),
    }
}

impl Bench {
    /// Frames shown at these times, with key frames this far apart; `order` names the
    /// frames of each four in decoding order.
    fn new(shown: Vec<i64>, key: usize, order: [usize; 4]) -> Self {
        libav::init();
        let runtime = Runtime::new().unwrap();
        let mut bench = Self {
            place: WorkPlace {
                handle: runtime.handle().clone(),
                work: Arc::new(MemoryStore::default()),
                prefix: "job/".into(),
                simd: None,
            },
            runtime,
            folder: tempfile::tempdir().unwrap(),
            reorder: if order == [0, 1, 2, 3] { 0 } else { 2 },
            shown: Vec::new(),
            chunks: Vec::new(),
            tracks: Vec::new(),
            chapters: Vec::new(),
        };
        for (chunk, times) in shown.chunks(CHUNK).enumerate() {
            let packets = (0..times.len()).map(|n| {
                let pts = times[n / 4 * 4 + order[n % 4]];
                packet(pts, PERIOD, n % key == 0, 200 + 37 * n % 900)
            });
            let key = bench.put(chunk, &video(), packets);
            bench.chunks.push(key);
        }
        bench.shown = shown;
        bench
    }

    fn put(
        &self,
        n: usize,
        header: &StreamHeader,
        packets: impl Iterator<Item = Packet>,
    ) -> TaskKey {
        let mut writer = PacketFileWriter::new(Vec::new(), header).unwrap();
        packets.for_each(|packet| writer.push(&packet).unwrap());
        let (bytes, _) = writer.finish().unwrap();
        let task: TaskKey = serde_json::from_value(format!("{n:040x}").into()).unwrap();
        let key = self.place.full_key(&task.data_key());
        let put = self.place.work.put(&key, bytes.into(), PutMode::Overwrite);
        self.runtime.block_on(put).unwrap();
        task
    }

    fn add(&mut self, header: &StreamHeader, packets: impl Iterator<Item = Packet>) {
        let key = self.put(1_000_000 + self.tracks.len(), header, packets);
        let plan = TrackPlan {
            stream: 1,
            mode: TrackMode::Copy,
            metadata: [("language".to_owned(), "deu".to_owned())].into(),
            dispositions: Vec::new(),
        };
        self.tracks.push((plan, key));
    }

    fn sound(&mut self) {
        let end = self.shown.last().unwrap() * 48_000 / 12_800;
        let packets = (-1..end / 1024).map(|n| packet(n * 1024, 1024, true, 300 + n as usize % 70));
        self.add(&aac(), packets);
    }

    /// Stitches and reads back; sizes of `moov` and of what is free after it.
    fn stitched(&self, container: Container) -> (u64, u64) {
        let job = Stitch {
            name: "out".into(),
            place: &self.place,
            container,
            chunks: self.chunks.clone(),
            times: VideoTimes {
                period: PERIOD,
                last_pts: *self.shown.last().unwrap(),
                last_duration: PERIOD,
                reorder: self.reorder,
            },
            shown: &self.shown,
            display_matrix: None,
            tracks: self.tracks.clone(),
            video_metadata: BTreeMap::new(),
            metadata: [("title".to_owned(), "A title".to_owned())].into(),
            chapters: self.chapters.clone(),
        };
        let path = self.folder.path().join("out");
        stitch(job, &path, &CancellationToken::new()).unwrap();
        let expected = Expected {
            times: self.shown.clone(),
            unit: video().time_base,
        };
        verify_times(&path, "out", &expected, false).unwrap();
        index_sizes(&std::fs::read(&path).unwrap())
    }

    /// The same, where the room is to be enough and not much too much.
    fn fits(&self) {
        for container in [Container::Mp4, Container::Mov] {
            let (moov, free) = self.stitched(container);
            assert!(free > 8, "{container:?}: written twice");
            let most = moov / 4 + 4096;
            assert!(free < most, "{container:?}: {free} free after {moov}");
        }
    }
}

/// `ftyp`, then `moov`, then maybe `free`, then `free` or `wide` and `mdat`.
fn index_sizes(bytes: &[u8]) -> (u64, u64) {
    let (mut at, mut boxes) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        let size = u32::from_be_bytes(head[..4].try_into().unwrap());
        boxes.push((
            String::from_utf8_lossy(&head[4..]).into_owned(),
            u64::from(size),
        ));
        at += size as usize;
    }
    assert_eq!(at, bytes.len());
    let names: Vec<_> = boxes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["ftyp", "moov"]);
    assert_eq!(
        names.iter().position(|&n| n == "mdat"),
        Some(names.len() - 1)
    );
    let free = boxes[2..].iter().filter(|(name, _)| name == "free");
    (boxes[1].1, free.map(|(_, size)| size).sum())
}

const STRAIGHT: [usize; 4] = [0, 1, 2, 3];
const PYRAMID: [usize; 4] = [0, 3, 1, 2];

fn constant(frames: i64) -> Vec<i64> {
    (0..frames).map(|n| n * PERIOD).collect()
}

#[test]
fn video_alone_gets_room() {
    Bench::new(constant(5000), 100, STRAIGHT).fits();
    Bench::new(constant(5000), 100, PYRAMID).fits();
    Bench::new(constant(3), 100, STRAIGHT).fits();
}

#[test]
fn frames_at_a_varying_rate_get_room() {
    let shown: Vec<i64> = (0..5000).map(|n| n * PERIOD + n * 7919 % 300).collect();
    Bench::new(shown.clone(), 100, STRAIGHT).fits();
    let mut bench = Bench::new(shown, 50, PYRAMID);
    bench.sound();
    bench.fits();
}

#[test]
fn sound_between_frames_gets_room() {
    let mut bench = Bench::new(constant(5000), 25, PYRAMID);
    bench.sound();
    bench.fits();
    bench.sound();
    bench.fits();
}

#[test]
fn texts_and_chapters_get_room() {
    let mut bench = Bench::new(constant(5000), 100, PYRAMID);
    bench.sound();
    bench.add(&text(), (0..60).map(|n| packet(n * 3000, 1700, true, 20)));
    bench.chapters = (0..40)
        .map(|n| ChapterInfo {
            start: f64::from(n) * 5.0,
            end: f64::from(n + 1) * 5.0,
            metadata: [("title".to_owned(), format!("Chapter {n}"))].into(),
        })
        .collect();
    bench.fits();
}

#[test]
fn an_index_beyond_its_room_is_moved_to_the_front() {
    // A key frame every other frame is more than anybody expects.
    let bench = Bench::new(constant(20_000), 2, STRAIGHT);
    let (moov, free) = bench.stitched(Container::Mp4);
    assert!(moov > 100_000 && free == 8, "{free} free after {moov}");
}

#[test]
fn stitches_at_once_share_room_and_come_to_their_ends() {
    let benches: Vec<Bench> = (0..4)
        .map(|_| {
            let mut bench = Bench::new(constant(5000), 25, PYRAMID);
            bench.sound();
            bench
        })
        .collect();
    assert!(
        benches[0].chunks.len() > 32,
        "more files than there is room for"
    );
    thread::scope(|scope| {
        for bench in &benches {
            scope.spawn(|| bench.stitched(Container::Mp4));
        }
    });
}
