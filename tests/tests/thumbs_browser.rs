// SPDX-License-Identifier: MIT OR Apache-2.0
//! A real browser shows thumbnails of every output format, and animated ones move.

use framemill_tests::process::ffmpeg;
use framemill_tests::thumbs::ThumbServer;
use framemill_tests::{browser, place};

/// Name, and path behind the signature.
const PICTURES: [(&str, &str); 8] = [
    ("jpg", "rs:fill:160:120/f:jpg/plain/local:///still.png"),
    ("png", "rs:fill:160:120/f:png/plain/local:///still.png"),
    ("webp", "rs:fill:160:120/f:webp/plain/local:///still.png"),
    ("avif", "rs:fill:160:120/f:avif/plain/local:///still.png"),
    ("gif", "rs:fill:160:120/f:gif/plain/local:///still.png"),
    ("video", "rs:fill:160:120/plain/local:///clip.mp4"),
    (
        "moving-gif",
        "rs:fill:160:120/f:gif/plain/local:///moving.gif",
    ),
    (
        "moving-webp",
        "rs:fill:160:120/f:webp/plain/local:///moving.gif",
    ),
];

/// Tells of each picture its size as shown, and whether the browser's decoder finds that its last
/// frame differs from its first.
const SCRIPT: &str = r#"
const pixels = async (decoder, frameIndex) => {
  const { image } = await decoder.decode({ frameIndex });
  const canvas = document.createElement("canvas");
  canvas.width = image.displayWidth; canvas.height = image.displayHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data.join();
};
onload = async () => {
  const lines = [];
  for (const image of document.images) {
    try {
      const answer = await fetch(image.src);
      const type = answer.headers.get("content-type");
      const decoder = new ImageDecoder({ data: await answer.arrayBuffer(), type });
      await decoder.tracks.ready;
      await decoder.completed;
      const frames = decoder.tracks.selectedTrack.frameCount;
      const moves = await pixels(decoder, 0) !== await pixels(decoder, frames - 1);
      lines.push(
        `${image.alt}=${image.naturalWidth}x${image.naturalHeight},${moves ? "moves" : "still"}`);
    } catch (error) {
      lines.push(`${image.alt}: ${error}`);
    }
  }
  fetch("/result", { method: "POST", body: lines.join("\n") });
};"#;

#[test]
fn a_browser_shows_every_format() {
    let Some(browser) = browser::Browser::find("a_browser_shows_every_format") else {
        return;
    };
    let folder = place::scratch();
    let at = |name: &str| folder.path().join(name).display().to_string();
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x480",
        "-frames:v",
        "1",
        &at("still.png"),
    ]);
    let moving = "testsrc=size=320x240:rate=5:duration=4";
    ffmpeg(&["-f", "lavfi", "-i", moving, &at("moving.gif")]);
    let clip = "mandelbrot=size=320x240:rate=10,trim=duration=2";
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        clip,
        "-pix_fmt",
        "yuv420p",
        &at("clip.mp4"),
    ]);
    let root = at("");
    let server = ThumbServer::start(
        &[
            "--root",
            &root,
            "--set",
            "allow_origin=*",
            "--set",
            "max_animation_frames=100",
        ],
        &[],
    );
    let base = &server.base;
    let figures: String = PICTURES
        .iter()
        .map(|(name, path)| {
            let url = format!("{base}/-/{path}");
            format!("<figure style='display:inline-block;margin:8px'><img crossorigin=anonymous alt={name} src='{url}'></figure>")
        })
        .collect();
    let page = format!("<!doctype html><meta charset=utf-8><script>{SCRIPT}</script>{figures}");
    let said = browser.ask(page);
    for (name, _) in PICTURES {
        let moves = if name.starts_with("moving") {
            "moves"
        } else {
            "still"
        };
        let wanted = format!("{name}=160x120,{moves}");
        assert!(said.lines().any(|line| line == wanted), "{wanted}\n{said}");
    }
}
