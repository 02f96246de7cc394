// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thumbnail: `thumbnail SOURCE OPTIONS RESULT`, with options as in URLs (`rs:fill:300:300/g:sm`).
//! With a fourth argument it is made that many times behind a first one, and standard output has
//! the CPU time of each in milliseconds, all threads of the process together.

use std::error::Error;

use framemill_thumbs::url::Grammar;
use framemill_thumbs::{thumbnail, Limits, Settings};
use rustix::time::{clock_gettime, ClockId};

/// CPU time of the process, in milliseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, options, result, rest @ ..] = &arguments[..] else {
        return Err("usage: thumbnail SOURCE OPTIONS RESULT [TIMES]".into());
    };
    let times: u32 = rest.first().map_or(Ok(0), |times| times.parse())?;
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
    let made = thumbnail(&bytes, &request.options, &settings, &|| false)?;
    let started = cpu();
    for _ in 0..times {
        thumbnail(&bytes, &request.options, &settings, &|| false)?;
    }
    if times > 0 {
        println!("{:.3}", (cpu() - started) / f64::from(times));
    }
    let (size, frames) = (made.size, made.frames);
    eprintln!("{size:?}, {frames} frames, {} bytes", made.bytes.len());
    for warning in &made.warnings {
        eprintln!("{warning}");
    }
    std::fs::write(result, &made.bytes)?;
    Ok(())
}
