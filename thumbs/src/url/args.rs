// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values that arguments of options are made of. Errors say what is wrong with the text.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::options::{Gravity, Position, ResizingType, Rgb};

/// The arguments of one option. Those left out at the end and empty ones mean the same: what was
/// there stays.
pub(super) struct Args<'a> {
    list: &'a [&'a str],
    /// What was wrong, but is no error.
    pub(super) warnings: &'a mut Vec<String>,
}

impl<'a> Args<'a> {
    pub(super) fn new(list: &'a [&'a str], warnings: &'a mut Vec<String>) -> Self {
        Self { list, warnings }
    }

    /// The argument, where it is there and not empty.
    pub(super) fn get(&self, index: usize) -> Option<&'a str> {
        self.list
            .get(index)
            .copied()
            .filter(|text| !text.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The arguments from `first` on.
    pub(super) fn tail(&mut self, first: usize) -> Args<'_> {
        Args::new(self.list.get(first..).unwrap_or(&[]), self.warnings)
    }

    pub(super) fn all(&self) -> &'a [&'a str] {
        self.list
    }

    /// Sets `value` to a whole number of `range`.
    pub(super) fn whole<T>(
        &self,
        index: usize,
        range: RangeInclusive<T>,
        value: &mut T,
    ) -> Result<(), String>
    where
        T: FromStr + PartialOrd + Display,
    {
        if let Some(text) = self.get(index) {
            *value = whole(text, range)?;
        }
        Ok(())
    }

    /// Sets `value` to a number of `range`.
    pub(super) fn number(
        &self,
        index: usize,
        range: RangeInclusive<f64>,
        value: &mut f64,
    ) -> Result<(), String> {
        if let Some(text) = self.get(index) {
            *value = number(text, range)?;
        }
        Ok(())
    }

    /// Sets `value` to a number above 0.
    pub(super) fn factor(&self, index: usize, value: &mut f64) -> Result<(), String> {
        if let Some(text) = self.get(index) {
            *value = factor(text)?;
        }
        Ok(())
    }

    /// Sets `value` to a truth value; what is none becomes false, with a warning.
    pub(super) fn truth(&mut self, index: usize, value: &mut bool) {
        let Some(text) = self.get(index) else { return };
        *value = match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => {
                let text = super::error::shown(text);
                self.warnings
                    .push(format!("{text:?} is no truth value, and taken for false"));
                false
            }
        };
    }
}

/// A whole number of `range`.
pub(super) fn whole<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    match text.parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!(
            "{:?} is no whole number from {} to {}",
            super::error::shown(text),
            range.start(),
            range.end()
        )),
    }
}

/// A finite number of `range`.
pub(super) fn number(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && range.contains(&value) => Ok(value),
        _ if *range.end() == f64::MAX => Err(format!(
            "{:?} is no number{}",
            super::error::shown(text),
            if *range.start() < 0.0 {
                ""
            } else {
                " from 0 on"
            }
        )),
        _ => Err(format!(
            "{:?} is no number from {} to {}",
            super::error::shown(text),
            range.start(),
            range.end()
        )),
    }
}

/// A finite number above 0.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(format!(
            "{:?} is no number above 0",
            super::error::shown(text)
        )),
    }
}

/// Three or six hexadecimal digits, without `#`.
pub(super) fn hex_color(text: &str) -> Result<Rgb, String> {
    let fault = || {
        let text = super::error::shown(text);
        format!("{text:?} is no colour of 3 or 6 hexadecimal digits")
    };
    let digits: Vec<u8> = text
        .chars()
        .take(7)
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or_else(fault)?;
    match digits[..] {
        [r, g, b] => Ok(Rgb([r * 17, g * 17, b * 17])),
        [a, b, c, d, e, f] => Ok(Rgb([a * 16 + b, c * 16 + d, e * 16 + f])),
        _ => Err(fault()),
    }
}

