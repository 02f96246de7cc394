// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times of frames, and where the file breaks off.

use super::scan::{Table, UNKNOWN};
use super::{Damage, IndexHeader, PacketEntry, FLAG_BEYOND_END, FLAG_NO_FRAME};
use framemill_codec::libav::StreamInfo;
use framemill_codec::picture::Rational;

/// Gives every shown frame its own time, in the order in which it is shown.
pub fn finish_times(table: &mut Table, header: &mut IndexHeader) {
    let video = &mut header.video;
    let packets = &mut table.packets;
    let mut order: Vec<u64> = Vec::new();
    if let Some(shown) = &table.shown {
        for p in packets.iter_mut() {
            p.flags |= FLAG_NO_FRAME;
        }
        let timeless = shown.iter().all(|f| f.pts.is_none());
        if timeless {
            video.stream.time_base = video.frame_rate.inverse();
            header.start_us = 0;
        }
        for (n, frame) in shown.iter().enumerate() {
            let Some(p) = packets.get_mut(frame.packet as usize) else {
                continue;
            };
            if p.flags & FLAG_NO_FRAME == 0 {
                header.warnings.push(format!(
                    "packet {} shows more than one frame; the first is kept",
                    frame.packet
                ));
                continue;
            }
            p.flags &= !FLAG_NO_FRAME;
            p.pts = if timeless {
                n as i64
            } else {
                frame.pts.unwrap_or(UNKNOWN)
            };
            if timeless {
                p.duration = 1;
            }
            order.push(frame.packet);
        }
    } else {
        order = (0..packets.len() as u64)
            .filter(|&i| packets[i as usize].shows_frame())
            .collect();
        order.sort_by_key(|&i| (packets[i as usize].pts, i));
    }
    let mut last: Option<i64> = None;
    let mut moved = 0u64;
    for &i in &order {
        let p = &mut packets[i as usize];
        let step = i64::from(p.duration.max(1));
        let earliest = last.map_or(i64::MIN + 1, |l| l.saturating_add(1));
        if p.pts == UNKNOWN {
            p.pts = last.map_or(0, |l| l.saturating_add(step));
        } else if p.pts < earliest {
            p.pts = earliest;
            moved += 1;
        }
        last = Some(p.pts);
    }
    if moved > 0 {
        header.warnings.push(format!(
            "{moved} frames had times out of order; they were moved forward"
        ));
    }
}

/// Finds out whether the file breaks off before its tables do.
pub fn check_end(header: &mut IndexHeader, packets: &[PacketEntry], video: &StreamInfo) {
    let Some(at) = packets.iter().position(|p| p.flags & FLAG_BEYOND_END != 0) else {
        return;
    };
    let detail = match video.stated_packets {
        Some(stated) if stated > at as u64 => {
            format!(
                "the file ends here; {} of {stated} packets are missing",
                stated - at as u64
            )
        }
        _ => "the file ends inside this packet".to_owned(),
    };
    header.damage.push(Damage {
        packet: Some(at as u64),
        offset: Some(packets[at].pos),
        detail,
    });
}

/// The mean rate of the frames themselves, where the container's guess is far off.
pub fn correct_rate(header: &mut IndexHeader, packets: &[PacketEntry]) {
    let shown = || packets.iter().filter(|p| p.shows_frame());
    let (first, last) = (shown().map(|p| p.pts).min(), shown().map(|p| p.pts).max());
    let (Some(first), Some(last), count) = (first, last, shown().count()) else {
        return;
    };
    let span = (last - first) as f64 * header.video.stream.time_base.as_f64();
    if count < 2 || span <= 0.0 {
        return;
    }
    let measured = (count - 1) as f64 / span;
    if (header.video.frame_rate.as_f64() / measured - 1.0).abs() > 0.1 {
        let thousandths = (measured.clamp(0.001, 240.0) * 1000.0).round().max(1.0);
        header.video.frame_rate = Rational::new(thousandths as i32, 1000);
    }
}
