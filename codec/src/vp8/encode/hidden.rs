// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hidden frames of a chunk: pictures that are coded before those which lead up to them,
//! as alternate references, and shown by a frame of next to nothing when it is their turn.
//!
//! A chunk has its own and needs no picture from beyond, and the golden frame that it leaves
//! is one of the same picture with and without them: the chunk after it can be drafted
//! without knowing which.

use super::chunk::{golden_at, ChunkSettings, Role};
use super::frame::CodedFrame;
use crate::packet::is_hidden;

/// Fewest frames of a chunk that may have hidden ones: with fewer, too little lies between.
pub const HIDDEN_FRAMES: usize = 16;
/// Frames from one picture that is coded ahead to the next, about (docs/results.md).
const INTERVAL: usize = 12;
/// Most macroblocks of a chunk's first hidden frame, in a hundred, that may be intra coded,
/// and of one after another. Where there are more, the frames between have little to take
/// from it, and it costs more than it saves (docs/results.md).
const MOST_INTRA: [usize; 2] = [25, 50];

/// Which pictures of a chunk of `frames` are coded ahead, ascending: those that end its
/// halves, up to the golden frame and behind it, or equal parts of them.
fn places(frames: usize) -> Vec<usize> {
    if frames < HIDDEN_FRAMES {
        return Vec::new();
    }
    let golden = golden_at(frames) + 1;
    let parts = |from: usize, to: usize| {
        let (length, count) = (to - from, ((to - from + INTERVAL / 2) / INTERVAL).max(1));
        (1..=count).map(move |n| from + n * length / count - 1)
    };
    parts(0, golden).chain(parts(golden, frames)).collect()
}

/// Pairs a chunk's packets with the times of its pictures; a hidden frame has that of the
/// picture shown next. `None` where there are not as many shown frames as times.
#[must_use]
pub fn timed<T: Copy>(packets: Vec<Vec<u8>>, times: &[T]) -> Option<Vec<(T, Vec<u8>)>> {
    let mut left = times.iter().copied();
    let mut next = left.next();
    let pair = |packet: Vec<u8>| {
        let time = next?;
        if !is_hidden("vp8", &packet) {
            next = left.next();
        }
        Some((time, packet))
    };
    let timed = packets.into_iter().map(pair).collect::<Option<Vec<_>>>();
    timed.filter(|_| next.is_none())
}

/// Where a chunk is in its hidden frames.
pub(super) struct Hidden {
    settings: ChunkSettings,
    places: Vec<usize>,
    /// Which frame makes the golden one.
    golden: usize,
    /// The first that may refer to others.
    first: usize,
    /// The picture that the alternate reference holds, unless it has been shown.
    ahead: Option<usize>,
    /// Whether there has been one.
    begun: bool,
}

impl Hidden {
    /// Before a chunk's first frame; it `continues` from the chunk before or not.
    pub fn new(settings: ChunkSettings, frames: usize, continues: bool) -> Self {
        Self {
            places: match settings.hidden {
                true => places(frames),
                false => Vec::new(),
            },
            golden: golden_at(frames),
            first: usize::from(!continues),
            ahead: None,
            begun: false,
            settings,
        }
    }

    /// The picture that may be coded before frame `n` is, if it's time for one.
    pub fn due(&self, n: usize) -> Option<usize> {
        let begins = n == self.first || n > 0 && self.places.contains(&(n - 1));
        let next = self.places.iter().copied().find(|&place| place > n);
        next.filter(|_| begins)
    }

    /// Whether the hidden frame of picture `at` is worth its bytes. If so it is ahead
    /// from now on.
    pub fn pays(&mut self, at: usize, coded: &CodedFrame) -> bool {
        let field = coded.history.field.as_ref();
        let pays = field.is_some_and(|field| {
            let all = field.geometry().macroblocks();
            field.intra() * 100 <= all * MOST_INTRA[usize::from(self.begun)]
        });
        if pays {
            self.coded(at);
        }
        pays
    }

    /// The hidden frame of picture `at` is there.
    pub fn coded(&mut self, at: usize) {
        (self.ahead, self.begun) = (Some(at), true);
    }

    /// Whether the alternate reference holds a picture that is still to be shown.
    pub const fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// What shown frame `n` is for; after it, a hidden frame of its picture is ahead no more.
    pub fn role(&mut self, n: usize) -> Role {
        let golden = self.settings.golden && n == self.golden;
        match n {
            _ if n < self.first => Role::Key,
            _ if self.ahead == Some(n) => {
                self.ahead = None;
                Role::Overlay { golden }
            }
            _ if golden => Role::Golden,
            _ => Role::Usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vp8::Preset;

    fn hidden(frames: usize, continues: bool) -> Hidden {
        let settings = ChunkSettings {
            preset: Preset::Fast,
            quality: 20,
            golden: true,
            hidden: true,
        };
        Hidden::new(settings, frames, continues)
    }

    #[test]
    fn pictures_coded_ahead_are_some_twelve_frames_apart_and_the_golden_one_is_of_them() {
        assert!(places(15).is_empty());
        assert_eq!(places(16), [7, 15]);
        assert_eq!(places(24), [11, 23]);
        assert_eq!(places(60), [9, 19, 29, 39, 49, 59]);
        for frames in HIDDEN_FRAMES..300 {
            let places = places(frames);
            assert!(places.contains(&golden_at(frames)), "{frames}");
            assert_eq!(places.last(), Some(&(frames - 1)));
            assert!(places.windows(2).all(|p| (8..18).contains(&(p[1] - p[0]))));
        }
    }

    #[test]
    fn a_hidden_frame_has_the_time_of_the_one_shown_next() {
        let packets = |tags: &[u8]| tags.iter().map(|&tag| vec![tag]).collect();
        let times = |tags: &[u8], times: &[u64]| {
            let timed = timed(packets(tags), times)?;
            Some(timed.into_iter().map(|(time, _)| time).collect::<Vec<_>>())
        };
        let (shown, hidden) = (0x10, 0);
        assert_eq!(times(&[shown, hidden, shown], &[3, 7]), Some(vec![3, 7, 7]));
        assert_eq!(times(&[hidden, hidden, shown], &[5]), Some(vec![5; 3]));
        assert_eq!(times(&[shown, shown], &[3]), None);
        assert_eq!(
            times(&[shown, hidden], &[3]),
            None,
            "nothing is shown after it"
        );
        assert_eq!(times(&[shown], &[3, 7]), None);
    }

    #[test]
    fn they_are_due_where_the_last_one_was_shown() {
        let due = |frames, continues| {
            let hidden = hidden(frames, continues);
            let due = |n| Some((n, hidden.due(n)?));
            (0..frames).filter_map(due).collect::<Vec<_>>()
        };
        assert_eq!(due(24, true), [(0, 11), (12, 23)]);
        assert_eq!(due(24, false), [(1, 11), (12, 23)]);
        assert!(due(6, true).is_empty());
    }

    #[test]
    fn frames_have_their_roles() {
        let mut without = hidden(24, false);
        assert_eq!(without.role(0), Role::Key);
        assert_eq!(without.role(11), Role::Golden);
        assert_eq!(without.role(23), Role::Usual);
        let mut with = hidden(24, true);
        assert_eq!(with.role(0), Role::Usual);
        with.coded(11);
        assert_eq!(with.role(10), Role::Usual);
        assert!(with.is_ahead());
        assert_eq!(with.role(11), Role::Overlay { golden: true });
        assert!(!with.is_ahead());
        with.coded(23);
        assert_eq!(with.role(23), Role::Overlay { golden: false });
    }
}
