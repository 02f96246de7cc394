// SPDX-License-Identifier: MIT OR Apache-2.0
//! `Content-Range` (RFC 9110 §14.4).

/// What a `Content-Range` says, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// First byte of the body; `None` for an answer without one.
    pub from: Option<u64>,
    /// Size of the whole blob; `None` where the server does not know it.
    pub size: Option<u64>,
}

/// `bytes 0-9/20`, `bytes 0-9/*` or `bytes */20`; `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<ContentRange> {
    let (unit, rest) = text.trim().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (range, size) = rest.trim().split_once('/')?;
    let size = match size {
        "*" => None,
        size => Some(number(size)?),
    };
    let from = match range {
        "*" => None,
        range => {
            let (from, to) = range.split_once('-')?;
            let (from, to) = (number(from)?, number(to)?);
            if from > to || size.is_some_and(|size| to >= size) {
                return None;
            }
            Some(from)
        }
    };
    Some(ContentRange { from, size })
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let cases = [
            ("bytes 0-9/20", Some((Some(0), Some(20)))),
            ("Bytes 5-5/6", Some((Some(5), Some(6)))),
            ("bytes 0-9/*", Some((Some(0), None))),
            ("bytes */0", Some((None, Some(0)))),
            ("bytes 9-0/20", None),
            ("bytes 0-20/20", None),
            ("bytes 0-+9/20", None),
            ("items 0-9/20", None),
            ("bytes 0-9", None),
            ("bytes 0-99999999999999999999/*", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = parse(text).map(|range| (range.from, range.size));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
