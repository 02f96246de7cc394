// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thumbnail: `thumbnail SOURCE OPTIONS RESULT`, with options as in URLs (`rs:fill:300:300/g:sm`).
//! With a fourth argument it is made that many times, and the CPU time of each is told.

use std::error::Error;
use std::time::Instant;

use framemill_thumbs::url::Grammar;
use framemill_thumbs::{thumbnail, Limits, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, options, result, rest @ ..] = &arguments[..] else {
        return Err("usage: thumbnail SOURCE OPTIONS RESULT [TIMES]".into());
    };
    let times: u32 = rest.first().map_or(Ok(1), |times| times.parse())?;
    let grammar = Grammar::default();
    let request = grammar.parse_unsigned(&format!("/{options}/plain/x"))?;
    let settings = Settings {
        limits: Limits {
            frames: 1000,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let bytes = std::fs::read(source)?;
    let started = Instant::now();
    for _ in 1..times {
        thumbnail(&bytes, &request.options, &settings, &|| false)?;
    }
    let made = thumbnail(&bytes, &request.options, &settings, &|| false)?;
    let each = started.elapsed().as_secs_f64() * 1000.0 / f64::from(times);
    let (size, frames) = (made.size, made.frames);
    eprintln!(
        "{size:?}, {frames} frames, {} bytes, {each:.1} ms",
        made.bytes.len()
    );
    made.warnings
        .iter()
        .for_each(|warning| eprintln!("{warning}"));
    std::fs::write(result, &made.bytes)?;
    Ok(())
}
