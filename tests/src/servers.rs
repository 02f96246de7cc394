// SPDX-License-Identifier: MIT OR Apache-2.0
//! The S3 servers that `scripts/servers.sh run` starts.

use std::env;

/// An S3 server on this machine.
#[derive(Clone, Debug)]
pub struct S3Server {
    /// Its URL.
    pub endpoint: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

/// What `framemill-in`, `framemill-out` and `framemill-work` are named by.
pub const BUCKETS: [&str; 3] = ["framemill-in", "framemill-out", "framemill-work"];

impl S3Server {
    /// ministack, which takes any secret.
    ///
    /// # Panics
    /// When it is not running, as all of these.
    #[must_use]
    pub fn ministack() -> Self {
        Self::named("FRAMEMILL_TEST_MINISTACK")
    }

    /// SeaweedFS, which checks signatures.
    #[must_use]
    pub fn seaweedfs() -> Self {
        Self::named("FRAMEMILL_TEST_SEAWEEDFS")
    }

    fn named(name: &str) -> Self {
        Self {
            endpoint: variable(name),
            access_key: variable("FRAMEMILL_TEST_ACCESS_KEY"),
            secret_key: variable("FRAMEMILL_TEST_SECRET_KEY"),
        }
    }

    /// The environment in which a program finds this server as it would find AWS.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL_S3", &self.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &self.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_key),
        ]
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: start this test with `make test`, or by scripts/servers.sh run")
    })
}

/// A start for keys that no other test has, ending in `/`.
#[must_use]
pub fn fresh_prefix(test: &str) -> String {
    format!("{test}-{:016x}/", rand::random::<u64>())
}
