// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values as texts.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// A truth value, as Go's programs write them.
pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" | "yes" | "on" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" | "no" | "off" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// A number within a range.
pub(super) fn number<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    let (least, most) = (range.start(), range.end());
    text.parse()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| format!("{text:?} is no number from {least} to {most}"))
}

/// Seconds, with or without an `s`, up to ten years.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let bare = text.strip_suffix('s').unwrap_or(text);
    let value: f64 = number(bare, 0.0..=315_360_000.0)?;
    Ok(Duration::from_secs_f64(value))
}

/// Bytes, with K, M or G for powers of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (bare, factor) = match text.chars().last() {
        Some('K' | 'k') => (&text[..text.len() - 1], 1 << 10),
        Some('M' | 'm') => (&text[..text.len() - 1], 1 << 20),
        Some('G' | 'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    number(bare, 0..=(1 << 60) / factor).map(|value: u64| value * factor)
}

/// Pixels, given in millions.
pub(super) fn megapixels(text: &str) -> Result<u64, String> {
    number(text, 0.0..=1e6).map(|value: f64| (value * 1e6) as u64)
}

/// An address with a port; without a host, as in `:8080`, all of this machine's.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':') {
        let port = number(port, 0..=u16::MAX)?;
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let local = text.replacen("localhost:", "127.0.0.1:", 1);
    local
        .parse()
        .map_err(|_| format!("{text:?} is no ADDRESS:PORT such as 127.0.0.1:8080"))
}

/// What commas separate, without blanks and empty parts.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `NAME=VALUE` pairs between commas.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    list(text)
        .iter()
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("{pair:?} is no NAME=VALUE"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// A text that is not empty.
pub(super) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
