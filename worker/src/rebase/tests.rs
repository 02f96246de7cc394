// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use crate::encode::{
    EncoderSpec, FilterSpec, PacketItem, PacketList, PacketSource, Timing, BEFORE, VP8_BY_FRAMEMILL,
};
use crate::{run, Task, Unwatched};
use framemill_codec::libav::{CodecParams, MediaKind};
use framemill_codec::packet::{Packet, FLAG_KEY};
use framemill_codec::picture::{ChromaSampling, ColourInfo, PictureView, PlaneView, Rational};
use framemill_codec::vp8::{Decoder, Encoder, Preset, Settings};
use framemill_store::MemoryStore;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

const SIZE: (u32, u32) = (64, 48);
/// Key frames of the source are this far apart.
const KEYS: usize = 3;

/// A work store with a source of nine pictures in it.
struct Bench {
    // Drives the store until the end.
    runtime: Runtime,
    place: WorkPlace,
    packets: Vec<PacketItem>,
    size: u64,
}

/// A pattern that moves.
fn picture(n: usize) -> Vec<u8> {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let luma = (0..width * height).map(|i| {
        let (x, y) = (i % width + 2 * n, i / width + n);
        (x * 3 + y * 5 + (x / 8 * y / 8) * 31) as u8
    });
    luma.chain(std::iter::repeat_n(128, width * height / 2))
        .collect()
}

fn view(samples: &[u8]) -> PictureView<'_> {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let plane = |from: usize, width: usize, height: usize| PlaneView {
        data: &samples[from..from + width * height],
        stride: width,
        width,
        height,
    };
    let (luma, chroma) = (width * height, width * height / 4);
    PictureView {
        planes: vec![
            plane(0, width, height),
            plane(luma, width / 2, height / 2),
            plane(luma + chroma, width / 2, height / 2),
        ],
        depth: 8,
        sampling: ChromaSampling::Cs420,
    }
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let place = WorkPlace {
            handle: runtime.handle().clone(),
            work: Arc::new(MemoryStore::default()),
            prefix: "job/".into(),
            simd: None,
        };
        let settings = Settings {
            preset: Preset::Fast,
            quality: 10,
            key_interval: KEYS as u32,
        };
        let mut encoder = Encoder::new(Dsp::best(), settings, SIZE.0, SIZE.1).unwrap();
        let (mut blob, mut packets) = (Vec::new(), Vec::new());
        for n in 0..9 {
            let packet = encoder.encode(&view(&picture(n))).unwrap();
            packets.push(PacketItem {
                pos: blob.len() as u64,
                size: packet.len() as u32,
                pts: n as i64,
                flags: if n % KEYS == 0 { FLAG_KEY as u8 } else { 0 },
                repeat: 0,
            });
            blob.extend(packet);
        }
        let size = blob.len() as u64;
        place.put_blob("source", blob).unwrap();
        Self {
            runtime,
            place,
            packets,
            size,
        }
    }

    /// A chunk of these pictures.
    fn chunk(&self, pictures: Range<usize>, keep_state: bool) -> EncodeTask {
        let mut packets = self.packets[..pictures.end].to_vec();
        for n in pictures {
            packets[n].repeat = 1;
        }
        let options = [("preset", "fast"), ("crf", "20")];
        EncodeTask {
            source: PacketSource::Work {
                key: "source".into(),
                size: self.size,
            },
            stream: 0,
            decoder: CodecParams {
                kind: MediaKind::Video,
                codec: "vp8".into(),
                width: SIZE.0,
                height: SIZE.1,
                ..CodecParams::default()
            },
            source_time_base: Rational::new(1, 25),
            first_packet: 0,
            packets: PacketList(packets),
            side: Vec::new(),
            strict: true,
            timing: Timing::Source { origin: 0 },
            filter: FilterSpec {
                pix_fmt: "yuv420p".into(),
                ..FilterSpec::default()
            },
            encoder: EncoderSpec {
                encoder: VP8_BY_FRAMEMILL.into(),
                width: SIZE.0,
                height: SIZE.1,
                pix_fmt: "yuv420p".into(),
                sar: Rational::new(1, 1),
                time_base: Rational::new(1, 25),
                frame_rate: Rational::new(25, 1),
                colour: ColourInfo::default(),
                mastering: None,
                content_light: None,
                threads: 1,
                interlaced: None,
                options: options.map(|(k, v)| (k.into(), v.into())).into(),
            },
            keep_state,
        }
    }

    fn run(&self, task: &Task) -> Result<Outcome, Failure> {
        run(task, &self.place, &Unwatched)
    }

    fn encode(&self, pictures: Range<usize>, keep_state: bool) -> Outcome {
        let task = Task::Encode(Box::new(self.chunk(pictures, keep_state)));
        self.run(&task).unwrap()
    }

    /// The draft of pictures 3 to 5.
    fn draft(&self) -> Outcome {
        let mut task = self.chunk(2..6, false);
        let options = &mut task.encoder.options;
        options.insert(BEFORE.into(), "1".into());
        self.run(&Task::Encode(Box::new(task))).unwrap()
    }

    /// The rebase of pictures 3 to 5 onto what `from` ends in.
    fn rebase(&self, from: &Outcome) -> Task {
        Task::Rebase(Box::new(RebaseTask {
            chunk: self.chunk(3..6, true),
            draft: self.draft().key,
            from: from.key,
        }))
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        let (store, key) = self.place.reader_of(key);
        store.get(&key, 1 << 20).unwrap().to_vec()
    }

    fn flip_a_bit(&self, key: &str) {
        let mut bytes = self.bytes(key);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        self.place.put_blob(key, bytes).unwrap();
    }

    fn packets(&self, key: &TaskKey) -> Vec<Packet> {
        let reader = self.place.open_output(key).unwrap();
        let mut reader = PacketFileReader::new(reader).unwrap();
        let mut packets = Vec::new();
        while let Some(packet) = reader.next_packet().unwrap() {
            packets.push(packet);
        }
        packets
    }

    /// Runs a rebase that must find the output of `key` at fault.
    fn finds(&self, task: &Task, key: &TaskKey, words: &str) {
        let failure = self.run(task).unwrap_err();
        let Failure::NotWhole { key: named, detail } = &failure else {
            panic!("{failure:?}");
        };
        assert_eq!(named, key);
        assert!(detail.contains(words), "{detail}");
        let record = self.place.reader_of(&task.key().outcome_key());
        assert!(record.0.head(&record.1).is_err(), "a failed task's record");
    }
}

