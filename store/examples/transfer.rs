// SPDX-License-Identifier: MIT OR Apache-2.0
//! 256 MB put and got, by this crate and by a bare loop over the SDK, in turns:
//!
//!     cargo build --release --workspace --bins --tests --examples
//!     scripts/servers.sh run target/release/examples/transfer [ROUNDS]
//!
//! The bare loop sends the same parts, as many at once, with the same checksum, and reads
//! one whole answer as this crate does.

#[path = "../tests/server/mod.rs"]
mod server;

use std::env;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use aws_sdk_s3::Client;
use bytes::Bytes;
use framemill_store::{PutMode, Store};
use framemill_tests::servers::{fresh_prefix, S3Server};
use server::{bare_client, connect, BUCKET};
use tokio::task::JoinSet;

const SIZE: usize = 256 << 20;
const PART: usize = 8 << 20;
const AT_ONCE: usize = 3;

async fn bare_put(client: &Client, key: &str, body: &Bytes) {
    let begun = client.create_multipart_upload().bucket(BUCKET).key(key);
    let begun = begun.checksum_algorithm(ChecksumAlgorithm::Crc32);
    let begun = begun.send().await.expect("an upload");
    let id = begun.upload_id.expect("its name");
    let (mut tasks, mut done) = (JoinSet::new(), Vec::new());
    for (n, at) in (0..body.len()).step_by(PART).enumerate() {
        if tasks.len() >= AT_ONCE {
            done.extend(tasks.join_next().await.map(|part| part.expect("no panic")));
        }
        let part = body.slice(at..body.len().min(at + PART));
        let number = n as i32 + 1;
        let request = client.upload_part().bucket(BUCKET).key(key).upload_id(&id);
        let request = request.part_number(number).body(ByteStream::from(part));
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        tasks.spawn(async move {
            let sent = request.send().await.expect("a part");
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .set_checksum_crc32(sent.checksum_crc32)
                .build()
        });
    }
    while let Some(part) = tasks.join_next().await {
        done.push(part.expect("no panic"));
    }
    done.sort_unstable_by_key(CompletedPart::part_number);
    let list = CompletedMultipartUpload::builder().set_parts(Some(done));
    let end = client.complete_multipart_upload().bucket(BUCKET).key(key);
    let end = end.upload_id(id).multipart_upload(list.build());
    end.send().await.expect("the upload's end");
}

async fn bare_get(client: &Client, key: &str) -> usize {
    let got = client.get_object().bucket(BUCKET).key(key).send();
    let mut body = got.await.expect("a blob").body;
    let mut bytes = Vec::with_capacity(SIZE);
    while let Some(part) = body.try_next().await.expect("a part of it") {
        bytes.extend_from_slice(&part);
    }
    bytes.len()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    SIZE as f64 / times[times.len() / 2].as_secs_f64() / 1e6
}

async fn compare(name: &str, server: &S3Server, rounds: usize) {
    let (store, client) = (connect(server).await, bare_client(server));
    let key = format!("{}blob", fresh_prefix("transfer"));
    let body: Bytes = (0..SIZE).map(|at| (at / 7) as u8).collect();
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..rounds {
        let started = Instant::now();
        let put = store.put(&key, body.clone(), PutMode::Overwrite);
        put.await.expect("a put");
        times[0].push(started.elapsed());
        let started = Instant::now();
        bare_put(&client, &key, &body).await;
        times[1].push(started.elapsed());
        let started = Instant::now();
        let got = store.get(&key, SIZE as u64).await.expect("a get");
        assert!(got == body, "other bytes");
        times[2].push(started.elapsed());
        let started = Instant::now();
        assert_eq!(bare_get(&client, &key).await, SIZE);
        times[3].push(started.elapsed());
    }
    store.delete(&key).await.expect("a delete");
    let [put, bare_put, get, bare_get] = times.each_mut().map(|times| median(times));
    println!(
        "{name}: put {put:.0} MB/s, bare {bare_put:.0} ({:.2} x); get {get:.0} MB/s, bare {bare_get:.0} ({:.2} x)",
        put / bare_put,
        get / bare_get
    );
}

#[tokio::main]
async fn main() {
    let rounds = env::args()
        .nth(1)
        .map_or(5, |n| n.parse().expect("a number"));
    compare("ministack", &S3Server::ministack(), rounds).await;
    compare("SeaweedFS", &S3Server::seaweedfs(), rounds).await;
}
