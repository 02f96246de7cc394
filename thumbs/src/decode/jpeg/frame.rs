// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers of pictures in one scan, baseline, of eight bits (ITU-T T.81, annex B).

use super::huffman::Codes;
use super::segments::segment_body;

/// A channel of such a picture.
pub(super) struct Channel {
    /// Blocks of a macroblock across and down.
    pub(super) across: u32,
    pub(super) down: u32,
    /// Its quantisers, in the order of the zigzag.
    pub(super) quantisers: [u16; 64],
    pub(super) first: Codes,
    pub(super) rest: Codes,
}

/// What is known in front of the scan.
pub(super) struct Frame<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: Vec<Channel>,
    /// Macroblocks between two restart markers; 0 for none.
    pub(super) restart: u32,
    /// All behind the scan's header.
    pub(super) scan: &'a [u8],
}

#[derive(Default)]
struct Tables {
    quantisers: [Option<[u16; 64]>; 4],
    first: [Option<Codes>; 4],
    rest: [Option<Codes>; 4],
    restart: u32,
}

/// A channel as the frame's header states it: number, sampling factors, table of quantisers.
type Stated = (u8, u8, u8);

impl<'a> Frame<'a> {
    /// `None` where the picture is of another kind, or not sound.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut tables = Tables::default();
        let mut stated: Option<(u32, u32, Vec<Stated>)> = None;
        let mut rest = bytes.get(2..)?;
        loop {
            let [0xff, marker, tail @ ..] = rest else {
                return None;
            };
            if *marker == 0xff {
                rest = &rest[1..];
                continue;
            }
            let body = segment_body(tail)?;
            rest = &tail[2 + body.len()..];
            match *marker {
                0xc0 | 0xc1 if stated.is_none() => stated = Some(frame_header(body)?),
                0xc4 => tables.codes(body)?,
                0xdb => tables.quantisers(body)?,
                0xdd => tables.restart = u32::from(u16::from_be_bytes(body.try_into().ok()?)),
                0xe0..=0xef | 0xfe => {}
                0xda => {
                    let (width, height, stated) = stated?;
                    return Some(Self {
                        width,
                        height,
                        channels: tables.channels(body, &stated)?,
                        restart: tables.restart,
                        scan: rest,
                    });
                }
                _ => return None,
            }
        }
    }
}

fn frame_header(body: &[u8]) -> Option<(u32, u32, Vec<Stated>)> {
    let [8, h1, h0, w1, w0, count, channels @ ..] = body else {
        return None;
    };
    let side = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
    let (width, height) = (side(*w1, *w0), side(*h1, *h0));
    let sound = channels.len() == usize::from(*count) * 3 && width > 0 && height > 0;
    let stated = channels.chunks_exact(3).map(|c| (c[0], c[1], c[2]));
    sound.then(|| (width, height, stated.collect()))
}

impl Tables {
    fn codes(&mut self, mut body: &[u8]) -> Option<()> {
        while let [place, tail @ ..] = body {
            let (counts, tail) = tail.split_first_chunk::<16>()?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, tail) = tail.split_at_checked(total)?;
            let codes = Some(Codes::new(*counts, symbols));
            match place >> 4 {
                0 => *self.first.get_mut(usize::from(place & 15))? = codes,
                1 => *self.rest.get_mut(usize::from(place & 15))? = codes,
                _ => return None,
            }
            body = tail;
        }
        Some(())
    }

    fn quantisers(&mut self, mut body: &[u8]) -> Option<()> {
        while let [place, tail @ ..] = body {
            let bytes = match place >> 4 {
                0 => 1,
                1 => 2,
                _ => return None,
            };
            let (values, tail) = tail.split_at_checked(64 * bytes)?;
            let mut table = [0; 64];
            for (out, value) in table.iter_mut().zip(values.chunks_exact(bytes)) {
                *out = value
                    .iter()
                    .fold(0, |all, byte| all << 8 | u16::from(*byte));
            }
            *self.quantisers.get_mut(usize::from(place & 15))? = Some(table);
            body = tail;
        }
        Some(())
    }

    /// The channels of a scan that has all of them, whole.
    fn channels(&self, body: &[u8], stated: &[Stated]) -> Option<Vec<Channel>> {
        let (count, tail) = body.split_first()?;
        let (places, [0, 63, 0]) = tail.split_at_checked(stated.len() * 2)? else {
            return None;
        };
        if usize::from(*count) != stated.len() {
            return None;
        }
        let channel = |(&(id, factors, quantiser), place): (&Stated, &[u8])| {
            let (first, rest) = (usize::from(place[1] >> 4), usize::from(place[1] & 15));
            let first = self.first.get(first)?.clone()?;
            let channel = Channel {
                across: u32::from(factors >> 4),
                down: u32::from(factors & 15),

                quantisers: (*self.quantisers.get(usize::from(quantiser))?)?,
                rest: self.rest.get(rest)?.clone()?,
                first,
            };
            (place[0] == id && channel.first.fits_first()).then_some(channel)
        };
        stated
            .iter()
            .zip(places.chunks_exact(2))
            .map(channel)
            .collect()
    }
}
