// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an address is, whatever it is wrapped in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The Internet.
    Public,
    /// This machine.
    Loopback,
    /// This link: RFC 3927, RFC 4291 §2.5.6.
    LinkLocal,
    /// This site: RFC 1918, RFC 4193, and the deprecated site-local addresses.
    Private,
    /// Where clouds tell their machines secrets.
    Metadata,
    /// Multicast, carrier's NAT (RFC 6598), documentation, reserved, and whatever else is no host
    /// on the Internet (RFC 6890).
    Other,
}

/// Addresses of metadata services that are not link-local: AWS over IPv6, Alibaba Cloud, Azure's
/// wire server, Oracle Cloud.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// How far an address reaches. Of an IPv4 address inside an IPv6 one, the inner address decides.
#[must_use]
pub fn reach(ip: IpAddr) -> Reach {
    if METADATA.contains(&ip) || ip == IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)) {
        return Reach::Metadata;
    }
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => match inner(ip) {
            Some(inner) => reach(IpAddr::V4(inner)),
            None => reach_v6(ip),
        },
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped and compatible (RFC 4291 §2.5.5),
/// 6to4 (RFC 3056), NAT64's well-known prefix (RFC 6052), ISATAP (RFC 5214).
fn inner(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(of(high, low)),
        _ => None,
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    if ip.is_loopback() {
        return Reach::Loopback;
    }
    if ip.is_link_local() {
        return Reach::LinkLocal;
    }
    if ip.is_private() {
        return Reach::Private;
    }
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 224.., ..)
            | (100, 64..=127, _)
            | (198, 18 | 19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    if special {
        Reach::Other
    } else {
        Reach::Public
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let s = ip.segments();
    match s[0] {
        _ if ip.is_loopback() => Reach::Loopback,
        0xfe80..=0xfebf => Reach::LinkLocal,
        0xfec0..=0xfeff | 0xfc00..=0xfdff => Reach::Private,
        // Teredo (RFC 4380), ORCHID, documentation, benchmarks.
        0x2001 if s[1] < 0x200 || s[1] == 0xdb8 => Reach::Other,
        0x3fff if s[1] < 0x1000 => Reach::Other,
        // Global unicast is 2000::/3, and nothing else is.
        0x2000..=0x3fff => Reach::Public,
        _ => Reach::Other,
    }
}
