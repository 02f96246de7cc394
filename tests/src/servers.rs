// SPDX-License-Identifier: MIT OR Apache-2.0
//! The S3 servers that `scripts/servers.sh run` starts.

use crate::place;
use framemill_store::{S3Credentials, S3Options};
use std::env;
use std::fs;
use std::process::Command;

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

    /// Where it is and who asks, whatever the environment says.
    #[must_use]
    pub fn options(&self) -> S3Options {
        S3Options {
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".into()),
            credentials: Some(S3Credentials {
                access_key: self.access_key.clone(),
                secret_key: self.secret_key.clone(),
                session_token: None,
            }),
            path_style: None,
        }
    }

    /// The environment in which a program finds this server as it would find AWS.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL_S3", &self.endpoint),
            // Of the two, ministack alone has functions.
            ("AWS_ENDPOINT_URL_LAMBDA", &self.endpoint),
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

/// Makes a function of `framemill-worker` and `framemill-task` on a server, as somebody
/// would on AWS; it finds the server's S3 as its own.
///
/// # Panics
/// When that fails.
pub fn deploy(server: &S3Server, function: &str) {
    let folder = place::scratch();
    let programs = ["framemill-worker", "framemill-task"];
    for name in programs {
        let (from, to) = (
            place::worker().with_file_name(name),
            folder.path().join(name),
        );
        fs::copy(from, &to).expect("a copy");
        // Most of them is line tables, and uploads have a limit.
        let stripped = Command::new("strip").arg(&to).status().expect("strip runs");
        assert!(stripped.success());
    }
    let python = place::target().join("servers/ministack/bin/python");
    let mut deploy = Command::new(python);
    deploy
        .args(["-c", DEPLOY, function, &server.endpoint])
        .args([
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
            "AWS_ENDPOINT_URL_S3",
        ])
        .current_dir(folder.path())
        .envs(server.environment());
    let output = deploy.output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

const DEPLOY: &str = r#"
import io, os, sys, zipfile
import botocore.session
function, endpoint, *names = sys.argv[1:]
data = io.BytesIO()
with zipfile.ZipFile(data, "w") as archive:
    for program, name in (("framemill-worker", "bootstrap"), ("framemill-task", "framemill-task")):
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o100755 << 16
        with open(program, "rb") as file:
            archive.writestr(info, file.read(), zipfile.ZIP_DEFLATED, 1)
client = botocore.session.get_session().create_client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
client.create_function(
    FunctionName=function, Runtime="provided.al2023", Handler="bootstrap",
    Role="arn:aws:iam::000000000000:role/framemill", Code={"ZipFile": data.getvalue()},
    Timeout=120, MemorySize=3008,
    Environment={"Variables": {name: os.environ[name] for name in names}})
client.get_waiter("function_active_v2").wait(FunctionName=function)
"#;
