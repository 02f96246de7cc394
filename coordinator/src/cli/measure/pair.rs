// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bringing two pictures into one form, and comparing them.

use super::pictures::Pictures;
use crate::error::{JobError, Result};
use framemill_codec::libav::{Frame, FrameGeometry, VideoFilter};
use framemill_codec::metrics::{FrameQuality, Quality};
use framemill_codec::picture::{ChromaSampling, PictureView, PlaneView};
use framemill_codec::Error;

/// What has to be done to pictures of two files before they can be compared.
pub struct Pair {
    /// What was done, and what else the user should know.
    pub notes: Vec<String>,
    source: Side,
    output: Side,
    /// Columns and rows that both have.
    common: (usize, usize),
    /// Samples of the shallower picture at the other's depth.
    deepened: [Vec<u8>; 3],
}

/// One file's share of it.
struct Side {
    name: &'static str,
    geometry: FrameGeometry,
    filter: Option<VideoFilter>,
}

impl Pair {
    /// Decides by the first picture of each file.
    ///
    /// # Errors
    /// [`JobError::Usage`] when the sizes do not fit.
    pub fn new(source: &Pictures, a: &Frame, output: &Pictures, b: &Frame) -> Result<Self> {
        let (ga, gb) = (a.geometry(), b.geometry());
        let mut notes = Vec::new();
        let (turn_a, turn_b) = turns(source.orientation, &ga, output.orientation, &gb)?;
        let (format_a, format_b) = formats(a, b);
        let chain_a = chain("SOURCE", turn_a, format_a.as_deref(), &mut notes);
        let chain_b = chain("OUTPUT", turn_b, format_b.as_deref(), &mut notes);
        let (size_a, size_b) = (turned_size(&ga, turn_a), turned_size(&gb, turn_b));
        let common = (
            size_a.0.min(size_b.0) as usize,
            size_a.1.min(size_b.1) as usize,
        );
        if source.orientation != output.orientation && turn_a == turn_b {
            notes.push(
                "the two files ask to be turned differently, but fit only as they are stored"
                    .into(),
            );
        }
        if size_a != size_b {
            notes.push(format!(
                "only the {}x{} that both have are compared",
                common.0, common.1
            ));
        }
        let converted = format_a.is_some() || format_b.is_some();
        if !converted && (a.colour().range == 2) != (b.colour().range == 2) {
            notes.push(
                "one file is full range and the other is not; samples are compared as they are"
                    .into(),
            );
        }
        Ok(Self {
            notes,
            source: Side::new("SOURCE", ga, &chain_a, source)?,
            output: Side::new("OUTPUT", gb, &chain_b, output)?,
            common,
            deepened: Default::default(),
        })
    }

    /// Compares one more pair.
    ///
    /// # Errors
    /// [`JobError::Usage`] when either picture has another form than the first, or none that can be compared.
    pub fn compare(&mut self, a: &Frame, b: &Frame, quality: &mut Quality) -> Result<FrameQuality> {
        let number = quality.frames();
        let usage = |e: &dyn std::fmt::Display| JobError::Usage(format!("frame {number}: {e}"));
        let (filtered_a, filtered_b) =
            (self.source.apply(a, number)?, self.output.apply(b, number)?);
        let (a, b) = (
            filtered_a.as_ref().unwrap_or(a),
            filtered_b.as_ref().unwrap_or(b),
        );
        let mut a = a.view().map_err(|e| usage(&e))?;
        let mut b = b.view().map_err(|e| usage(&e))?;
        crop(&mut a, self.common);
        crop(&mut b, self.common);
        if a.depth < b.depth {
            a = deepen(&a, b.depth, &mut self.deepened);
        } else if b.depth < a.depth {
            b = deepen(&b, a.depth, &mut self.deepened);
        }
        quality.add(&a, &b).map_err(|e| usage(&e))
    }
}

impl Side {
    fn new(
        name: &'static str,
        geometry: FrameGeometry,
        chain: &str,
        of: &Pictures,
    ) -> Result<Self> {
        let filter = match chain {
            "" => None,
            chain => Some(
                VideoFilter::new(chain, &geometry, of.time_base).map_err(|e| failed(name, &e))?,
            ),
        };
        Ok(Self {
            name,
            geometry,
            filter,
        })
    }

