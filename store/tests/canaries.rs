// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secrets are used, and never shown: not by `Debug`, `Display`, errors or logs.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framemill_store::{
    HttpStore, HttpUrl, Location, PutMode, S3Credentials, S3Options, S3Store, Store, StoreError,
};
use framemill_tests::web::{Reply, Request, Web};
use tracing_subscriber::fmt::MakeWriter;

const SECRET_KEY: &str = "canarySecretKey/1+2";
const TOKEN: &str = "canarySessionToken3";
const PASSWORD: &str = "canaryPassword4";
const QUERY: &str = "canaryQuery5";
/// `user:` and the password in Base64, as a server is sent it.
const BASIC: &str = "dXNlcjpjYW5hcnlQYXNzd29yZDQ=";

/// All that was shown to somebody.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: impl std::fmt::Display) {
        *self.0.lock().unwrap() += &format!("{text}\n");
    }

    /// Both forms of an error, and its causes.
    fn error(&self, error: &StoreError) {
        self.add(error);
        self.add(format!("{error:?}"));
        self.add(format!("{error:#?}"));
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.lock().unwrap() += &String::from_utf8_lossy(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Shown {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Collects this crate's own logs, all of them, for as long as the guard lives.
fn logs(shown: &Shown) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("framemill_store=trace")
        .with_writer(shown.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

fn assert_no_secret(shown: &Shown) {
    let text = shown.text();
    assert!(
        text.contains("is tried again"),
        "the logs are seen:\n{text}"
    );
    for line in text.lines() {
        for secret in [SECRET_KEY, TOKEN, PASSWORD, QUERY, BASIC, "canary"] {
            assert!(!line.contains(secret), "a secret is shown: {line}");
        }
    }
}

/// A server that says back all that it was told, in every place where it can.
fn echo(status: u16, code: &'static str) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| {
        let told: Vec<String> = request
            .headers
            .iter()
            .map(|(n, v)| format!("{n}: {v}"))
            .collect();
        let told = format!("{SECRET_KEY} {} {}", request.target, told.join(", "));
        Reply::of(
            status,
            format!("<Error><Code>{code}</Code><Message>{told}</Message></Error>"),
        )
        .with("x-amz-bucket-region", told.clone())
        .with("x-told", told)
    }
}

/// Every call, and what is shown of it.
async fn call_all(store: &dyn Store, key: &str, shown: &Shown) {
    shown.add(format!("{store:?} {store:#?}"));
    let mut failed = 0;
    let mut fail = |error: Option<StoreError>| {
        if let Some(error) = error {
            shown.error(&error);
            failed += 1;
        }
    };
    fail(store.head(key).await.err());
    fail(store.get(key, 9).await.err());
    fail(store.get_range(key, 0..1, None).await.err());
    fail(store.put(key, "x".into(), PutMode::Create).await.err());
    fail(store.list(key, None, 9).await.err());
    fail(store.delete(key).await.err());
    match store.writer(key, PutMode::Create).await {
        Ok(mut upload) => {
            fail(upload.write(vec![0; 9 << 20].into()).await.err());
            shown.add(format!("{upload:?}"));
        }
        Err(error) => fail(Some(error)),
    }
    assert!(failed >= 6, "{failed} calls have failed:\n{}", shown.text());
}

const ANSWERS: [(u16, &str); 9] = [
    (403, "AccessDenied"),
    (403, "SignatureDoesNotMatch"),
    (403, "InvalidToken"),
    (403, SECRET_KEY),
    (400, "AuthorizationHeaderMalformed"),
    (301, "PermanentRedirect"),
    (503, "SlowDown"),
    (500, "InternalError"),
    (0, ""),
];

#[tokio::test]
async fn s3_shows_no_secret() {
    let shown = Shown::default();
    let _logs = logs(&shown);
    for (status, code) in ANSWERS {
        let answer = echo(status, code);
        let web = Web::serve(move |request| match request.number {
            0 => Reply::of(200, "<ListBucketResult></ListBucketResult>"),
            _ => answer(request),
        });
        let options = S3Options {
            endpoint: Some(web.url("")),
            region: Some("us-east-1".into()),
            credentials: Some(S3Credentials {
                access_key: "AKID".into(),
                secret_key: SECRET_KEY.into(),
                session_token: Some(TOKEN.into()),
            }),
            path_style: None,
        };
        shown.add(format!("{options:?} {:?}", options.credentials));
        let store = S3Store::connect("bucket", &options).await.unwrap();
        call_all(&store, "a/key", &shown).await;
        let url = store.presigned_read("a/key", Duration::from_secs(9));
        let url = url.await.unwrap();
        assert!(url.as_str().contains(TOKEN), "the URL is a secret");
        shown.add(format!("{url:?} {url:#?}"));
        let sent = web.requests();
        let token = sent[1].header("x-amz-security-token");
        assert_eq!(token, Some(TOKEN), "it is used");

        // The bucket's first answer is a refusal.
        let refusing = Web::serve(echo(status, code));
        let options = S3Options {
            endpoint: Some(refusing.url("")),
            ..options
        };
        if let Err(error) = S3Store::connect("bucket", &options).await {
            shown.error(&error);
        }
    }
    assert_no_secret(&shown);
}

#[tokio::test]
async fn http_shows_no_secret() {
    let shown = Shown::default();
    let _logs = logs(&shown);
    for (status, _) in ANSWERS {
        let answer = echo(status, "");
        let web = Web::serve(move |request| {
            answer(request).with("Location", format!("http://127.0.0.1:1{}", request.target))
        });
        let url = format!(
            "http://user:{PASSWORD}@{}/a/clip.mp4?X-Amz-Signature={QUERY}#{QUERY}",
            web.authority()
        );
        let location = Location::parse(&url).unwrap();
        shown.add(format!("{location} {location:?} {location:#?}"));
        let url = HttpUrl::parse(&url).unwrap();
        shown.add(format!("{url} {url:?} {url:#?}"));
        let store = HttpStore::new(url).unwrap();
        call_all(&store, "clip.mp4", &shown).await;
        let sent = web.requests();
        assert!(sent[0].target.contains(QUERY), "it is used");
        let basic = format!("Basic {BASIC}");
        assert_eq!(sent[0].header("authorization"), Some(basic.as_str()));
    }
    assert_no_secret(&shown);
}

#[test]
fn locations_that_are_wrong_show_no_secret() {
    for text in [
        format!("https://user:{PASSWORD}@/a?{QUERY}"),
        format!("https://user:{PASSWORD}@host:99999/a?{QUERY}"),
        format!("https://user:{PASSWORD}@host/?{QUERY}"),
        format!("ftp://user:{PASSWORD}@host/a?{QUERY}"),
        format!("s3://user:{PASSWORD}@bucket/a"),
        format!("https://user:{PASSWORD}@host/a?{QUERY}\0"),
    ] {
        for error in [
            Location::parse(&text).unwrap_err(),
            Location::parse_place(&text).unwrap_err(),
        ] {
            let told = format!("{error} {error:?}");
            assert!(!told.contains("canary"), "{told}");
        }
    }
}
