// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to test with, made here, and a way to look at results.

use framemill_thumbs::decode::Decoders;
use framemill_thumbs::plan::Size;
use framemill_thumbs::url::{Grammar, Options};
use framemill_thumbs::{
    thumbnail, Format, Layout, Limits, Picture, Settings, ThumbError, Thumbnail,
};
use image::{ExtendedColorType, ImageEncoder};

/// The options that segments of a URL ask for.
pub fn options(segments: &str) -> Options {
    let path = format!("/{segments}/plain/a").replace("//", "/");
    Grammar::default().parse_unsigned(&path).unwrap().options
}

pub fn make(source: &[u8], segments: &str) -> Result<Thumbnail, ThumbError> {
    thumbnail(source, &options(segments), &Settings::default(), &|| false)
}

/// Most memory that this process has had so far, in kB.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    size.expect("a size in kB")
}

/// Every frame of a file, with its time in milliseconds.
pub fn frames(bytes: &[u8]) -> Vec<(Picture, u32)> {
    let limits = Limits::default();
    let decoders = Decoders::default();
    let mut source = decoders.open(bytes, &limits).unwrap();
    let size = source.facts().size;
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame(size).unwrap() {
        frames.push((frame.picture, frame.milliseconds));
    }
    frames
}

/// The first frame.
pub fn decoded(bytes: &[u8]) -> Picture {
    frames(bytes).swap_remove(0).0
}

/// The red, green, blue (and opacity) at a place given in shares of the sides.
pub fn at(picture: &Picture, x: f64, y: f64) -> Vec<u8> {
    let Size { width, height } = picture.size();
    let (x, y) = (
        (x * f64::from(width)) as usize,
        (y * f64::from(height)) as usize,
    );
    let bytes = picture.layout().bytes();
    let from = (y * width as usize + x) * bytes;
    picture.samples()[from..from + bytes].to_vec()
}

pub fn near(found: &[u8], wanted: &[u8], by: u8) -> bool {
    found.len() >= wanted.len() && found.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= by)
}

/// Red, green, blue and yellow quarters, from the upper left in reading order.
pub const QUARTERS: [[u8; 3]; 4] = [[200, 30, 30], [30, 160, 40], [40, 50, 200], [220, 210, 40]];

/// A picture of quarters.
pub fn quarters(width: u32, height: u32) -> Vec<u8> {
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let quarter = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
            samples.extend_from_slice(&QUARTERS[quarter]);
        }
    }
    samples
}

/// A smooth picture with some texture: what decoders see most.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut seed = 1u32;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 28) as u8;
            let wave =
                ((f64::from(x) / 17.0).sin() * 40.0 + (f64::from(y) / 11.0).cos() * 40.0) as i32;
            for channel in 0..3 {
                let base = 110 + wave + channel * 20;
                samples.push((base.clamp(0, 240) as u8).saturating_add(noise));
            }
        }
    }
    samples
}

pub fn jpeg(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let image = turbojpeg::Image {
        pixels: rgb,
        width: width as usize,
        pitch: width as usize * 3,
        height: height as usize,
        format: turbojpeg::PixelFormat::RGB,
    };
    let bytes = turbojpeg::compress(image, 92, turbojpeg::Subsamp::None).unwrap();
    bytes.to_vec()
}

pub fn png(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) -> Vec<u8> {
    png_with(width, height, color, depth, data, |_| {})
}

pub fn png_with(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
    change: impl FnOnce(&mut png::Info<'_>),
) -> Vec<u8> {
    let mut info = png::Info::with_size(width, height);
    info.color_type = color;
    info.bit_depth = depth;
    change(&mut info);
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

pub fn rgb_png(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    png(
        width,
        height,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        rgb,
    )
}

/// A file of a format that the image crate writes.
pub fn by_image_crate(format: Format, width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let kind = ExtendedColorType::Rgb8;
    match format {
        Format::Tiff => image::codecs::tiff::TiffEncoder::new(&mut bytes)
            .write_image(rgb, width, height, kind)
            .unwrap(),
        Format::Bmp => image::codecs::bmp::BmpEncoder::new(&mut bytes)
            .write_image(rgb, width, height, kind)
            .unwrap(),
        _ => unreachable!("only TIFF and BMP are made here"),
    }
    bytes.into_inner()
}

/// An icon that holds a PNG of RGBA.
pub fn ico(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let rgba: Vec<u8> = rgb
        .chunks_exact(3)
        .flat_map(|p| [p[0], p[1], p[2], 255])
        .collect();
    let png = png(
        width,
        height,
        png::ColorType::Rgba,
        png::BitDepth::Eight,
        &rgba,
    );
    let mut bytes = vec![
        0,
        0,
        1,
        0,
        1,
        0,
        width as u8,
        height as u8,
        0,
        0,
        1,
        0,
        32,
        0,
    ];
    bytes.extend_from_slice(&(png.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&22u32.to_le_bytes());
    bytes.extend_from_slice(&png);
    bytes
}

pub fn svg_quarters() -> Vec<u8> {
    let rect = |i: usize, x: u32, y: u32| {
        let [r, g, b] = QUARTERS[i];
        format!("<rect x='{x}' y='{y}' width='40' height='30' fill='rgb({r},{g},{b})'/>")
    };
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='80' height='60'>{}{}{}{}</svg>",
        rect(0, 0, 0),
        rect(1, 40, 0),
        rect(2, 0, 30),
        rect(3, 40, 30)
    )
    .into_bytes()
}

/// An animation of frames of one colour, with these delays in milliseconds.
pub fn gif(width: u16, height: u16, frames: &[([u8; 3], u16)], repeat: gif::Repeat) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &[]).unwrap();
    encoder.set_repeat(repeat).unwrap();
    for (color, delay) in frames {
        let pixels = color.repeat(usize::from(width) * usize::from(height));
        let mut frame = gif::Frame::from_rgb(width, height, &pixels);
        frame.delay = delay / 10;
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// A file of each format that can be read, of 80 × 60 quarters.
pub fn one_of_each() -> Vec<(Format, Vec<u8>)> {
    let rgb = quarters(80, 60);
    let png = rgb_png(80, 60, &rgb);
    vec![
        (Format::Jpeg, jpeg(80, 60, &rgb)),
        (Format::Png, png.clone()),
        (Format::Gif, make(&png, "f:gif").unwrap().bytes),
        (Format::Webp, make(&png, "f:webp/q:90").unwrap().bytes),
        (Format::Tiff, by_image_crate(Format::Tiff, 80, 60, &rgb)),
        (Format::Bmp, by_image_crate(Format::Bmp, 80, 60, &rgb)),
        (Format::Ico, ico(80, 60, &rgb)),
        (Format::Svg, svg_quarters()),
    ]
}

/// A picture's part of each quarter, in reading order.
pub fn seen_quarters(picture: &Picture) -> [Vec<u8>; 4] {
    assert_ne!(picture.layout(), Layout::Cmyk);
    [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)].map(|(x, y)| at(picture, x, y))
}
