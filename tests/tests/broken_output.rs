// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 3: a full disk or a place that cannot be written gives a typed
//! error, and nothing is left under the final name.

use framemill_tests::job::{work_dir, Job, CHEAP};
use framemill_tests::sources::plain;
use framemill_tests::{place, work};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A small file system of its own, gone with the value.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// `None`, said on stdout, where one may not mount.
    fn mount(test: &str, at: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder can be made");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at);
        let mounted = mount
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success());
        if !mounted {
            println!("skipped: {test}: no right to mount a file system");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Names in a folder that do not start with a dot.
fn visible(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("the folder").flatten();
    let names = names.map(|e| e.file_name().to_string_lossy().into_owned());
    names.filter(|n| !n.starts_with('.')).collect()
}

#[test]
fn the_outputs_disk_is_full() {
    let folder = place::scratch();
    let disk = folder.path().join("disk");
    let Some(_disk) = Disk::mount("the_outputs_disk_is_full", &disk, "64k") else {
        return;
    };
    let output = disk.join("out.mp4");
    let job = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--chunk 10f");
    job.flag("--work-dir", folder.path().join("work"))
        .fails(3, &["space|full", "out.mp4|disk"]);
    assert_eq!(visible(&disk), [""; 0], "left behind");
}

#[test]
fn the_work_folders_disk_is_full() {
    let folder = place::scratch();
    let disk = folder.path().join("disk");
    let Some(_disk) = Disk::mount("the_work_folders_disk_is_full", &disk, "64k") else {
        return;
    };
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--chunk 10f");
    job.flag("--work-dir", disk.join("work"))
        .fails(3, &["space|full"]);
    assert_eq!(visible(folder.path()), ["disk"], "left behind");
}

#[test]
fn files_may_not_grow() {
    // Chunks fit the limit, the whole does not: only the stitch can fail.
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--chunk 5f")
        .after("ulimit -f 200; trap '' XFSZ");
    job.fails(3, &["large|limit|space|full|write"]);
    let kept = work::data_files(&work_dir(&output)).len();
    assert!(kept > 20, "{kept} results are kept for a later run");
    let run = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--chunk 5f")
        .ok();
    assert!(
        run.bytes().len() > 200 << 10,
        "the output is larger than the limit was"
    );
}

#[test]
fn places_that_cannot_be_written() {
    let folder = place::scratch();
    let file = folder.path().join("file");
    fs::write(&file, b"a file").expect("a file");
    for output in [
        Path::new("/proc/framemill/out.mp4"),
        &file.join("out.mp4"),
        &folder.path().join("no/such/folder/out.mp4"),
    ] {
        let job = Job::transcode(&plain(), output).flags(CHEAP);
        let run = job.clone().flags("--quiet").run();
        let code = run.done.code.unwrap_or(-1);
        assert!(
            matches!(code, 2 | 3),
            "{}: exit {code}: {}",
            run.line,
            run.done.stderr
        );
        run.must_fail(code, &["out.mp4|folder|file|proc"]);
    }
}

#[test]
fn a_folder_is_in_the_outputs_place() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    fs::create_dir(&output).expect("a folder");
    let run = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--overwrite")
        .fails(2, &["out.mp4"]);
    assert!(output.is_dir(), "{}", run.line);
}

#[test]
fn a_report_that_cannot_be_written() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--quiet")
        .flag("--report", "/proc/no/report.json");
    let run = job.run();
    assert!(
        matches!(run.done.code, Some(2 | 3)),
        "{}: exit {:?}: {}",
        run.line,
        run.done.code,
        run.done.stderr
    );
    assert_eq!(run.done.stderr.lines().count(), 1, "{}", run.done.stderr);
}

#[test]
fn an_existing_output_survives_a_failure() {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    fs::write(&output, b"precious").expect("a file");
    let job = Job::transcode(&plain(), &output)
        .flags(CHEAP)
        .flags("--chunk 5f --overwrite --quiet");
    let run = job.after("ulimit -f 200; trap '' XFSZ").run();
    assert_eq!(run.done.code, Some(3), "{}: {}", run.line, run.done.stderr);
    if let Ok(bytes) = fs::read(&output) {
        assert_eq!(
            bytes, b"precious",
            "{}: part of an output is under the final name",
            run.line
        );
    }
}
