// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blur, sharpen, pixelate.

use crate::error::Result;
use crate::picture::{Layout, Picture};

/// Beyond this sigma, three means of boxes stand for a Gaussian: closer than eyes can tell, and
/// as fast for any sigma.
const BOXES_FROM: f64 = 8.0;

/// Gaussian blur with this sigma in pixels; edges go on as they end.
pub(super) fn blur(picture: Picture, sigma: f64) -> Result<Picture> {
    let channels = picture.layout().bytes();
    let (width, height) = (
        picture.size().width as usize,
        picture.size().height as usize,
    );
    let mut values: Vec<f32> = Vec::with_capacity(picture.samples().len());
    for pixel in picture.samples().chunks_exact(channels) {
        let opacity = opacity(&picture, pixel);
        let colors = pixel[..3].iter().map(|level| f32::from(*level) * opacity);
        values.extend(colors);
        if channels == 4 {
            values.push(opacity * 255.0);
        }
    }
    smooth(&mut values, width, height, channels, sigma);
    let (size, layout) = (picture.size(), picture.layout());
    let mut samples = picture.into_samples();
    for (out, value) in samples
        .chunks_exact_mut(channels)
        .zip(values.chunks_exact(channels))
    {
        let opacity = if channels == 4 { value[3] / 255.0 } else { 1.0 };
        for (out, value) in out.iter_mut().zip(&value[..3]) {
            *out = if opacity > 0.0 {
                level(value / opacity)
            } else {
                0
            };
        }
        if channels == 4 {
            out[3] = level(value[3]);
        }
    }
    Picture::new(size, layout, samples)
}

fn opacity(picture: &Picture, pixel: &[u8]) -> f32 {
    match picture.layout() {
        Layout::Rgba => f32::from(pixel[3]) / 255.0,
        _ => 1.0,
    }
}

fn level(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Smooths rows, then columns.
fn smooth(values: &mut [f32], width: usize, height: usize, channels: usize, sigma: f64) {
    let kernel = kernel(sigma);
    let mut line = vec![0.0; width.max(height)];
    let mut out = line.clone();
    let mut along = |values: &mut [f32], first: usize, step: usize, count: usize| {
        let (line, out) = (&mut line[..count], &mut out[..count]);
        for (i, value) in line.iter_mut().enumerate() {
            *value = values[first + i * step];
        }
        match &kernel {
            Some(kernel) => convolve(line, out, kernel),
            None => boxes(line, out, sigma),
        }
        for (i, value) in out.iter().enumerate() {
            values[first + i * step] = *value;
        }
    };
    for y in 0..height {
        for channel in 0..channels {
            along(values, y * width * channels + channel, channels, width);
        }
    }
    for column in 0..width * channels {
        along(values, column, width * channels, height);
    }
}

/// Weights at distances 0, 1, …; `None` where boxes are used.
fn kernel(sigma: f64) -> Option<Vec<f32>> {
    if sigma > BOXES_FROM {
        return None;
    }
    let radius = (sigma * 3.0).ceil().max(1.0) as i32;
    let weight = |distance: i32| (-f64::from(distance * distance) / (2.0 * sigma * sigma)).exp();
    let sum: f64 = (-radius..=radius).map(weight).sum();
    Some(
        (0..=radius)
            .map(|distance| (weight(distance) / sum) as f32)
            .collect(),
    )
}

fn convolve(line: &[f32], out: &mut [f32], kernel: &[f32]) {
    let last = line.len() - 1;
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = line[i] * kernel[0];
        for (distance, weight) in kernel.iter().enumerate().skip(1) {
            let left = line[i.saturating_sub(distance)];
            let right = line[(i + distance).min(last)];
            sum += (left + right) * weight;
        }
        *out = sum;
    }
}

/// Three means over boxes, whose variances add up to that of the Gaussian.
fn boxes(line: &mut [f32], out: &mut [f32], sigma: f64) {
    // A box of n pixels has a variance of (n² − 1) / 12.
    let wanted = (4.0 * sigma * sigma + 1.0).sqrt();
    let radius = (((wanted - 1.0) / 2.0).round().max(0.0) as usize).min(line.len());
    let last = line.len() as isize - 1;
    for _ in 0..3 {
        let at = |i: isize| f64::from(line[i.clamp(0, last) as usize]);
        let reach = radius as isize;
        let mut sum: f64 = (-reach..=reach).map(at).sum();
        for (i, out) in (0..).zip(out.iter_mut()) {
            *out = (sum / (2.0 * radius as f64 + 1.0)) as f32;
            sum += at(i + reach + 1) - at(i - reach);
        }
        line.copy_from_slice(out);
    }
}

/// From which difference on a lightness of 0 to 100 is sharpened, how much, and the most that is
/// added and taken away. libvips' defaults.
const FLAT: f32 = 2.0;
const GAIN: f32 = 3.0;
const BRIGHTER: f32 = 10.0;
const DARKER: f32 = 20.0;

