// SPDX-License-Identifier: MIT OR Apache-2.0
use serde::{Deserialize, Serialize};
use std::fmt;

/// A fraction `num / den`, as time bases, frame rates and aspect ratios use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator; 0 means unknown.
    pub den: i32,
}

impl Rational {
    /// `num / den`, unreduced.
    #[must_use]
    pub const fn new(num: i32, den: i32) -> Self {
        Self { num, den }
    }

    /// True when the value is a usable, positive number.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.num > 0 && self.den > 0
    }

    /// The value as a float; 0 when unknown.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        if self.den == 0 {
            0.0
        } else {
            f64::from(self.num) / f64::from(self.den)
        }
    }

    /// `den / num`.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self {
            num: self.den,
            den: self.num,
        }
    }

    /// Rescales `value` counted in units of `self` to units of `to`, to the
    /// nearest, halves away from zero; saturates at the ends of `i64`.
    #[must_use]
    pub fn rescale(self, value: i64, to: Self) -> i64 {
        let num = i128::from(value) * i128::from(self.num) * i128::from(to.den);
        let den = i128::from(self.den) * i128::from(to.num);
        if den == 0 {
            return 0;
        }
        let (num, den) = if den < 0 { (-num, -den) } else { (num, den) };
        let half = den / 2;
        let rounded = if num >= 0 {
            (num + half) / den
        } else {
            -((-num + half) / den)
        };
        rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

#[cfg(test)]
mod tests {
    use super::Rational;

    #[test]
    fn rescale_rounds_to_nearest_away_from_zero() {
        let ms = Rational::new(1, 1000);
        let tick = Rational::new(1, 90_000);
        assert_eq!(ms.rescale(1, tick), 90);
        assert_eq!(tick.rescale(45, ms), 1);
        assert_eq!(tick.rescale(44, ms), 0);
        assert_eq!(tick.rescale(-45, ms), -1);
        assert_eq!(Rational::new(1, 0).rescale(5, ms), 0);
    }
}
