// SPDX-License-Identifier: MIT OR Apache-2.0
//! The most bits of any moment.

/// Seconds of the highest rate that a decoder's buffer holds, as other encoders
/// are told.
const BUFFER_S: f64 = 2.0;

/// A decoder's buffer, full at first, which is filled at the highest rate and
/// must never run empty (the leaky bucket of ISO/IEC 13818-2, annex C). A
/// chunk's bits leave it at once at the chunk's beginning: frame by frame, as
/// decoders do, it is never emptier.
#[derive(Clone, Debug)]
pub struct Limit {
    bits_per_s: f64,
    /// Seconds at which chunks begin; the last one is the end.
    starts: Vec<f64>,
    /// Qualities that chunks must not be better than.
    floors: Vec<f64>,
}

impl Limit {
    /// For chunks that begin at `starts`, ascending, with the end as the last.
    #[must_use]
    pub fn new(bits_per_s: u64, starts: Vec<f64>) -> Self {
        Self {
            bits_per_s: bits_per_s as f64,
            floors: vec![f64::NEG_INFINITY; starts.len().saturating_sub(1)],
            starts,
        }
    }

    /// Runs through the buffer. Gives, for each stretch that runs it empty, the
    /// chunks since it was last full, their bits, and what is lacking.
    fn breaks(&self, bytes: &[u64]) -> Vec<(std::ops::Range<usize>, f64, f64)> {
        let size = self.bits_per_s * BUFFER_S;
        let (mut level, mut first, mut breaks) = (size, 0, Vec::new());
        let mut spent = 0.0;
        for (n, times) in self.starts.windows(2).enumerate().take(bytes.len()) {
            let bits = bytes[n] as f64 * 8.0;
            level -= bits;
            spent += bits;
            if level < 0.0 {
                breaks.push((first..n + 1, spent, -level));
                level = 0.0;
                (first, spent) = (n + 1, 0.0);
            }
            level += self.bits_per_s * (times[1] - times[0]);
            if level >= size {
                level = size;
                (first, spent) = (n + 1, 0.0);
            }
        }
        breaks
    }

    /// Makes chunks worse that run the buffer empty; says whether there are any.
    pub fn hold(&mut self, bytes: &[u64], quality: &[f64], per_doubling: f64) -> bool {
        let breaks = self.breaks(bytes);
        for (chunks, bits, lacking) in &breaks {
            let fits = (bits - lacking).max(bits / 16.0);
            // A little more than it takes, so that rounds come to an end.
            let worse = (bits / fits).log2() * per_doubling + 0.5;
            for n in chunks.clone() {
                self.floors[n] = self.floors[n].max(quality[n] + worse);
            }
        }
        !breaks.is_empty()
    }

    /// These qualities, none better than it may be, in whole steps.
    #[must_use]
    pub fn held(&self, qualities: Vec<f64>, step: f64) -> Vec<f64> {
        let floors = self.floors.iter().map(|floor| (floor / step).ceil() * step);
        let held = qualities.into_iter().zip(floors);
        held.map(|(quality, floor)| quality.max(floor)).collect()
    }

    /// The second at which the buffer first runs empty.
    #[must_use]
    pub fn first_broken(&self, bytes: &[u64]) -> Option<f64> {
        let breaks = self.breaks(bytes);
        breaks
            .first()
            .map(|(chunks, ..)| self.starts[chunks.end - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> Limit {
        // 8000 bits a second, a buffer of 2000 bytes, chunks of a second.
        Limit::new(8000, (0..=10).map(f64::from).collect())
    }

    #[test]
    fn what_the_buffer_holds_may_be_spent_once() {
        assert_eq!(limit().first_broken(&[2000, 1000, 1000, 1000]), None);
        assert_eq!(limit().first_broken(&[2000, 1001]), Some(1.0));
        assert_eq!(
            limit().first_broken(&[1000, 1000, 2000, 0, 2000, 1001]),
            Some(5.0)
        );
        // What does not fit into the buffer is lost.
        assert_eq!(limit().first_broken(&[0, 0, 0, 0, 2001]), Some(4.0));
    }

    #[test]
    fn only_chunks_that_empty_it_are_made_worse() {
        let mut limit = limit();
        let mut bytes = [500; 10];
        (bytes[5], bytes[6]) = (2000, 2000);
        assert!(limit.hold(&bytes, &[20.0; 10], 6.0));
        let held = limit.held(vec![20.0; 10], 1.0);
        // 4000 bytes where 3000 may be: 0.42 doublings of 6 steps, and the margin.
        assert_eq!(held, [20., 20., 20., 20., 20., 23., 23., 20., 20., 20.]);
        assert!(!limit.hold(&[500; 10], &held, 6.0));
    }
}
