// SPDX-License-Identifier: MIT OR Apache-2.0
//! The eight ways in which a picture can lie.

use super::{Rect, Size};

/// A mirror image left to right, where `mirrored`, and then quarter turns clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    mirrored: bool,
    turns: u8,
}

impl Orientation {
    /// What EXIF's tag 0x0112 asks for; values other than 1 to 8 ask for nothing, as do absent
    /// ones.
    #[must_use]
    pub fn from_exif(value: u32) -> Self {
        let (mirrored, turns) = match value {
            2 => (true, 0),
            3 => (false, 2),
            4 => (true, 2),
            5 => (true, 3),
            6 => (false, 1),
            7 => (true, 1),
            8 => (false, 3),
            _ => (false, 0),
        };
        Self { mirrored, turns }
    }

    /// Whether the picture is mirrored first.
    #[must_use]
    pub fn mirrored(self) -> bool {
        self.mirrored
    }

    /// Quarter turns clockwise, 0 to 3.
    #[must_use]
    pub fn turns(self) -> u8 {
        self.turns
    }

    /// Whether width and height change places.
    #[must_use]
    pub fn swaps(self) -> bool {
        self.turns % 2 == 1
    }

    /// This, and then quarter turns clockwise.
    #[must_use]
    pub fn turned(self, turns: u8) -> Self {
        Self {
            turns: (self.turns + turns % 4) % 4,
            ..self
        }
    }

    /// This, and then mirror images left to right, and above to below.
    #[must_use]
    pub fn flipped(self, horizontal: bool, vertical: bool) -> Self {
        // A flip behind n turns is a flip before 4 − n of them.
        let flip = |it: Self| Self {
            mirrored: !it.mirrored,
            turns: (4 - it.turns) % 4,
        };
        let mut it = self;
        if horizontal {
            it = flip(it);
        }
        if vertical {
            it = flip(it).turned(2);
        }
        it
    }

    /// The size of a picture of `size` once it lies right.
    #[must_use]
    pub fn size(self, size: Size) -> Size {
        if self.swaps() {
            Size::new(size.height, size.width)
        } else {
            size
        }
    }

    /// Where `rect` of the picture that lies right, of `oriented` size, is before it is turned.
    #[must_use]
    pub fn unturned(self, rect: Rect, oriented: Size) -> Rect {
        let (mut rect, mut outer) = (rect, oriented);
        for _ in 0..self.turns {
            // One turn back: right becomes up.
            rect = Rect {
                x: rect.y,
                y: outer.width - rect.x - rect.width,
                width: rect.height,
                height: rect.width,
            };
            outer = Size::new(outer.height, outer.width);
        }
        if self.mirrored {
            rect.x = outer.width - rect.x - rect.width;
        }
        rect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the pixel (x, y) of a picture of 3 × 2 goes, by definition.
    fn moved(o: Orientation, x: u32, y: u32) -> (u32, u32) {
        let (mut x, mut y, mut w, mut h) = (x, y, 3, 2);
        if o.mirrored() {
            x = w - 1 - x;
        }
        for _ in 0..o.turns() {
            (x, y) = (h - 1 - y, x);
            (w, h) = (h, w);
        }
        (x, y)
    }

    #[test]
    fn exif_names_where_the_first_row_and_column_are() {
        // TIFF 6.0: the visual position of the stored first pixel, and of the one right of it.
        let wanted = [
            (1, (0, 0), (1, 0)),
            (2, (2, 0), (1, 0)),
            (3, (2, 1), (1, 1)),
            (4, (0, 1), (1, 1)),
            (5, (0, 0), (0, 1)),
            (6, (1, 0), (1, 1)),
            (7, (1, 2), (1, 1)),
            (8, (0, 2), (0, 1)),
        ];
        for (value, first, second) in wanted {
            let o = Orientation::from_exif(value);
            assert_eq!((moved(o, 0, 0), moved(o, 1, 0)), (first, second), "{value}");
        }
        assert_eq!(Orientation::from_exif(0), Orientation::from_exif(9));
    }

    #[test]
    fn rectangles_come_from_where_their_pixels_come_from() {
        for value in 1..=8 {
            let o = Orientation::from_exif(value);
            let oriented = o.size(Size::new(3, 2));
            for (x, y) in (0..3).flat_map(|x| (0..2).map(move |y| (x, y))) {
                let (to_x, to_y) = moved(o, x, y);
                let rect = Rect {
                    x: to_x,
                    y: to_y,
                    width: 1,
                    height: 1,
                };
                let from = o.unturned(rect, oriented);
                assert_eq!((from.x, from.y), (x, y), "{value}");
            }
        }
    }

    #[test]
    fn flips_come_behind_turns() {
        let o = Orientation::from_exif(6);
        let turned = o.size(Size::new(3, 2));
        for (x, y) in [(0, 0), (2, 1), (1, 0)] {
            let (to_x, to_y) = moved(o, x, y);
            let flipped = moved(o.flipped(true, false), x, y);
            assert_eq!(flipped, (turned.width - 1 - to_x, to_y));
            let flipped = moved(o.flipped(false, true), x, y);
            assert_eq!(flipped, (to_x, turned.height - 1 - to_y));
            let back = o.flipped(true, true).flipped(true, true);
            assert_eq!(back, o);
        }
    }
}
