// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small streams over all that `vpxenc` can be asked for, made once and kept.

use crate::process::{ffmpeg, Running};
use crate::sources::kept;
use rand::seq::SliceRandom;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Pictures to encode, as `ffmpeg` makes them.
const SOURCES: [&str; 7] = [
    "testsrc2=size=WxH",
    "testsrc2=size=WxH,scroll=h=0.03:v=-0.05",
    "mandelbrot=size=WxH:maxiter=200",
    "color=gray:size=WxH,noise=alls=50:allf=t:all_seed=7",
    "gradients=size=WxH:seed=3:speed=0.05",
    "cellauto=size=WxH:rule=110:seed=5:full=1,format=gray",
    "smptebars=size=WxH",
];

/// Sizes, and how many frames of each.
const SIZES: [(u16, u16, u16); 18] = [
    (176, 144, 30),
    (175, 143, 30),
    (1, 1, 20),
    (64, 48, 40),
    (2, 2, 20),
    (17, 33, 40),
    (177, 145, 24),
    (1, 17, 20),
    (16, 16, 40),
    (321, 241, 8),
    (33, 17, 40),
    (160, 90, 30),
    (320, 32, 24),
    (15, 15, 20),
    (24, 320, 24),
    (176, 144, 60),
    (130, 66, 40),
    (97, 101, 40),
];

/// Options of `vpxenc`, split at `|`: each value is in some streams. A blank
/// value leaves the option away.
const OPTIONS: [&str; 29] = [
    "--profile=0|--profile=1|--profile=2|--profile=3|--profile=0",
    "--token-parts=0|--token-parts=1|--token-parts=2|--token-parts=3",
    "|--error-resilient=1|||--error-resilient=2||--error-resilient=3|",
    "--passes=1 --good|--passes=1 --rt|--passes=2 --good|--passes=2 --best",
    "--lag-in-frames=0|--auto-alt-ref=1 --lag-in-frames=4|--auto-alt-ref=1 --lag-in-frames=16|--auto-alt-ref=1 --lag-in-frames=25",
    "|--static-thresh=1|--static-thresh=200|--static-thresh=5000",
    "--noise-sensitivity=0|--noise-sensitivity=1|--noise-sensitivity=3|--noise-sensitivity=4|--noise-sensitivity=6|",
    "--sharpness=0|--sharpness=1|--sharpness=2|--sharpness=3|--sharpness=4|--sharpness=5|--sharpness=6|--sharpness=7",
    "--cpu-used=-16|--cpu-used=-9|--cpu-used=-6|--cpu-used=-4|--cpu-used=-3|--cpu-used=-1|--cpu-used=0|--cpu-used=1|--cpu-used=2|--cpu-used=3|--cpu-used=5|--cpu-used=8|--cpu-used=12|--cpu-used=16",
    "|--kf-max-dist=0|--kf-max-dist=1|--kf-max-dist=3|--kf-max-dist=8|--kf-max-dist=9999|--disable-kf",
    "|--kf-min-dist=0|",
    "|--resize-allowed=1 --resize-up=90 --resize-down=70|--resize-allowed=1|",
    "--end-usage=vbr|--end-usage=cbr|--end-usage=cbr --min-q=4 --max-q=30|--end-usage=vbr --min-q=0 --max-q=2|--end-usage=vbr --min-q=63 --max-q=63|--end-usage=cq --cq-level=5 --min-q=0 --max-q=10|--end-usage=cq --cq-level=40|--end-usage=q --cq-level=0 --min-q=0|--end-usage=q --cq-level=20 --min-q=10 --max-q=50|--end-usage=q --cq-level=63",
    "--target-bitrate=1|--target-bitrate=20|--target-bitrate=100|--target-bitrate=400|--target-bitrate=3000",
    "--tune=psnr|--tune=ssim",
    "|--undershoot-pct=0|--undershoot-pct=50|--undershoot-pct=100",
    "|--overshoot-pct=0|--overshoot-pct=80|--overshoot-pct=100",
    "|--buf-sz=200 --buf-initial-sz=100 --buf-optimal-sz=150|--buf-sz=6000",
    "--arnr-maxframes=0|--arnr-maxframes=3|--arnr-maxframes=7|--arnr-maxframes=15",
    "--arnr-strength=0|--arnr-strength=2|--arnr-strength=6",
    "--arnr-type=1|--arnr-type=2|--arnr-type=3",
    "--screen-content-mode=0|--screen-content-mode=1|--screen-content-mode=2|",
    "|--drop-frame=20|--drop-frame=60|--drop-frame=100|",
    "|--max-intra-rate=50|--max-intra-rate=600",
    "|--gf-cbr-boost=100|",
    "|--bias-pct=0|--bias-pct=100|",
    "|--minsection-pct=50|--maxsection-pct=400|",
    "|--threads=2",
    "--timebase=1/1000|",
];

