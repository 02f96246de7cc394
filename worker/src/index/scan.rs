// SPDX-License-Identifier: MIT OR Apache-2.0
use super::decode_scan::{DecodeScan, ShownFrame};
use super::describe::{choose_video, first_picture, header_of};
use super::locate::Locator;
use super::sparse::{media_stretches, Media, SparseReader};
use super::times::{check_end, correct_rate, finish_times};
use super::{Damage, Index, IndexTask, PacketEntry, PacketHome};
use super::{FLAG_BEYOND_END, FLAG_NO_FRAME};
use crate::run::{BlobWriter, Monitor, WorkPlace};
use crate::task::TaskKey;
use crate::{BlobRef, Failure};
use framemill_codec::libav::{log, DemuxedPacket, Demuxer, StreamInfo};
use framemill_codec::packet::{is_hidden, SideData, FLAG_CORRUPT};
use framemill_store::ReadStats;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// Packets of one stream that we take in: 18 days at 30 frames a second.
const MAX_PACKETS: usize = 50_000_000;
/// Marks a packet without a time until it gets one.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// A finished scan.
pub struct Scanned {
    pub index: Index,
    pub copied: Option<BlobRef>,
}

/// Everything a scan needs at hand.
struct Scan<'a> {
    task: &'a IndexTask,
    key: &'a TaskKey,
    place: &'a WorkPlace,
    monitor: &'a dyn Monitor,
    stats: &'a Arc<ReadStats>,
}

/// What a pass over the packets found.
#[derive(Default)]
pub(super) struct Table {
    pub packets: Vec<PacketEntry>,
    pub side: Vec<(u64, Vec<SideData>)>,
    pub shown: Option<Vec<ShownFrame>>,
    pub damage: Vec<Damage>,
    pub copied: Option<BlobRef>,
}

/// How to pass over the packets.
#[derive(Clone, Copy)]
struct Pass {
    copy: bool,
    decode: bool,
}

