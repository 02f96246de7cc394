// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill serve thumbs` under load, as a process of its own: 10,000 requests with 200 in
//! flight, clients that leave, SIGTERM in the middle, and the memory that is left afterwards.

use framemill_tests::place;
use framemill_tests::process::ffmpeg;
use framemill_tests::thumbs::ThumbServer;
use reqwest::Client;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Longest that one request may take before it counts as hung.
const HANG: Duration = Duration::from_secs(300);

/// A server of what lies in `root`.
fn started(root: &Path, more: &[&str]) -> ThumbServer {
    let root = root.to_str().unwrap();
    let own = [
        "--root",
        root,
        "--set",
        "request_timeout=250",
        "--set",
        "queue=1000",
    ];
    ThumbServer::start(&[&own, more].concat(), &[])
}

fn pictures(root: &Path) {
    for name in ["a.jpg", "b.png", "c.gif", "d.webp", "e.bmp"] {
        let path = root.join(name);
        let path = path.to_str().unwrap();
        let source = "testsrc2=size=1200x900:rate=1:duration=1";
        ffmpeg(&["-f", "lavfi", "-i", source, "-frames:v", "1", "-y", path]);
    }
    std::fs::write(root.join("broken.png"), b"\x89PNG\r\n\x1a\nnothing").unwrap();
}

/// Request number `n` of a mixed lot; most differ from each other.
fn path(n: usize) -> String {
    let side = 16 + n % 97;
    let format = ["jpg", "webp", "png", "gif", "jpg", "webp", "avif"][n % 7];
    let source = ["a.jpg", "b.png", "c.gif", "d.webp", "e.bmp", "broken.png"][n / 7 % 6];
    format!("/-/rs:fill:{side}:{side}/f:{format}/plain/local:///{source}")
}

fn client() -> Client {
    let builder = framemill_store::http_client_builder().unwrap();
    builder.no_proxy().build().unwrap()
}

/// In place of a status: an answer that began and did not end.
const CUT: u16 = 1;

/// Asks for `count` pictures, 200 at a time; gives how many had which status, 0 for none.
async fn ask(base: &str, count: usize, half_way: impl FnOnce()) -> BTreeMap<u16, usize> {
    let (client, turns) = (client(), Arc::new(Semaphore::new(200)));
    let mut asking = JoinSet::new();
    let mut half_way = Some(half_way);
    for n in 0..count {
        let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
        if n == count / 2 {
            if let Some(tell) = half_way.take() {
                tell();
            }
        }
        let (client, url) = (client.clone(), format!("{base}{}", path(n)));
        asking.spawn(async move {
            let _turn = turn;
            // Some leave before there can be an answer.
            let patience = if n % 13 == 0 {
                Duration::from_millis(2)
            } else {
                HANG
            };
            let asked = client.get(url).timeout(patience).send().await;
            match asked {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    match answer.bytes().await {
                        Ok(_) => status,
                        Err(error) if error.is_timeout() => 0,
                        Err(_) => CUT,
                    }
                }
                // It left, or nobody listens any more.
                Err(_) => 0,
            }
        });
    }
    let mut counts = BTreeMap::new();
    while let Some(status) = asking.join_next().await {
        *counts.entry(status.unwrap()).or_insert(0) += 1;
    }
    counts
}

async fn metric(base: &str, name: &str) -> u64 {
    let text = client()
        .get(format!("{base}/metrics"))
        .send()
        .await
        .unwrap();
    let text = text.text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}\n{text}"))
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_leave_no_memory_behind() {
    let folder = place::scratch();
    pictures(folder.path());
    let cache = folder.path().join("cache");
    // What caches hold is wanted; what is measured is what is left beside them.
    let settings = [
        "--cache",
        cache.to_str().unwrap(),
        "--set",
        "cache_memory=1M",
        "--set",
        "source_memory=1M",
    ];
    let server = started(folder.path(), &settings);
    // Idle is what it is once every kind has been made: tables and threads are there.
    ask(&server.base, 400, || {}).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = server.memory();
    for round in ["cold", "warm"] {
        let counts = ask(&server.base, 10_000, || {}).await;
        println!("{round}: {counts:?}, {} KiB", server.memory());
        let promised = [0, 200, 422, 429, 503];
        assert!(
            counts.keys().all(|status| promised.contains(status)),
            "{counts:?}"
        );
        assert!(counts[&200] > 6500 && counts[&422] > 1000, "{counts:?}");
    }
    for name in ["framemill_queue", "framemill_working"] {
        while metric(&server.base, name).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(
        metric(&server.base, "framemill_errors_total{kind=\"bug\"}").await,
        0
    );
    let after = server.memory();
    println!("idle {idle} KiB, after {after} KiB");
    assert!(
        after * 10 <= idle * 13,
        "idle {idle} KiB, after {after} KiB"
    );
    server.terminate();
    server.ends_well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_in_the_middle_cuts_nothing_off() {
    let folder = place::scratch();
    pictures(folder.path());
    let server = started(folder.path(), &["--set", "grace=250"]);
    let counts = ask(&server.base, 2000, || server.terminate()).await;
    println!("{counts:?}");
    let promised = [0, 200, 422, 429, 503];
    assert!(
        counts.keys().all(|status| promised.contains(status)),
        "{counts:?}"
    );
    assert!(counts[&200] > 300 && counts[&0] > 300, "{counts:?}");
    server.ends_well();
}
