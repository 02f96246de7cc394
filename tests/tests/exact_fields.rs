// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: interlaced sources are deinterlaced, or kept where the codec can.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, Run, CHEAP};
use framemill_tests::place::{self, sample};
use framemill_tests::sources::generated;
use framemill_tests::streams::{self, streams};
use std::path::{Path, PathBuf};

fn made(folder: &Path, source: &Path, name: &str, flags: &str) -> (Run, PathBuf) {
    let output = folder.join(name);
    let run = Job::transcode(source, &output).flags(flags).ok();
    (run, output)
}

fn fields() -> PathBuf {
    generated(
        "fields.ts",
        "-f lavfi -i testsrc2=size=360x288:rate=50:duration=2 -vf tinterlace=interleave_top,setfield=tff -c:v mpeg2video \
         -flags +ildct+ilme -g 12 -bf 2 -q:v 2",
    )
}

#[test]
fn fields_become_frames() {
    for (name, source) in [("made", fields()), ("sample", sample("interlaced.ts"))] {
        let folder = place::scratch();
        let (run, output) = made(
            folder.path(),
            &source,
            "out.mp4",
            &format!("{CHEAP} --chunk 7f"),
        );
        let order = streams(&output).video()["field_order"].clone();
        assert!(
            order.is_null() || order == "progressive" || order == "unknown",
            "{name}: {order}: {}",
            run.line
        );
        let wanted = Take::of(&source).through("bwdif=mode=send_frame:parity=auto:deint=all");
        let found = compare(&wanted, &Take::of(&output), (360, 288));
        assert_eq!(found.fault(36.0), None, "{name}: {}", run.line);
    }
}

#[test]
fn fields_can_be_kept() {
    let (folder, source) = (place::scratch(), fields());
    let (run, output) = made(
        folder.path(),
        &source,
        "out.mp4",
        &format!("{CHEAP} --keep-interlaced --chunk 13f"),
    );
    assert_eq!(
        streams(&output).video()["field_order"],
        "tt",
        "{}",
        run.line
    );
    assert_eq!(
        compare(&Take::of(&source), &Take::of(&output), (360, 288)).fault(32.0),
        None,
        "{}",
        run.line
    );
    assert_eq!(
        streams::decoding_fault(&output, "v:0"),
        None,
        "{}",
        run.line
    );
    Job::transcode(&source, &folder.path().join("no.mp4"))
        .flags("--codec av1 --keep-interlaced")
        .fails(2, &["av1", "h264|interlac"]);
}
