// SPDX-License-Identifier: MIT OR Apache-2.0
//! Over S3, a chunk's worker reads what its packets need and little more.

mod engines;

use engines::proxy::{Proxy, StoreFaults};
use engines::uploaded;
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::place;
use framemill_tests::servers::{fresh_prefix, S3Server};
use framemill_tests::sources::generated;
use serde_json::Value;
use std::path::Path;

/// Bytes that a worker may read more than its share at either end of a range.
const BLOCK: f64 = 64.0 * 1024.0;

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().expect("a number")
}

#[test]
fn a_chunk_reads_its_range_and_little_more() {
    // Noise, so that there is something to read: 1.5 MB a second, sound in between.
    let clip = generated(
        "noise.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=12,noise=alls=60:allf=t \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=12 \
         -c:v libx264 -preset ultrafast -crf 18 -g 25 -pix_fmt yuv420p -c:a aac -b:a 192k",
    );
    let server = S3Server::seaweedfs();
    for (name, value) in server.environment() {
        std::env::set_var(name, value);
    }
    let prefix = fresh_prefix("reads");
    let source = uploaded(&server, &format!("{prefix}clip.mp4"), &clip);
    let proxy = Proxy::start(&server.endpoint, StoreFaults::NONE);
    let set = format!("export AWS_ENDPOINT_URL_S3={}", proxy.endpoint());
    let flags = format!("{CHEAP} --chunk 40f --audio none");
    let plan = Job::new("plan", &clip).flags(&flags).flags("--json").json();
    let folder = place::scratch();
    let job = Job::transcode(Path::new(&source), &folder.path().join("out.mp4"));
    let (_, report) = job.flags(&flags).after(&set).reported();

    let chunks = plan["chunks"].as_array().expect("a list");
    let (mut told, mut ranges) = (0.0, 0.0);
    for invocation in report["invocations"].as_array().expect("a list") {
        let read = number(invocation, "bytes_read");
        told += read;
        let Some(chunk) = invocation["chunk"].as_u64() else {
            continue;
        };
        let range = number(&chunks[chunk as usize], "range_bytes");
        ranges += range;
        let allowed = 1.15 * range + 2.0 * BLOCK;
        assert!(read <= allowed, "chunk {chunk}: {read} of {range}");
    }
    // What the service has sent is what workers say that they read.
    let sent = proxy.read(&format!("/framemill-in/{prefix}clip.mp4")) as f64;
    println!(
        "{sent} bytes sent, {told} told, ranges of {ranges} in {} chunks",
        chunks.len()
    );
    assert!(
        sent <= told * 1.01 && told <= sent * 1.01,
        "{sent} and {told}"
    );
    assert!(chunks.len() >= 7 && ranges > 5e6, "{ranges}");
}