/// The names of places, as URLs write them.
pub(super) const POSITIONS: [(&str, Position); 9] = [
    ("ce", Position::Center),
    ("no", Position::North),
    ("ea", Position::East),
    ("so", Position::South),
    ("we", Position::West),
    ("nowe", Position::NorthWest),
    ("noea", Position::NorthEast),
    ("sowe", Position::SouthWest),
    ("soea", Position::SouthEast),
];

/// The names of resizing types, as URLs write them.
pub(super) const RESIZING_TYPES: [(&str, ResizingType); 5] = [
    ("fit", ResizingType::Fit),
    ("fill", ResizingType::Fill),
    ("fill-down", ResizingType::FillDown),
    ("force", ResizingType::Force),
    ("auto", ResizingType::Auto),
];

/// What `text` names in `names`; an error lists them.
pub(super) fn named<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    names
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let list: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            let text = super::error::shown(text);
            format!("{text:?} is none of {}", list.join(", "))
        })
}

/// A gravity of all arguments: `sm`, `fp:x:y`, or a place and two offsets. An empty first
/// argument leaves what was there.
pub(super) fn gravity(args: &Args<'_>, smart: bool) -> Result<Option<Gravity>, String> {
    let Some(kind) = args.get(0) else {
        return Ok(None);
    };
    let count = |most: usize| {
        if args.len() > most {
            Err(format!("{kind} takes {} arguments at most", most - 1))
        } else {
            Ok(())
        }
    };
    match kind {
        "sm" if smart => {
            count(1)?;
            Ok(Some(Gravity::Smart))
        }
        "fp" => {
            let (Some(x), Some(y), 3) = (args.get(1), args.get(2), args.len()) else {
                return Err("fp takes two arguments".into());
            };
            Ok(Some(Gravity::FocusPoint {
                x: number(x, 0.0..=1.0)?,
                y: number(y, 0.0..=1.0)?,
            }))
        }
        _ => {
            count(3)?;
            let position = named(kind, &POSITIONS).map_err(|reason| {
                let sm = if smart { ", sm" } else { "" };
                format!("{reason}, fp{sm}")
            })?;
            let (mut x, mut y) = (0.0, 0.0);
            args.number(1, f64::MIN..=f64::MAX, &mut x)?;
            args.number(2, f64::MIN..=f64::MAX, &mut y)?;
            Ok(Some(Gravity::Compass { position, x, y }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_ranges() {
        assert_eq!(whole("7", 0..=10u32), Ok(7));
        assert!(whole("11", 0..=10u32).is_err());
        assert!(whole::<u32>("-1", 0..=10).is_err());
        assert!(whole::<u32>("1.5", 0..=10).is_err());
        assert_eq!(number("0.5", 0.0..=1.0), Ok(0.5));
        for bad in ["NaN", "inf", "-0.1", "1e999", "", "x"] {
            assert!(number(bad, 0.0..=1.0).is_err(), "{bad}");
            assert!(factor(bad).is_err(), "{bad}");
        }
        assert!(factor("0").is_err());
        assert_eq!(
            number("x", 0.0..=f64::MAX).unwrap_err(),
            "\"x\" is no number from 0 on"
        );
    }

    #[test]
    fn colours_have_three_or_six_digits() {
        assert_eq!(hex_color("fff"), Ok(Rgb([255; 3])));
        assert_eq!(hex_color("00Ff7f"), Ok(Rgb([0, 255, 127])));
        for bad in ["", "f", "ffff", "fffffff", "ggg", "#fff", "é00"] {
            assert!(hex_color(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn truth_is_gos_and_anything_else_is_false_with_a_warning() {
        let mut warnings = Vec::new();
        for (text, wanted, count) in [
            ("1", true, 0),
            ("t", true, 0),
            ("True", true, 0),
            ("0", false, 0),
            ("yes", false, 1),
            ("tRUE", false, 2),
        ] {
            let mut value = !wanted;
            Args::new(&[text], &mut warnings).truth(0, &mut value);
            assert_eq!((value, warnings.len()), (wanted, count), "{text}");
        }
    }
}
