// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times and pictures of two files, frame by frame, as `ffmpeg` decodes them.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

/// Frame times in display order, in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Ticks in seconds, as a fraction.
    pub tick: (i64, i64),
    /// One a frame.
    pub pts: Vec<i64>,
}

impl Times {
    /// Length of a tick in seconds.
    #[must_use]
    pub fn tick_s(&self) -> f64 {
        self.tick.0 as f64 / self.tick.1 as f64
    }

    /// Seconds from the first frame to frame `i`.
    #[must_use]
    pub fn since_first(&self, i: usize) -> f64 {
        (self.pts[i] - self.pts[0]) as f64 * self.tick_s()
    }

    /// Whether every time on `self`'s line can be said exactly in `other`'s ticks.
    fn fits(&self, other: &Self) -> bool {
        let (num, den) = (
            i128::from(self.tick.0) * i128::from(other.tick.1),
            i128::from(self.tick.1) * i128::from(other.tick.0),
        );
        den != 0 && num % den == 0
    }
}

/// What is decoded, and how it is looked at.
#[derive(Clone, Debug)]
pub struct Take {
    path: PathBuf,
    before: Vec<String>,
    filter: String,
}

impl Take {
    /// The first video stream of `path`, turned as its metadata asks.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            before: Vec::new(),
            filter: String::new(),
        }
    }

    /// With input options for `ffmpeg`, split at blanks.
    #[must_use]
    pub fn input(mut self, options: &str) -> Self {
        self.before
            .extend(options.split_whitespace().map(str::to_owned));
        self
    }

    /// Through a filter chain.
    #[must_use]
    pub fn through(mut self, filter: &str) -> Self {
        self.filter = if self.filter.is_empty() {
            filter.into()
        } else {
            format!("{},{filter}", self.filter)
        };
        self
    }

    fn open(&self, size: (usize, usize), times: PathBuf) -> Reading {
        let chain = |scale: String| {
            if self.filter.is_empty() {
                scale
            } else {
                format!("{},{scale}", self.filter)
            }
        };
        let view = chain(format!(
            "scale={}:{}:flags=area,format=yuv420p",
            size.0, size.1
        ));
        let probe = chain("scale=16:16:flags=neighbor,format=gray".into());
        let mut command = Command::new("ffmpeg");
        command
            .args(["-hide_banner", "-nostdin", "-y", "-v", "error"])
            .args(&self.before)
            .arg("-i")
            .arg(&self.path);
        let each = [
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "-1",
            "-vf",
        ];
        command.args(each).args([&view, "-f", "rawvideo", "pipe:1"]);
        command
            .args(each)
            .args([&probe, "-f", "framecrc"])
            .arg(&times);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("ffmpeg starts");
        let pipe = child.stdout.take().expect("a pipe");
        let complaints = drain(child.stderr.take().expect("a pipe"));
        Reading {
            child,
            pipe,
            complaints,
            times,
            length: size.0 * size.1 * 3 / 2,
            path: self.path.clone(),
        }
    }

    /// The frame times alone.
    #[must_use]
    pub fn times(&self) -> Times {
        let folder = crate::place::scratch();
        let mut reading = self.open((16, 16), folder.path().join("times"));
        while reading.next().is_some() {}
        reading.finish().0
    }
}

fn drain(mut pipe: ChildStderr) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        let _ = pipe.read_to_string(&mut text);
        text
    })
}

struct Reading {
    child: Child,
    pipe: ChildStdout,
    complaints: JoinHandle<String>,
    times: PathBuf,
    length: usize,
    path: PathBuf,
}

impl Reading {
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut picture = vec![0; self.length];
        match self.pipe.read_exact(&mut picture) {
            Ok(()) => Some(picture),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => None,
            Err(e) => panic!("{}: {e}", self.path.display()),
        }
    }

    fn finish(mut self) -> (Times, String) {
        let status = self.child.wait().expect("ffmpeg can be waited for");
        let complaints = self
            .complaints
            .join()
            .expect("ffmpeg's words are collected");
        assert!(
            status.success(),
            "ffmpeg cannot decode {}: {complaints}",
            self.path.display()
        );
        let text = fs::read_to_string(&self.times).expect("ffmpeg lists times");
        (parse_times(&text), complaints)
    }
}

/// Reads the `framecrc` and `framemd5` muxers' list of stream 0.
#[must_use]
pub fn parse_times(text: &str) -> Times {
    let tick = text
        .lines()
        .find_map(|l| l.strip_prefix("#tb 0: "))
        .and_then(|t| t.split_once('/'));
    let tick = tick.and_then(|(n, d)| Some((n.trim().parse().ok()?, d.trim().parse().ok()?)));
    let rows = text.lines().filter(|l| !l.starts_with('#'));
    let pts = rows
        .filter_map(|l| l.split(',').nth(2)?.trim().parse().ok())
        .collect();
    Times {
        tick: tick.expect("a time base in ffmpeg's list"),
        pts,
    }
}