    /// The picture filtered; `None` where it is fine as it is.
    fn apply(&mut self, picture: &Frame, number: u64) -> Result<Option<Frame>> {
        let (was, is) = (&self.geometry, picture.geometry());
        if (was.width, was.height, &was.pix_fmt) != (is.width, is.height, &is.pix_fmt) {
            return Err(JobError::Usage(format!(
                "{}'s pictures change from {} to {} at frame {number}; only one form can be measured",
                self.name,
                form(was),
                form(&is)
            )));
        }
        let Some(filter) = &mut self.filter else {
            return Ok(None);
        };
        let name = self.name;
        filter.send(Some(picture)).map_err(|e| failed(name, &e))?;
        let filtered = filter.receive().map_err(|e| failed(name, &e))?;
        filtered
            .map(Some)
            .ok_or_else(|| JobError::Failed(format!("{name}: the conversion kept frame {number}")))
    }
}

fn failed(name: &str, error: &Error) -> JobError {
    JobError::Failed(format!("{name}: {error}"))
}

fn form(g: &FrameGeometry) -> String {
    format!("{}x{} {}", g.width, g.height, g.pix_fmt)
}

/// A clockwise turn in degrees, and a left-right mirror before it.
type Turn = (u16, bool);

/// How to turn each side: as its container asks where the two ask for
/// different things, unless the sizes fit only as they are.
fn turns(source: Turn, a: &FrameGeometry, output: Turn, b: &FrameGeometry) -> Result<(Turn, Turn)> {
    let none = (0, false);
    let fit = |s, o| {
        let ((w, h), (cut_w, cut_h)) = (turned_size(a, s), turned_size(b, o));
        (cut_w..=cut_w.saturating_add(1)).contains(&w)
            && (cut_h..=cut_h.saturating_add(1)).contains(&h)
    };
    if source != output && fit(source, output) {
        return Ok((source, output));
    }
    if fit(none, none) {
        return Ok((none, none));
    }
    let size = |g, turn: Turn| {
        let (w, h) = turned_size(g, turn);
        let how = if turn == none { "" } else { " as shown" };
        format!("{w}x{h}{how}")
    };
    Err(JobError::Usage(format!(
        "sizes differ: SOURCE is {} and OUTPUT {}; scale one to the other's size first",
        size(a, source),
        size(b, output)
    )))
}

fn turned_size(g: &FrameGeometry, (turn, _): Turn) -> (u32, u32) {
    if turn % 180 == 0 {
        (g.width, g.height)
    } else {
        (g.height, g.width)
    }
}

/// Formats to convert to, source first; `None` where a picture is fine. The
/// source follows the output, and what has no plain planes is given some.
fn formats(a: &Frame, b: &Frame) -> (Option<String>, Option<String>) {
    let (name_a, name_b) = (a.geometry().pix_fmt, b.geometry().pix_fmt);
    match (a.view(), b.view()) {
        (Ok(a), Ok(b)) if a.sampling == b.sampling => (None, None),
        (_, Ok(_)) => (Some(name_b), None),
        (_, Err(_)) => {
            let plain = plain_format(&name_b);
            ((name_a != plain).then(|| plain.clone()), Some(plain))
        }
    }
}

/// The format with plain Y, U and V planes that loses least of `name`.
fn plain_format(name: &str) -> String {
    let base = name.trim_end_matches("le").trim_end_matches("be");
    if let Some(rest) = base
        .strip_prefix("yuva")
        .or_else(|| base.strip_prefix("yuv"))
    {
        let sampling = rest.split('p').next().unwrap_or_default();
        if matches!(sampling, "420" | "422" | "444") {
            let deep = !rest.ends_with('p');
            return format!("yuv{rest}{}", if deep { "le" } else { "" });
        }
    }
    let plain = match base {
        "nv12" | "nv21" | "yuv410p" => "yuv420p",
        "yuv411p" | "yuyv422" | "uyvy422" | "yvyu422" | "nv16" => "yuv422p",
        "p010" => "yuv420p10le",
        "p016" => "yuv420p16le",
        "p210" | "nv20" | "y210" => "yuv422p10le",
        _ if base.contains("16") || base.contains("48") || base.contains("64") => "yuv444p16le",
        _ if base.ends_with("12") => "yuv444p12le",
        _ if base.ends_with("10") => "yuv444p10le",
        _ => "yuv444p",
    };
    plain.to_owned()
}

/// The filters for a turn and a format, in libavfilter's words.
fn chain(
    name: &str,
    (turn, mirrored): Turn,
    format: Option<&str>,
    notes: &mut Vec<String>,
) -> String {
    let mut filters = Vec::new();
    if mirrored {
        filters.push("hflip".to_owned());
    }
    match turn {
        90 => filters.push("transpose=clock".into()),
        180 => filters.push("hflip,vflip".into()),
        270 => filters.push("transpose=cclock".into()),
        _ => {}
    }
    if !filters.is_empty() {
        notes.push(format!("{name} is turned as its container asks"));
    }
    if let Some(format) = format {
        filters.push(format!("format=pix_fmts={format}"));
        notes.push(format!("{name} is converted to {format}"));
    }
    filters.join(",")
}

