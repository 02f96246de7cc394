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
    pub fn environment(&self) -> [(&'static str, &str); 6] {
        [
            ("AWS_ENDPOINT_URL_S3", &self.endpoint),
            // Of the two, ministack alone has functions and queues.
            ("AWS_ENDPOINT_URL_LAMBDA", &self.endpoint),
            ("AWS_ENDPOINT_URL_SQS", &self.endpoint),
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
    let folder = folder.path().display().to_string();
    botocore(server, DEPLOY, &[function, &folder]);
}

const DEPLOY: &str = r#"
import io, zipfile
function, folder = args
names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"]
data = io.BytesIO()
with zipfile.ZipFile(data, "w") as archive:
    for program, name in (("framemill-worker", "bootstrap"), ("framemill-task", "framemill-task")):
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o100755 << 16
        with open(f"{folder}/{program}", "rb") as file:
            archive.writestr(info, file.read(), zipfile.ZIP_DEFLATED, 1)
functions = client("lambda")
functions.create_function(
    FunctionName=function, Runtime="provided.al2023", Handler="bootstrap",
    Role="arn:aws:iam::000000000000:role/framemill", Code={"ZipFile": data.getvalue()},
    Timeout=120, MemorySize=3008,
    Environment={"Variables": {name: os.environ[name] for name in names}})
functions.get_waiter("function_active_v2").wait(FunctionName=function)
"#;

/// A queue of a server that hears of what is put into a bucket below a prefix.
#[derive(Clone, Debug)]
pub struct Queue {
    server: S3Server,
    /// Its URL.
    pub url: String,
}

impl Queue {
    /// A queue of this name. With a bucket and a prefix, the server is told to send what happens
    /// to keys that begin so; what it has sent for other prefixes ends.
    ///
    /// # Panics
    /// Where the server refuses, as all of these.
    #[must_use]
    pub fn new(server: &S3Server, name: &str, hears: Option<(&str, &str)>) -> Self {
        let (bucket, prefix) = hears.unwrap_or_default();
        let url = botocore(server, MAKE_QUEUE, &[name, bucket, prefix]);
        Self {
            server: server.clone(),
            url: url.trim().to_owned(),
        }
    }

    /// Sends messages, in this order.
    pub fn send(&self, bodies: &[String]) {
        let folder = place::scratch();
        let file = folder.path().join("bodies.json");
        let text = serde_json::to_string(bodies).expect("JSON");
        fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        botocore(&self.server, SEND, &[&self.url, &file]);
    }

    /// Messages that are there, hidden ones included.
    #[must_use]
    pub fn left(&self) -> u64 {
        let text = botocore(&self.server, COUNT, &[&self.url]);
        text.trim().parse().expect("a number")
    }
}

/// Runs a script with botocore and a function `client(service)`; gives what it prints.
fn botocore(server: &S3Server, script: &str, args: &[&str]) -> String {
    let python = place::target().join("servers/ministack/bin/python");
    let script = format!("{CLIENT}{script}");
    let mut command = Command::new(python);
    command.args(["-c", &script, &server.endpoint]).args(args);
    let output = command.envs(server.environment()).output();
    let output = output.expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("text")
}

const CLIENT: &str = r#"
import json, os, sys
import botocore.session
endpoint, *args = sys.argv[1:]
def client(service):
    return botocore.session.get_session().create_client(
        service, endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
"#;

const MAKE_QUEUE: &str = r#"
name, bucket, prefix = args
sqs = client("sqs")
url = sqs.create_queue(QueueName=name)["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
if bucket:
    client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{
            "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}}]})
print(url)
"#;

const SEND: &str = r#"
url, path = args
sqs = client("sqs")
bodies = json.load(open(path))
for at in range(0, len(bodies), 10):
    sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[at:at + 10])])
"#;

const COUNT: &str = r#"
names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
found = client("sqs").get_queue_attributes(QueueUrl=args[0], AttributeNames=names)["Attributes"]
print(sum(int(found[name]) for name in names))
"#;
