// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole audio or subtitle track at once: cut into chunks, sound would click.

use crate::run::{BlobWriter, Monitor, WorkPlace};
use crate::task::{Outcome, TaskKey, TaskStats};
use crate::{Failure, SourceRef};
use framemill_codec::libav::{
    log, AudioEncoder, AudioEncoderConfig, AudioFilter, CodecParams, Decoder, DemuxedPacket,
    Demuxer, Frame, InputPacket,
};
use framemill_codec::packet::{Packet, PacketFileWriter, StreamHeader};
use framemill_codec::picture::Rational;
use framemill_store::ReadStats;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What happens to the track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackMode {
    /// Packets pass as they are.
    Copy,
    /// Decode and encode.
    Encode {
        /// libav's encoder name: `aac` or `libopus`.
        encoder: String,
        /// Bits a second.
        bit_rate: u64,
        /// Samples a second.
        sample_rate: u32,
        /// Channel layout.
        channel_layout: String,
        /// Sample format that the encoder takes.
        sample_fmt: String,
    },
}

/// Copies or encodes a whole track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackTask {
    /// The source.
    pub source: SourceRef,
    /// Stream in the container.
    pub stream: usize,
    /// What happens to it.
    pub mode: TrackMode,
    /// The moment of the source that becomes zero, in microseconds.
    pub origin_us: i64,
    /// What lies after this moment of the source is left out, in microseconds.
    pub end_us: Option<i64>,
    /// True when what lies before the origin is cut off.
    pub trimmed: bool,
    /// Refuse packets that do not decode cleanly.
    pub strict: bool,
}

/// Microseconds, libavformat's own unit.
const MICROS: Rational = Rational::new(1, 1_000_000);
/// How far before a cut reading starts, for codecs that need a run-up.
const RUN_UP_US: i64 = 2_000_000;

/// Runs a [`TrackTask`].
pub(crate) fn run(
    task: &TrackTask,
    key: &TaskKey,
    place: &WorkPlace,
    monitor: &dyn Monitor,
    stats: &Arc<ReadStats>,
) -> Result<Outcome, Failure> {
    let reader = task.source.reader(&place.handle, stats)?;
    let mut demuxer = Demuxer::open(reader, &task.source.file_name())?;
    let stream = demuxer
        .streams()
        .into_iter()
        .nth(task.stream)
        .ok_or_else(|| Failure::bad_input(format!("no stream {}", task.stream)))?;
    demuxer.keep_streams(|i| i == task.stream);
    if task.trimmed && task.origin_us > RUN_UP_US {
        // A container that cannot seek is read from its start instead.
        let _ = demuxer.seek_before(task.origin_us - RUN_UP_US);
    }
    let output = Output {
        place,
        key: key.data_key(),
        writer: None,
        warnings: Vec::new(),
    };
    let output = match &task.mode {
        TrackMode::Copy => copy(
            task,
            demuxer,
            stream.params,
            stream.time_base,
            monitor,
            output,
        )?,
        TrackMode::Encode { .. } => {
            Transcoder::new(task, stream.params, stream.time_base, output)?.run(demuxer, monitor)?
        }
    };
    output.finish(key)
}

/// The track's packet file in the making.
struct Output<'a> {
    place: &'a WorkPlace,
    key: String,
    writer: Option<PacketFileWriter<BlobWriter>>,
    warnings: Vec<String>,
}