/// Streams made for one purpose: hidden frames, and sizes that change while a
/// stream goes on. Source, size and frames by their numbers, then options.
const CHOSEN: [(usize, usize, &str); 12] = [
    (1, 15, ""),
    (2, 15, "--arnr-maxframes=7 --arnr-strength=5"),
    (4, 16, "--cq-level=30 --end-usage=cq"),
    (0, 16, "--profile=1 --token-parts=2"),
    (1, 17, "--profile=2 --arnr-maxframes=15"),
    (2, 3, "--profile=3 --sharpness=5"),
    (4, 8, "--kf-max-dist=20 --target-bitrate=40"),
    (1, 5, "--tune=ssim --target-bitrate=60"),
    (3, 15, RESIZED),
    (1, 16, RESIZED),
    (2, 17, RESIZED),
    (3, 3, RESIZED),
];
const HIDDEN: &str = "--passes=2 --auto-alt-ref=1 --lag-in-frames=25 --good --cpu-used=1";
const RESIZED: &str = "--passes=1 --rt --cpu-used=-8 --end-usage=cbr --resize-allowed=1 --resize-up=60 \
     --resize-down=40 --target-bitrate=30 --buf-sz=400 --buf-initial-sz=200 --buf-optimal-sz=300 --kf-max-dist=12";

/// Number of streams by [`OPTIONS`].
const COMBINED: usize = 112;
/// Number of all streams.
pub const COUNT: usize = COMBINED + CHOSEN.len();

/// Stream `number`, below [`COUNT`], and the words that made it.
#[must_use]
pub fn encoded(number: usize) -> (PathBuf, String) {
    let (source, size, words) = if number < COMBINED {
        let words = OPTIONS
            .iter()
            .enumerate()
            .map(|(seed, values)| choice(seed as u64, values, number));
        (number, number, words.collect::<Vec<_>>().join(" "))
    } else {
        let (source, size, words) = CHOSEN[number - COMBINED];
        let more = if words == RESIZED { "" } else { HIDDEN };
        (source, size, format!("{more} {words}"))
    };
    let (width, height, frames) = SIZES[size % SIZES.len()];
    let clip = clip(SOURCES[source % SOURCES.len()], (width, height), frames);
    let path = encode(&format!("vp8-{number}.ivf"), &clip, (width, height), &words);
    (path, format!("{width}x{height} {words}"))
}

/// Goes round all values of an option in an order of its own.
fn choice(seed: u64, values: &str, number: usize) -> &str {
    let mut values: Vec<&str> = values.split('|').collect();
    let round = number / values.len();
    let mut rng = ChaCha8Rng::seed_from_u64(seed << 32 | round as u64);
    let at = number % values.len();
    values.shuffle(&mut rng);
    values[at]
}

/// Encodes raw pictures by `vpxenc`.
#[must_use]
pub fn encode(name: &str, clip: &Path, size: (u16, u16), words: &str) -> PathBuf {
    let recipe = format!("{words}|{}|{size:?}", clip.display());
    kept(name, &recipe, |path| {
        let mut command = Command::new("vpxenc");
        command
            .args(["--codec=vp8", "--ivf", "--i420", "--fps=25/1", "-q", "-y"])
            .arg(format!("--width={}", size.0))
            .arg(format!("--height={}", size.1))
            .args(words.split_whitespace())
            .arg("-o")
            .args([path, clip]);
        let done = Running::start(command).finish();
        assert_eq!(done.code, Some(0), "vpxenc {words}: {}", done.stderr);
    })
}

/// Raw I420 pictures of a source such as `testsrc2=size=WxH`.
#[must_use]
pub fn clip(source: &str, size: (u16, u16), frames: u16) -> PathBuf {
    // Not every source can be as small as a frame can.
    let (width, height) = (size.0.max(16), size.1.max(16));
    let source = source.replace("WxH", &format!("{width}x{height}"));
    let crop = format!("{source},format=yuv420p,scale={}:{}", size.0, size.1);
    kept("vp8-clip.yuv", &format!("{crop} {frames}"), |path| {
        let frames = frames.to_string();
        let path = path.display().to_string();
        let _ = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &crop,
            "-frames:v",
            &frames,
            "-pix_fmt",
            "yuv420p",
            "-f",
            "rawvideo",
            "-y",
            &path,
        ]);
    })
}
