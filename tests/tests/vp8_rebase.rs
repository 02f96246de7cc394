// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill vp8 rebase`: chunks made apart and moved onto each other by hand
//! are one stream, for all decoders.

use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::{ffmpeg_md5, vpxdec};
use std::fs;
use std::path::{Path, PathBuf};

/// Frames of a chunk, too few for hidden ones.
const FRAMES: usize = 6;

/// Chunks of the beginning of a clip in a folder.
struct Chunks {
    /// Frames of each.
    frames: usize,
    folder: tempfile::TempDir,
    clip: PathBuf,
}

impl Chunks {
    fn of(frames: usize) -> Self {
        Self {
            frames,
            folder: place::scratch(),
            clip: place::sample("bigbuckbunny.mp4"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn vp8(&self, command: &str, input: &Path, output: &str) -> Job {
        let job = Job::bare("vp8").flag(command, input);
        job.to(&self.file(output))
    }

    /// The chunk that begins at `start`, closed or a draft.
    fn encode(&self, seam: &str, start: usize, output: &str) -> Job {
        let job = self.vp8("encode", &self.clip, output);
        let frames = self.frames;
        let flags =
            format!("--preset fast --crf 30 --seam {seam} --start {start} --frames {frames}");
        job.flags(&flags)
    }

    fn stream(&self, name: &str) -> Stream {
        Stream::read(&self.file(name))
    }

    /// What follows the last packet of a stream.
    fn state(&self, stream: &str, output: &str) {
        let at = self.stream(stream).packets.len() - 1;
        let job = self.vp8("state", &self.file(stream), output);
        let _ = job.flags(&format!("--at {at}")).ok();
    }

    fn rebase(&self, draft: &str, start: usize, from: &str, output: &str) -> Job {
        self.vp8("rebase", &self.file(draft), output)
            .flag("--video", &self.clip)
            .flag("--from-state", self.file(from))
            .flags(&format!("--crf 30 --start {start}"))
    }
}

fn hidden(stream: &Stream) -> usize {
    stream.packets.iter().filter(|p| p[0] & 0x10 == 0).count()
}

#[test]
fn chunks_moved_by_hand_are_one_stream() {
    one_stream(FRAMES, 0);
}

#[test]
fn chunks_with_hidden_frames_moved_by_hand_are_one_stream() {
    one_stream(20, 2);
}

/// Three chunks of so many frames, each of which has so many hidden ones.
fn one_stream(frames: usize, hides: usize) {
    let chunks = Chunks::of(frames);
    let line = chunks.encode("closed", 0, "0.ivf").ok().stdout();
    assert!(line.contains(&format!(": {frames} frames, ")), "{line}");
    chunks.state("0.ivf", "0.state");
    let mut whole = chunks.stream("0.ivf");
    for n in 1..3 {
        let (start, draft, output) = (n * frames, format!("{n}.draft.ivf"), format!("{n}.ivf"));
        let _ = chunks.encode("rebase", start, &draft).ok();
        let before = format!("{}.state", n - 1);
        let job = chunks.rebase(&draft, start, &before, &output);
        // One chunk is looked at again in all its frames.
        let preset = if n == 2 { "slow" } else { "medium" };
        let job = job.flag("--preset", preset);
        let _ = job
            .flag("--state-output", chunks.file(&format!("{n}.state")))
            .ok();
        let (draft, moved) = (chunks.stream(&draft), chunks.stream(&output));
        for stream in [&draft, &moved] {
            assert_eq!(stream.packets.len(), frames + hidden(stream));
            assert_eq!(hidden(stream), hides);
            assert!(stream.packets.iter().all(|p| p[0] & 1 == 1), "a key frame");
        }
        whole.packets.extend(moved.packets);
    }
    let path = chunks.file("whole.ivf");
    whole.write(&path);
    let theirs = vpxdec(&path);
    assert!(!theirs.damaged && theirs.failed.is_empty());
    assert_eq!(theirs.shown.len(), 3 * frames);
    let shown: Vec<_> = theirs.shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(ffmpeg_md5("vp8", &path), (shown, String::new()));
    // The state that was written is the one that decoding gives.
    chunks.state("whole.ivf", "decoded.state");
    let read = |name: &str| fs::read(chunks.file(name)).unwrap();
    assert!(read("decoded.state") == read("2.state"), "another state");
    let pictures = chunks.file("whole.y4m");
    let _ = chunks.vp8("decode", &path, "whole.y4m").ok();
    let measured = Job::new("measure", &chunks.clip)
        .flag("--json", &pictures)
        .run();
    let measured: serde_json::Value = serde_json::from_str(&measured.stdout()).unwrap();
    assert!(measured["psnr"]["y"].as_f64().unwrap() > 35.0, "{measured}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let chunks = Chunks::of(FRAMES);
    let _ = chunks.encode("closed", 0, "0.ivf").ok();
    chunks.state("0.ivf", "0.state");
    let _ = chunks.encode("rebase", FRAMES, "1.draft.ivf").ok();
    let refused = |job: Job, words: &[&str]| {
        let _ = job.fails(2, words);
        assert!(!chunks.file("1.ivf").exists(), "{words:?}");
    };
    let rebase = |draft: &str, start: usize, from: &str| chunks.rebase(draft, start, from, "1.ivf");
    refused(
        rebase("1.draft.ivf", FRAMES, "1.draft.ivf"),
        &["1.draft.ivf", "state"],
    );
    refused(rebase("0.state", FRAMES, "0.state"), &["0.state"]);
    refused(
        rebase("1.draft.ivf", 130, "0.state"),
        &["1.draft.ivf", "2 pictures for 6 frames"],
    );
    refused(
        rebase("1.draft.ivf", 500, "0.state"),
        &["bigbuckbunny.mp4", "132 frames"],
    );
    let twice = rebase("1.draft.ivf", FRAMES, "0.state");
    refused(
        twice.flag("--state-output", chunks.file("0.state")),
        &["0.state", "an input"],
    );
    let same = rebase("1.draft.ivf", FRAMES, "0.state");
    refused(
        same.flag("--state-output", chunks.file("1.ivf")),
        &["1.ivf", "two outputs"],
    );
    let same = rebase("1.draft.ivf", FRAMES, "0.state");
    let name = chunks.folder.path().file_name().unwrap();
    let detour = chunks.file("..").join(name).join("1.ivf");
    refused(same.flag("--state-output", detour), &["two outputs"]);
    let long = chunks.vp8("encode", &chunks.clip, "1.ivf");
    let long = long.flags("--seam closed --frames 100000");
    refused(long, &["100000 frames", "the most"]);
    let first = chunks.encode("rebase", 0, "1.ivf");
    refused(first, &["--seam rebase", "before frame 0"]);
    let endless = chunks
        .vp8("encode", &chunks.clip, "1.ivf")
        .flags("--seam closed");
    refused(endless, &["--frames"]);
}
