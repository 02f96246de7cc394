// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: several tracks of sound and subtitles with their language,
//! title and disposition, chapters, cover art and data streams.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::place::{self, sample};
use framemill_tests::sources::{generated_from, plain, text};
use framemill_tests::streams::{self, number, streams, Streams};
use serde_json::Value;
use std::path::{Path, PathBuf};

const SUBTITLES: &str = "1\n00:00:00,500 --> 00:00:01,500\nThe first line.\n\n2\n00:00:02,000 --> 00:00:03,250\nThe second.\n";
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=4000\ntitle=Two\n";

/// Two tracks of sound, two of subtitles, chapters, names and dispositions.
fn rich(container: &str, audio: &str, subtitles: &str) -> PathBuf {
    let lines = text("lines.srt", SUBTITLES);
    let chapters = text("chapters.txt", CHAPTERS);
    let args = format!(
        "-i @0 -i @1 -i @1 -f ffmetadata -i @2 -map 0:v -map 0:a -map 0:a -map 1:s -map 2:s -map_metadata -1 -map_chapters 3 \
         -c:v copy -c:a {audio} -c:s {subtitles} \
         -metadata:s:a:0 language=eng -metadata:s:a:0 title=Original -metadata:s:a:1 language=fra -metadata:s:a:1 title=Doublage%fran\u{e7}ais \
         -metadata:s:s:0 language=eng -metadata:s:s:1 language=deu -metadata:s:s:1 title=Deutsch \
         -disposition:a:0 0 -disposition:a:1 default+comment -disposition:s:0 0 -disposition:s:1 default+forced"
    );
    generated_from(
        &format!("rich.{container}"),
        &args,
        &[&plain(), &lines, &chapters],
    )
}

fn facts(stream: &Value, with_title: bool) -> Vec<(String, Value)> {
    let mut facts = vec![("language".into(), stream["tags"]["language"].clone())];
    if with_title {
        facts.push(("title".into(), stream["tags"]["title"].clone()));
    }
    for word in ["default", "forced", "comment"] {
        facts.push((word.into(), stream["disposition"][word].clone()));
    }
    facts
}

fn same_facts(wanted: &Streams, got: &Streams, kind: &str, with_title: bool, line: &str) {
    let (wanted, got) = (wanted.of(kind), got.of(kind));
    assert_eq!(got.len(), wanted.len(), "tracks of {kind}: {line}");
    for (i, (a, b)) in wanted.iter().zip(&got).enumerate() {
        assert_eq!(
            facts(b, with_title),
            facts(a, with_title),
            "{kind} track {i}: {line}"
        );
    }
}

fn same_chapters(wanted: &Streams, got: &Streams, line: &str) {
    assert_eq!(
        got.chapters().len(),
        wanted.chapters().len(),
        "chapters: {line}"
    );
    for (a, b) in wanted.chapters().iter().zip(got.chapters()) {
        assert_eq!(a["tags"]["title"], b["tags"]["title"], "{line}");
        for side in ["start_time", "end_time"] {
            let (a, b) = (number(&a[side]), number(&b[side]));
            assert!(
                (a - b).abs() < 0.045,
                "{side} of a chapter: {a} became {b}: {line}"
            );
        }
    }
}

/// A track's packets with times counted from the first picture.
fn after_picture(path: &Path, track: &str) -> Vec<streams::Packet> {
    let first = streams::extent(path, "v:0").0;
    let mut list = streams::packets(path, track);
    list.iter_mut().for_each(|p| p.pts -= first);
    list
}

#[test]
fn tracks_and_chapters_from_mkv_to_mkv() {
    let (folder, source) = (place::scratch(), rich("mkv", "libopus -b:a 48k", "srt"));
    let output = folder.path().join("out.mkv");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--chunk 30f")
        .ok();
    let (wanted, got) = (streams(&source), streams(&output));
    same_facts(&wanted, &got, "audio", true, &run.line);
    same_facts(&wanted, &got, "subtitle", true, &run.line);
    same_chapters(&wanted, &got, &run.line);
    assert_eq!(
        compare(&Take::of(&source), &Take::of(&output), (160, 90)).fault(36.0),
        None,
        "{}",
        run.line
    );
    for track in ["s:0", "s:1"] {
        let [wanted, got] = [&source, &output].map(|p| after_picture(p, track));
        assert_eq!(wanted.len(), got.len(), "lines of {track}: {}", run.line);
        for (a, b) in wanted.iter().zip(&got) {
            assert!(
                (a.pts - b.pts).abs() < 0.0021 && (a.duration - b.duration).abs() < 0.0021,
                "{track}: {a:?} became {b:?}"
            );
        }
    }
}

