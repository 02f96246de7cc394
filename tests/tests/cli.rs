// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line's contract: exit codes, silence where it is asked for,
//! reports, names.

use framemill_tests::job::{Job, CHEAP};
use framemill_tests::sources::{one_gop, plain};
use framemill_tests::streams::{streams, top_boxes};
use framemill_tests::{frames, place};
use serde_json::Value;
use std::fs;

#[test]
fn bare_command_lines() {
    for (args, word) in [
        ("", "help|command|usage"),
        ("nonsense", "nonsense"),
        ("transcode", "input"),
        ("probe", "input"),
    ] {
        let run = Job::bare(args).run();
        assert_eq!(
            run.done.code,
            Some(2),
            "framemill {args}: {}",
            run.done.stderr
        );
        let stderr = run.done.stderr.to_lowercase();
        assert!(
            word.split('|').any(|w| stderr.contains(w)),
            "framemill {args}: {stderr}"
        );
    }
    for args in [
        "--help",
        "--version",
        "transcode --help",
        "probe --help",
        "plan --help",
        "help transcode",
    ] {
        let run = Job::bare(args).ok();
        assert!(
            !run.stdout().is_empty() && run.done.stderr.is_empty(),
            "framemill {args}"
        );
    }
}

#[test]
fn help_names_every_flag() {
    let help = Job::bare("transcode --help").ok().stdout();
    for flag in [
        "codec",
        "encoder",
        "encoder-opt",
        "crf",
        "bitrate",
        "maxrate",
        "preset",
        "size",
        "no-enlarge",
        "fps",
        "crop",
        "start",
        "end",
        "hdr",
        "audio",
        "audio-bitrate",
        "subtitles",
        "chunk",
        "engine",
        "workers",
        "work-dir",
        "resume",
        "no-resume",
        "overwrite",
        "damaged",
        "verify",
        "report",
        "log-level",
        "quiet",
        "json",
        "keep-interlaced",
    ] {
        assert!(
            help.contains(&format!("--{flag}")),
            "--{flag} is missing from the help"
        );
    }
    assert!(!help.contains("order-seed"), "a flag for tests is shown");
}

#[test]
fn profiles_are_listed_shown_and_checked() {
    let list = Job::bare("profile list").ok().stdout();
    let names: Vec<_> = list.lines().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(names, ["web", "mobile", "archive", "preview"]);
    let folder = place::scratch();
    for name in names {
        let text = Job::bare(&format!("profile show {name}")).ok().stdout();
        let file = folder.path().join(format!("{name}.toml"));
        fs::write(&file, text).expect("room");
        let said = Job::bare("profile").flag("check", &file).ok().stdout();
        assert!(said.contains(" image"), "{said}");
    }
    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, "[[video]]\nextension = 'mp4'\ncdec = 'h264'\n").expect("room");
    let refused = |job: Job, words: &[&str]| {
        let _ = job.fails(2, words);
    };
    let nearest = ["wrong.toml", "[[video]] 1", "cdec", "nearest is codec"];
    refused(Job::bare("profile").flag("check", &wrong), &nearest);
    refused(Job::bare("profile show absent"), &["absent", "web, mobile"]);
    refused(Job::bare("profile check absent.toml"), &["absent.toml"]);
}

#[test]
fn quiet_success_is_silent() {
    let folder = place::scratch();
    for (codec, container) in [
        ("h264", "mp4"),
        ("hevc", "mp4"),
        ("av1", "mkv"),
        ("vp9", "webm"),
        ("vp8", "webm"),
        ("av1 --encoder rav1e", "mp4"),
    ] {
        let output = folder.path().join(format!("out.{container}"));
        let flags = format!("--codec {codec} --preset fast --end 0.3 --quiet --overwrite");
        let run = Job::transcode(&one_gop(), &output).flags(&flags).ok();
        assert_eq!(run.done.stderr, "", "{}", run.line);
    }
}

#[test]
fn codec_libraries_do_not_write() {
    let folder = place::scratch();
    for (codec, container) in [("hevc", "mp4"), ("av1", "mkv"), ("h264", "mp4")] {
        let output = folder.path().join(format!("out.{container}"));
        let run = Job::transcode(&one_gop(), &output)
            .flags(&format!(
                "--codec {codec} --preset fast --end 0.3 --overwrite"
            ))
            .ok();
        for word in ["svt[", "x265 [", "[libx264", "-------"] {
            assert!(
                !run.done.stderr.to_lowercase().contains(word),
                "{}: {}",
                run.line,
                run.done.stderr
            );
        }
    }
}

