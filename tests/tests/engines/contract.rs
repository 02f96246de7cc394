// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every engine whose workers are other processes must do.

use super::{done_here, essence, index_task, invocation, runtime};
use framemill::engine::{Engine, InvokeError};
use framemill_invocation::{BODY_LIMIT, INLINE_LIMIT};
use framemill_tests::place;
use framemill_tests::sources::plain;
use framemill_worker::{Failure, Task};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An engine under test with its workers.
pub trait Rig {
    /// An engine of one worker whose tasks are done by `program` (`framemill-task`,
    /// where there is none), that may take `time` each, with the work store at `work`.
    fn engine(&self, program: Option<&Path>, time: Duration, work: &Path) -> Arc<dyn Engine>;
}

const TIME: Duration = Duration::from_secs(120);

/// A program that does tasks in its own way; it is gone with the folder.
pub fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("task-program");
    // Written under another name: what is open for writing cannot be run.
    let fresh = folder.join("task-program.new");
    fs::write(&fresh, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).expect("a program");
    fs::rename(&fresh, &path).expect("a program");
    path
}

/// Runs all of it.
pub fn holds(rig: &dyn Rig) {
    success(rig);
    typed_failure(rig);
    crash(rig);
    time_out(rig);
    throttle(rig);
    long_payload(rig);
    cancellation(rig);
    duplicate_delivery(rig);
}

fn success(rig: &dyn Rig) {
    let (here, there) = (place::scratch(), place::scratch());
    let task = index_task(&plain());
    let wanted = done_here(&task, here.path());
    let engine = rig.engine(None, TIME, there.path());
    // Twice: the second finds a warm worker.
    for _ in 0..2 {
        let got = runtime().block_on(engine.invoke(invocation(task.clone())));
        let got = got.expect("the task is done");
        assert_eq!(essence(&got), essence(&wanted));
        assert!(got.stats.cpu_s > 0.0 && got.stats.peak_memory > 0);
    }
    let blob = |folder: &Path| fs::read(folder.join(task.key().data_key())).expect("a blob");
    assert!(blob(here.path()) == blob(there.path()));
    let names = fs::read_dir(there.path()).expect("a folder").flatten();
    let names: Vec<_> = names
        .map(|e| e.file_name())
        .filter(|n| n != "out")
        .collect();
    assert!(names.iter().all(|n| n == ".framemill-tmp"), "{names:?}");
}

fn typed_failure(rig: &dyn Rig) {
    let work = place::scratch();
    let source = work.path().join("no-video.mp4");
    fs::write(&source, b"this is no video at all").expect("a file");
    let engine = rig.engine(None, TIME, work.path());
    let got = runtime().block_on(engine.invoke(invocation(index_task(&source))));
    assert!(
        matches!(got, Err(InvokeError::Task(Failure::BadInput { .. }))),
        "{got:?}"
    );
}

fn crash(rig: &dyn Rig) {
    let work = place::scratch();
    let task = index_task(&plain());
    let flag = work.path().join("died");
    // It dies once; the worker lives on and starts another.
    let script = format!(
        "[ -e '{0}' ] && exec '{1}'\ntouch '{0}'\nkill -9 $$",
        flag.display(),
        place::worker().with_file_name("framemill-task").display()
    );
    let program = program(work.path(), &script);
    let engine = rig.engine(Some(&program), TIME, work.path());
    let got = runtime().block_on(engine.invoke(invocation(task.clone())));
    assert!(matches!(got, Err(InvokeError::Crashed { .. })), "{got:?}");
    let got = runtime().block_on(engine.invoke(invocation(task)));
    assert!(got.is_ok(), "{got:?}");
}

fn time_out(rig: &dyn Rig) {
    let work = place::scratch();
    let program = program(work.path(), "exec sleep 600");
    let engine = rig.engine(Some(&program), Duration::from_secs(2), work.path());
    let started = Instant::now();
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    assert!(matches!(got, Err(InvokeError::TimedOut { .. })), "{got:?}");
    // Workers answer a little before a platform would give up.
    assert!(started.elapsed() >= Duration::from_millis(1400));
}

/// Waits until a script has left its process id.
fn wait_for_pid(at: &Path) -> u32 {
    let started = Instant::now();
    loop {
        let pid = fs::read_to_string(at).ok();
        if let Some(pid) = pid.and_then(|p| p.trim().parse().ok()) {
            return pid;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "no worker has started"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A program that hangs, and where it leaves its process id.
fn hanging(work: &Path) -> (PathBuf, PathBuf) {
    let pid = work.join("pid");
    let script = format!("echo $$ >'{}'\nexec sleep 600", pid.display());
    (program(work, &script), pid)
}

fn throttle(rig: &dyn Rig) {
    let work = place::scratch();
    let (program, pid) = hanging(work.path());
    let engine = rig.engine(Some(&program), TIME, work.path());
    let first = invocation(index_task(&plain()));
    let cancel = first.cancel.clone();
    let busy = engine.clone();
    let busy = runtime().spawn(async move { busy.invoke(first).await });
    wait_for_pid(&pid);
    let got = runtime().block_on(engine.invoke(invocation(index_task(&plain()))));
    assert!(matches!(got, Err(InvokeError::Throttled { .. })), "{got:?}");
    cancel.cancel();
    let first = runtime().block_on(busy).expect("no panic");
    assert_eq!(first, Err(InvokeError::Task(Failure::Cancelled)));
}

/// Tasks that no platform would take as they are go through the work store.
fn long_payload(rig: &dyn Rig) {
    let work = place::scratch();
    let Task::Index(mut task) = index_task(&plain()) else {
        panic!("an index task");
    };
    for length in [INLINE_LIMIT + 1, BODY_LIMIT + 1] {
        task.source.version = "x".repeat(length);
        let engine = rig.engine(None, TIME, work.path());
        let got = runtime().block_on(engine.invoke(invocation(Task::Index(task.clone()))));
        // It arrived, and the source has another version than such a one.
        assert!(
            matches!(got, Err(InvokeError::Task(_))),
            "{length}: {got:?}"
        );
        let left = fs::read_dir(work.path().join("in")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "tasks are left in the work store");
    }
}

fn cancellation(rig: &dyn Rig) {
    let work = place::scratch();
    let (program, pid) = hanging(work.path());
    let engine = rig.engine(Some(&program), TIME, work.path());
    let attempt = invocation(index_task(&plain()));
    let cancel = attempt.cancel.clone();
    let run = runtime().spawn(async move { engine.invoke(attempt).await });
    let pid = wait_for_pid(&pid);
    cancel.cancel();
    let got = runtime().block_on(run).expect("no panic");
    assert_eq!(got, Err(InvokeError::Task(Failure::Cancelled)));
    let started = Instant::now();
    while Path::new(&format!("/proc/{pid}/exe")).exists() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the task goes on"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn duplicate_delivery(rig: &dyn Rig) {
    let work = place::scratch();
    let task = index_task(&plain());
    let deliver = || {
        let engine = rig.engine(None, TIME, work.path());
        let attempt = invocation(task.clone());
        runtime().spawn(async move { engine.invoke(attempt).await })
    };
    let attempts = [deliver(), deliver(), deliver()];
    let outcomes = attempts.map(|a| runtime().block_on(a).expect("no panic").expect("done"));
    assert_eq!(essence(&outcomes[0]), essence(&outcomes[1]));
    assert_eq!(essence(&outcomes[0]), essence(&outcomes[2]));
    let blob = &outcomes[0].blobs[0];
    let bytes = fs::read(work.path().join(&*blob.key)).expect("a blob");
    assert_eq!(bytes.len() as u64, blob.size);
}
