// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a smaller rectangle lies in a larger one.

use super::{round_even, Size};
use crate::url::{Gravity, Position};

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rect {
    /// Its size.
    #[must_use]
    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }
}

/// Where `inner`, which is no larger, lies in `outer`: by the gravity, with offsets in pixels
/// times `dpr`, and never past an edge. [`Gravity::Smart`] needs pixels, and is the middle here.
#[must_use]
pub fn place(outer: Size, inner: Size, gravity: &Gravity, dpr: f64) -> Rect {
    let (left, top) = anywhere(outer, inner, gravity, dpr);
    let clamped = |at: i64, outer: u32, inner: u32| {
        let room = outer.saturating_sub(inner);
        u32::try_from(at.clamp(0, i64::from(room))).unwrap_or(0)
    };
    Rect {
        x: clamped(left, outer.width, inner.width),
        y: clamped(top, outer.height, inner.height),
        width: inner.width.min(outer.width),
        height: inner.height.min(outer.height),
    }
}

/// The same, left and top, of what may stand out, but not be out of sight.
pub(crate) fn place_over(outer: Size, inner: Size, gravity: &Gravity, dpr: f64) -> (i64, i64) {
    let (left, top) = anywhere(outer, inner, gravity, dpr);
    let clamped = |at: i64, outer: u32, inner: u32| {
        at.clamp(
            1 - i64::from(inner),
            (i64::from(outer) - 1).max(1 - i64::from(inner)),
        )
    };
    (
        clamped(left, outer.width, inner.width),
        clamped(top, outer.height, inner.height),
    )
}

fn anywhere(outer: Size, inner: Size, gravity: &Gravity, dpr: f64) -> (i64, i64) {
    match *gravity {
        Gravity::FocusPoint { x, y } => (
            share(outer.width, x) - i64::from(inner.width) / 2,
            share(outer.height, y) - i64::from(inner.height) / 2,
        ),
        Gravity::Smart => corner(outer, inner, Position::Center, (0, 0)),
        Gravity::Compass { position, x, y } => {
            let offsets = (offset(outer.width, x, dpr), offset(outer.height, y, dpr));
            corner(outer, inner, position, offsets)
        }
    }
}

fn corner(outer: Size, inner: Size, position: Position, offsets: (i64, i64)) -> (i64, i64) {
    use Position::{Center, East, North, NorthEast, NorthWest, South, SouthEast, SouthWest, West};
    let room_x = i64::from(outer.width) - i64::from(inner.width);
    let room_y = i64::from(outer.height) - i64::from(inner.height);
    let left = match position {
        Center | North | South => round_even((room_x + 1) as f64 / 2.0) + offsets.0,
        West | NorthWest | SouthWest => offsets.0,
        East | NorthEast | SouthEast => room_x - offsets.0,
    };
    let top = match position {
        Center | West | East => round_even((room_y + 1) as f64 / 2.0) + offsets.1,
        North | NorthWest | NorthEast => offsets.1,
        South | SouthWest | SouthEast => room_y - offsets.1,
    };
    (left, top)
}

/// An offset in pixels: from 1 on in pixels times `dpr`, below as a share of the outer side.
fn offset(outer: u32, value: f64, dpr: f64) -> i64 {
    if value.abs() >= 1.0 {
        round_even(value * dpr)
    } else {
        share(outer, value)
    }
}

fn share(outer: u32, value: f64) -> i64 {
    round_even(f64::from(outer) * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(outer: (u32, u32), inner: (u32, u32), gravity: Gravity, dpr: f64) -> (u32, u32) {
        let rect = place(
            Size::new(outer.0, outer.1),
            Size::new(inner.0, inner.1),
            &gravity,
            dpr,
        );
        (rect.x, rect.y)
    }

    #[test]
    fn places_are_edges_and_the_middle() {
        use Position::*;
        let cases = [
            (Center, (46, 20)),
            (North, (46, 0)),
            (East, (90, 20)),
            (South, (46, 40)),
            (West, (0, 20)),
            (NorthWest, (0, 0)),
            (NorthEast, (90, 0)),
            (SouthWest, (0, 40)),
            (SouthEast, (90, 40)),
        ];
        for (position, wanted) in cases {
            let gravity = Gravity::Compass {
                position,
                x: 0.0,
                y: 0.0,
            };
            assert_eq!(
                at((100, 50), (10, 10), gravity, 1.0),
                wanted,
                "{position:?}"
            );
        }
    }

    #[test]
    fn offsets_are_pixels_or_shares_and_stop_at_edges() {
        let compass = |position, x, y| Gravity::Compass { position, x, y };
        let cases = [
            (compass(Position::NorthWest, 7.0, 3.0), 1.0, (7, 3)),
            (compass(Position::NorthWest, 7.0, 3.0), 2.0, (14, 6)),
            (compass(Position::SouthEast, 7.0, 3.0), 1.0, (83, 37)),
            (compass(Position::NorthWest, 0.25, 0.1), 2.0, (25, 5)),
            (compass(Position::Center, -5.0, 5.0), 1.0, (41, 25)),
            (compass(Position::NorthWest, -7.0, 1000.0), 1.0, (0, 40)),
            (compass(Position::East, 1e300, -1e300), 1e300, (0, 0)),
            (Gravity::FocusPoint { x: 0.5, y: 0.5 }, 1.0, (45, 20)),
            (Gravity::FocusPoint { x: 0.0, y: 1.0 }, 1.0, (0, 40)),
            (Gravity::FocusPoint { x: 0.3, y: 0.4 }, 1.0, (25, 15)),
        ];
        for (gravity, dpr, wanted) in cases {
            assert_eq!(at((100, 50), (10, 10), gravity, dpr), wanted, "{gravity:?}");
        }
    }

    #[test]
    fn odd_rooms_are_halved_to_even() {
        let middle = Gravity::default();
        for (outer, wanted) in [(11, 1), (12, 2), (13, 2), (14, 2), (15, 3), (10, 0)] {
            let got = at((outer, 10), (10, 10), middle, 1.0).0;
            assert_eq!(got.min(outer - 10), wanted.min(outer - 10), "{outer}");
        }
    }
}
