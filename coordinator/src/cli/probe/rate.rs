// SPDX-License-Identifier: MIT OR Apache-2.0
//! Telling constant frame rates from variable ones.

/// True when frames shown at these times, in order, do not come at one
/// constant rate that was rounded to ticks.
///
/// The tick is the greatest step that divides all distances. Every distance
/// may be one tick off the mean, and every frame two ticks off its place; a
/// frame of less than four ticks excuses nothing.
#[must_use]
pub fn is_variable(pts: &[i64]) -> bool {
    let (Some(first), Some(last)) = (pts.first(), pts.last()) else {
        return false;
    };
    let steps = || pts.windows(2).map(|w| w[1].abs_diff(w[0]));
    let tick = steps().fold(0, gcd);
    if tick == 0 || steps().all(|s| s == tick) {
        return false;
    }
    let count = (pts.len() - 1) as f64;
    let mean = last.abs_diff(*first) as f64 / tick as f64 / count;
    let off_pace = |s: u64| (s as f64 / tick as f64 - mean).abs() > 1.0 + 1.0 / count;
    let off_place = |(n, p): (usize, &i64)| {
        (p.abs_diff(*first) as f64 / tick as f64 - mean * n as f64).abs() > 2.0
    };
    mean < 4.0 || steps().any(off_pace) || pts.iter().enumerate().any(off_place)
}

/// The greatest common divisor; `gcd(0, n)` is `n`.
pub fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        gcd(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::is_variable;

    fn rounded(frames: i64, tick: f64, rate: f64) -> Vec<i64> {
        (0..frames)
            .map(|n| (n as f64 / rate / tick).round() as i64)
            .collect()
    }

    #[test]
    fn rounding_to_ticks_is_constant() {
        for rate in [23.976, 24.0, 29.97, 30.0, 59.94, 60.0, 120.0] {
            assert!(!is_variable(&rounded(1000, 1e-3, rate)), "{rate} in ms");
            assert!(
                !is_variable(&rounded(1000, 1.0 / 90_000.0, rate)),
                "{rate} in 90 kHz"
            );
            let ms_in_us: Vec<i64> = rounded(1000, 1e-3, rate).iter().map(|p| p * 1000).collect();
            assert!(!is_variable(&ms_in_us), "{rate} in ms as us");
        }
        assert!(!is_variable(&[]) && !is_variable(&[5]) && !is_variable(&[5, 9]));
        assert!(!is_variable(&[0, 1, 2, 3]));
    }

    #[test]
    fn gaps_jitter_and_changes_of_rate_are_variable() {
        assert!(is_variable(&[0, 1, 2, 4, 5, 6]), "a frame is missing");
        assert!(is_variable(&[0, 512, 1024, 2048]), "a frame is missing");
        assert!(is_variable(&[0, 33, 66, 109, 140]), "jitter");
        let change: Vec<i64> = (0..500)
            .map(|n| n * 33)
            .chain((0..500).map(|n| 16_500 + n * 34))
            .collect();
        assert!(is_variable(&change), "33 and then 34 ms");
        assert!(is_variable(&[i64::MIN, 0, 1, i64::MAX]), "no overflow");
    }
}
