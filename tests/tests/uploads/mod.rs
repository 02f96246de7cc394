// SPDX-License-Identifier: MIT OR Apache-2.0
//! A service of upload events, as a user starts it.
#![allow(dead_code)]

use framemill_tests::batch::PROFILE;
use framemill_tests::place;
use framemill_tests::process::{Running, Signal};
use framemill_tests::servers::S3Server;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A service of events in the making, and what it works by.
pub struct Service {
    pub folder: TempDir,
    args: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Service {
    /// One that works by these rules; `profile = "small.toml"` is [`PROFILE`].
    pub fn new(rules: &str, args: &str) -> Self {
        let folder = place::scratch();
        fs::write(folder.path().join("small.toml"), PROFILE).expect("a profile");
        let file = folder.path().join("rules.toml");
        fs::write(&file, rules).expect("rules");
        let mut all = vec!["--rules".to_owned(), file.display().to_string()];
        all.extend(args.split_whitespace().map(str::to_owned));
        Self {
            folder,
            args: all,
            environment: Vec::new(),
        }
    }

    pub fn with(mut self, server: &S3Server) -> Self {
        let all = server
            .environment()
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        self.environment.extend(all);
        self
    }

    pub fn command(&self, listen: &str) -> Command {
        let mut command = Command::new(place::binary());
        command.args(["--log-level", "info", "serve", "events", "--listen", listen]);
        command.args(&self.args);
        command.envs(self.environment.iter().map(|(n, v)| (n, v)));
        command
    }

    pub fn start(&self) -> Running {
        Running::start(self.command("127.0.0.1:0"))
    }
}

/// Waits until `done` is, as long as the service runs.
pub fn wait(service: &mut Running, what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(240);
    let ended = service.wait_until(|| {
        assert!(Instant::now() < end, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(100));
        done()
    });
    assert!(!ended, "{what}: the service has ended");
}

/// Tells a service to end; it must do so well.
pub fn end(mut service: Running) -> String {
    service.signal(Signal::TERM);
    let done = service.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done.stderr
}

/// The text of one rule.
pub fn rule_of(from: &str, output: &str) -> String {
    format!("[[rule]]\nname = \"all\"\n{from}\nprofile = \"small.toml\"\noutput = \"{output}\"\n")
}
