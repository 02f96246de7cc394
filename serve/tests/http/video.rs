// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames of videos, AVIF and HEIC.

use crate::common::{look, photo, pixel, reached, Origin, Served};
use bytes::Bytes;
use framemill_thumbs::Format;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

fn sample(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../samples")
        .join(name);
    assert!(path.is_file(), "{}", path.display());
    path
}

/// A video whose frames have each their own grey: 10 a second, 5 s, a key frame a second, black
/// until 1 s.
fn greys(path: &Path) {
    let source = "color=black:s=160x120:r=10:d=5,format=gray,geq=lum='if(lt(N,10),0,40+4*(N-10))'";
    let status = std::process::Command::new("ffmpeg")
        .args([
            "-v", "error", "-f", "lavfi", "-i", source, "-g", "10", "-c:v", "libx264",
        ])
        .args([
            "-crf",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-color_range",
            "tv",
            "-y",
        ])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

/// The frame's number by its grey; lavfi's grey is full range.
fn number(bytes: &[u8]) -> i32 {
    let grey = i32::from(pixel(bytes, 80, 60)[1]);
    if grey < 20 {
        -1
    } else {
        (grey - 40 + 2) / 4 + 10
    }
}

#[tokio::test]
async fn the_frame_is_the_nearest_one() {
    let server = Served::start(&[]).await;
    greys(&server.path("greys.mp4"));
    for (second, wanted) in [
        ("1", 10),
        ("1.04", 10),
        ("1.06", 11),
        ("2.5", 25),
        ("3.9", 39),
        ("4.9", 49),
        ("99", 49),
        ("0", -1),
    ] {
        let got = server
            .get(&format!("/-/vts:{second}/f:png/plain/local:///greys.mp4"))
            .await;
        assert_eq!(got.status, 200, "{second}: {}", got.text());
        assert_eq!(look(&got.body), (Format::Png, 160, 120));
        assert_eq!(number(&got.body), wanted, "{second}");
    }
}

#[tokio::test]
async fn sizes_formats_and_refusals() {
    let server = Served::start(&[]).await;
    std::fs::copy(sample("bigbuckbunny.mp4"), server.path("bunny.mp4")).unwrap();
    std::fs::write(server.path("text.mp4"), "no video at all").unwrap();
    let path = "/-/rs:fill:200:100/plain/local:///bunny.mp4";
    let got = server.get(path).await;
    assert_eq!((got.status, got.header("x-framemill-cache")), (200, "made"));
    assert_eq!(look(&got.body), (Format::Jpeg, 200, 100));
    assert_eq!(
        got.header("content-disposition"),
        "inline; filename=\"bunny.jpg\""
    );
    let again = server.get(path).await;
    assert_eq!(again.header("x-framemill-cache"), "memory");
    let got = server.get_with(path, &[("accept", "image/webp")]).await;
    assert_eq!(look(&got.body), (Format::Webp, 200, 100));
    let best = server
        .get("/-/w:160/vts:best/plain/local:///bunny.mp4")
        .await;
    assert_eq!(look(&best.body), (Format::Jpeg, 160, 90));
    let info = server.get("/info/-/plain/local:///bunny.mp4").await;
    let info: serde_json::Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(
        (&info["width"], &info["video_codec"]),
        (&1280.into(), &"h264".into())
    );
    assert!(info["duration"]
        .as_f64()
        .is_some_and(|seconds| (5.0..6.0).contains(&seconds)));
    let got = server.get("/-/w:9/plain/local:///text.mp4").await;
    assert_eq!(got.status, 422, "{}", got.text());
    let small = Served::start(&[("max_src_resolution", "0.1")]).await;
    std::fs::copy(sample("bigbuckbunny.mp4"), small.path("bunny.mp4")).unwrap();
    assert_eq!(small.get(path).await.status, 413);
    let off = Served::start(&[("video", "0")]).await;
    std::fs::copy(sample("bigbuckbunny.mp4"), off.path("bunny.mp4")).unwrap();
    assert_eq!(off.get(path).await.status, 415);
}

#[tokio::test]
async fn only_what_is_needed_of_a_remote_video_is_read() {
    let video = tempfile::tempdir().unwrap();
    let path = video.path().join("long.mp4");
    let source = "testsrc2=s=320x240:r=25:d=60,noise=alls=60:allf=t";
    let status = std::process::Command::new("ffmpeg")
        .args([
            "-v", "error", "-f", "lavfi", "-i", source, "-g", "25", "-c:v", "libx264",
        ])
        .args([
            "-preset",
            "ultrafast",
            "-crf",
            "20",
            "-movflags",
            "+faststart",
            "-y",
        ])
        .arg(&path)
        .status();
    assert!(status.unwrap().success());
    let whole = Bytes::from(std::fs::read(&path).unwrap());
    let (size, sent) = (whole.len(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&sent);
    let origin = Origin::of_ranges(whole, move |range| {
        count.fetch_add(range.len(), Ordering::SeqCst);
        Duration::ZERO
    })
    .await;
    let server = Served::start(&[("allow_loopback", "1")]).await;
    let got = server
        .get(&format!(
            "/-/w:64/vts:40/plain/http://{}/long.mp4",
            origin.address
        ))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < size / 5, "{sent} of {size}");
    // The guard holds for videos too.
    let strict = Served::start(&[]).await;
    let got = strict
        .get(&format!("/-/w:64/plain/http://{}/long.mp4", origin.address))
        .await;
    assert_eq!(got.status, 403, "{}", got.text());
}

#[tokio::test]
async fn turned_videos_stand_upright() {
    let server = Served::start(&[]).await;
    greys(&server.path("plain.mp4"));
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-display_rotation", "90", "-i"])
        .arg(server.path("plain.mp4"))
        .args(["-c", "copy", "-y"])
        .arg(server.path("turned.mp4"))
        .status();
    if !status.unwrap().success() {
        // FFmpeg before 6.0 has no such option, but takes the tag.
        let status = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(server.path("plain.mp4"))
            .args(["-c", "copy", "-metadata:s:v", "rotate=90", "-y"])
            .arg(server.path("turned.mp4"))
            .status();
        assert!(status.unwrap().success());
    }
    let got = server.get("/-/f:png/plain/local:///turned.mp4").await;
    assert_eq!(look(&got.body), (Format::Png, 120, 160));
    let got = server.get("/-/f:png/ar:0/plain/local:///turned.mp4").await;
    assert_eq!(look(&got.body), (Format::Png, 160, 120));
}

#[tokio::test]
async fn avif_is_read_back() {
    let server = Served::start(&[]).await;
    let made = server.photo("f:avif/q:90").await;
    std::fs::write(server.path("made.avif"), &made.body).unwrap();
    let got = server.get("/-/f:png/plain/local:///made.avif").await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(look(&got.body), (Format::Png, 64, 48));
    let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 24);
    let plain = photo(64, 48, Format::Png);
    for (x, y) in [(4, 4), (40, 30), (60, 44)] {
        let (a, b) = (pixel(&got.body, x, y), pixel(&plain, x, y));
        assert!(near(a, b), "{x}, {y}: {a:?} {b:?}");
    }
    std::fs::write(server.path("cut.avif"), &made.body[..made.body.len() / 2]).unwrap();
    let got = server.get("/-/f:png/plain/local:///cut.avif").await;
    assert!(matches!(got.status, 415 | 422), "{}", got.text());
    std::fs::write(server.path("a.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    assert_eq!(
        server.get("/-/f:png/plain/local:///a.heic").await.status,
        415
    );
}

/// FFmpeg asks for range after range, and asks nobody else whether it should.
#[tokio::test]
async fn a_slow_video_gives_its_thread_back_once_nobody_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greys.mp4");
    greys(&path);
    let video = Bytes::from(std::fs::read(&path).unwrap());
    // Its size is told at once.
    let origin = Origin::of_ranges(video, |range| match range.len() {
        1 => Duration::ZERO,
        _ => Duration::from_secs(600),
    })
    .await;
    let settings = [
        ("allow_loopback", "1"),
        ("workers", "1"),
        ("request_timeout", "1"),
        ("source_timeout", "2"),
    ];
    let server = Served::start(&settings).await;
    for kind in ["/info", ""] {
        let before = origin.count();
        let at = origin.address;
        let got = server
            .get(&format!("{kind}/-/plain/http://{at}/greys.mp4"))
            .await;
        assert_eq!(got.status, 504, "{}", got.text());
        // The one thread is still at it.
        let got = server.photo("w:7").await;
        assert_eq!((got.status, got.header("retry-after")), (503, "1"));
        reached(&server, "framemill_working", |n| n == 0).await;
        let asked = origin.count() - before;
        assert!(asked <= 6, "{asked} ranges for nobody");
    }
    assert_eq!(server.photo("w:7").await.status, 200);
}

#[tokio::test]
async fn an_avif_of_a_video_that_takes_too_long_is_a_webp() {
    let server = Served::start(&[("avif_time", "0")]).await;
    greys(&server.path("greys.mp4"));
    let got = server.get("/-/f:avif/plain/local:///greys.mp4").await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.header("content-type"), "image/webp");
    assert_eq!(got.header("x-framemill-instead-of"), "avif");
    assert_eq!(server.metric("framemill_webp_for_avif_total").await, 1);
}
