// SPDX-License-Identifier: MIT OR Apache-2.0
//! The readable form of a probe's report.

use super::colour::HdrReport;
use super::{Report, VideoReport};
use framemill_worker::index::Damage;
use std::fmt::Write;

/// Damage and chapters beyond this many are counted only.
const SHOWN: usize = 10;

/// Lines of a label and what belongs to it.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        // What files say of themselves must not steer the terminal.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = writeln!(self.0, "{label:<10} {text}");
    }
}

/// A few aligned lines about `input`.
pub(super) fn table(input: &str, report: &Report) -> String {
    let mut lines = Lines::default();
    lines.add("file", input);
    let start = if report.start_s == 0.0 {
        String::new()
    } else {
        format!(", starts at {:.3} s", report.start_s)
    };
    lines.add(
        "container",
        &format!("{}, {}{start}", report.container, clock(report.duration_s)),
    );
    add_video(&mut lines, &report.video);
    for track in &report.audio {
        let channels = if track.channels == 1 {
            "channel"
        } else {
            "channels"
        };
        let mut text = format!(
            "stream {}: {}, {} {channels}, {} Hz",
            track.stream, track.codec, track.channels, track.sample_rate
        );
        add_tags(
            &mut text,
            &track.language,
            &track.title,
            &[("default", track.default)],
        );
        lines.add("audio", &text);
    }
    for track in &report.subtitles {
        let mut text = format!("stream {}: {}", track.stream, track.codec);
        let flags = [("default", track.default), ("forced", track.forced)];
        add_tags(&mut text, &track.language, &track.title, &flags);
        lines.add("subtitles", &text);
    }
    if report.chapters > 0 {
        lines.add("chapters", &report.chapters.to_string());
    }
    for text in &report.left_out {
        lines.add("left out", text);
    }
    for damage in report.damage.iter().take(SHOWN) {
        lines.add("damage", &damage_text(damage));
    }
    if report.damage.len() > SHOWN {
        lines.add(
            "damage",
            &format!("and {} more places", report.damage.len() - SHOWN),
        );
    }
    for text in &report.warnings {
        lines.add("warning", text);
    }
    lines.0
}

fn add_video(lines: &mut Lines, video: &VideoReport) {
    let rate = if video.vfr { "variable" } else { "constant" };
    let frames = if video.frames == 1 { "frame" } else { "frames" };
    lines.add(
        "video",
        &format!(
            "stream {}: {}, {}x{}, {}",
            video.stream, video.codec, video.width, video.height, video.pix_fmt
        ),
    );
    let frames_text = format!("{} {frames}, {rate} rate", video.frames);
    lines.add("frames", &(frames_text + &rate_text(video)));
    lines.add("key frames", &key_text(video));
    let c = &video.colour;
    lines.add(
        "colour",
        &format!(
            "{} primaries, {} transfer, {} matrix, {} range",
            c.primaries, c.transfer, c.matrix, c.range
        ),
    );
    if let Some(hdr) = &video.hdr {
        add_hdr(lines, hdr);
    }
    let turn = match (video.mirrored, video.rotation) {
        (false, 0) => String::new(),
        (false, turn) => format!(", turned {turn}° clockwise to be shown"),
        (true, 0) => ", mirrored to be shown".into(),
        (true, turn) => format!(", mirrored and then turned {turn}° clockwise to be shown"),
    };
    let (w, h) = video.display_aspect;
    lines.add(
        "display",
        &format!(
            "{w}:{h} ({:.3}), pixels {}{turn}",
            w as f64 / h.max(1) as f64,
            video.sar
        ),
    );
    let fields = match video.field_order {
        "tt" | "tb" => "interlaced, top field first",
        "bb" | "bt" => "interlaced, bottom field first",
        "progressive" => "progressive",
        _ => "not said, taken as progressive",
    };
    lines.add("fields", fields);
}

/// The nominal rate, and the true one where it is another.
fn rate_text(video: &VideoReport) -> String {
    let (nominal, mean) = (video.fps, video.mean_fps);
    let mut text = format!(", nominally {nominal:.3} a second");
    if mean > 0.0 && (mean / nominal - 1.0).abs() > 0.01 {
        let _ = write!(text, ", {mean:.3} on average");
    }
    text
}

/// How many key frames, and how far from one to the next (or the end).
fn key_text(video: &VideoReport) -> String {
    let keys = &video.key_frames;
    let Some(&first) = keys.first() else {
        return "none".into();
    };
    let ends = keys
        .iter()
        .skip(1)
        .chain(std::iter::once(&video.last_end_s));
    let longest = keys
        .iter()
        .zip(ends)
        .map(|(a, b)| b - a)
        .fold(0.0, f64::max);
    let mean = (video.last_end_s - first) / keys.len() as f64;
    format!(
        "{}, every {mean:.2} s on average, {longest:.2} s at most",
        keys.len()
    )
}

fn add_hdr(lines: &mut Lines, hdr: &HdrReport) {
    let kind = match hdr.kind {
        "pq" => "PQ (SMPTE ST 2084)",
        _ => "HLG (ARIB STD-B67)",
    };
    lines.add("hdr", kind);
    if let Some(m) = &hdr.mastering {
        let point = |p: &[f64; 2]| format!("({:.4}, {:.4})", p[0], p[1]);
        lines.add(
            "mastering",
            &format!(
                "{} to {} cd/m²",
                number(m.min_luminance),
                number(m.max_luminance)
            ),
        );
        let (red, green, blue) = (point(&m.red), point(&m.green), point(&m.blue));
        lines.add(
            "",
            &format!(
                "red {red}, green {green}, blue {blue}, white {}",
                point(&m.white_point)
            ),
        );
    }
    if let Some(light) = &hdr.content_light {
        let (pixel, frame) = (light.max_content, light.max_frame_average);
        lines.add(
            "light",
            &format!("MaxCLL {pixel} cd/m², MaxFALL {frame} cd/m²"),
        );
    }
}

/// Four decimals, without zeros at the end.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn add_tags(
    text: &mut String,
    language: &Option<String>,
    title: &Option<String>,
    flags: &[(&str, bool)],
) {
    if let Some(language) = language {
        let _ = write!(text, ", {language}");
    }
    if let Some(title) = title {
        let _ = write!(text, ", \"{title}\"");
    }
    for (name, _) in flags.iter().filter(|(_, set)| *set) {
        let _ = write!(text, ", {name}");
    }
}

fn damage_text(damage: &Damage) -> String {
    let mut text = String::new();
    if let Some(packet) = damage.packet {
        let _ = write!(text, "packet {packet}, ");
    }
    if let Some(offset) = damage.offset {
        let _ = write!(text, "byte {offset}, ");
    }
    if text.is_empty() {
        return damage.detail.clone();
    }
    text.truncate(text.len() - 2);
    format!("{text}: {}", damage.detail)
}

/// Hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}
