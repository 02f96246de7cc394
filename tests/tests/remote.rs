// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources, outputs and work in S3 and at HTTP servers: what comes out is what a run on local
//! files gives, nothing appears half, and no secret is shown.

use bytes::Bytes;
use framemill_store::{Location, PutMode, S3Credentials, S3Options, S3Store, Store, StoreError};
use framemill_tests::job::{Job, Run};
use framemill_tests::place;
use framemill_tests::process::Signal;
use framemill_tests::servers::{deploy, fresh_prefix, S3Server};
use framemill_tests::sources::plain;
use framemill_tests::web::{Reply, Web};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// As small and quick as a job of several chunks and a track gets.
const FLAGS: &str = "--codec h264 --preset fast --chunk 9f --audio aac --workers 2";

/// A server's buckets as a test sees them, under a prefix of its own.
struct Cloud {
    server: S3Server,
    prefix: String,
    runtime: Runtime,
    /// Where jobs run.
    folder: TempDir,
}

impl Cloud {
    fn new(server: S3Server, test: &str) -> Self {
        Self {
            server,
            prefix: fresh_prefix(test),
            runtime: Runtime::new().unwrap(),
            folder: place::scratch(),
        }
    }

    fn uri(&self, bucket: &str, name: &str) -> String {
        format!("s3://framemill-{bucket}/{}{name}", self.prefix)
    }

    fn store(&self, uri: &str) -> (S3Store, String) {
        let options = S3Options {
            endpoint: Some(self.server.endpoint.clone()),
            region: Some("us-east-1".into()),
            credentials: Some(S3Credentials {
                access_key: self.server.access_key.clone(),
                secret_key: self.server.secret_key.clone(),
                session_token: None,
            }),
            path_style: None,
        };
        let location = Location::parse(uri).unwrap();
        let (bucket, _) = uri["s3://".len()..].split_once('/').unwrap();
        let store = self.runtime.block_on(S3Store::connect(bucket, &options));
        (store.unwrap(), location.key)
    }

    fn put(&self, uri: &str, body: impl Into<Bytes>) {
        let (store, key) = self.store(uri);
        let put = store.put(&key, body.into(), PutMode::Create);
        self.runtime.block_on(put).unwrap();
    }

    /// The blob's bytes, if it is there.
    fn get(&self, uri: &str) -> Option<Bytes> {
        let (store, key) = self.store(uri);
        match self.runtime.block_on(store.get(&key, 1 << 30)) {
            Ok(body) => Some(body),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => panic!("{uri}: {error}"),
        }
    }

    /// How many blobs lie below a place.
    fn count(&self, uri: &str) -> usize {
        let (store, key) = self.store(uri);
        let page = self.runtime.block_on(store.list(&key, None, 1000));
        page.unwrap().entries.len()
    }

    /// A job that finds this server as it would find AWS.
    fn job(&self, command: &str, input: &str) -> Job {
        let variables = self.server.environment();
        let set = variables.map(|(name, value)| format!("export {name}='{value}'"));
        let place = format!("cd '{}'", self.folder.path().display());
        Job::new(command, Path::new(input)).after(&format!("{}\n{place}", set.join("\n")))
    }