/// How well one output frame matches reference frames, in dB.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// The frame of its own number.
    pub own: f64,
    /// The one before.
    pub before: Option<f64>,
    /// The one after.
    pub after: Option<f64>,
}

/// Two files side by side.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The reference's times.
    pub reference: Times,
    /// The output's times.
    pub output: Times,
    /// One a frame that both have.
    pub frames: Vec<Match>,
    /// What `ffmpeg` complained of while decoding the output.
    pub complaints: String,
    /// Seconds by which the reference's own times may be off, where FFmpeg makes them up.
    pub slack: f64,
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: u64 = a
        .iter()
        .zip(b)
        .map(|(x, y)| u64::from(x.abs_diff(*y)).pow(2))
        .sum();
    let mse = squares as f64 / a.len() as f64;
    if mse == 0.0 {
        100.0
    } else {
        (10.0 * (255.0 * 255.0 / mse).log10()).min(100.0)
    }
}

/// Decodes both, scaled to `size` (even numbers), and matches frame by frame.
#[must_use]
pub fn compare(reference: &Take, output: &Take, size: (usize, usize)) -> Comparison {
    let folder = crate::place::scratch();
    let mut wanted = reference.open(size, folder.path().join("reference"));
    let mut got = output.open(size, folder.path().join("output"));
    let mut frames = Vec::new();
    let mut before: Option<Vec<u8>> = None;
    let mut own = wanted.next();
    let mut after = wanted.next();
    while let Some(picture) = got.next() {
        if let Some(own) = &own {
            let near = |other: &Option<Vec<u8>>| other.as_ref().map(|o| psnr(&picture, o));
            frames.push(Match {
                own: psnr(&picture, own),
                before: near(&before),
                after: near(&after),
            });
        }
        before = own;
        own = after;
        after = wanted.next();
    }
    while wanted.next().is_some() {}
    let (reference, _) = wanted.finish();
    let (output, complaints) = got.finish();
    Comparison {
        reference,
        output,
        frames,
        complaints,
        slack: 0.0,
    }
}

impl Comparison {
    /// What is wrong with the output, if anything: count, times, pictures.
    ///
    /// Every frame must reach `floor` dB, and none may match a neighbour of
    /// its own reference frame clearly better than that frame itself.
    #[must_use]
    pub fn fault(&self, floor: f64) -> Option<String> {
        self.count_fault()
            .or_else(|| self.time_fault())
            .or_else(|| self.picture_fault(floor))
            .or_else(|| {
                (!self.complaints.is_empty())
                    .then(|| format!("ffmpeg complains of the output: {}", self.complaints))
            })
    }

    /// What is wrong with the number of frames.
    #[must_use]
    pub fn count_fault(&self) -> Option<String> {
        let (wanted, got) = (self.reference.pts.len(), self.output.pts.len());
        (wanted != got).then(|| format!("{got} frames, the reference has {wanted}"))
    }

    /// What is wrong with the times, counted from the first frame.
    #[must_use]
    pub fn time_fault(&self) -> Option<String> {
        let (reference, output) = (&self.reference, &self.output);
        if output.tick_s() > 0.001_000_1 {
            return Some(format!("ticks of {} s are too long", output.tick_s()));
        }
        let bound = if reference.fits(output) {
            0.0
        } else {
            output.tick_s() + reference.tick_s()
        };
        let bound = bound + self.slack;
        let apart =
            |i: &usize| (output.since_first(*i) - reference.since_first(*i)).abs() > bound + 1e-9;
        let first = (0..reference.pts.len().min(output.pts.len())).find(apart)?;
        Some(format!(
            "frame {first} is at {:.6} s after the first, the reference at {:.6} s (bound {bound:.6} s)",
            output.since_first(first),
            reference.since_first(first)
        ))
    }

    /// What is wrong with the pictures.
    #[must_use]
    pub fn picture_fault(&self, floor: f64) -> Option<String> {
        for (i, found) in self.frames.iter().enumerate() {
            if found.own < floor {
                return Some(format!(
                    "frame {i} shows another picture: {found:.1?}, at least {floor} dB is right"
                ));
            }
            for (shift, near) in [(-1, found.before), (1, found.after)] {
                if near.is_some_and(|n| n > found.own + 1.5) {
                    return Some(format!(
                        "frame {i} shows the picture of frame {}: {found:.1?}",
                        i as i64 + shift
                    ));
                }
            }
        }
        None
    }

    /// The least match of all frames, in dB.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.frames
            .iter()
            .fold(f64::INFINITY, |least, m| least.min(m.own))
    }
}