#[test]
fn a_chunk_continues_from_the_state_before() {
    let bench = Bench::new();
    let first = bench.encode(0..3, true);
    let second = bench.run(&bench.rebase(&first)).unwrap();
    assert_eq!((second.frames, second.packets), (3, 3));
    assert_eq!((second.first_pts, second.blobs.len()), (Some(3), 2));
    let packets = [bench.packets(&first.key), bench.packets(&second.key)].concat();
    let keys: Vec<_> = packets.iter().map(Packet::is_key).collect();
    assert_eq!(keys, [true, false, false, false, false, false]);
    assert!(packets.iter().map(|p| p.pts).eq(0..6));
    let mut decoder = Decoder::new(Dsp::best());
    let states = packets.iter().map(|packet| {
        decoder.decode(&packet.data).unwrap();
        Some(decoder.state().digest().into())
    });
    let states: Vec<_> = states.collect();
    assert_eq!((states[2], states[5]), (first.state, second.state));
}

#[test]
fn a_changed_state_is_found_at_the_join() {
    let bench = Bench::new();
    let first = bench.encode(0..3, true);
    let task = bench.rebase(&first);
    bench.flip_a_bit(&first.key.state_key());
    bench.finds(&task, &first.key, "changed");
    // Made again, it serves.
    bench.encode(0..3, true);
    assert!(bench.run(&task).is_ok());
}

#[test]
fn another_state_is_found_at_the_join() {
    let bench = Bench::new();
    let first = bench.encode(0..3, true);
    let task = bench.rebase(&first);
    let other = bench.encode(1..4, true);
    // Whole and of the right size, but not what the record says.
    let bytes = bench.bytes(&other.key.state_key());
    let mut forged = first.clone();
    forged.blobs[1] = bench.place.put_blob(&first.key.state_key(), bytes).unwrap();
    let record = serde_json::to_vec(&forged).unwrap();
    let key = first.key.outcome_key();
    bench.place.put_blob(&key, record).unwrap();
    bench.finds(&task, &first.key, "another");
    // A record that is that of another task.
    let record = bench.bytes(&other.key.outcome_key());
    bench.place.put_blob(&key, record).unwrap();
    bench.finds(&task, &first.key, "its record");
}

#[test]
fn a_task_that_left_no_state_is_found_at_the_join() {
    let bench = Bench::new();
    let first = bench.encode(0..3, false);
    bench.finds(&bench.rebase(&first), &first.key, "no state");
}

#[test]
fn a_changed_draft_is_found() {
    let bench = Bench::new();
    let first = bench.encode(0..3, true);
    let task = bench.rebase(&first);
    let Task::Rebase(inside) = &task else {
        panic!("a rebase");
    };
    bench.flip_a_bit(&inside.draft.data_key());
    bench.finds(&task, &inside.draft, "");
}

#[test]
fn a_state_is_waited_for() {
    let bench = Bench::new();
    let first = Task::Encode(Box::new(bench.chunk(0..3, true)));
    let known = bench.run(&first).unwrap();
    let task = bench.rebase(&known);
    let wanted = bench.run(&task).unwrap();
    let (store, key) = bench.place.reader_of(&known.key.outcome_key());
    store.delete(&key).unwrap();
    let late = std::thread::scope(|threads| {
        let late = threads.spawn(|| bench.run(&task));
        std::thread::sleep(Duration::from_millis(60));
        bench.run(&first).unwrap();
        late.join().unwrap().unwrap()
    });
    assert_eq!((late.state, late.blobs), (wanted.state, wanted.blobs));
}

#[test]
fn waiting_ends_when_told_to_stop() {
    struct Stopped(AtomicBool);
    impl Monitor for Stopped {
        fn progress(&self, _: u64) {}
        fn is_cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }
    let bench = Bench::new();
    let known = bench.encode(0..3, true);
    let task = bench.rebase(&known);
    let (store, key) = bench.place.reader_of(&known.key.outcome_key());
    store.delete(&key).unwrap();
    let stop = Stopped(AtomicBool::new(false));
    let ended = std::thread::scope(|threads| {
        let ended = threads.spawn(|| run(&task, &bench.place, &stop));
        std::thread::sleep(Duration::from_millis(60));
        stop.0.store(true, Ordering::Relaxed);
        ended.join().unwrap()
    });
    assert_eq!(ended, Err(Failure::Cancelled));
    bench.runtime.shutdown_background();
}