/// Sharpens lightness by its difference from a blur with this sigma in pixels.
pub(super) fn sharpen(picture: Picture, sigma: f64) -> Result<Picture> {
    let channels = picture.layout().bytes();
    let (width, height) = (
        picture.size().width as usize,
        picture.size().height as usize,
    );
    let light: Vec<f32> = picture
        .samples()
        .chunks_exact(channels)
        .map(|p| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]))
        .collect();
    let mut blurred = light.clone();
    smooth(&mut blurred, width, height, 1, sigma);
    let (size, layout) = (picture.size(), picture.layout());
    let mut samples = picture.into_samples();
    for ((pixel, light), blurred) in samples.chunks_exact_mut(channels).zip(light).zip(blurred) {
        let difference = (light - blurred) / 2.55;
        let edge = (difference.abs() - FLAT).max(0.0) * GAIN;
        let change = if difference > 0.0 {
            edge.min(BRIGHTER)
        } else {
            -edge.min(DARKER)
        };
        for value in &mut pixel[..3] {
            *value = level(f32::from(*value) + change * 2.55);
        }
    }
    Picture::new(size, layout, samples)
}

/// Squares of this many pixels a side, each of its mean colour.
pub(super) fn pixelate(mut picture: Picture, side: u32) -> Result<Picture> {
    let channels = picture.layout().bytes();
    let (width, height) = (
        picture.size().width as usize,
        picture.size().height as usize,
    );
    let side = (side as usize).min(width.max(height));
    let alpha = picture.layout() == Layout::Rgba;
    let samples = picture.samples_mut();
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            let rows = top..(top + side).min(height);
            let row_of = |y: usize| {
                (y * width + left) * channels..(y * width + (left + side).min(width)) * channels
            };
            let mut sums = [0u64; 4];
            let mut count = 0;
            for pixel in rows
                .clone()
                .flat_map(|y| samples[row_of(y)].chunks_exact(channels))
            {
                let weight = if alpha { u64::from(pixel[3]) } else { 255 };
                for (sum, level) in sums.iter_mut().zip(&pixel[..3]) {
                    *sum += u64::from(*level) * weight;
                }
                sums[3] += weight;
                count += 1;
            }
            let mean = |sum: u64, by: u64| ((sum + by / 2) / by.max(1)) as u8;
            let mut color = [0; 4];
            for (color, sum) in color.iter_mut().zip(&sums[..3]) {
                *color = mean(*sum, sums[3]);
            }
            color[3] = mean(sums[3], count);
            for y in rows {
                for pixel in samples[row_of(y)].chunks_exact_mut(channels) {
                    pixel.copy_from_slice(&color[..channels]);
                }
            }
        }
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Size;

    fn dot(layout: Layout, side: u32) -> Picture {
        let mut samples = vec![0; (side * side) as usize * layout.bytes()];
        let at = ((side / 2) * side + side / 2) as usize * layout.bytes();
        samples[at..at + layout.bytes()].fill(255);
        Picture::new(Size::new(side, side), layout, samples).unwrap()
    }

    #[test]
    fn a_blurred_edge_is_the_integral_of_the_gaussian() {
        let size = Size::new(200, 3);
        let row: Vec<u8> = (0..200)
            .flat_map(|x| [if x < 100 { 0 } else { 255 }; 3])
            .collect();
        let edge = Picture::new(size, Layout::Rgb, row.repeat(3)).unwrap();
        for sigma in [1.0, 4.0, 12.0] {
            let out = blur(edge.clone(), sigma).unwrap();
            // Of the Gaussian's integral, an approximation that is off by less than 0.1 %.
            let integral = |x: f64| 0.5 + 0.5 * (0.797_88 * (x + 0.044_715 * x.powi(3))).tanh();
            for column in [90, 97, 100, 103, 112] {
                let found = f64::from(out.pixel(column, 1)[0]);
                let wanted = 255.0 * integral((f64::from(column) - 99.5) / sigma);
                assert!(
                    (found - wanted).abs() < 6.0,
                    "{sigma}: {found} for {wanted}"
                );
            }
            assert_eq!((out.pixel(0, 0)[0], out.pixel(199, 2)[0]), (0, 255));
        }
    }

    #[test]
    fn blur_spreads_opacity_and_keeps_colour() {
        let out = blur(dot(Layout::Rgba, 9), 1.0).unwrap();
        let near = out.pixel(3, 4);
        assert!(near[3] > 0 && near[0] > 250, "{near:?}");
        for sigma in [0.001, 1e9, f64::MAX] {
            blur(dot(Layout::Rgb, 9), sigma).unwrap();
        }
    }

    #[test]
    fn sharpening_makes_edges_steeper_and_leaves_flats_alone() {
        let row: Vec<u8> = (0..20)
            .flat_map(|x| [if x < 10 { 100 } else { 150 }; 3])
            .collect();
        let edge = Picture::new(Size::new(20, 4), Layout::Rgb, row.repeat(4)).unwrap();
        let out = sharpen(edge, 1.0).unwrap();
        assert!(out.pixel(9, 1)[0] < 95 && out.pixel(10, 1)[0] > 155);
        assert_eq!((out.pixel(0, 0)[0], out.pixel(19, 0)[0]), (100, 150));
    }

    #[test]
    fn squares_have_their_mean_colour() {
        let samples = [0, 100, 7, 8, 200, 100, 7, 9, 50, 50, 1, 1];
        let rgb: Vec<u8> = samples.iter().flat_map(|n| [*n; 3]).collect();
        let picture = Picture::new(Size::new(4, 3), Layout::Rgb, rgb).unwrap();
        let out = pixelate(picture, 2).unwrap();
        let firsts: Vec<u8> = out.samples().iter().step_by(3).copied().collect();
        assert_eq!(firsts, [100, 100, 8, 8, 100, 100, 8, 8, 50, 50, 1, 1]);
        let huge = pixelate(dot(Layout::Rgba, 5), 1 << 24).unwrap();
        assert_eq!(huge.pixel(0, 0), [255, 255, 255, 10]);
    }
}
