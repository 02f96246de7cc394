// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks on axes.

/// Round numbers from 0 up to `end`, at most about `most` of them; `end` is above 0.
pub(super) fn nice_ticks(end: f64, most: u32) -> Vec<f64> {
    let step = nice_step(end / f64::from(most.max(1)));
    let count = (end / step + 1e-9).floor() as u32;
    (0..=count).map(|n| f64::from(n) * step).collect()
}

/// The least of 1, 2 and 5 times a power of ten that is at least so much.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 5.0];
    let step = factors.into_iter().find(|f| f * power >= least * 0.999);
    step.unwrap_or(10.0) * power
}

/// Seconds as on an axis that goes up to `end`.
pub(super) fn seconds_label(seconds: f64, end: f64) -> String {
    let places = match end {
        e if e < 0.5 => 3,
        e if e < 2.5 => 2,
        e if e < 12.0 => 1,
        _ => 0,
    };
    format!("{seconds:.places$}")
}