impl Output<'_> {
    fn start(&mut self, params: CodecParams, time_base: Rational) -> Result<(), Failure> {
        let header = StreamHeader {
            params,
            time_base,
            frame_rate: Rational::new(0, 1),
            mastering: None,
            content_light: None,
        };
        self.writer = Some(PacketFileWriter::new(
            self.place.blob_writer(&self.key)?,
            &header,
        )?);
        Ok(())
    }

    fn push(&mut self, packet: &Packet) -> Result<(), Failure> {
        let writer = self
            .writer
            .as_mut()
            .ok_or_else(|| Failure::bug("a track without a header"))?;
        Ok(writer.push(packet)?)
    }

    fn finish(self, key: &TaskKey) -> Result<Outcome, Failure> {
        let writer = self
            .writer
            .ok_or_else(|| Failure::bug("a track without a header"))?;
        let (blob, summary) = writer.finish()?;
        Ok(Outcome {
            key: *key,
            blobs: vec![blob.finish()?],
            state: None,
            packets: summary.packets,
            frames: 0,
            payload_bytes: summary.payload_bytes,
            reorder: 0,
            first_pts: None,
            warnings: self.warnings,
            stats: TaskStats::default(),
        })
    }
}

/// True when a packet lies wholly outside the wanted stretch.
fn outside(task: &TrackTask, packet: &DemuxedPacket<'_>, unit: Rational) -> bool {
    let Some(start) = packet.pts().map(|p| unit.rescale(p, MICROS)) else {
        return false;
    };
    let end = start + unit.rescale(packet.duration(), MICROS);
    (task.trimmed && end <= task.origin_us) || task.end_us.is_some_and(|e| start >= e)
}

fn copy<'a>(
    task: &TrackTask,
    mut demuxer: Demuxer,
    params: CodecParams,
    unit: Rational,
    monitor: &dyn Monitor,
    mut output: Output<'a>,
) -> Result<Output<'a>, Failure> {
    let origin = MICROS.rescale(task.origin_us, unit);
    output.start(params, unit)?;
    let mut last = i64::MIN;
    while let Some(packet) = demuxer.next_packet()? {
        monitor.check()?;
        if packet.stream() != task.stream || outside(task, &packet, unit) {
            continue;
        }
        let Some(time) = packet.pts().or(packet.dts()) else {
            output.warnings.push(format!(
                "stream {}: a packet without a time was left out",
                task.stream
            ));
            continue;
        };
        let dts = packet.dts().unwrap_or(time).max(last.saturating_add(1));
        last = dts;
        output.push(&Packet {
            pts: time.max(dts) - origin,
            dts: dts - origin,
            duration: packet.duration(),
            flags: packet.flags(),
            data: packet.data().to_vec(),
            side: packet.side_data(),
        })?;
    }
    Ok(output)
}

/// Decoder, filters and encoder of one track.
struct Transcoder<'a> {
    task: &'a TrackTask,
    unit: Rational,
    decoder: Decoder,
    filter: Option<AudioFilter>,
    encoder: AudioEncoder,
    output: Output<'a>,
    /// A failure before the first good frame is only worth a warning.
    begun: bool,
    number: u64,
}

impl<'a> Transcoder<'a> {
    fn new(
        task: &'a TrackTask,
        params: CodecParams,
        unit: Rational,
        mut output: Output<'a>,
    ) -> Result<Self, Failure> {
        let TrackMode::Encode {
            encoder,
            bit_rate,
            sample_rate,
            channel_layout,
            sample_fmt,
        } = &task.mode
        else {
            return Err(Failure::bug("a track to encode without an encoder"));
        };
        let encoder = AudioEncoder::open(&AudioEncoderConfig {
            encoder: encoder.clone(),
            sample_rate: *sample_rate,
            channel_layout: channel_layout.clone(),
            sample_fmt: sample_fmt.clone(),
            bit_rate: *bit_rate,
            options: Default::default(),
        })?;
        output.start(encoder.params()?, encoder.time_base())?;
        let decoder = Decoder::open(&params, unit)?;
        Ok(Self {
            task,
            unit,
            decoder,
            filter: None,
            encoder,
            output,
            begun: false,
            number: 0,
        })
    }

