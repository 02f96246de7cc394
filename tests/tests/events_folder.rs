// SPDX-License-Identifier: MIT OR Apache-2.0
//! Upload events of folders; health, metrics and the end of a service; rules that cannot be.

mod uploads;

use framemill_tests::batch::{clip, files, must_decode, outputs_of, picture};
use framemill_tests::place;
use framemill_tests::process::Running;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use uploads::{end, rule_of, wait, Service};

/// A folder of uploads, one of outputs, and a service of them.
fn watching(args: &str) -> (Service, PathBuf, PathBuf) {
    let folder = place::scratch();
    // It lasts as long as the test's process, which is one test.
    let root = folder.keep();
    let (uploads, out) = (root.join("in"), root.join("out"));
    fs::create_dir(&uploads).expect("a folder");
    let rules = rule_of(
        &format!("folder = \"{}\"", uploads.display()),
        &out.display().to_string(),
    );
    let work = root.join("work");
    let args = format!("--work-dir {} --settle 0.3 --hold 3 {args}", work.display());
    (Service::new(&rules, &args), uploads, out)
}

#[test]
fn a_folder_is_watched_and_a_restart_does_nothing_twice() {
    let (service, uploads, out) = watching("");
    fs::copy(clip(1), uploads.join("early.mp4")).expect("a copy");
    let mut running = service.start();
    wait(&mut running, "what was there before", || {
        files(&out).len() == 2
    });
    fs::create_dir(uploads.join("sub")).expect("a folder");
    fs::copy(picture(1), uploads.join("sub/p.png")).expect("a copy");
    // Written in two steps, with a rest that is shorter than what counts as settled.
    let whole = fs::read(clip(2)).expect("a clip");
    fs::write(uploads.join("slow.mp4"), &whole[..whole.len() / 2]).expect("half");
    std::thread::sleep(Duration::from_millis(150));
    fs::write(uploads.join("slow.mp4"), &whole).expect("all");
    fs::write(uploads.join(".hidden.mp4"), &whole).expect("a file");
    fs::write(uploads.join("notes.txt"), "x").expect("a file");
    wait(&mut running, "what came later", || files(&out).len() == 6);
    let mut expected: Vec<String> = ["early.mp4", "slow.mp4", "sub/p.png"]
        .map(outputs_of)
        .concat();
    expected.sort();
    let log = end(running);
    assert_eq!(files(&out), expected, "{log}");
    let times = |names: &[String]| -> Vec<_> {
        let time = |name: &String| fs::metadata(out.join(name)).and_then(|m| m.modified());
        names
            .iter()
            .map(|name| time(name).expect("a time"))
            .collect()
    };
    let before = times(&expected);
    let mut running = service.start();
    fs::copy(picture(2), uploads.join("last.png")).expect("a copy");
    wait(&mut running, "one more", || files(&out).len() == 8);
    let log = end(running);
    assert_eq!(times(&expected), before, "{log}");
    for name in expected {
        must_decode(&out.join(name));
    }
    let _ = fs::remove_dir_all(uploads.parent().expect("a root"));
}

#[test]
fn health_metrics_and_a_graceful_end() {
    let (service, uploads, out) = watching("--workers 1");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    drop(port);
    let mut running = Running::start(service.command(&address));
    let at = address.parse().expect("an address");
    let get = |path: &str| framemill_tests::thumbs::get(at, path);
    fs::copy(picture(1), uploads.join("p.png")).expect("a copy");
    wait(&mut running, "an output", || files(&out).len() == 2);
    wait(&mut running, "a count", || {
        String::from_utf8_lossy(&get("/metrics").1)
            .contains("framemill_jobs_total{status=\"done\"} 1")
    });
    assert_eq!(get("/health").0, 200);
    assert_eq!(get("/ready").0, 200);
    assert_eq!(get("/other").0, 404);
    // A job that is under way is brought to its end.
    let long = framemill_tests::sources::plain();
    fs::copy(long, uploads.join("long.mp4")).expect("a copy");
    wait(&mut running, "a job at work", || {
        String::from_utf8_lossy(&get("/metrics").1).contains("framemill_jobs_running 1")
    });
    end(running);
    assert!(out.join("long-64.mp4").is_file());
    let _ = fs::remove_dir_all(uploads.parent().expect("a root"));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let refused = |rules: &str, args: &str| {
        let service = Service::new(rules, args);
        let done = Running::start(service.command("127.0.0.1:0")).finish();
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        done.stderr
    };
    let rules = rule_of("bucket = \"uploads\"", "s3://uploads/out");
    assert!(refused(&rules, "--work-dir /tmp/x").contains("would be an upload for rule all"));
    let rules = rule_of("bucket = \"uploads\"", "s3://results/");
    assert!(refused(&rules, "--work-dir s3://uploads/w --queue https://h/1/q").contains("kept in"));
    assert!(refused(&rules, "--work-dir /tmp/x").contains("give --queue"));
    assert!(refused(&rules, "--work-dir /tmp/x --queue q").contains("--queue q"));
    let rules = rule_of("folder = \"/absent-folder\"", "/tmp/out");
    assert!(refused(&rules, "--work-dir /tmp/x").contains("/absent-folder"));
    let good = Service::new(&rules, "--work-dir /tmp/x --check");
    let done = Running::start(good.command("127.0.0.1:0")).finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

#[test]
fn a_job_that_is_opened_again_is_taken_up_from_its_record_alone() {
    let (service, uploads, out) = watching("");
    let root = uploads.parent().expect("a root").to_owned();
    // A batch of another folder, over the service's own work place, meets a file that is there.
    let (sources, results) = (root.join("batch"), root.join("results"));
    fs::create_dir(&sources).expect("a folder");
    fs::create_dir(&results).expect("a folder");
    fs::copy(picture(1), sources.join("p.png")).expect("a copy");
    fs::write(results.join("p-16.jpg"), "mine").expect("a file");
    let work = root.join("work").display().to_string();
    let run = |line: &str| {
        let mut command = Command::new(place::binary());
        command.args(line.split_whitespace());
        Running::start(command).finish()
    };
    let profile = service.folder.path().join("small.toml");
    let batch = format!(
        "batch {} -o {} --profile {} --work-dir {work}",
        sources.display(),
        results.display(),
        profile.display()
    );
    assert_eq!(run(&batch).code, Some(3));
    fs::remove_file(results.join("p-16.jpg")).expect("it is there");
    let again = run(&format!("jobs retry --failed --work-dir {work}"));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let mut running = service.start();
    wait(&mut running, "outputs", || files(&results).len() == 2);
    let log = end(running);
    must_decode(&results.join("p-16.jpg"));
    assert!(files(&out).is_empty(), "{log}");
    let _ = fs::remove_dir_all(root);
}
