// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bits at equal quality over curves: Bjøntegaard's difference, by piecewise
//! cubics that never overshoot (Fritsch and Carlson), as JCT-VC computes it.

/// Mean share of bits that `ours` takes more than `theirs` at equal quality,
/// over the qualities that both reach: 0.1 is 10 % more. Points are quality
/// and bits; `None` when less than two are on a side, or no quality in common.
#[must_use]
pub fn rate(ours: &[(f64, f64)], theirs: &[(f64, f64)]) -> Option<f64> {
    let (ours, theirs) = (Curve::through(ours)?, Curve::through(theirs)?);
    let low = ours.first().max(theirs.first());
    let high = ours.last().min(theirs.last());
    if low >= high {
        return None;
    }
    let difference = ours.integral(low, high) - theirs.integral(low, high);
    Some((difference / (high - low)).exp() - 1.0)
}

/// The logarithm of bits over quality, with slopes at its points.
#[derive(Debug)]
struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
    slope: Vec<f64>,
}

impl Curve {
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        let finite = |p: &&(f64, f64)| p.0.is_finite() && p.1 > 0.0;
        let mut points: Vec<_> = points.iter().filter(finite).copied().collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by(|a, b| a.0 == b.0);
        if points.len() < 2 {
            return None;
        }
        let x: Vec<f64> = points.iter().map(|p| p.0).collect();
        let y: Vec<f64> = points.iter().map(|p| p.1.ln()).collect();
        let slope = slopes(&x, &y);
        Some(Self { x, y, slope })
    }

    fn first(&self) -> f64 {
        self.x[0]
    }

    fn last(&self) -> f64 {
        self.x[self.x.len() - 1]
    }

    /// Area under the curve from `low` to `high`, both on it.
    fn integral(&self, low: f64, high: f64) -> f64 {
        let pieces = 0..self.x.len() - 1;
        pieces
            .map(|n| {
                let (a, b) = (low.max(self.x[n]), high.min(self.x[n + 1]));
                if a < b {
                    self.primitive(n, b) - self.primitive(n, a)
                } else {
                    0.0
                }
            })
            .sum()
    }

    /// Area under piece `n` from its start to `x`.
    fn primitive(&self, n: usize, x: f64) -> f64 {
        let width = self.x[n + 1] - self.x[n];
        let rise = (self.y[n + 1] - self.y[n]) / width;
        let (d0, d1) = (self.slope[n], self.slope[n + 1]);
        let square = (3.0 * rise - 2.0 * d0 - d1) / width;
        let cube = (d0 + d1 - 2.0 * rise) / (width * width);
        let t = x - self.x[n];
        t * (self.y[n] + t * (d0 / 2.0 + t * (square / 3.0 + t * cube / 4.0)))
    }
}

/// Slopes that keep each piece between its ends.
fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let width: Vec<f64> = x.windows(2).map(|x| x[1] - x[0]).collect();
    let rise: Vec<f64> = y
        .windows(2)
        .zip(&width)
        .map(|(y, w)| (y[1] - y[0]) / w)
        .collect();
    let pieces = rise.len();
    if pieces == 1 {
        return vec![rise[0]; 2];
    }
    let inner = (1..pieces).map(|n| {
        let (a, b) = (rise[n - 1], rise[n]);
        if a * b <= 0.0 {
            return 0.0;
        }
        let (wa, wb) = (width[n - 1], width[n]);
        let (p, q) = (2.0 * wb + wa, wb + 2.0 * wa);
        (p + q) / (p / a + q / b)
    });
    let end = |w0: f64, w1: f64, r0: f64, r1: f64| {
        let slope = ((2.0 * w0 + w1) * r0 - w0 * r1) / (w0 + w1);
        if slope * r0 <= 0.0 {
            0.0
        } else if r0 * r1 <= 0.0 && slope.abs() > 3.0 * r0.abs() {
            3.0 * r0
        } else {
            slope
        }
    };
    let first = end(width[0], width[1], rise[0], rise[1]);
    let (z, y) = (pieces - 1, pieces - 2);
    let last = end(width[z], width[y], rise[z], rise[y]);
    std::iter::once(first)
        .chain(inner)
        .chain(std::iter::once(last))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [(f64, f64); 4] = [(44.0, 900.0), (30.0, 100.0), (34.0, 170.0), (39.0, 400.0)];

    fn moved(bits: f64, quality: f64) -> Vec<(f64, f64)> {
        let points = POINTS.iter();
        points.map(|(q, b)| (q + quality, b * bits)).collect()
    }

    #[test]
    fn a_curve_equals_itself() {
        assert!(rate(&POINTS, &POINTS).unwrap().abs() < 1e-12);
    }

    #[test]
    fn more_bits_everywhere_are_that_much_more() {
        assert!((rate(&moved(1.2, 0.0), &POINTS).unwrap() - 0.2).abs() < 1e-9);
        assert!((rate(&POINTS, &moved(1.25, 0.0)).unwrap() + 0.2).abs() < 1e-9);
    }

    #[test]
    fn straight_curves_give_the_exact_distance() {
        // Bits double each 3 dB, so one dB better is a cube root of 2 fewer.
        let line: Vec<_> = (0..5)
            .map(|n| (30.0 + 3.0 * f64::from(n), 100.0 * 2f64.powi(n)))
            .collect();
        let better: Vec<_> = line.iter().map(|(q, b)| (q + 1.0, *b)).collect();
        let expected = 2f64.powf(-1.0 / 3.0) - 1.0;
        assert!((rate(&better, &line).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn nothing_in_common_is_no_figure() {
        assert_eq!(rate(&moved(1.0, 20.0), &POINTS), None);
        assert_eq!(rate(&POINTS[..1], &POINTS), None);
    }

    #[test]
    fn a_curve_runs_through_its_points_and_never_overshoots() {
        let curve = Curve::through(&POINTS).unwrap();
        let step = 0.001;
        let mut x = curve.first();
        let mut before = f64::MIN;
        while x + step < curve.last() {
            let height = curve.integral(x, x + step) / step;
            assert!(height >= before, "{x}");
            before = height;
            x += step;
        }
    }
}
