// SPDX-License-Identifier: MIT OR Apache-2.0
//! S3 that fails: lost answers, refusals, broken bodies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use framemill_store::{
    Class, PutMode, Result, S3Credentials, S3Options, S3Store, Store, StoreError,
};
use framemill_tests::web::{Reply, Request, Web};

/// All tries that a request gets.
const TRIES: usize = 4;

/// A service that answers the question with which a client starts, and what follows as told.
/// Requests after that one are numbered from 0.
fn service(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    Web::serve(move |request| {
        let mut request = request.clone();
        if request.number == 0 {
            return Reply::of(200, listing);
        }
        request.number -= 1;
        answer(&request)
    })
}

async fn connect(web: &Web) -> Result<S3Store> {
    let options = S3Options {
        endpoint: Some(web.url("")),
        region: Some("us-east-1".into()),
        credentials: Some(S3Credentials {
            access_key: "AK".into(),
            secret_key: "SK".into(),
            session_token: None,
        }),
        path_style: None,
    };
    S3Store::connect("bucket", &options).await
}

/// What S3 says instead of doing as it was asked.
fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::of(status, text).with("Content-Type", "application/xml")
}

fn error<T: std::fmt::Debug>(outcome: Result<T>) -> StoreError {
    outcome.expect_err("this must fail")
}

/// CRC-32 as `x-amz-checksum-crc32` has it: of ISO-HDLC, big-endian, in Base64.
fn crc32(bytes: &[u8]) -> String {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    let sum = (u64::from(!crc) << 4).to_be_bytes();
    let bits = u64::from_be_bytes(sum);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text: String = (0..6)
        .rev()
        .map(|at| letters[((bits >> (6 * at)) & 63) as usize] as char)
        .collect();
    text + "=="
}

#[test]
fn crc32_is_the_usual_one() {
    assert_eq!(crc32(b"123456789"), "y/Q5Jg=="); // 0xcbf43926
}

#[tokio::test]
async fn whole_reads_are_checked_against_their_checksum() {
    let body = b"0123456789".to_vec();
    let right = crc32(&body);
    let wrong_times = Arc::new(AtomicUsize::new(0));
    let left = wrong_times.clone();
    let web = service(move |request| {
        assert_eq!(request.header("x-amz-checksum-mode"), Some("ENABLED"));
        let mut sent = body.clone();
        if left.load(Ordering::Relaxed) > 0 {
            left.fetch_sub(1, Ordering::Relaxed);
            sent[3] ^= 1;
        }
        Reply::of(200, sent)
            .with("ETag", "\"one\"")
            .with("x-amz-checksum-crc32", &right)
    });
    let store = connect(&web).await.unwrap();
    assert_eq!(store.get("a", 99).await.unwrap(), "0123456789");
    wrong_times.store(TRIES - 1, Ordering::Relaxed);
    assert_eq!(store.get("a", 99).await.unwrap(), "0123456789");
    wrong_times.store(usize::MAX, Ordering::Relaxed);
    let broken = error(store.get("a", 99).await);
    assert!(matches!(broken, StoreError::Transient { .. }), "{broken}");
    assert!(broken.to_string().contains("checksum"), "{broken}");
    assert_eq!(web.requests().len(), 1 + 1 + TRIES + TRIES);
}

#[tokio::test]
async fn writes_carry_a_checksum() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let bodies = sent.clone();
    let web = service(move |request| {
        let sum = request.header("x-amz-checksum-crc32").map(str::to_owned);
        bodies.lock().unwrap().push((sum, request.body.clone()));
        Reply::of(200, "").with("ETag", "\"one\"")
    });
    let store = connect(&web).await.unwrap();
    store
        .put("a", "0123456789".into(), PutMode::Overwrite)
        .await
        .unwrap();
    let sent = sent.lock().unwrap();
    let (sum, body) = &sent[0];
    let sum = match sum {
        Some(sum) => sum.clone(),
        None => {
            // In a trailer, after the body's pieces.
            let text = String::from_utf8_lossy(body);
            let (_, rest) = text
                .split_once("x-amz-checksum-crc32:")
                .expect("a checksum");
            rest.trim().to_owned()
        }
    };
    assert_eq!(sum, crc32(b"0123456789"));
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_known_again() {
    // The first try writes, and the line breaks before it is told.
    let mark = Arc::new(Mutex::new(None::<String>));
    let kept = mark.clone();
    let lost = service(move |request| {
        let mut kept = kept.lock().unwrap();
        match (request.method.as_str(), kept.clone()) {
            ("PUT", None) => {
                assert_eq!(request.header("if-none-match"), Some("*"));
                *kept = request
                    .header("x-amz-meta-framemill-write")
                    .map(str::to_owned);
                Reply::default()
            }
            ("PUT", Some(_)) => refusal(412, "PreconditionFailed", ""),
            ("HEAD", Some(mark)) => Reply::of(200, "x")
                .with("ETag", "\"one\"")
                .with("x-amz-meta-framemill-write", mark),
            other => panic!("{other:?}"),
        }
    });
    let store = connect(&lost).await.unwrap();
    let version = store.put("a", "x".into(), PutMode::Create).await.unwrap();
    assert_eq!(version.as_str(), "\"one\"");

    // Somebody else was first, and again the line breaks.
    let web = service(
        move |request| match (request.method.as_str(), request.number) {
            ("PUT", 0) => Reply::default(),
            ("PUT", _) => refusal(412, "PreconditionFailed", ""),
            _ => Reply::of(200, "x")
                .with("ETag", "\"one\"")
                .with("x-amz-meta-framemill-write", "another"),
        },
    );
    let store = connect(&web).await.unwrap();
    let taken = error(store.put("a", "x".into(), PutMode::Create).await);
    assert!(matches!(taken, StoreError::Exists { .. }), "{taken}");
    assert!(mark
        .lock()
        .unwrap()
        .as_ref()
        .is_some_and(|mark| mark.len() == 32));
}