    fn run(mut self, mut demuxer: Demuxer, monitor: &dyn Monitor) -> Result<Output<'a>, Failure> {
        while let Some(packet) = demuxer.next_packet()? {
            monitor.check()?;
            if packet.stream() != self.task.stream {
                continue;
            }
            let side = packet.side_data();
            let input = packet.input(&side);
            let place = (packet.pos(), packet.pts());
            self.decode(Some(&input), place)?;
            self.number += 1;
        }
        self.decode(None, (None, None))?;
        if let Some(filter) = &mut self.filter {
            filter.send(None)?;
        }
        self.encode()?;
        self.encoder.send(None)?;
        self.store()?;
        Ok(self.output)
    }

    fn decode(
        &mut self,
        input: Option<&InputPacket<'_>>,
        place: (Option<u64>, Option<i64>),
    ) -> Result<(), Failure> {
        let _ = log::take();
        let mut failed = self.decoder.send(input).err().map(|e| e.to_string());
        loop {
            match self.decoder.receive() {
                Ok(Some(frame)) => {
                    self.begun = true;
                    self.feed(frame)?;
                }
                Ok(None) => break,
                Err(error) if failed.is_some() => return Err(error.into()),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        let messages = log::take();
        let detail = messages.lines.first().cloned().or(failed);
        let Some(detail) = detail else { return Ok(()) };
        if self.begun && self.task.strict {
            return Err(Failure::Damaged {
                stream: self.task.stream,
                packet: Some(self.number),
                offset: place.0,
                time_s: place.1.map(|p| p as f64 * self.unit.as_f64()),
                from_start: true,
                detail,
            });
        }
        if self.output.warnings.is_empty() {
            self.output.warnings.push(format!(
                "stream {}: damaged sound: {detail}",
                self.task.stream
            ));
        }
        Ok(())
    }

    fn feed(&mut self, mut frame: Frame) -> Result<(), Failure> {
        let origin = MICROS.rescale(self.task.origin_us, self.unit);
        if let Some(pts) = frame.best_effort_timestamp() {
            frame.set_pts(pts - origin);
        }
        if self.filter.is_none() {
            self.filter = Some(self.build_filter(&frame)?);
        }
        if let Some(filter) = &mut self.filter {
            filter.send(Some(&frame))?;
        }
        self.encode()
    }

    /// Fills gaps and drops overlaps so that sound stays where its times say,
    /// starts it on the sample, and gives the encoder what it takes.
    fn build_filter(&self, first: &Frame) -> Result<AudioFilter, Failure> {
        let TrackMode::Encode {
            sample_rate,
            channel_layout,
            sample_fmt,
            ..
        } = &self.task.mode
        else {
            return Err(Failure::bug("a track to encode without an encoder"));
        };
        let rate = Rational::new(1, *sample_rate as i32);
        // A late start is kept.
        let start = self.unit.rescale(first.pts().unwrap_or(0).max(0), rate);
        let mut chain = format!(
            "aresample=osr={sample_rate}:async=1:min_hard_comp=0.1:first_pts={start},\
             aformat=sample_fmts={sample_fmt}:sample_rates={sample_rate}:channel_layouts={channel_layout}"
        );
        if let Some(end) = self.task.end_us {
            chain.push_str(&format!(
                ",atrim=end={:.6}",
                (end - self.task.origin_us) as f64 * 1e-6
            ));
        }
        let sound = first.sound();
        let mut filter = AudioFilter::new(
            &chain,
            sound.sample_rate,
            &sound.sample_fmt,
            &sound.channel_layout,
            self.unit,
        )?;
        if self.encoder.frame_size() > 0 {
            filter.set_frame_size(self.encoder.frame_size());
        }
        Ok(filter)
    }

    fn encode(&mut self) -> Result<(), Failure> {
        while let Some(filter) = &mut self.filter {
            let Some(mut frame) = filter.receive()? else {
                break;
            };
            if let Some(pts) = frame.pts() {
                frame.set_pts(filter.time_base().rescale(pts, self.encoder.time_base()));
            }
            self.encoder.send(Some(&frame))?;
            self.store()?;
        }
        Ok(())
    }

    fn store(&mut self) -> Result<(), Failure> {
        while let Some(packet) = self.encoder.receive()? {
            self.output.push(&packet)?;
        }
        Ok(())
    }
}