    /// Fails where a job has left something in its folder.
    fn nothing_is_left(&self) {
        let left: Vec<_> = fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn transcode(&self, from: &str, to: &str) -> Job {
        self.job("transcode", from).flag("-o", to).flags(FLAGS)
    }
}

/// What a run on local files gives.
fn local(flags: &str) -> Vec<u8> {
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(&plain(), &output).flags(FLAGS).flags(flags);
    job.ok().bytes()
}

/// A job from S3 to S3 whose tasks are done elsewhere.
fn elsewhere(server: S3Server, test: &str, engine: &str) {
    let cloud = Cloud::new(server, test);
    let (source, output) = (cloud.uri("in", "clip.mp4"), cloud.uri("out", "clip.mp4"));
    cloud.put(&source, fs::read(plain()).unwrap());
    cloud
        .transcode(&source, &output)
        .flag("--work-dir", cloud.uri("work", "job"))
        .flags(engine)
        .ok();
    assert!(cloud.get(&output).unwrap() == local(""), "{engine}");
    cloud.nothing_is_left();
}

#[test]
fn functions_on_ministack_give_the_bytes_of_a_local_run() {
    let server = S3Server::ministack();
    deploy(&server, "framemill-tests");
    let engine = "--engine lambda --function framemill-tests";
    elsewhere(server, "functions_on_ministack", engine);
}

#[test]
fn processes_on_seaweedfs_give_the_bytes_of_a_local_run() {
    elsewhere(
        S3Server::seaweedfs(),
        "processes_on_seaweedfs",
        "--engine host",
    );
}

fn from_s3_to_s3(server: S3Server, test: &str) {
    let cloud = Cloud::new(server, test);
    let (source, output) = (cloud.uri("in", "clip.mp4"), cloud.uri("out", "clip.mp4"));
    let work = cloud.uri("work", "job");
    cloud.put(&source, fs::read(plain()).unwrap());
    let job = cloud.transcode(&source, &output).flag("--work-dir", &work);
    job.ok();
    let wanted = local("");
    assert!(
        cloud.get(&output).unwrap() == wanted,
        "byte-identical to a local run"
    );
    let kept = cloud.count(&format!("{work}/out"));
    assert!(
        kept > 6,
        "results are kept in a work place of one's own: {kept}"
    );

    // The output is there, so it is left alone.
    job.fails(2, &["exists", "--overwrite", &output]);
    assert!(cloud.get(&output).unwrap() == wanted);
    // What was done before is taken from the work place.
    let again = job.clone().flags("--overwrite --json").ok();
    let done = again.stdout();
    let done = done.lines().last().unwrap_or_default();
    assert!(
        done.contains("\"reused\":") && !done.contains("\"reused\":0"),
        "{done}"
    );
    assert!(cloud.get(&output).unwrap() == wanted);
    assert_eq!(
        cloud.count(&cloud.uri("out", "clip")),
        1,
        "nothing else appears"
    );
    // The work is done in the current folder, and removed.
    let output = cloud.uri("out", "other.mp4");
    cloud.transcode(&source, &output).ok();
    assert!(cloud.get(&output).unwrap() == wanted);
    cloud.nothing_is_left();
}

#[test]
fn from_s3_to_s3_on_seaweedfs() {
    from_s3_to_s3(S3Server::seaweedfs(), "whole");
}

#[test]
fn from_s3_to_s3_on_ministack() {
    from_s3_to_s3(S3Server::ministack(), "whole");
}

#[test]
fn encoders_in_processes_of_their_own_reach_s3() {
    let cloud = Cloud::new(S3Server::seaweedfs(), "processes");
    let (source, output) = (cloud.uri("in", "clip.mp4"), cloud.uri("out", "clip.mp4"));
    let flags = "--codec av1 --preset fast --chunk 9f --audio none --workers 2";
    cloud.put(&source, fs::read(plain()).unwrap());
    let job = cloud
        .job("transcode", &source)
        .flag("-o", &output)
        .flags(flags);
    job.flag("--work-dir", cloud.uri("work", "job")).ok();
    let folder = place::scratch();
    let wanted = Job::transcode(&plain(), &folder.path().join("out.mp4")).flags(flags);
    assert!(cloud.get(&output).unwrap() == wanted.ok().bytes());
}

#[test]
fn all_commands_that_read_take_s3_and_http() {
    let cloud = Cloud::new(S3Server::seaweedfs(), "reads");
    let source = cloud.uri("in", "a b+%20ü.mp4");
    cloud.put(&source, fs::read(plain()).unwrap());
    let body = fs::read(plain()).unwrap();
    let web = Web::serve(move |request| Reply::file(request, &body, Some("\"one\"")));
    for uri in [source, web.url("clip.mp4?token=1")] {
        for command in ["probe", "plan"] {
            let near = Job::new(command, &plain()).flags("--json").json();
            assert_eq!(
                cloud.job(command, &uri).flags("--json").json(),
                near,
                "{uri}"
            );
        }
        let near = plain();
        let measured = cloud.job("measure", &uri).flags(near.to_str().unwrap());
        let figures = measured.flags("--json").json();
        assert_eq!(figures["identical"], true, "{uri}: {figures}");
    }
}

#[test]
fn from_http_to_a_file() {
    let body = fs::read(plain()).unwrap();
    let size = body.len() as u64;
    let web = Web::serve(move |request| Reply::file(request, &body, Some("\"one\"")));
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let source = web.url("dir/clip.mp4?token=1");
    let job = Job::transcode(Path::new(&source), &output).flags(FLAGS);
    assert!(
        job.ok().bytes() == local(""),
        "byte-identical to a local run"
    );
    for request in web.requests() {
        let (from, to) = request.range().expect("ranges alone are read");
        assert!(from <= to && to < size, "{from}-{to} of {size}");
    }
}

#[test]
fn a_source_that_changes_fails_the_job() {
    let body = fs::read(plain()).unwrap();
    let web = Web::serve(move |request| {
        let version = if request.number < 8 {
            "\"one\""
        } else {
            "\"two\""
        };
        Reply::file(request, &body, Some(version))
    });
    let folder = place::scratch();
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(Path::new(&web.url("clip.mp4")), &output).flags(FLAGS);
    job.fails(2, &["changed"]);
}

#[test]
fn an_interrupted_job_leaves_nothing_and_goes_on() {
    let cloud = Cloud::new(S3Server::seaweedfs(), "interrupted");
    let (source, output) = (cloud.uri("in", "clip.mp4"), cloud.uri("out", "clip.mp4"));
    let work = cloud.uri("work", "job");
    cloud.put(&source, fs::read(plain()).unwrap());
    let job = cloud.transcode(&source, &output).flag("--work-dir", &work);
    let mut running = job.start();
    // Some results are there, and the rest is under way.
    let ended = running.wait_until(|| cloud.count(&format!("{work}/out")) >= 2);
    assert!(!ended, "the job is too short to be interrupted");
    running.signal(Signal::TERM);
    let run = job.after_end(running.finish());
    assert_eq!(run.done.code, Some(130), "{}", run.done.stderr);
    assert_eq!(cloud.get(&output), None, "nothing under the output's name");
    job.ok();
    assert!(cloud.get(&output).unwrap() == local(""));
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let cloud = Cloud::new(S3Server::seaweedfs(), "refused");
    let (source, output) = (cloud.uri("in", "clip.mp4"), cloud.uri("out", "clip.mp4"));
    cloud.put(&source, fs::read(plain()).unwrap());
    let none = "s3://framemill-none/clip.mp4";
    let cases: [(&str, &str, &[&str]); 7] = [
        (&source, &source, &["the output is the input"]),
        (&source, none, &["no such bucket", "s3://framemill-none"]),
        (none, &output, &["no such bucket", "s3://framemill-none"]),
        (
            &cloud.uri("in", "none.mp4"),
            &output,
            &["none.mp4", "does not exist"],
        ),
        (
            &source,
            "https://u:canary@host/a.mp4?canary",
            &["nothing can be kept there"],
        ),
        (&source, "mem:a/b.mp4", &["nothing can be kept there"]),
        (&source, "s3://framemill-out/", &["it names no blob"]),
    ];
    for (from, to, words) in cases {
        no_canary(&cloud.transcode(from, to).fails(2, words));
    }
    let mut stranger = S3Server::seaweedfs();
    stranger.secret_key = "canary".into();
    let stranger = Cloud::new(stranger, "refused");
    let run = stranger
        .transcode(&source, &output)
        .fails(2, &["secret access key is wrong"]);
    no_canary(&run);
    assert_eq!(cloud.get(&output), None);
    cloud.nothing_is_left();
}

/// Fails where a run shows a secret; those of these tests have `canary` in them.
fn no_canary(run: &Run) {
    let shown = format!("{}{}", run.stdout(), run.done.stderr);
    assert!(!shown.to_lowercase().contains("canary"), "{shown}");
}

#[test]
fn no_secret_is_shown_at_any_level_of_logs() {
    let cloud = Cloud::new(S3Server::seaweedfs(), "canary-not");
    assert!(cloud.server.secret_key.contains("canary"));
    let prefix = cloud.prefix.replace("canary-", "");
    let (source, output) = (
        format!("s3://framemill-in/{prefix}clip.mp4"),
        format!("s3://framemill-out/{prefix}clip.mp4"),
    );
    cloud.put(&source, fs::read(plain()).unwrap());
    let folder = place::scratch();
    let report = folder.path().join("report.json");
    let work = format!("s3://framemill-work/{prefix}job");
    let job = cloud
        .transcode(&source, &output)
        .flags("--log-level trace --json");
    let run = job.flag("--work-dir", work).flag("--report", &report).ok();
    no_canary(&run);
    let told = fs::read_to_string(&report).unwrap();
    assert!(told.contains(&source) && !told.contains("canary"), "{told}");

    let body = fs::read(plain()).unwrap();
    let web = Web::serve(move |request| match request.number {
        0 => Reply::of(503, "later"),
        _ => Reply::file(request, &body, Some("\"one\"")),
    });
    let url = format!("http://user:canaryP@{}/clip.mp4?canaryQ=1", web.authority());
    let report = folder.path().join("http.json");
    let output = folder.path().join("out.mp4");
    let job = Job::transcode(Path::new(&url), &output).flags(FLAGS);
    let run = job
        .flags("--log-level trace --json")
        .flag("--report", &report)
        .ok();
    no_canary(&run);
    assert!(
        run.done.stderr.contains("is tried again"),
        "the logs are there"
    );
    let told = fs::read_to_string(&report).unwrap();
    assert!(
        told.contains("clip.mp4?…") && !told.contains("canary"),
        "{told}"
    );
    assert!(web.requests()[1].target.contains("canaryQ"), "it is used");
    no_canary(
        &Job::new("probe", Path::new(&url))
            .flags("--log-level trace")
            .ok(),
    );

    let gone = Web::serve(|_| Reply::of(403, "canary"));
    let url = format!(
        "http://user:canaryP@{}/clip.mp4?canaryQ=1",
        gone.authority()
    );
    for command in ["probe", "plan"] {
        let refused = Job::new(command, Path::new(&url)).fails(2, &["403", "clip.mp4"]);
        no_canary(&refused);
    }
}
