// SPDX-License-Identifier: MIT OR Apache-2.0
//! What our VP8 encoder writes is VP8: our decoder, libvpx's and FFmpeg's give
//! the same pictures, near those that went in, and a browser plays it.

use framemill_codec::dsp::Dsp;
use framemill_tests::browser;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::{ffmpeg, ffprobe};
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::{ffmpeg_md5, vpxdec};
use std::fs;
use std::path::{Path, PathBuf};

mod vp8_ours;

const PRESETS: [&str; 3] = ["fast", "medium", "slow"];
const QUALITIES: [u8; 4] = [0, 20, 45, 63];

/// A lossless video of `frames` frames of a source such as `testsrc2=size=WxH`.
fn video(folder: &Path, source: &str, (width, height): (u16, u16), frames: u16) -> PathBuf {
    // Not every source can be as small as a frame can.
    let size = format!("{}x{}", width.max(16), height.max(16));
    let source = source.replace("WxH", &size);
    let filter = format!("{source},format=yuv420p,scale={width}:{height}");
    let path = folder.join("in.y4m");
    let (frames, to) = (frames.to_string(), path.display().to_string());
    let args = [
        "-f",
        "lavfi",
        "-i",
        &filter,
        "-frames:v",
        &frames,
        "-pix_fmt",
        "yuv420p",
        "-y",
        &to,
    ];
    let _ = ffmpeg(&args);
    path
}

/// `framemill vp8 encode INPUT -o FOLDER/out.ivf`.
fn encode(input: &Path, folder: &Path) -> Job {
    let output = folder.join("out.ivf");
    let job = Job::bare("vp8").flag("encode", input).to(&output);
    job.flags("--overwrite")
}

/// Encodes and decodes in all three decoders; gives the stream.
fn agreed(input: &Path, folder: &Path, frames: usize, flags: &str) -> Stream {
    let _ = encode(input, folder).flags(flags).ok();
    let path = folder.join("out.ivf");
    let stream = Stream::read(&path);
    let theirs = vpxdec(&path);
    assert!(!theirs.damaged && theirs.failed.is_empty(), "{flags}");
    assert_eq!(theirs.shown.len(), frames, "{flags}");
    let ours = vp8_ours::pictures(Dsp::best(), &stream.packets);
    assert_eq!(ours, theirs.shown, "{flags}: ours against vpxdec");
    let (md5, complaints) = ffmpeg_md5("vp8", &path);
    assert_eq!(complaints, "", "{flags}");
    let shown: Vec<_> = theirs.shown.into_iter().map(|s| s.md5).collect();
    assert_eq!(md5, shown, "{flags}: FFmpeg against vpxdec");
    stream
}

/// PSNR of all planes in dB between a video and the stream in the folder; 100 when equal.
fn psnr(input: &Path, folder: &Path) -> f64 {
    let pictures = folder.join("out.y4m");
    let decode = Job::bare("vp8").flag("decode", folder.join("out.ivf"));
    let _ = decode.to(&pictures).flags("--overwrite --quiet").ok();
    let measure = Job::new("measure", input).flag("--json", &pictures);
    measure.json()["psnr"]["average"].as_f64().unwrap_or(100.0)
}

fn is_key(packet: &[u8]) -> bool {
    packet[0] & 1 == 0
}

#[test]
fn presets_and_qualities_decode_alike_everywhere() {
    let folder = place::scratch();
    let source = "testsrc2=size=WxH,scroll=h=0.01:v=-0.02";
    let input = video(folder.path(), source, (176, 144), 8);
    for preset in PRESETS {
        let mut sizes = Vec::new();
        let mut psnrs = Vec::new();
        for quality in QUALITIES {
            let flags = format!("--preset {preset} --crf {quality}");
            let stream = agreed(&input, folder.path(), 8, &flags);
            sizes.push(stream.packets.iter().map(Vec::len).sum::<usize>());
            psnrs.push(psnr(&input, folder.path()));
        }
        assert!(sizes.is_sorted_by(|a, b| a > b), "{preset}: {sizes:?}");
        assert!(psnrs.is_sorted_by(|a, b| a > b), "{preset}: {psnrs:?}");
        assert!(psnrs[0] > 44.0 && psnrs[3] > 18.0, "{preset}: {psnrs:?}");
    }
}

