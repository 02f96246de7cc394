// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files at HTTP servers, good ones and others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use framemill_store::{
    contract, Class, HttpStore, HttpUrl, PutMode, Result, Store, StoreError, Version,
};
use framemill_tests::web::{Reply, Request, Web};

const NAME: &str = "a clip.mp4";
/// All tries that a request gets.
const TRIES: usize = 4;

fn store(url: &str) -> HttpStore {
    HttpStore::new(HttpUrl::parse(url).unwrap()).unwrap()
}

fn at(web: &Web) -> HttpStore {
    store(&web.url("dir/a%20clip.mp4?key=1"))
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

/// The error of a call that must fail.
fn error<T: std::fmt::Debug>(outcome: Result<T>) -> StoreError {
    outcome.expect_err("this must fail")
}

#[tokio::test]
async fn good_servers_keep_the_contract_for_reads() {
    for (etag, date) in [
        (Some("\"one\""), None),
        (Some("W/\"weak\""), None),
        (None, Some("Wed, 21 Oct 2015 07:28:00 GMT")),
        (None, None),
    ] {
        for size in [0, 1, 70_000] {
            let web = Web::serve(move |request| {
                let reply = Reply::file(request, &body(size), etag);
                match date {
                    Some(date) => reply.with("Last-Modified", date),
                    None => reply,
                }
            });
            contract::reads(&at(&web), NAME, &body(size)).await;
            for request in web.requests() {
                assert_eq!(request.method, "GET");
                assert_eq!(request.target, "/dir/a%20clip.mp4?key=1");
                assert_eq!(request.header("accept-encoding"), Some("identity"));
            }
        }
    }
}

#[tokio::test]
async fn servers_without_ranges_are_read_from_the_start() {
    let web = Web::serve(|_| Reply::of(200, body(3000)).with("ETag", "\"one\""));
    contract::reads(&at(&web), NAME, &body(3000)).await;
}

#[tokio::test]
async fn far_parts_of_files_need_ranges() {
    let size = 20 << 20;
    let web = Web::serve(move |_| Reply::of(200, body(size)));
    let near = at(&web).get_range(NAME, 1_000_000..1_000_100, None).await;
    assert_eq!(near.unwrap(), body(size)[1_000_000..1_000_100]);
    let far = error(
        at(&web)
            .get_range(NAME, 17 << 20..(17 << 20) + 1, None)
            .await,
    );
    assert!(matches!(far, StoreError::Unsupported { .. }), "{far}");
    assert!(far.to_string().contains("download it first"), "{far}");
}

#[tokio::test]
async fn five_redirects_are_followed() {
    let chain = |count: usize| {
        Web::serve(move |request: &Request| {
            let step: usize = request.target[1..2].parse().unwrap();
            match step {
                step if step == count => Reply::file(request, &body(100), None),
                step => Reply::of(302, "").with("Location", format!("/{}/b?x=1", step + 1)),
            }
        })
    };
    let web = chain(5);
    let near = store(&web.url("0/a"));
    assert_eq!(near.get("a", 100).await.unwrap(), body(100));
    let part = near.get_range("a", 10..20, None).await.unwrap();
    assert_eq!(part, body(100)[10..20], "the range goes along");

    let web = chain(6);
    let refused = error(store(&web.url("0/a")).get("a", 100).await);
    assert!(
        matches!(refused, StoreError::InvalidLocation { .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("redirects too often"),
        "{refused}"
    );
    assert_eq!(web.requests().len(), 6, "not tried again");
}

#[tokio::test]
async fn secrets_do_not_follow_redirects() {
    let target = Web::serve(|request| Reply::file(request, &body(10), None));
    let location = target.url("b");
    let web = Web::serve(move |_| Reply::of(302, "").with("Location", &location));
    let url = format!("http://user:pass@{}/a?secret=1", web.authority());
    assert_eq!(store(&url).get("a", 10).await.unwrap(), body(10));
    let first = web.requests().pop().unwrap();
    assert!(
        first.header("authorization").is_some(),
        "asked as the user says"
    );
    let second = target.requests().pop().unwrap();
    assert_eq!(second.header("authorization"), None);
    assert_eq!(second.header("referer"), None);
}

#[tokio::test]
async fn redirects_elsewhere_are_refused() {
    for location in ["file:///etc/hostname", "ftp://127.0.0.1/a", "//"] {
        let web = Web::serve(move |_| Reply::of(302, "").with("Location", location));
        let refused = error(at(&web).head(NAME).await);
        assert_eq!(refused.class(), Class::BadInput, "{location}: {refused}");
    }
}

#[tokio::test]
async fn sizes_beyond_the_limits_are_refused() {
    let web = Web::serve(|request| {
        let whole = format!("bytes 0-0/{}", (1u64 << 40) + 1);
        match request.range() {
            Some(_) => Reply::of(206, "x").with("Content-Range", whole),
            None => Reply::of(200, body(1000)),
        }
    });
    let store = at(&web);
    let large = error(store.head(NAME).await);
    assert!(matches!(large, StoreError::TooLarge { .. }), "{large}");
    let whole = error(store.get(NAME, 999).await);
    assert!(matches!(whole, StoreError::TooLarge { .. }), "{whole}");
    assert_eq!(store.get(NAME, 1000).await.unwrap(), body(1000));
}

#[tokio::test]
async fn a_changed_file_is_told() {
    type Mark = fn(Reply, usize) -> Reply;
    let marks: [(&str, Mark); 2] = [
        ("ETag", |reply, round| {
            reply.with("ETag", format!("\"{round}\""))
        }),
        ("date", |reply, round| {
            reply.with(
                "Last-Modified",
                format!("Wed, 21 Oct 2015 07:28:0{round} GMT"),
            )
        }),
    ];
    for (what, mark) in marks {
        let round = Arc::new(AtomicUsize::new(0));
        let now = round.clone();
        let web = Web::serve(move |request| {
            let now = now.load(Ordering::Relaxed);
            let etag = (what == "ETag").then(|| format!("\"{now}\""));
            let reply = Reply::file(request, &body(500), etag.as_deref());
            if etag.is_some() {
                reply
            } else {
                mark(reply, now)
            }
        });
        let store = at(&web);
        let before = store.head(NAME).await.unwrap();
        let part = store.get_range(NAME, 1..9, Some(&before.version)).await;
        assert_eq!(part.unwrap(), body(500)[1..9]);
        round.store(1, Ordering::Relaxed);
        for range in [1..9, 0..500, 3..3, 0..501] {
            let changed = error(store.get_range(NAME, range, Some(&before.version)).await);
            assert!(
                matches!(changed, StoreError::Changed { .. }),
                "{what}: {changed}"
            );
        }
        let after = store.head(NAME).await.unwrap();
        assert_ne!(before.version, after.version, "{what}");
    }
    // Nothing but its size tells.
    let web = Web::serve(|request| Reply::file(request, &body(500), None));
    let shorter = Version::new("499 bytes");
    let changed = error(at(&web).get_range(NAME, 0..1, Some(&shorter)).await);
    assert!(matches!(changed, StoreError::Changed { .. }), "{changed}");
}

/// A server that breaks its first bodies off after half of them.
fn breaking(times: usize) -> Web {
    Web::serve(move |request| {
        let mut reply = Reply::file(request, &body(1000), Some("\"one\""));
        if request.number < times {
            reply.length = Some(Some(reply.body.len() as u64));
            reply.body.truncate(reply.body.len() / 2);
        }
        reply
    })
}

#[tokio::test]
async fn transfers_that_break_off_are_tried_again() {
    let web = breaking(TRIES - 1);
    assert_eq!(at(&web).get(NAME, 1000).await.unwrap(), body(1000));
    let web = breaking(TRIES - 1);
    let part = at(&web).get_range(NAME, 10..900, None).await;
    assert_eq!(part.unwrap(), body(1000)[10..900]);
    let web = breaking(usize::MAX);
    let lost = error(at(&web).get_range(NAME, 10..900, None).await);
    assert!(matches!(lost, StoreError::Transient { .. }), "{lost}");
    assert_eq!(web.requests().len(), TRIES);
}

#[tokio::test]
async fn answers_that_stay_the_same_are_asked_for_once() {
    for (status, class) in [
        (404, Class::NotFound),
        (410, Class::NotFound),
        (401, Class::BadInput),
        (403, Class::BadInput),
        (400, Class::BadInput),
    ] {
        let web = Web::serve(move |_| Reply::of(status, "no"));
        let store = at(&web);
        for refused in [
            error(store.head(NAME).await),
            error(store.get(NAME, 9).await),
            error(store.get_range(NAME, 0..1, None).await),
        ] {
            assert_eq!(refused.class(), class, "{status}: {refused}");
        }
        assert_eq!(web.requests().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn answers_that_may_pass_are_asked_for_again() {
    for (status, class) in [
        (429, Class::Throttled),
        (503, Class::Throttled),
        (500, Class::Transient),
        (502, Class::Transient),
        (408, Class::Transient),
        (0, Class::Transient),
    ] {
        let web = Web::serve(move |request| match request.number {
            0..=1 => Reply::of(status, "later"),
            _ => Reply::file(request, &body(9), None),
        });
        assert_eq!(at(&web).head(NAME).await.unwrap().size, 9, "{status}");
        assert_eq!(web.requests().len(), 3, "{status}");
        let web = Web::serve(move |_| Reply::of(status, "later"));
        let lost = error(at(&web).head(NAME).await);
        assert_eq!(lost.class(), class, "{status}: {lost}");
        assert_eq!(web.requests().len(), TRIES, "{status}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_used_say_why() {
    type Answer = fn(&Request) -> Reply;
    let answers: [(&str, Answer); 5] = [
        ("compressed", |_| {
            Reply::of(200, body(9)).with("Content-Encoding", "gzip")
        }),
        ("how large", |_| Reply {
            length: Some(None),
            ..Reply::of(200, body(9))
        }),
        ("which part", |_| Reply::of(206, body(9))),
        ("how large", |_| {
            Reply::of(206, body(9)).with("Content-Range", "bytes 0-8/*")
        }),
        ("other bytes", |_| {
            Reply::of(206, body(1)).with("Content-Range", "bytes 8-8/9")
        }),
    ];
    for (words, answer) in answers {
        let web = Web::serve(answer);
        let refused = error(at(&web).get_range(NAME, 1..3, None).await);
        assert!(
            matches!(refused, StoreError::Unsupported { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains(words), "{words}: {refused}");
        assert_eq!(web.requests().len(), 1, "{words}");
    }
}

#[tokio::test]
async fn nobody_there_is_transient() {
    let gone = Web::serve(|_| Reply::of(200, ""));
    let store = at(&gone);
    let url = gone.authority();
    drop(gone);
    let lost = error(store.head(NAME).await);
    assert!(
        matches!(lost, StoreError::Transient { .. }),
        "{url}: {lost}"
    );
}

#[tokio::test]
async fn only_its_own_file_is_there_and_nothing_is_written() {
    let web = Web::serve(|request| Reply::file(request, &body(9), None));
    let store = at(&web);
    let other = error(store.head("other").await);
    assert!(matches!(other, StoreError::NotFound { .. }), "{other}");
    let refusals = [
        error(store.put(NAME, "x".into(), PutMode::Overwrite).await),
        error(store.writer(NAME, PutMode::Create).await.map(|_| ())),
        error(store.list("", None, 9).await),
        error(store.delete(NAME).await),
    ];
    for refused in refusals {
        assert!(
            matches!(refused, StoreError::Unsupported { .. }),
            "{refused}"
        );
    }
    assert_eq!(web.requests().len(), 0);
}
