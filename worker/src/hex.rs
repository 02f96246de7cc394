// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fixed-size bytes that are hex as text: small in memory, readable in records.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// `N` bytes, written as `2 * N` lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; N];
        let pairs = text.as_bytes().chunks_exact(2);
        if text.len() != 2 * N {
            return Err(D::Error::custom(format!(
                "{} hex digits, not {}",
                text.len(),
                2 * N
            )));
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Err(D::Error::custom("not lower-case hex"));
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::Hex;

    #[test]
    fn text_and_back() {
        let value = Hex([0x00, 0x7f, 0xa5, 0xff]);
        let text = serde_json::to_string(&value).expect("text");
        assert_eq!(text, "\"007fa5ff\"");
        assert_eq!(serde_json::from_str::<Hex<4>>(&text).expect("bytes"), value);
        for wrong in [
            "\"\"",
            "\"007fa5f\"",
            "\"007FA5FF\"",
            "\"007fa5ff00\"",
            "\"zz7fa5ff\"",
            "7",
        ] {
            assert!(serde_json::from_str::<Hex<4>>(wrong).is_err(), "{wrong}");
        }
    }
}
