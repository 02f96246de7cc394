// SPDX-License-Identifier: MIT OR Apache-2.0
//! LEB128 integers, zigzag for signed ones.

use std::io::{self, Read};

/// Appends `value` in 7-bit groups, least significant first.
pub fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed value, zigzag-coded.
pub fn write_signed(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads what [`write_unsigned`] wrote.
///
/// # Errors
/// `UnexpectedEof` at the end, `InvalidData` beyond 64 bits.
pub fn read_unsigned(from: &mut impl Read) -> io::Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        let bits = u64::from(byte[0] & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "an integer beyond 64 bits",
    ))
}

/// Reads what [`write_signed`] wrote.
///
/// # Errors
/// As [`read_unsigned`].
pub fn read_signed(from: &mut impl Read) -> io::Result<i64> {
    let value = read_unsigned(from)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(u in any::<u64>(), s in any::<i64>()) {
            let mut bytes = Vec::new();
            write_unsigned(&mut bytes, u);
            write_signed(&mut bytes, s);
            let mut from = bytes.as_slice();
            prop_assert_eq!(read_unsigned(&mut from).unwrap(), u);
            prop_assert_eq!(read_signed(&mut from).unwrap(), s);
            prop_assert!(from.is_empty());
        }
    }

    #[test]
    fn an_overlong_integer_is_refused() {
        assert!(read_unsigned(&mut [0xff; 10].as_slice()).is_err());
        assert!(read_unsigned(&mut [0x80].as_slice()).is_err());
    }
}