#[test]
fn all_sizes_and_contents_decode_alike_everywhere() {
    const SOURCES: [&str; 4] = [
        "testsrc2=size=WxH,scroll=h=0.07:v=-0.05",
        "smptebars=size=WxH",
        "color=gray:size=WxH,noise=alls=90:allf=t:all_seed=7",
        "mandelbrot=size=WxH:maxiter=200",
    ];
    let folder = place::scratch();
    for (n, size) in [(1, 1), (35, 51), (176, 144), (17, 1), (2, 33)]
        .into_iter()
        .enumerate()
    {
        for (m, source) in SOURCES.into_iter().enumerate() {
            let input = video(folder.path(), source, size, 6);
            let preset = PRESETS[(n + m) % PRESETS.len()];
            for quality in [QUALITIES[(n + 2 * m) % 4], QUALITIES[(n + 2 * m + 3) % 4]] {
                let flags = format!("--preset {preset} --crf {quality} --key-interval 4");
                let stream = agreed(&input, folder.path(), 6, &flags);
                assert_eq!(stream.size, size);
                assert!(is_key(&stream.packets[0]), "{size:?} {source} {flags}");
                let keys = stream.packets.iter().filter(|p| is_key(p)).count();
                assert!(keys >= 2, "{size:?} {source} {flags}: {keys} key frames");
            }
        }
    }
}

#[test]
fn a_still_picture_costs_next_to_nothing() {
    let folder = place::scratch();
    let input = video(folder.path(), "smptebars=size=WxH", (176, 144), 12);
    for preset in PRESETS {
        let flags = format!("--preset {preset} --crf 20");
        let stream = agreed(&input, folder.path(), 12, &flags);
        let rest: usize = stream.packets[1..].iter().map(Vec::len).sum();
        let key = stream.packets[0].len();
        assert!(rest < key, "{preset}: {key} bytes, then {rest}");
    }
}

#[test]
fn a_scene_cut_is_no_worse_than_what_is_around_it() {
    let folder = place::scratch();
    let source =
        "testsrc2=size=WxH:duration=0.2[a];mandelbrot=size=WxH,trim=end=0.2[b];[a][b]concat=n=2";
    let source = source.replace("WxH", "176x144");
    let path = folder.path().join("in.y4m");
    let to = path.display().to_string();
    let chain = format!("{source},format=yuv420p");
    let _ = ffmpeg(&["-filter_complex", &chain, "-y", &to]);
    for preset in PRESETS {
        let flags = format!("--preset {preset} --crf 30");
        let frames = Stream::read(&{
            let _ = encode(&path, folder.path()).flags(&flags).ok();
            folder.path().join("out.ivf")
        });
        let shown = vpxdec(&folder.path().join("out.ivf")).shown.len();
        let _ = agreed(&path, folder.path(), shown, &flags);
        assert!(frames.packets.len() >= shown && shown == 10, "{shown}");
        assert!(psnr(&path, folder.path()) > 26.0, "{preset}");
    }
}

#[test]
fn every_level_writes_the_same() {
    let folder = place::scratch();
    let input = video(folder.path(), "testsrc2=size=WxH", (99, 67), 5);
    for preset in PRESETS {
        let mut streams = Vec::new();
        for dsp in vp8_ours::every_level() {
            let job = encode(&input, folder.path()).flag("--preset", preset);
            let _ = job.flag("--simd", dsp.level().name()).ok();
            streams.push(Stream::read(&folder.path().join("out.ivf")));
        }
        assert!(streams.windows(2).all(|s| s[0] == s[1]), "{preset}");
    }
}

