// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a display matrix asks for, as turns and a mirror.

/// How pictures with this display matrix are to be shown: whether to mirror
/// them left-right first, and then by how many degrees to turn them clockwise
/// (0, 90, 180 or 270). `None` when the matrix is not made of right angles.
///
/// ISO/IEC 14496-12 §6.2.2 stores `{a, b, u, c, d, v, x, y, w}` and maps
/// `x' = a·x + c·y`, `y' = b·x + d·y` with y pointing down, as does
/// libavutil/display.h. So a clockwise turn by θ is `a = d = cos θ`,
/// `b = −c = sin θ`, and a mirror before it negates `a` and `b`. Lengths do not
/// matter, and lines within 1° of an axis count as lying on it, as in FFmpeg.
#[must_use]
pub fn orientation(matrix: &[i32; 9]) -> Option<(u16, bool)> {
    let [a, b, c, d] = [matrix[0], matrix[1], matrix[3], matrix[4]].map(i64::from);
    let (right, down) = (direction(a, b)?, direction(c, d)?);
    // Where the picture's right edge and its lower edge go, in quarter turns
    // clockwise from the right: unmirrored, the lower one is a quarter ahead.
    match (down + 4 - right) % 4 {
        1 => Some((right * 90, false)),
        3 => Some(((right + 2) % 4 * 90, true)),
        _ => None,
    }
}

/// Quarter turns clockwise from the right to the direction `(x, y)`, y down.
fn direction(x: i64, y: i64) -> Option<u16> {
    // tan 1° is about 1/57.
    let along = |long: i64, short: i64| long != 0 && short.abs() * 57 <= long.abs();
    match (along(x, y), along(y, x)) {
        (true, _) => Some(if x > 0 { 0 } else { 2 }),
        (_, true) => Some(if y > 0 { 1 } else { 3 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::orientation;

    const ONE: i32 = 1 << 16;

    fn of(a: i32, b: i32, c: i32, d: i32) -> Option<(u16, bool)> {
        orientation(&[a, b, 0, c, d, 0, 0, 0, 1 << 30])
    }

    #[test]
    fn turns_are_clockwise() {
        assert_eq!(of(ONE, 0, 0, ONE), Some((0, false)));
        assert_eq!(of(0, ONE, -ONE, 0), Some((90, false)));
        assert_eq!(of(-ONE, 0, 0, -ONE), Some((180, false)));
        assert_eq!(of(0, -ONE, ONE, 0), Some((270, false)));
    }

    #[test]
    fn mirrors_come_before_turns() {
        assert_eq!(of(-ONE, 0, 0, ONE), Some((0, true)));
        assert_eq!(of(0, -ONE, -ONE, 0), Some((90, true)));
        assert_eq!(of(ONE, 0, 0, -ONE), Some((180, true)));
        assert_eq!(of(0, ONE, ONE, 0), Some((270, true)));
    }

    /// Every answer, carried out on unit vectors, gives the matrix again.
    #[test]
    fn answers_rebuild_their_matrices() {
        for (a, b, c, d) in [(1, 0, 0, 1), (0, 1, 1, 0)] {
            for signs in 0..4 {
                let (p, q) = (1 - 2 * (signs & 1), 1 - (signs & 2));
                let matrix = (a * p, b * p, c * q, d * q);
                let (turn, mirrored) =
                    of(matrix.0, matrix.1, matrix.2, matrix.3).expect("right angles");
                let (cos, sin) = [(1, 0), (0, 1), (-1, 0), (0, -1)][usize::from(turn / 90)];
                let sign = if mirrored { -1 } else { 1 };
                assert_eq!(matrix, (cos * sign, sin * sign, -sin, cos));
            }
        }
    }

    #[test]
    fn lengths_and_slight_slants_do_not_matter() {
        assert_eq!(of(2 * ONE, 0, 0, ONE / 2), Some((0, false)));
        assert_eq!(of(500, ONE, -ONE, -500), Some((90, false)));
    }

    #[test]
    fn other_matrices_have_no_answer() {
        assert_eq!(of(46341, 46341, -46341, 46341), None);
        assert_eq!(of(0, 0, 0, 0), None);
        assert_eq!(of(ONE, 0, ONE, 0), None);
        assert_eq!(of(ONE, 0, 0, 0), None);
        assert_eq!(of(i32::MIN, i32::MIN, i32::MAX, i32::MIN), None);
    }
}
