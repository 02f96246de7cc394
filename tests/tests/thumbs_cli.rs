// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill thumb` and `framemill serve thumbs`, as users start them.

use framemill_tests::place;
use framemill_tests::process::{ffmpeg, ffprobe, Done, Running, Signal};
use framemill_tests::thumbs::get;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

fn picture(path: &Path, size: &str) {
    let source = format!("testsrc=size={size}:duration=1:rate=1");
    let path = path.to_str().unwrap();
    ffmpeg(&["-f", "lavfi", "-i", &source, "-frames:v", "1", "-y", path]);
}

fn run(folder: &Path, args: &[&str]) -> Done {
    let mut command = Command::new(place::binary());
    command.args(args).current_dir(folder);
    Running::start(command).finish()
}

fn size(path: &Path) -> (u64, u64) {
    let found = ffprobe("-show_streams", path);
    let side = |name: &str| found["streams"][0][name].as_u64().unwrap();
    (side("width"), side("height"))
}

#[test]
fn one_picture_and_many() {
    let folder = place::scratch();
    let at = |name: &str| folder.path().join(name);
    picture(&at("a.png"), "640x480");
    picture(&at("b.jpg"), "300x600");
    let done = run(
        folder.path(),
        &["thumb", "a.png", "-o", "one.jpg", "--size", "100"],
    );
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert_eq!(size(&at("one.jpg")), (100, 75));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.starts_with("one.jpg: 1 thumbnail, "), "{said}");

    std::fs::write(at("list"), "a.png\nb.jpg\n").unwrap();
    let args = [
        "thumb", "--list", "list", "-o", "out", "--sizes", "64,50x50", "--format", "webp",
    ];
    let done = run(
        folder.path(),
        &[&args[..], &["--options", "rt:fill"]].concat(),
    );
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    for (name, wanted) in [
        ("a-64", (64, 48)),
        ("a-50x50", (50, 50)),
        ("b-64", (64, 128)),
        ("b-50x50", (50, 50)),
    ] {
        assert_eq!(size(&at(&format!("out/{name}.webp"))), wanted, "{name}");
    }
}

#[test]
fn failures_are_named_and_leave_nothing() {
    let folder = place::scratch();
    let at = |name: &str| folder.path().join(name);
    picture(&at("a.png"), "64x48");
    std::fs::write(at("text.png"), "no picture").unwrap();
    let args = [
        "thumb",
        "a.png",
        "text.png",
        "absent.png",
        "-o",
        "out",
        "--size",
        "10",
    ];
    let done = run(folder.path(), &args);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    for line in [
        "framemill: text.png: ",
        "framemill: absent.png: ",
        "1 thumbnail, ",
        "2 failed",
    ] {
        assert!(done.stderr.contains(line), "{line}\n{}", done.stderr);
    }
    let made: Vec<_> = std::fs::read_dir(at("out")).unwrap().flatten().collect();
    assert_eq!(made.len(), 1, "{made:?}");

    let done = run(folder.path(), &["thumb", "text.png", "-o", "x.jpg"]);
    assert_eq!(done.code, Some(2));
    assert_eq!(done.stderr.lines().count(), 1);
    assert!(!at("x.jpg").exists());

    std::fs::write(at("taken.jpg"), "mine").unwrap();
    let done = run(folder.path(), &["thumb", "a.png", "-o", "taken.jpg"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert_eq!(std::fs::read(at("taken.jpg")).unwrap(), b"mine");
    let done = run(
        folder.path(),
        &["thumb", "a.png", "-o", "taken.jpg", "--overwrite"],
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);

    for args in [
        &["thumb", "-o", "x"][..],
        &["thumb", "a.png", "-o", "x.png", "--size", "0"],
        &["thumb", "a.png", "-o", "x.png", "--options", "zz:1"],
        &["thumb", "a.png", "-o", "x.png", "--format", "tiff"],
        &["thumb", "a.png", "-o", "https://127.0.0.1/x.png"],
        &["serve", "thumbs", "--listen", "0.0.0.0:0"],
        &["serve", "thumbs", "--root", "absent"],
        &["serve", "thumbs", "--set", "absent=1"],
        &["serve", "thumbs", "--set", "workers"],
        &["serve", "thumbs", "--config", "absent.toml"],
    ] {
        let done = run(folder.path(), args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{args:?}: {}", done.stderr);
    }
}

#[test]
fn a_server_says_what_works_and_ends_on_sigterm() {
    let folder = place::scratch();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("inner")).unwrap();
    picture(&root.join("inner/a b.png"), "640x480");
    let mut command = Command::new(place::binary());
    command
        .args(["serve", "thumbs", "--listen", "127.0.0.1:0", "--root"])
        .arg(&root)
        .env("IMGPROXY_KEY", "00ff")
        .env("IMGPROXY_SALT", "01")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    let mut stdout = child.stdout.take().unwrap();
    while said.lines().count() < 2 || !said.ends_with('\n') {
        let mut byte = [0];
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended: {said}");
        said.push(char::from(byte[0]));
    }
    let url = said
        .lines()
        .nth(1)
        .unwrap()
        .strip_prefix("try http://")
        .unwrap();
    let (at, path) = url.split_at(url.find('/').unwrap());
    let at: SocketAddr = at.parse().unwrap();
    let (status, body) = get(at, path);
    assert_eq!(status, 200);
    assert!(body.starts_with(b"\x89PNG"));
    let unsigned = format!("/-{}", &path[path[1..].find('/').unwrap() + 1..]);
    assert_eq!(get(at, &unsigned).0, 403);
    assert_eq!(get(at, "/health").0, 200);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut complaints = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaints)
        .unwrap();
    assert_eq!(complaints, "");
}