#[test]
fn times_are_those_of_the_source() {
    let folder = place::scratch();
    let _ = encode(&place::sample("vfr.mp4"), folder.path())
        .flags("--preset fast --frames 9")
        .ok();
    let times = |path: &Path| -> Vec<f64> {
        let packets = ffprobe("-select_streams v:0 -show_entries packet=pts_time", path);
        let packets = packets["packets"].as_array().expect("packets");
        let time = |p: &serde_json::Value| p["pts_time"].as_str()?.parse().ok();
        let mut times: Vec<f64> = packets.iter().filter_map(time).collect();
        times.sort_by(f64::total_cmp);
        let first = times[0];
        times.iter().map(|t| t - first).collect()
    };
    let (theirs, ours) = (
        times(&place::sample("vfr.mp4")),
        times(&folder.path().join("out.ivf")),
    );
    assert_eq!(ours.len(), 9);
    for (n, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        assert!((a - b).abs() < 1e-4, "frame {n}: {a} against {b}");
    }
}

#[test]
fn what_cannot_be_encoded_is_refused_and_leaves_nothing() {
    let folder = place::scratch();
    let job = |input: &Path, flags: &str| {
        let output = folder.path().join("new.ivf");
        Job::bare("vp8")
            .flag("encode", input)
            .to(&output)
            .flags(flags)
    };
    let input = video(folder.path(), "testsrc2=size=WxH", (32, 32), 3);
    let _ = job(&folder.path().join("absent.mp4"), "").fails(2, &["absent.mp4", "No such file"]);
    let text = folder.path().join("text.mp4");
    fs::write(&text, "no video").expect("a file");
    let _ = job(&text, "").fails(2, &["text.mp4"]);
    for (flags, word) in [
        ("--crf 64", "0..=63"),
        ("--preset best", "fast, medium or slow"),
        ("--key-interval 0", "--key-interval"),
        ("--frames 0", "--frames"),
    ] {
        let _ = job(&input, flags).fails(2, &[word]);
    }
    let onto_itself = Job::bare("vp8").flag("encode", &input).flag("-o", &input);
    let before = fs::read(&input).expect("a file");
    let _ = onto_itself.fails(2, &["in.y4m", "input"]);
    assert!(fs::read(&input).expect("a file") == before);
    // Cut in the middle of a picture.
    let cut = folder.path().join("cut.mp4");
    let args = "-f lavfi -i testsrc2=size=64x64 -frames:v 20 -c:v libx264 -movflags faststart -y";
    let mut args: Vec<String> = args.split(' ').map(str::to_owned).collect();
    args.push(cut.display().to_string());
    let _ = ffmpeg(&args);
    let whole = fs::read(&cut).expect("a file");
    fs::write(&cut, &whole[..whole.len() * 8 / 10]).expect("a file");
    let _ = job(&cut, "").fails(2, &["cut.mp4", "--damaged keep"]);
    assert!(!folder.path().join("new.ivf").exists());
    let run = job(&cut, "--damaged keep").ok();
    run.must_warn(&["cut.mp4"]);
    let again = Job::bare("vp8")
        .flag("encode", &cut)
        .flag("-o", folder.path().join("new.ivf"));
    let _ = again
        .flags("--damaged keep")
        .fails(2, &["new.ivf", "--overwrite"]);
    let left = fs::read_dir(folder.path()).expect("a folder").flatten();
    for entry in left {
        let name = entry.file_name();
        assert!(!name.to_string_lossy().contains("part"), "{name:?} is left");
    }
}

#[test]
fn a_browser_plays_it_to_its_end() {
    let Some(browser) = browser::Browser::find("a_browser_plays_it_to_its_end") else {
        return;
    };
    let folder = place::scratch();
    let input = video(folder.path(), "testsrc2=size=WxH", (175, 143), 30);
    for preset in PRESETS {
        let _ = encode(&input, folder.path())
            .flags(&format!("--preset {preset} --key-interval 20"))
            .ok();
        let ivf = folder.path().join("out.ivf").display().to_string();
        let webm = folder.path().join("out.webm");
        let to = webm.display().to_string();
        let _ = ffmpeg(&["-i", &ivf, "-c", "copy", "-y", &to]);
        let played = browser.play(&webm);
        assert_eq!(played.error, "", "{preset}");
        assert!(played.ended, "{preset}: {played:?}");
        assert_eq!((played.width, played.height), (175, 143), "{preset}");
        assert!((played.seconds - 1.2).abs() < 0.1, "{preset}: {played:?}");
        assert!(played.frames >= 25, "{preset}: {played:?}");
    }
}
