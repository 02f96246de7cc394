// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store over a test's server, and a client beside it. The example `transfer` has
//! it, too.

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::Client;
use aws_smithy_http_client::tls::{rustls_provider::CryptoMode, Provider};
use framemill_store::S3Store;
use framemill_tests::servers::S3Server;

/// A bucket of every server.
pub const BUCKET: &str = "framemill-work";

/// A store over the bucket.
pub async fn connect(server: &S3Server) -> S3Store {
    S3Store::connect(BUCKET, &server.options()).await.unwrap()
}

/// A client that shows what the store does not.
pub fn bare_client(server: &S3Server) -> Client {
    let keys = Credentials::new(&server.access_key, &server.secret_key, None, None, "test");
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .http_client(http)
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&server.endpoint)
        .force_path_style(true)
        .credentials_provider(keys)
        .build();
    Client::from_conf(config)
}
