// SPDX-License-Identifier: MIT OR Apache-2.0
//! Long chunks that continue from each other have hidden frames: they are there, all
//! decoders take them, times are kept, and the bytes are the same however they are made.

use framemill_tests::browser;
use framemill_tests::job::Job;
use framemill_tests::place;
use framemill_tests::process::ffmpeg;
use framemill_tests::sources::{generated, plain};
use framemill_tests::streams::{self, decoding_fault};
use framemill_tests::vp8::ivf::Stream;
use framemill_tests::vp8::oracle::{ffmpeg_md5, vpxdec};
use std::path::Path;

mod vp8_ours;

/// 5 chunks of 100 frames in batches of 3 and 2.
const FLAGS: &str =
    "--codec vp8 --seam rebase --chunk 20f --batch 3 --preset fast --crf 30 --size 160x-1 --audio none";
const FRAMES: usize = 100;

fn job(source: &Path, output: &Path) -> Job {
    Job::transcode(source, output).flags(FLAGS)
}

/// The packets of a file's video.
fn packets(path: &Path, folder: &Path) -> Vec<Vec<u8>> {
    let (from, to) = (path.display().to_string(), folder.join("copy.ivf"));
    let name = to.display().to_string();
    let _ = ffmpeg(&[
        "-i", &from, "-map", "0:v", "-c", "copy", "-copyts", "-y", &name,
    ]);
    Stream::read(&to).packets
}

fn hidden(packets: &[Vec<u8>]) -> usize {
    packets.iter().filter(|p| p[0] & 0x10 == 0).count()
}

#[test]
fn they_are_there_and_all_decoders_agree() {
    let folder = place::scratch();
    for (container, drafts) in [("webm", "own"), ("mkv", "own"), ("webm", "libvpx")] {
        let output = folder.path().join(format!("out.{container}"));
        let flags = format!("--verify --overwrite --first-pass {drafts}");
        let _ = job(&plain(), &output).flags(&flags).ok();
        let packets = packets(&output, folder.path());
        // A draft by libvpx has none, and no chunk but a batch's first is ours alone then.
        let least = if drafts == "own" { 5 } else { 1 };
        assert!(hidden(&packets) >= least, "{} hidden", hidden(&packets));
        assert_eq!(packets.len() - hidden(&packets), FRAMES);
        assert_eq!(decoding_fault(&output, "v:0"), None);
        let theirs = vpxdec(&output);
        assert!(!theirs.damaged && theirs.failed.is_empty());
        let ours = vp8_ours::pictures(framemill_codec::dsp::Dsp::best(), &packets);
        assert_eq!(ours, theirs.shown, "ours against vpxdec");
        let shown: Vec<_> = theirs.shown.into_iter().map(|s| s.md5).collect();
        assert_eq!(shown.len(), FRAMES);
        assert_eq!(ffmpeg_md5("vp8", &output), (shown, String::new()));
    }
}

#[test]
fn frames_keep_their_times() {
    let folder = place::scratch();
    // Times in units of a frame, of 1/12800 s, and far apart from frame to frame.
    let uneven = generated(
        "uneven.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4,setpts=if(gt(N\\,50)\\,N*5+2\\,N*2)/100/TB \
         -fps_mode passthrough -c:v libx264 -preset veryfast -bf 0 -pix_fmt yuv420p",
    );
    for (source, flags) in [(plain(), "--fps 25"), (plain(), ""), (uneven, "")] {
        let output = folder.path().join("out.webm");
        let _ = job(&source, &output)
            .flags("--verify --overwrite")
            .flags(flags)
            .ok();
        let data = packets(&output, folder.path());
        let times = streams::packets(&output, "v:0");
        assert_eq!(data.len(), times.len());
        let shown = data
            .iter()
            .zip(&times)
            .filter(|(data, _)| data[0] & 0x10 != 0);
        let shown: Vec<f64> = shown.map(|(_, packet)| packet.pts).collect();
        let due = streams::packets(&source, "v:0");
        let mut due: Vec<f64> = due.iter().map(|packet| packet.pts).collect();
        due.sort_by(f64::total_cmp);
        assert_eq!(shown.len(), due.len(), "{flags}");
        for (n, (is, should)) in shown.iter().zip(&due).enumerate() {
            let off = (is - shown[0]) - (should - due[0]);
            assert!(off.abs() < 0.0011, "frame {n} is {off} s off");
        }
        assert!(hidden(&data) > 0);
        assert_eq!(decoding_fault(&output, "v:0"), None);
    }
}

#[test]
fn the_same_bytes_for_any_workers_and_order() {
    let folder = place::scratch();
    let output = folder.path().join("out.webm");
    let bytes = |way: &str| {
        job(&plain(), &output)
            .flags("--overwrite")
            .flags(way)
            .ok()
            .bytes()
    };
    let whole = bytes("--workers 1");
    for way in [
        "--workers 3",
        "--workers 2 --order-seed 12",
        "--workers 7 --order-seed 13",
    ] {
        assert!(bytes(way) == whole, "other bytes: {way}");
    }
}

#[test]
fn a_browser_plays_them() {
    let Some(browser) = browser::Browser::find("a_browser_plays_them") else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join("out.webm");
    let _ = job(&plain(), &output).ok();
    let played = browser.play(&output);
    assert_eq!(played.error, "");
    assert!(played.ended, "{played:?}");
    assert_eq!((played.width, played.height), (160, 90));
    assert!((played.seconds - 4.0).abs() < 0.1, "{played:?}");
    assert!(played.frames >= 90, "{played:?}");
}
