// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run of the binary, and what a run must have done.

use crate::place;
use crate::process::{Done, Running};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// H.264 at a quality that tells pictures apart, as cheap as it gets.
pub const CHEAP: &str = "--codec h264 --encoder-opt preset=ultrafast --crf 14";

/// A command line of the binary in the making.
#[derive(Clone, Debug)]
pub struct Job {
    args: Vec<OsString>,
    output: Option<PathBuf>,
    shell: Option<String>,
}

impl Job {
    /// `framemill COMMAND INPUT`.
    #[must_use]
    pub fn new(command: &str, input: &Path) -> Self {
        Self {
            args: vec![command.into(), input.into()],
            output: None,
            shell: None,
        }
    }

    /// `framemill` with nothing but `args`, split at blanks.
    #[must_use]
    pub fn bare(args: &str) -> Self {
        Self {
            args: args.split_whitespace().map(OsString::from).collect(),
            output: None,
            shell: None,
        }
    }

    /// `framemill transcode INPUT -o OUTPUT`.
    #[must_use]
    pub fn transcode(input: &Path, output: &Path) -> Self {
        Self::new("transcode", input).to(output)
    }

    /// Adds `-o OUTPUT`.
    #[must_use]
    pub fn to(mut self, output: &Path) -> Self {
        self.output = Some(output.to_owned());
        self.args.extend(["-o".into(), output.into()]);
        self
    }

    /// Adds flags, split at blanks.
    #[must_use]
    pub fn flags(mut self, flags: &str) -> Self {
        self.args
            .extend(flags.split_whitespace().map(OsString::from));
        self
    }

    /// Adds one flag and its value, whatever that holds.
    #[must_use]
    pub fn flag(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.args.extend([name.into(), value.into()]);
        self
    }

    /// Runs under `bash` after these commands, such as `ulimit -n 256`.
    #[must_use]
    pub fn after(mut self, commands: &str) -> Self {
        self.shell = Some(commands.to_owned());
        self
    }

    fn command(&self) -> Command {
        let binary = place::binary();
        let mut command = match &self.shell {
            None => Command::new(&binary),
            Some(first) => {
                let mut bash = Command::new("bash");
                bash.arg("-c")
                    .arg(format!("{first}\nexec \"$0\" \"$@\""))
                    .arg(&binary);
                bash
            }
        };
        command.args(&self.args);
        command
    }

    /// The command line as one would type it.
    #[must_use]
    pub fn line(&self) -> String {
        let words: Vec<_> = self
            .args
            .iter()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        let before = self
            .shell
            .as_ref()
            .map_or(String::new(), |s| format!("{s}; "));
        format!("{before}framemill {}", words.join(" "))
    }

    /// Starts it and leaves it at work.
    #[must_use]
    pub fn start(&self) -> Running {
        Running::start(self.command())
    }

    /// Runs it to its end.
    pub fn run(&self) -> Run {
        self.after_end(self.start().finish())
    }

    /// What `done`, this job's end, comes to.
    #[must_use]
    pub fn after_end(&self, done: Done) -> Run {
        let run = Run {
            line: self.line(),
            output: self.output.clone(),
            done,
        };
        run.must_not_have_crashed();
        run
    }

    /// Runs it; it must succeed.
    pub fn ok(&self) -> Run {
        self.run().must_succeed()
    }

    /// Runs it with a report beside the output; it must succeed.
    pub fn reported(&self) -> (Run, Value) {
        let path = self
            .output
            .as_ref()
            .expect("a job with an output")
            .with_extension("report.json");
        let run = self.clone().flag("--report", path.clone()).ok();
        let text =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: no report: {e}", run.line));
        let report = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{}: report: {e}\n{text}", run.line));
        (run, report)
    }

    /// Runs it; it must succeed and print one JSON value.
    pub fn json(&self) -> Value {
        let run = self.ok();
        serde_json::from_slice(&run.done.stdout)
            .unwrap_or_else(|e| panic!("{}: not JSON: {e}\n{}", run.line, run.stdout()))
    }

    /// Runs it quietly; it must fail with `code` and say so in one line that
    /// holds each of `words`, a word being any of its alternatives between `|`.
    pub fn fails(&self, code: i32, words: &[&str]) -> Run {
        let run = self.clone().flags("--quiet").run();
        run.must_fail(code, words);
        run
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Run {
    /// The command line.
    pub line: String,
    /// The output that was asked for.
    pub output: Option<PathBuf>,
    /// What the process left behind.
    pub done: Done,
}

impl Run {
    /// Stdout as text.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.done.stdout).into_owned()
    }

    /// The output's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.output.as_deref().expect("a run with an output")
    }

    /// The output's bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.path())
            .unwrap_or_else(|e| panic!("{}: {}: {e}", self.line, self.path().display()))
    }

    fn must_not_have_crashed(&self) {
        let Done {
            signal,
            stderr,
            code,
            ..
        } = &self.done;
        assert!(
            !stderr.contains("panicked"),
            "{}: panicked\n{stderr}",
            self.line
        );
        let crash = matches!(signal, Some(4 | 6 | 7 | 8 | 11));
        assert!(
            !crash && *code != Some(101),
            "{}: crashed: code {code:?}, signal {signal:?}\n{stderr}",
            self.line
        );
    }

    /// Fails unless the run did what it was asked to.
    #[must_use]
    pub fn must_succeed(self) -> Self {
        let Done {
            code,
            signal,
            stderr,
            ..
        } = &self.done;
        assert_eq!(
            *code,
            Some(0),
            "{}\nsignal {signal:?}, stderr: {stderr}",
            self.line
        );
        if let Some(output) = &self.output {
            if self.line.contains("transcode") {
                assert!(output.is_file(), "{}: exit 0 without an output", self.line);
                let work = work_dir(output);
                assert!(
                    !work.exists(),
                    "{}: {} is left after success",
                    self.line,
                    work.display()
                );
            }
        }
        self
    }

    /// Fails unless the run failed with `code`, said one line with `words`,
    /// and left nothing under the output's name.
    pub fn must_fail(&self, code: i32, words: &[&str]) {
        let Done {
            code: got,
            signal,
            stderr,
            ..
        } = &self.done;
        assert_eq!(
            *got,
            Some(code),
            "{}: exit code; signal {signal:?}, stderr: {stderr}",
            self.line
        );
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(
            lines.len(),
            1,
            "{}: one line on stderr is right, not\n{stderr}",
            self.line
        );
        assert!(
            lines[0].starts_with("framemill: "),
            "{}: how the line starts: {stderr}",
            self.line
        );
        let lower = lines[0].to_lowercase();
        for word in words {
            let found = word.split('|').any(|w| lower.contains(&w.to_lowercase()));
            assert!(
                found,
                "{}: the error should name `{word}`: {stderr}",
                self.line
            );
        }
        if let Some(output) = &self.output {
            assert!(
                !output.is_file(),
                "{}: failed, but {} is there",
                self.line,
                output.display()
            );
        }
    }

    /// Fails unless stderr holds a warning with each of `words`.
    pub fn must_warn(&self, words: &[&str]) {
        let stderr = self.done.stderr.to_lowercase();
        for word in words {
            let found = word.split('|').any(|w| stderr.contains(&w.to_lowercase()));
            assert!(
                found,
                "{}: a warning that names `{word}` is missing: {}",
                self.line, self.done.stderr
            );
        }
    }
}

/// The default work folder of an output.
#[must_use]
pub fn work_dir(output: &Path) -> PathBuf {
    let name = output
        .file_name()
        .expect("an output has a name")
        .to_string_lossy();
    output.with_file_name(format!(".{name}.framemill"))
}
