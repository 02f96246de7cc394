// SPDX-License-Identifier: MIT OR Apache-2.0
//! S3 as two servers speak it: the contract, and what it does not cover.

mod server;

use std::time::Duration;

use aws_sdk_s3::Client;
use bytes::Bytes;
use framemill_store::contract::{self, Deviations};
use framemill_store::{HttpStore, HttpUrl, PutMode, S3Credentials, S3Store, Store, StoreError};
use framemill_tests::servers::{fresh_prefix, S3Server};
use server::{bare_client, connect, BUCKET};

/// Each test runs on both servers, under their names.
macro_rules! on_both_servers {
    ($($test:ident)*) => {
        mod ministack {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(&super::S3Server::ministack()).await; })*
        }
        mod seaweedfs {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(&super::S3Server::seaweedfs()).await; })*
        }
    };
}

on_both_servers! {
    an_unfinished_upload_leaves_no_parts
    a_lost_create_leaves_no_parts
    presigned_urls_read_one_blob
    a_bucket_that_is_not_there_is_named
    large_puts_go_in_parts
}

#[tokio::test(flavor = "multi_thread")]
async fn ministack_keeps_the_contract() {
    let store = connect(&S3Server::ministack()).await;
    contract::all(&store, &fresh_prefix("contract"), &Deviations::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_keeps_the_contract_but_for_three_rules() {
    let store = connect(&S3Server::seaweedfs()).await;
    let deviations = Deviations {
        lists_in_tree_order: true,
        backslash_is_slash: true,
        creates_in_parts_race: true,
    };
    contract::all(&store, &fresh_prefix("contract"), &deviations).await;
}

/// How many unfinished multipart uploads there are under a prefix.
async fn open_uploads(client: &Client, prefix: &str) -> usize {
    let listed = client.list_multipart_uploads().bucket(BUCKET);
    let listed = listed.send().await.unwrap();
    let ours = listed.uploads().iter();
    ours.filter(|upload| upload.key().is_some_and(|key| key.starts_with(prefix)))
        .count()
}

/// Waits until nothing is left of uploads under a prefix; what is dropped ends in the background.
async fn no_uploads_are_left(client: &Client, prefix: &str) {
    for _ in 0..200 {
        if open_uploads(client, prefix).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("an unfinished upload is left under {prefix}");
}

async fn an_unfinished_upload_leaves_no_parts(server: &S3Server) {
    let (store, client) = (connect(server).await, bare_client(server));
    let prefix = fresh_prefix("unfinished");
    let key = format!("{prefix}blob");
    let part = Bytes::from(vec![7; 20 << 20]);

    let mut aborted = store.writer(&key, PutMode::Create).await.unwrap();
    aborted.write(part.clone()).await.unwrap();
    assert_eq!(open_uploads(&client, &prefix).await, 1, "in parts");
    aborted.abort().await.unwrap();
    assert_eq!(open_uploads(&client, &prefix).await, 0, "aborted");

    let mut dropped = store.writer(&key, PutMode::Create).await.unwrap();
    dropped.write(part.clone()).await.unwrap();
    drop(dropped);
    no_uploads_are_left(&client, &prefix).await;

    // A task that is cancelled amid a call, as by a time limit.
    let mut cancelled = store.writer(&key, PutMode::Create).await.unwrap();
    cancelled.write(part.clone()).await.unwrap();
    let late = tokio::time::timeout(Duration::ZERO, cancelled.write(part)).await;
    if late.is_err() {
        let after = cancelled.write(Bytes::from_static(b"x")).await;
        assert!(matches!(after, Err(StoreError::Bug { .. })), "{after:?}");
    }
    drop(cancelled);
    no_uploads_are_left(&client, &prefix).await;

    let found = store.head(&key).await;
    assert!(
        matches!(found, Err(StoreError::NotFound { .. })),
        "{found:?}"
    );
    assert_eq!(store.list(&prefix, None, 9).await.unwrap().entries, []);
}

async fn a_lost_create_leaves_no_parts(server: &S3Server) {
    let (store, client) = (connect(server).await, bare_client(server));
    let prefix = fresh_prefix("lost");
    let key = format!("{prefix}blob");
    store
        .put(&key, "first".into(), PutMode::Create)
        .await
        .unwrap();
    let mut late = store.writer(&key, PutMode::Create).await.unwrap();
    late.write(vec![7; 20 << 20].into()).await.unwrap();
    let lost = late.finish().await;
    assert!(matches!(lost, Err(StoreError::Exists { .. })), "{lost:?}");
    no_uploads_are_left(&client, &prefix).await;
    assert_eq!(store.get(&key, 9).await.unwrap(), "first");
    store.delete(&key).await.unwrap();
}

async fn presigned_urls_read_one_blob(server: &S3Server) {
    let store = connect(server).await;
    let prefix = fresh_prefix("presigned");
    for name in ["a b+c%20ü日.mp4", "plain"] {
        let key = format!("{prefix}{name}");
        let body = Bytes::from_static(b"0123456789");
        store
            .put(&key, body.clone(), PutMode::Create)
            .await
            .unwrap();
        let url = store.presigned_read(&key, Duration::from_secs(60));
        let url = url.await.unwrap();
        assert!(url.as_str().contains("Signature="));
        assert_eq!(format!("{url:?}"), "PresignedUrl(..)");

        let url = HttpUrl::parse(url.as_str()).unwrap();
        assert_eq!(url.name(), name);
        let web = HttpStore::new(url).unwrap();
        contract::reads(&web, name, &body).await;
        store.delete(&key).await.unwrap();
    }
    let days = Duration::from_secs(8 * 24 * 3600);
    let refused = store.presigned_read("a", days).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
}

async fn a_bucket_that_is_not_there_is_named(server: &S3Server) {
    let refused = S3Store::connect("framemill-none", &server.options()).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(error, StoreError::InvalidLocation { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("s3://framemill-none"), "{error}");
}

async fn large_puts_go_in_parts(server: &S3Server) {
    let store = connect(server).await;
    let key = format!("{}blob", fresh_prefix("parts"));
    let body: Bytes = (0..70_000_000u32).map(|at| (at / 7) as u8).collect();
    let version = store
        .put(&key, body.clone(), PutMode::Create)
        .await
        .unwrap();
    assert!(
        version.as_str().contains('-'),
        "an ETag of parts: {version}"
    );
    assert!(store.get(&key, 1 << 30).await.unwrap() == body);
    let again = store.put(&key, body, PutMode::Create).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
    store.delete(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused() {
    // ministack takes any.
    let server = S3Server::seaweedfs();
    let connect = async |change: fn(&mut S3Credentials)| {
        let mut options = server.options();
        options.credentials.as_mut().map(change).unwrap();
        S3Store::connect(BUCKET, &options).await.unwrap_err()
    };
    let secret = connect(|keys| keys.secret_key = "wrong".into()).await;
    assert!(matches!(secret, StoreError::Denied { .. }), "{secret}");
    assert!(
        secret.to_string().contains("secret access key is wrong"),
        "{secret}"
    );
    let id = connect(|keys| keys.access_key = "NOBODY".into()).await;
    assert!(matches!(id, StoreError::Denied { .. }), "{id}");
    assert!(id.to_string().contains("access key id"), "{id}");
}