#[tokio::test]
async fn throttling_is_waited_for_and_then_told() {
    let web = service(|request| match request.number {
        0..=1 => refusal(503, "SlowDown", "Please reduce your request rate."),
        _ => Reply::of(200, "").with("ETag", "\"one\""),
    });
    let store = connect(&web).await.unwrap();
    store
        .put("a", "x".into(), PutMode::Overwrite)
        .await
        .unwrap();
    assert_eq!(web.requests().len(), 1 + 3);

    let web = service(|_| refusal(503, "SlowDown", "Please reduce your request rate."));
    let store = connect(&web).await.unwrap();
    let slow = error(store.put("a", "x".into(), PutMode::Overwrite).await);
    assert!(matches!(slow, StoreError::Throttled { .. }), "{slow}");
    assert_eq!(web.requests().len(), 1 + TRIES);
}

#[tokio::test]
async fn answers_have_their_class() {
    for (status, code, class, tries) in [
        (500, "InternalError", Class::Transient, TRIES),
        (0, "", Class::Transient, TRIES),
        (400, "RequestTimeout", Class::Transient, TRIES),
        (429, "", Class::Throttled, TRIES),
        (507, "QuotaExceeded", Class::Full, 1),
        (403, "AccessDenied", Class::BadInput, 1),
        (403, "SignatureDoesNotMatch", Class::BadInput, 1),
        (400, "ExpiredToken", Class::BadInput, 1),
        (501, "NotImplemented", Class::BadInput, 1),
        (404, "NoSuchBucket", Class::BadInput, 1),
        (404, "NoSuchKey", Class::NotFound, 1),
        (418, "Teapot", Class::BadInput, 1),
    ] {
        let web = service(move |_| refusal(status, code, "words"));
        let store = connect(&web).await.unwrap();
        let refused = error(store.get("a/b", 9).await);
        assert_eq!(refused.class(), class, "{status} {code}: {refused}");
        assert_eq!(refused.to_string().lines().count(), 1, "{refused}");
        assert_eq!(web.requests().len(), 1 + tries, "{status} {code}");
    }
}

#[tokio::test]
async fn bodies_that_break_off_are_tried_again() {
    let body: Vec<u8> = (0..200).collect();
    let broken_times = Arc::new(AtomicUsize::new(TRIES - 1));
    let left = broken_times.clone();
    let web = service(move |request| {
        let mut reply = Reply::file(request, &body, Some("\"one\""));
        if left.load(Ordering::Relaxed) > 0 {
            left.fetch_sub(1, Ordering::Relaxed);
            reply.length = Some(Some(reply.body.len() as u64));
            reply.body.truncate(7);
        }
        reply
    });
    let store = connect(&web).await.unwrap();
    let part = store.get_range("a", 50..150, None).await.unwrap();
    assert!(part.iter().copied().eq(50..150));
    broken_times.store(usize::MAX, Ordering::Relaxed);
    let lost = error(store.get_range("a", 50..150, None).await);
    assert!(matches!(lost, StoreError::Transient { .. }), "{lost}");
}

#[tokio::test]
async fn other_bytes_than_asked_for_are_refused() {
    let web = service(|_| {
        Reply::of(206, vec![0; 10])
            .with("ETag", "\"one\"")
            .with("Content-Range", "bytes 0-9/100")
    });
    let store = connect(&web).await.unwrap();
    let refused = error(store.get_range("a", 50..60, None).await);
    assert!(
        matches!(refused, StoreError::Unsupported { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_bucket_that_may_not_be_listed_can_be_read() {
    let web = Web::serve(|request| match request.number {
        0 => refusal(403, "AccessDenied", "Access Denied"),
        _ => Reply::file(request, b"0123456789", Some("\"one\"")),
    });
    let store = connect(&web).await.unwrap();
    assert_eq!(store.get_range("a", 2..4, None).await.unwrap(), "23");
}

#[tokio::test]
async fn a_wrong_region_names_the_right_one() {
    let web = Web::serve(|_| {
        refusal(301, "PermanentRedirect", "").with("x-amz-bucket-region", "eu-west-9")
    });
    let refused = error(connect(&web).await);
    assert!(
        matches!(refused, StoreError::InvalidLocation { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("eu-west-9"), "{refused}");
}