/// A pass that cannot go on as it began.
enum Stop {
    NeedsCopy,
    NeedsDecode,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub fn scan(
    task: &IndexTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Scanned, Failure> {
    let scan = Scan {
        task,
        key,
        place,
        monitor,
        stats,
    };
    if task.source.size == 0 {
        return Err(Failure::bad_input("the file is empty"));
    }
    let mut demuxer = scan.open()?;
    let container = demuxer.format_name();
    let streams = demuxer.streams();
    let video = choose_video(&streams)?.clone();
    let first = first_picture(&mut demuxer, &video)?;
    let mut header = header_of(&demuxer, task, &streams, &video, first.as_ref());
    drop(demuxer);
    let mut table = scan.read_table(&container, &video)?;
    if table.packets.is_empty() {
        return Err(Failure::bad_input("the video stream holds no packets"));
    }
    finish_times(&mut table, &mut header);
    header.video.decoded = table.shown.is_some();
    header.video.side = table.side;
    if let Some(blob) = &table.copied {
        header.video.home = PacketHome::Copied {
            key: blob.key.to_string(),
            size: blob.size,
        };
    }
    header.damage = std::mem::take(&mut table.damage);
    check_end(&mut header, &table.packets, &video);
    correct_rate(&mut header, &table.packets);
    Ok(Scanned {
        index: Index {
            header,
            packets: table.packets,
        },
        copied: table.copied,
    })
}

impl Scan<'_> {
    fn open(&self) -> Result<Demuxer, Failure> {
        let reader = self.task.source.reader(&self.place.handle, self.stats)?;
        Ok(Demuxer::open(reader, &self.task.source.file_name())?)
    }

    /// The packets, by the cheapest pass that tells the truth.
    fn read_table(&self, container: &str, video: &StreamInfo) -> Result<Table, Failure> {
        if !self.task.decode && container.contains("mov") && has_plain_packets(&video.params.codec)
        {
            let mut reader = self.task.source.reader(&self.place.handle, self.stats)?;
            if let Some(media) = media_stretches(&mut reader)? {
                return self.read_sparse(media, video);
            }
        }
        let mut pass = Pass {
            copy: matches!(container, "mpegts" | "mpeg"),
            decode: self.task.decode || times_need_decoding(container, &video.params.codec),
        };
        loop {
            match self.read_all(container, video, pass) {
                Ok(table) => return Ok(table),
                Err(Stop::NeedsCopy) if !pass.copy => pass.copy = true,
                Err(Stop::NeedsDecode) if !pass.decode => pass.decode = true,
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(_) => return Err(Failure::bug("a scan asked twice for the same thing")),
            }
        }
    }

    /// MP4 and MOV: the demuxer's own tables, without fetching media.
    fn read_sparse(&self, media: Media, video: &StreamInfo) -> Result<Table, Failure> {
        let reader = self.task.source.reader(&self.place.handle, self.stats)?;
        let (reader, armed) = SparseReader::new(reader, media.stretches);
        let mut demuxer = Demuxer::open_tables(reader, &self.task.source.file_name())?;
        demuxer.keep_streams(|i| i == video.index);
        armed.store(true, Ordering::Relaxed);
        let mut table = Table::default();
        let end = self.task.source.size;
        while let Some(packet) = demuxer.next_packet()? {
            if packet.stream() != video.index {
                continue;
            }
            let mut entry = entry_of(&packet)?;
            entry.pos = packet
                .pos()
                .ok_or_else(|| Failure::bug("an MP4 packet without a position"))?;
            if entry.flags & FLAG_CORRUPT as u8 != 0 || entry.pos + u64::from(entry.size) > end {
                entry.flags |= FLAG_BEYOND_END;
            }
            self.push(&mut table, entry, packet.side_data())?;
        }
        let found = table.packets.len() as u64;
        let whole = table
            .packets
            .last()
            .is_some_and(|p| p.flags & FLAG_BEYOND_END == 0);
        if let Some(stated) = video
            .stated_packets
            .filter(|&s| media.overruns && whole && found < s)
        {
            table.damage.push(Damage {
                packet: Some(found),
                offset: Some(end),
                detail: format!(
                    "the file ends here; {} of {stated} packets are missing",
                    stated - found
                ),
            });
        }
        Ok(table)
    }

    /// Any container: one pass from front to back, as FFmpeg reads it.
    fn read_all(&self, container: &str, video: &StreamInfo, pass: Pass) -> Result<Table, Stop> {
        let mut demuxer = self.open()?;
        demuxer.keep_streams(|i| i == video.index);
        let mut locator = Locator::new(self.task.source.reader(&self.place.handle, self.stats)?);
        let mut copy = match pass.copy {
            true => Some(self.place.blob_writer(&self.key.packets_key())?),
            false => None,
        };
        let mut decoder = match pass.decode {
            true => Some(DecodeScan::new(&video.params, video.time_base)?),
            false => None,
        };
        let mut table = Table::default();
        let _ = log::take();
        loop {
            let number = table.packets.len() as u64;
            let packet = match demuxer.next_packet() {
                Ok(Some(packet)) if packet.stream() != video.index => continue,
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(error) => {
                    table.damage.push(Damage {
                        packet: None,
                        offset: None,
                        detail: error.to_string(),
                    });
                    break;
                }
            };
            let mut entry = entry_of(&packet)?;
            if decoder.is_none() && (packet.pts().is_none() || (number == 0 && !entry.is_key())) {
                return Err(Stop::NeedsDecode);
            }
            if is_hidden(&video.params.codec, packet.data()) {
                entry.flags |= FLAG_NO_FRAME;
            }
            entry.pos = place_of(&packet, copy.as_mut(), &mut locator)?;
            // MPEG-TS marks mere gaps in its counters; whether they hurt, the decoder tells.
            if entry.flags & FLAG_CORRUPT as u8 != 0 && container != "mpegts" {
                let detail = "the container breaks off inside the packet".to_owned();
                table.damage.push(Damage {
                    packet: Some(number),
                    offset: packet.pos(),
                    detail,
                });
            }
            if let Some(decoder) = &mut decoder {
                decoder.push(number, &packet);
            }
            self.push(&mut table, entry, packet.side_data())?;
        }
        if container.contains("matroska") {
            let messages = log::take();
            if let Some(detail) = messages.lines.first() {
                table.damage.push(Damage {
                    packet: None,
                    offset: None,
                    detail: detail.clone(),
                });
            }
        }
        if let Some(decoder) = decoder {
            let (shown, damage) = decoder.finish(table.packets.len() as u64);
            table.shown = Some(shown);
            table.damage.extend(damage);
        }
        table.copied = copy.map(BlobWriter::finish).transpose()?;
        Ok(table)
    }

    fn push(
        &self,
        table: &mut Table,
        entry: PacketEntry,
        side: Vec<SideData>,
    ) -> Result<(), Failure> {
        if table.packets.len() >= MAX_PACKETS {
            return Err(Failure::bad_input(format!(
                "the video stream has more than {MAX_PACKETS} packets"
            )));
        }
        if !side.is_empty() {
            table.side.push((table.packets.len() as u64, side));
        }
        table.packets.push(entry);
        self.monitor.check()
    }
}

/// The packet's offset in its home, copying it there where it must be.
fn place_of(
    packet: &DemuxedPacket<'_>,
    copy: Option<&mut BlobWriter>,
    locator: &mut Locator,
) -> Result<u64, Stop> {
    if let Some(copy) = copy {
        let at = copy.written();
        copy.write(packet.data())?;
        return Ok(at);
    }
    let pos = packet.pos().ok_or(Stop::NeedsCopy)?;
    locator.find(pos, packet.data())?.ok_or(Stop::NeedsCopy)
}

fn entry_of(packet: &DemuxedPacket<'_>) -> Result<PacketEntry, Failure> {
    let size = u32::try_from(packet.data().len())
        .map_err(|_| Failure::bad_input("a packet beyond 4 GiB"))?;
    Ok(PacketEntry {
        pos: 0,
        pts: packet.pts().unwrap_or(UNKNOWN),
        size,
        duration: packet.duration().min(i64::from(u32::MAX)) as u32,
        flags: (packet.flags() & 0x7) as u8,
    })
}

/// Codecs whose packets are whole frames that need no parser to tell apart.
fn has_plain_packets(codec: &str) -> bool {
    const PLAIN: [&str; 12] = [
        "h264", "hevc", "av1", "vp8", "vp9", "mjpeg", "prores", "dnxhd", "png", "ffv1", "rawvideo",
        "qtrle",
    ];
    PLAIN.contains(&codec)
}

/// Containers and codecs whose packets do not tell when frames are shown.
fn times_need_decoding(container: &str, codec: &str) -> bool {
    const CONTAINERS: [&str; 9] = [
        "h264",
        "hevc",
        "avi",
        "m4v",
        "mpegvideo",
        "mpeg",
        "vc1",
        "asf",
        "rm",
    ];
    CONTAINERS.contains(&container) || !(has_plain_packets(codec) || codec == "mpeg2video")
}