/// Cuts a picture to its first columns and rows.
fn crop(picture: &mut PictureView<'_>, (width, height): (usize, usize)) {
    let half = (width.div_ceil(2), height.div_ceil(2));
    let chroma = match picture.sampling {
        ChromaSampling::Cs420 => half,
        ChromaSampling::Cs422 => (half.0, height),
        ChromaSampling::Mono | ChromaSampling::Cs444 => (width, height),
    };
    for (i, plane) in picture.planes.iter_mut().enumerate() {
        let (width, height) = if i == 0 { (width, height) } else { chroma };
        plane.width = plane.width.min(width);
        plane.height = plane.height.min(height);
    }
}

/// The picture at a greater depth: every sample shifted up.
fn deepen<'a>(
    picture: &PictureView<'_>,
    depth: u8,
    buffers: &'a mut [Vec<u8>; 3],
) -> PictureView<'a> {
    let shift = depth.saturating_sub(picture.depth);
    let bytes = picture.bytes_per_sample();
    let planes = picture.planes.iter().zip(buffers).map(|(plane, buffer)| {
        buffer.clear();
        for y in 0..plane.height {
            for sample in plane.row(y, bytes).chunks_exact(bytes) {
                let value = sample
                    .iter()
                    .rev()
                    .fold(0u16, |v, &byte| v << 8 | u16::from(byte));
                buffer.extend((value << shift).to_le_bytes());
            }
        }
        PlaneView {
            data: buffer,
            stride: plane.width * 2,
            width: plane.width,
            height: plane.height,
        }
    });
    PictureView {
        planes: planes.collect(),
        depth,
        sampling: picture.sampling,
    }
}

#[cfg(test)]
mod tests {
    use super::{crop, deepen, plain_format, turns};
    use framemill_codec::libav::FrameGeometry;
    use framemill_codec::picture::{ChromaSampling, PictureView, PlaneView, Rational};

    fn geometry(width: u32, height: u32) -> FrameGeometry {
        FrameGeometry {
            width,
            height,
            pix_fmt: "yuv420p".into(),
            sar: Rational::new(1, 1),
        }
    }

    #[test]
    fn sides_are_turned_only_where_they_differ() {
        let (wide, tall) = (geometry(320, 240), geometry(240, 320));
        let (none, quarter) = ((0, false), (90, false));
        assert_eq!(
            turns(quarter, &wide, none, &tall).ok(),
            Some((quarter, none))
        );
        assert_eq!(
            turns(none, &tall, quarter, &wide).ok(),
            Some((none, quarter))
        );
        assert_eq!(
            turns(quarter, &wide, quarter, &wide).ok(),
            Some((none, none))
        );
        assert_eq!(turns(quarter, &wide, none, &wide).ok(), Some((none, none)));
        assert!(turns(none, &wide, none, &tall).is_err());
    }

    #[test]
    fn one_line_or_column_may_be_missing() {
        let none = (0, false);
        assert!(turns(none, &geometry(321, 241), none, &geometry(320, 240)).is_ok());
        assert!(turns(none, &geometry(322, 241), none, &geometry(320, 240)).is_err());
        assert!(turns(none, &geometry(320, 240), none, &geometry(321, 240)).is_err());
    }

    #[test]
    fn odd_formats_become_plain() {
        for (odd, plain) in [
            ("yuva420p", "yuv420p"),
            ("yuva444p10le", "yuv444p10le"),
            ("yuv422p10be", "yuv422p10le"),
            ("yuv411p", "yuv422p"),
            ("nv12", "yuv420p"),
            ("p010le", "yuv420p10le"),
            ("gbrp", "yuv444p"),
            ("gbrp10le", "yuv444p10le"),
            ("rgb48be", "yuv444p16le"),
            ("pal8", "yuv444p"),
        ] {
            assert_eq!(plain_format(odd), plain, "{odd}");
        }
    }

    #[test]
    fn samples_are_cut_and_shifted() {
        let data = [1, 2, 3, 4, 5, 255];
        let plane = PlaneView {
            data: &data,
            stride: 3,
            width: 3,
            height: 2,
        };
        let mut picture = PictureView {
            planes: vec![plane],
            depth: 8,
            sampling: ChromaSampling::Mono,
        };
        crop(&mut picture, (2, 2));
        let mut buffers = Default::default();
        let deep = deepen(&picture, 10, &mut buffers);
        assert_eq!(deep.planes[0].data, [4, 0, 8, 0, 16, 0, 20, 0]);
        assert_eq!(
            (deep.depth, deep.planes[0].width, deep.planes[0].stride),
            (10, 2, 4)
        );
    }
}