#[test]
fn progress_as_json_lines() {
    let folder = place::scratch();
    let run = Job::transcode(&plain(), &folder.path().join("out.mp4"))
        .flags(CHEAP)
        .flags("--json --chunk 10f")
        .ok();
    let lines: Vec<Value> = run
        .stdout()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{}: {e}: {l}", run.line)))
        .collect();
    assert!(lines.len() >= 2, "{}: {} lines", run.line, lines.len());
    assert!(lines.iter().all(Value::is_object), "{}", run.line);
}

#[test]
fn a_report_of_every_task() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let flags = format!("{CHEAP} --chunk 10f");
    let (run, report) = Job::transcode(&plain(), &output).flags(&flags).reported();
    assert_eq!(report["version"], 1, "{report}");
    let totals = &report["totals"];
    assert_eq!(
        (&totals["frames"], &totals["chunks"], &totals["reused"]),
        (&100.into(), &10.into(), &0.into()),
        "{totals}"
    );
    assert_eq!(totals["bytes_out"], run.bytes().len() as u64, "{totals}");
    assert!(
        totals["wall_s"].as_f64() > Some(0.0) && totals["cpu_s"].as_f64() > Some(0.0),
        "{totals}"
    );
    let list = report["invocations"].as_array().expect("invocations");
    let count = |kind: &str| list.iter().filter(|i| i["kind"] == kind).count();
    assert_eq!(
        (count("index"), count("encode"), count("track")),
        (1, 10, 1),
        "{report}"
    );
    let mut chunks: Vec<u64> = list
        .iter()
        .filter(|i| i["kind"] == "encode")
        .filter_map(|i| i["chunk"].as_u64())
        .collect();
    chunks.sort_unstable();
    assert_eq!(chunks, (0..10).collect::<Vec<_>>());
    for i in list {
        let [queued, start, end] =
            ["queued_s", "start_s", "end_s"].map(|n| i[n].as_f64().unwrap_or(f64::NAN));
        assert!(queued <= start && start <= end, "{i}");
        assert!(
            i["attempt"].as_u64() >= Some(1)
                && i["outcome"] == "ok"
                && i["cpu_s"].as_f64() >= Some(0.0),
            "{i}"
        );
        assert!(
            i["peak_memory"].as_u64().is_some() && i["bytes_read"].as_u64().is_some(),
            "{i}"
        );
        assert!(
            i["kind"] != "encode" || i["bytes_written"].as_u64() > Some(0),
            "{i}"
        );
    }
    let plan = Job::new("plan", &plain())
        .to(&output)
        .flags(&flags)
        .flags("--json")
        .json();
    let tasks = ["index", "encode", "track"].map(|k| plan["tasks"][k].as_u64());
    assert_eq!(
        tasks,
        [Some(1), Some(10), Some(1)],
        "the plan foresaw it: {plan}"
    );
}

#[test]
fn mp4_starts_fast_and_is_tagged_for_players() {
    let folder = place::scratch();
    for (codec, tag) in [
        ("h264", "avc1"),
        ("hevc", "hvc1"),
        ("av1", "av01"),
        ("vp9", "vp09"),
    ] {
        let output = folder.path().join(format!("{codec}.mp4"));
        let flags = format!("--codec {codec} --preset fast --end 0.4 --chunk 4f");
        let run = Job::transcode(&plain(), &output).flags(&flags).ok();
        let boxes: Vec<String> = top_boxes(&run.bytes()).into_iter().map(|b| b.0).collect();
        let at = |name: &str| boxes.iter().position(|b| b == name).unwrap_or(usize::MAX);
        assert!(at("moov") < at("mdat"), "{}: {boxes:?}", run.line);
        assert_eq!(
            streams(&output).video()["codec_tag_string"],
            tag,
            "{}",
            run.line
        );
    }
}

#[test]
fn the_whole_output_can_be_verified() {
    let folder = place::scratch();
    for (codec, container) in [("h264", "mp4"), ("av1", "mkv")] {
        let output = folder.path().join(format!("out.{container}"));
        let run = Job::transcode(&plain(), &output)
            .flags(&format!(
                "--codec {codec} --preset fast --verify --chunk 20f"
            ))
            .ok();
        assert_eq!(
            frames::Take::of(&output).times().pts.len(),
            100,
            "{}",
            run.line
        );
    }
}

#[test]
fn names_with_blanks_and_other_letters() {
    let folder = place::scratch();
    let source = folder.path().join("a b:c%d'ü.mp4");
    fs::copy(one_gop(), &source).expect("a copy");
    Job::transcode(&source, &folder.path().join("out put %03d ü.mp4"))
        .flags(CHEAP)
        .ok();
    let report = folder.path().join("r é.json");
    Job::transcode(&source, &folder.path().join("-dash.mkv"))
        .flags(CHEAP)
        .flag("--report", report.clone())
        .ok();
    assert!(report.is_file());
}
