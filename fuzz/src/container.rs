// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arbitrary bytes through the whole path from container to encoder input.

use bytes::Bytes;
use framemill::plan::options::{
    AudioMode, ChunkRule, FirstPass, Preset, Rate, Seam, TranscodeOptions, VideoCodec,
};
use framemill::plan::{self, span};
use framemill_codec::libav;
use framemill_codec::picture::Rational;
use framemill_store::{MemoryStore, PutMode, Store};
use framemill_worker::index::{Index, IndexTask};
use framemill_worker::{Failure, SourceRef, Task, Unwatched, WorkPlace};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Runtime};

/// Any input of the size that fuzzers make is done with in this time.
const TIME: Duration = Duration::from_secs(20);
/// Growth of this process's highest resident size that one small input may cause.
const MEMORY: u64 = 1 << 30;
/// Pixels of pictures that are decoded too, and packets of them.
const SMALL: (u32, usize) = (512 * 512, 64);

fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let new = || {
        libav::init();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).build().expect("a runtime")
    };
    RUNTIME.get_or_init(new).handle()
}

/// Indexes bytes as a source of any container, plans with what it found, and
/// decodes small ones; none of it panics, takes long or needs much memory.
/// The first byte picks the extension that the demuxer sees.
pub fn container(bytes: &[u8]) {
    const EXTENSIONS: [&str; 8] = ["mp4", "mkv", "webm", "ts", "avi", "264", "flv", "bin"];
    let Some((&pick, media)) = bytes.split_first() else {
        return;
    };
    let (started, before) = (Instant::now(), framemill_worker::peak_memory());
    let key = format!(
        "source.{}",
        EXTENSIONS[usize::from(pick) % EXTENSIONS.len()]
    );
    through(media, &key);
    let (took, grown) = (
        started.elapsed(),
        framemill_worker::peak_memory().saturating_sub(before),
    );
    assert!(took < TIME, "{took:?}");
    assert!(grown < MEMORY, "{grown} bytes");
}

fn through(media: &[u8], key: &str) {
    let handle = runtime();
    // What tasks name must be found by its name: a store that all share.
    let uri = format!("mem:fuzz/{key}");
    let source = handle.block_on(async {
        let body = Bytes::copy_from_slice(media);
        let store = MemoryStore::named("fuzz");
        store
            .put(key, body, PutMode::Overwrite)
            .await
            .expect("memory takes all");
        SourceRef::look_up(&uri)
            .await
            .expect("it was just put there")
    });
    let work = Arc::new(MemoryStore::new());
    let place = WorkPlace {
        handle: handle.clone(),
        work: work.clone(),
        prefix: String::new(),
        simd: None,
    };
    for decode in [false, true] {
        let task = Task::Index(IndexTask {
            source: source.clone(),
            decode,
        });
        let outcome = match framemill_worker::run(&task, &place, &Unwatched) {
            Ok(outcome) => outcome,
            Err(failure) => {
                check(&failure);
                continue;
            }
        };
        let blob = &outcome.blobs[0];
        let stored = handle
            .block_on(work.get(&blob.key, blob.size))
            .expect("it was just stored");
        let index = Index::from_bytes(&stored).expect("what we write we read");
        plans(&index);
        digest(&index, &place);
    }
}

/// Bad media is the media's fault.
fn check(failure: &Failure) {
    assert!(
        !matches!(failure, Failure::Bug { .. } | Failure::Transient { .. }),
        "{failure:?}"
    );
}

/// Plans an index in several ways; a refusal is as good as a plan.
pub fn plans(index: &Index) {
    let wishes = [
        wish(|_| {}),
        wish(|o| o.fps = Some(Rational::new(30_000, 1001))),
        wish(|o| {
            o.start = Some(0.5);
            o.end = Some(1e6);
            o.chunk = ChunkRule::Frames(2);
        }),
        wish(|o| {
            o.chunk = ChunkRule::Seconds(0.1);
            o.size = Some((None, Some(48)));
            o.crop = Some([16, 16, u32::MAX, u32::MAX]);
        }),
    ];
    for options in wishes {
        let Ok(plan) = plan::plan(index, &options, "source") else {
            continue;
        };
        let kept = &plan.timeline.kept;
        assert_eq!(plan.chunks[0].positions.start, kept.start);
        assert_eq!(plan.chunks[plan.chunks.len() - 1].positions.end, kept.end);
        for pair in plan.chunks.windows(2) {
            assert_eq!(pair[0].positions.end, pair[1].positions.start);
        }
        assert!(plan.timeline.duration_s(index).is_finite());
        for chunk in plan.chunks.iter().take(4) {
            let _ = span::read_cost(index, &plan.timeline, &plan.video, chunk);
            let task = span::encode_task(index, &plan.timeline, &plan.video, chunk, true, 0);
            assert!(!task.packets.0.is_empty());
        }
    }
}

/// Feeds the first chunk of a small video through the decoder.
fn digest(index: &Index, place: &WorkPlace) {
    let video = &index.header.video;
    if video.width.saturating_mul(video.height) > SMALL.0 || index.packets.len() > SMALL.1 {
        return;
    }
    let options = wish(|o| o.digest = true);
    let Ok(plan) = plan::plan(index, &options, "source") else {
        return;
    };
    for strict in [true, false] {
        let chunk = &plan.chunks[0];
        let task = span::encode_task(index, &plan.timeline, &plan.video, chunk, strict, 0);
        if let Err(failure) =
            framemill_worker::run(&Task::Encode(Box::new(task)), place, &Unwatched)
        {
            check(&failure);
        }
    }
}

fn wish(set: impl FnOnce(&mut TranscodeOptions)) -> TranscodeOptions {
    let mut options = TranscodeOptions {
        output: "out.mkv".into(),
        codec: VideoCodec::Vp9,
        encoder: None,
        encoder_options: Default::default(),
        rate: Rate::Quality(None),
        preset: Preset::Fast,
        size: None,
        no_enlarge: false,
        fps: None,
        crop: None,
        start: None,
        end: None,
        hdr: None,
        keep_interlaced: false,
        audio: AudioMode::None,
        audio_bitrate: None,
        subtitles: None,
        chunk: ChunkRule::Auto,
        seam: Seam::Closed,
        first_pass: FirstPass::default(),
        batch: None,
        deadline: None,
        parallelism: None,
        keep_damaged: true,
        digest: false,
    };
    set(&mut options);
    options
}
