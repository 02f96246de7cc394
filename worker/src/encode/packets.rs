// SPDX-License-Identifier: MIT OR Apache-2.0
use framemill_codec::packet::{read_signed, read_unsigned, write_signed, write_unsigned};
use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};
use std::io;

/// Item flag of ours: shown before the key frame that decoding starts at, so
/// its references may be missing and its errors mean nothing.
pub const ITEM_LEAD: u8 = 0x08;
/// Item flag of ours: its frame feeds temporal filters and is not encoded.
pub const ITEM_HANDLE: u8 = 0x10;

/// One packet to fetch and decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketItem {
    /// Byte offset.
    pub pos: u64,
    /// Size in bytes.
    pub size: u32,
    /// Presentation time of its frame in the source's time base.
    pub pts: i64,
    /// libav's key, corrupt and discard, and our own flags.
    pub flags: u8,
    /// How often its frame is encoded: 0 outside the span.
    pub repeat: u32,
}

/// Packets in decoding order, as compact text inside a task: differences as
/// variable-length integers, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacketList(pub Vec<PacketItem>);

/// Packets in one task that we accept.
const MAX_ITEMS: u64 = 10_000_000;

impl PacketList {
    fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 8);
        write_unsigned(&mut out, self.0.len() as u64);
        let (mut end, mut pts) = (0u64, 0i64);
        for item in &self.0 {
            write_signed(&mut out, item.pos.wrapping_sub(end) as i64);
            write_unsigned(&mut out, u64::from(item.size));
            write_signed(&mut out, item.pts.wrapping_sub(pts));
            out.push(item.flags);
            write_unsigned(&mut out, u64::from(item.repeat));
            end = item.pos.wrapping_add(u64::from(item.size));
            pts = item.pts;
        }
        out
    }

    fn unpack(mut from: &[u8]) -> io::Result<Self> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        let from = &mut from;
        let count = read_unsigned(from)?;
        if count > MAX_ITEMS || count > from.len() as u64 {
            return Err(bad("a packet list longer than its text"));
        }
        let mut items = Vec::with_capacity(count as usize);
        let (mut end, mut last) = (0u64, 0i64);
        for _ in 0..count {
            let pos = end.wrapping_add(read_signed(from)? as u64);
            let size =
                u32::try_from(read_unsigned(from)?).map_err(|_| bad("a packet beyond 4 GiB"))?;
            let pts = last.wrapping_add(read_signed(from)?);
            let (&flags, rest) = from
                .split_first()
                .ok_or_else(|| bad("a packet list cut off"))?;
            *from = rest;
            let repeat = u32::try_from(read_unsigned(from)?)
                .map_err(|_| bad("a frame repeated too often"))?;
            items.push(PacketItem {
                pos,
                size,
                pts,
                flags,
                repeat,
            });
            (end, last) = (pos.wrapping_add(u64::from(size)), pts);
        }
        if from.is_empty() {
            Ok(Self(items))
        } else {
            Err(bad("text after a packet list"))
        }
    }
}

impl Serialize for PacketList {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        framemill_codec::packet::base64_bytes::serialize(&self.pack(), to)
    }
}

impl<'de> Deserialize<'de> for PacketList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = framemill_codec::packet::base64_bytes::deserialize(from)?;
        Self::unpack(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item() -> impl Strategy<Value = PacketItem> {
        (
            any::<u64>(),
            any::<u32>(),
            any::<i64>(),
            any::<u8>(),
            any::<u32>(),
        )
            .prop_map(|(pos, size, pts, flags, repeat)| PacketItem {
                pos,
                size,
                pts,
                flags,
                repeat,
            })
    }

    proptest! {
        #[test]
        fn lists_come_back(items in prop::collection::vec(item(), 0..50)) {
            let list = PacketList(items);
            let text = serde_json::to_string(&list).unwrap();
            prop_assert_eq!(serde_json::from_str::<PacketList>(&text).unwrap(), list);
        }

        #[test]
        fn noise_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(list) = PacketList::unpack(&bytes) {
                prop_assert!(list.0.len() <= bytes.len());
            }
        }
    }
}