#[test]
fn tracks_and_chapters_from_mp4_to_mp4() {
    let (folder, source) = (place::scratch(), rich("mp4", "copy", "mov_text"));
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--chunk 30f")
        .ok();
    let (wanted, got) = (streams(&source), streams(&output));
    // FFmpeg neither writes nor reads track titles in MP4 as it does in Matroska.
    for (kind, word) in [("audio", "language"), ("subtitle", "language")] {
        let list = |s: &Streams| {
            s.of(kind)
                .iter()
                .map(|t| t["tags"][word].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(list(&got), list(&wanted), "{kind}: {}", run.line);
    }
    let defaults = |s: &Streams| {
        s.of("audio")
            .iter()
            .map(|t| t["disposition"]["default"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(defaults(&got), defaults(&wanted), "{}", run.line);
    same_chapters(&wanted, &got, &run.line);
}

#[test]
fn subtitles_cross_containers_or_warn() {
    let (folder, source) = (place::scratch(), rich("mkv", "libopus -b:a 48k", "srt"));
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&source, &output).flags(CHEAP).ok();
    if streams(&output).of("subtitle").len() < 2 {
        run.must_warn(&["warning", "subtitle|subrip"]);
    }
    let strict = Job::transcode(&source, &folder.path().join("strict.webm"))
        .flags("--codec vp9 --preset fast --subtitles copy");
    strict.fails(2, &["subrip|subtitle|srt", "mkv|webvtt"]);
    let none = folder.path().join("none.mkv");
    Job::transcode(&source, &none)
        .flags(CHEAP)
        .flags("--subtitles none --audio none")
        .ok();
    assert_eq!(
        (
            streams(&none).of("subtitle").len(),
            streams(&none).of("audio").len()
        ),
        (0, 0)
    );
}

#[test]
fn the_sample_with_tracks() {
    let (folder, source) = (place::scratch(), sample("tracks.mkv"));
    let output = folder.path().join("out.mkv");
    let run = Job::transcode(&source, &output)
        .flags("--codec vp9 --preset fast --chunk 40f")
        .ok();
    let (wanted, got) = (streams(&source), streams(&output));
    for kind in ["audio", "subtitle"] {
        same_facts(&wanted, &got, kind, true, &run.line);
    }
    same_chapters(&wanted, &got, &run.line);
    assert_eq!(got.size(), (321, 241), "{}", run.line);
}

#[test]
fn subtitles_of_a_shared_clip() {
    let Some(clip) = place::clip("subtitles_of_a_shared_clip", "media__sample_with_srt.mkv") else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join("out.mkv");
    let run = Job::transcode(&clip, &output)
        .flags(CHEAP)
        .flags("--size -1x120")
        .ok();
    assert_eq!(streams(&output).of("subtitle").len(), 1, "{}", run.line);
    assert_eq!(
        streams::packets(&output, "s:0").len(),
        streams::packets(&clip, "s:0").len(),
        "{}",
        run.line
    );
}

#[test]
fn cover_art_is_not_the_video() {
    let cover = generated_from(
        "cover.png",
        "-f lavfi -i mandelbrot=size=600x600 -frames:v 1",
        &[],
    );
    let in_front = generated_from(
        "cover.mp4",
        "-i @1 -i @0 -map 0:v -map 1:v -map 1:a -c copy -disposition:v:0 attached_pic",
        &[&plain(), &cover],
    );
    let attached = generated_from(
        "cover.mkv",
        "-i @0 -c copy -attach @1 -metadata:s:t mimetype=image/png -metadata:s:t filename=cover.png",
        &[&plain(), &cover],
    );
    let folder = place::scratch();
    for source in [in_front, attached] {
        let pictures = streams(&source)
            .of("video")
            .iter()
            .filter(|s| s["disposition"]["attached_pic"] == 1)
            .count();
        assert_eq!(pictures, 1, "{} has a cover", source.display());
        let output = folder.path().join("out.mp4");
        let run = Job::transcode(&source, &output)
            .flags(CHEAP)
            .flags("--overwrite --chunk 30f")
            .ok();
        assert_eq!(streams(&output).size(), (320, 180), "{}", run.line);
        let found = compare(&Take::of(&plain()), &Take::of(&output), (160, 90));
        assert_eq!(found.fault(36.0), None, "{}", run.line);
        let probed = Job::new("probe", &source).flags("--json").json();
        assert_eq!(
            (&probed["video"]["width"], &probed["video"]["codec"]),
            (&Value::from(320), &Value::from("h264")),
            "{probed}"
        );
    }
}

#[test]
fn a_cover_alone_is_no_video() {
    let cover = generated_from(
        "cover.png",
        "-f lavfi -i mandelbrot=size=600x600 -frames:v 1",
        &[],
    );
    let source = generated_from(
        "song.m4a",
        "-i @0 -i @1 -map 0:a -map 1:v -c copy -disposition:v:0 attached_pic",
        &[&plain(), &cover],
    );
    let folder = place::scratch();
    Job::transcode(&source, &folder.path().join("out.mp4"))
        .flags(CHEAP)
        .fails(2, &["video", "song"]);
}

#[test]
fn data_streams_are_left_out_with_a_warning() {
    let Some(clip) = place::clip(
        "data_streams_are_left_out_with_a_warning",
        "media__sample_edit_list.mp4",
    ) else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&clip, &output)
        .flags(CHEAP)
        .flags("--size -1x120 --end 0.5")
        .ok();
    run.must_warn(&["warning", "left out", "stream 2", "stream 3"]);
    assert!(streams(&output).of("data").is_empty(), "{}", run.line);
    let probed = Job::new("probe", &clip).flags("--json").json();
    assert_eq!(
        probed["left_out"].as_array().map(Vec::len),
        Some(2),
        "{probed}"
    );
}

#[test]
fn every_track_of_sound_is_encoded() {
    let (folder, source) = (place::scratch(), rich("mkv", "libopus -b:a 48k", "srt"));
    let output = folder.path().join("out.mp4");
    let run = Job::transcode(&source, &output)
        .flags(CHEAP)
        .flags("--audio aac --subtitles none")
        .ok();
    let got = streams(&output);
    let codecs: Vec<_> = got
        .of("audio")
        .iter()
        .map(|s| s["codec_name"].clone())
        .collect();
    assert_eq!(codecs, ["aac", "aac"], "{}", run.line);
    let languages: Vec<_> = got
        .of("audio")
        .iter()
        .map(|s| s["tags"]["language"].clone())
        .collect();
    assert_eq!(languages, ["eng", "fra"], "{}", run.line);
}
