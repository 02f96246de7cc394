// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold of any bytes, one function per fuzz target.
//!
//! The targets in `fuzz_targets/` and the replay in `tests/tests/fuzz_replay.rs`
//! call the same functions, so that what a corpus proves here it proves there.

mod container;
mod doors;
mod thumbs;
mod vp8;

pub use container::container;
pub use doors::door_texts;
pub use thumbs::{thumb_pipeline, thumb_url};
pub use vp8::{ivf, vp8_packets, vp8_state};

use framemill::plan::options::{
    parse_bits, parse_chunk, parse_crop, parse_rate, parse_size, parse_time, ChunkRule,
};
use framemill_codec::packet::{Packet, PacketFileReader, PacketFileWriter, StreamHeader};
use framemill_worker::index::Index;
use framemill_worker::Task;

/// Appends the digest without which a stored form is refused at once.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.extend_from_slice(blake3::hash(body).as_bytes());
    bytes
}

/// Reads packet files, as they are and with their digest put right; what is
/// accepted comes back the same from a file written of it.
pub fn packet_file(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), sealed(bytes)] {
        let Some((header, packets)) = read_packets(&bytes) else {
            continue;
        };
        let mut writer = PacketFileWriter::new(Vec::new(), &header).expect("a Vec takes all");
        for packet in &packets {
            assert!(packet.duration >= 0, "a negative duration was accepted");
            writer.push(packet).expect("a Vec takes all");
        }
        let (again, _) = writer.finish().expect("a Vec takes all");
        let (h, p) = read_packets(&again).expect("what we write we read");
        assert_eq!(h, header);
        assert_eq!(p, packets);
    }
}

fn read_packets(bytes: &[u8]) -> Option<(StreamHeader, Vec<Packet>)> {
    let mut reader = PacketFileReader::new(bytes).ok()?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().ok()? {
        packets.push(packet);
    }
    let summary = reader.summary().expect("a read file has a summary");
    assert_eq!(summary.packets, packets.len() as u64);
    Some((reader.header().clone(), packets))
}

/// Reads stored indexes, as they are and with their digest put right.
pub fn index_blob(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), sealed(bytes)] {
        let Ok(index) = Index::from_bytes(&bytes) else {
            continue;
        };
        let order = index.display_order();
        assert!(order.len() <= index.packets.len());
        let again = index.to_bytes().expect("an index that was read is written");
        let again = Index::from_bytes(&again).expect("what we write we read");
        assert_eq!(again.packets, index.packets);
        container::plans(&index);
    }
}

/// Reads tasks as workers get them; a task that is accepted keeps its key
/// through its own text.
pub fn task_json(bytes: &[u8]) {
    let Ok(task) = serde_json::from_slice::<Task>(bytes) else {
        return;
    };
    let text = serde_json::to_vec(&task).expect("tasks are plain values");
    let again: Task = serde_json::from_slice(&text).expect("what we write we read");
    assert_eq!(again, task);
    assert_eq!(again.key(), task.key());
}

/// Parses what users type; what is accepted is in range.
pub fn options(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(rate) = parse_rate(text) {
        assert!(
            rate.is_positive() && rate.as_f64() <= 1000.0,
            "--fps {text}: {rate}"
        );
    }
    if let Ok(size) = parse_size(text) {
        assert!(size != (None, None));
        for side in [size.0, size.1].into_iter().flatten() {
            assert!((1..=16_384).contains(&side), "--size {text}: {side}");
        }
    }
    if let Ok([w, h, ..]) = parse_crop(text) {
        assert!(w > 0 && h > 0);
    }
    match parse_chunk(text) {
        Ok(ChunkRule::Frames(n)) => assert!(n > 0),
        Ok(ChunkRule::Seconds(s)) => assert!(s > 0.0 && s.is_finite()),
        _ => {}
    }
    if let Ok(seconds) = parse_time(text) {
        assert!(
            seconds >= 0.0 && seconds.is_finite(),
            "--start {text}: {seconds}"
        );
    }
    if let Ok(bits) = parse_bits(text) {
        assert!((1000..=10_000_000_000).contains(&bits));
    }
}
