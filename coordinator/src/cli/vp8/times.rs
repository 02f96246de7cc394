// SPDX-License-Identifier: MIT OR Apache-2.0
//! When each picture is shown, for files that state it and files that do not.

use framemill_codec::picture::Rational;
use std::collections::VecDeque;

/// Times from 0 in units of the source, each later than the one before.
#[derive(Debug)]
pub struct Times {
    unit: Rational,
    first: Option<i64>,
    /// The last time, and how far the next one is if it does not say.
    last: Option<u64>,
    step: u64,
    waiting: VecDeque<u64>,
}

impl Times {
    /// No picture yet, in units of `unit` seconds, at about `rate` a second.
    pub fn new(unit: Rational, rate: Rational) -> Self {
        let known = rate.num > 0 && rate.den > 0;
        let rate = if known { rate } else { Rational::new(25, 1) };
        let step = Rational::new(rate.den, rate.num);
        Self {
            unit,
            first: None,
            last: None,
            step: unit_of(step, unit),
            waiting: VecDeque::new(),
        }
    }

    /// A picture, and its time if it has one.
    pub fn push(&mut self, stated: Option<i64>) {
        let from_first = |t: i64| t.checked_sub(*self.first.get_or_insert(t));
        let stated = stated
            .and_then(from_first)
            .and_then(|t| u64::try_from(t).ok());
        let next = self.last.map_or(0, |last| last + self.step);
        let time = match (stated, self.last) {
            (Some(time), None) => time,
            (Some(time), Some(last)) if time > last => {
                self.step = time - last;
                time
            }
            _ => next,
        };
        self.last = Some(time);
        self.waiting.push_back(time);
    }

    /// The time of the next picture that comes out; pictures keep their order.
    pub fn take(&mut self) -> u64 {
        self.waiting.pop_front().unwrap_or_default()
    }

    /// Seconds up to the end of the last picture.
    pub fn seconds(&self) -> f64 {
        let ticks = self.last.map_or(0, |last| last + self.step);
        ticks as f64 * f64::from(self.unit.num) / f64::from(self.unit.den)
    }
}

/// A time in seconds as units of `unit` seconds, at least one.
fn unit_of(time: Rational, unit: Rational) -> u64 {
    let (num, den) = (
        i64::from(time.num) * i64::from(unit.den),
        i64::from(time.den) * i64::from(unit.num),
    );
    u64::try_from(num.checked_div(den).unwrap_or(1))
        .unwrap_or(1)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(stated: &[Option<i64>]) -> Vec<u64> {
        let mut times = Times::new(Rational::new(1, 1000), Rational::new(50, 1));
        stated.iter().for_each(|&t| times.push(t));
        stated.iter().map(|_| times.take()).collect()
    }

    #[test]
    fn stated_times_are_kept_from_the_first_on() {
        let stated = [Some(-40), Some(0), Some(33), Some(100)];
        assert_eq!(taken(&stated), [0, 40, 73, 140]);
    }

    #[test]
    fn missing_times_follow_the_rate() {
        assert_eq!(taken(&[None; 3]), [0, 20, 40]);
        assert_eq!(taken(&[Some(5), Some(15), None, Some(20)]), [0, 10, 20, 30]);
    }

    #[test]
    fn times_always_rise() {
        let stated = [Some(0), Some(0), Some(i64::MIN), Some(7)];
        assert_eq!(taken(&stated), [0, 20, 40, 60]);
    }

    #[test]
    fn the_end_is_that_of_the_last_picture() {
        let mut times = Times::new(Rational::new(1, 50), Rational::new(0, 0));
        assert_eq!(times.seconds(), 0.0);
        times.push(Some(3));
        times.push(Some(4));
        assert!((times.seconds() - 0.04).abs() < 1e-9);
    }
}
