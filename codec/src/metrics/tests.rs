// SPDX-License-Identifier: MIT OR Apache-2.0

use super::clip::Clip;
use super::*;
use crate::picture::{ChromaSampling, PictureView, PlaneView};
use proptest::prelude::*;
use std::process::Command;

fn grey(data: &[u8], width: usize, height: usize, depth: u8) -> PictureView<'_> {
    let stride = width * if depth > 8 { 2 } else { 1 };
    PictureView {
        planes: vec![PlaneView {
            data,
            stride,
            width,
            height,
        }],
        depth,
        sampling: ChromaSampling::Mono,
    }
}

#[test]
fn identical_pictures_are_infinitely_good() {
    for (depth, sampling) in [(8, ChromaSampling::Cs420), (10, ChromaSampling::Cs444)] {
        let clip = Clip::new((33, 19), depth, sampling, 2, (0.2, 1));
        let mut quality = Quality::new();
        assert_eq!((quality.mean_psnr(), quality.mean_ssim()), (None, None));
        for view in clip.views() {
            let frame = quality.add(&view, &view).unwrap();
            assert_eq!(frame.mse.planes, [0.0; 3]);
            assert_eq!(frame.mse.plane_psnr(2), Some(f64::INFINITY));
            assert!(frame.ssim.planes.iter().all(|&ssim| ssim == 1.0));
        }
        assert_eq!(quality.mean_psnr(), Some(f64::INFINITY));
        assert_eq!(quality.min_psnr(), Some(f64::INFINITY));
        assert_eq!((quality.worst_frame(), quality.frames()), (Some(0), 2));
        assert!((quality.mean_ssim().unwrap() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn mse_by_hand() {
    let (a, b) = ([10u8, 20, 30, 255], [13u8, 20, 26, 0]);
    let mse = mse(&grey(&a, 2, 2, 8), &grey(&b, 2, 2, 8)).unwrap();
    assert_eq!(mse.all, (9.0 + 16.0 + 65_025.0) / 4.0);
    assert!((psnr_from_mse(65_025.0, 255)).abs() < 1e-12);
    assert!((psnr_from_mse(650.25, 255) - 20.0).abs() < 1e-9);
    assert_eq!(
        (mse.plane_psnr(0), mse.plane_psnr(1)),
        (Some(mse.psnr()), None)
    );
}

#[test]
fn planes_weigh_by_their_size() {
    // Luma 5x3 off by 2, chroma 3x2 off by 1 and 0.
    let planes = [vec![100u8; 15], vec![100; 6], vec![100; 6]];
    let other = [vec![102u8; 15], vec![99; 6], vec![100; 6]];
    let view = |planes: &'static [Vec<u8>; 3]| {
        let size = [(5, 3), (3, 2), (3, 2)];
        let planes = planes
            .iter()
            .zip(size)
            .map(|(data, (width, height))| PlaneView {
                data,
                stride: width,
                width,
                height,
            });
        PictureView {
            planes: planes.collect(),
            depth: 8,
            sampling: ChromaSampling::Cs420,
        }
    };
    let (a, b) = (Box::leak(Box::new(planes)), Box::leak(Box::new(other)));
    let mse = mse(&view(a), &view(b)).unwrap();
    assert_eq!(mse.planes, [4.0, 1.0, 0.0]);
    assert!((mse.all - (4.0 * 15.0 + 6.0) / 27.0).abs() < 1e-12);
}

#[test]
fn extremes_do_not_overflow() {
    for depth in [8u8, 16] {
        let bytes = if depth > 8 { 2 } else { 1 };
        let (width, height) = (10_000, 8);
        let black = vec![0u8; width * height * bytes];
        let white = vec![255u8; width * height * bytes];
        let (a, b) = (
            grey(&black, width, height, depth),
            grey(&white, width, height, depth),
        );
        let peak = f64::from((1u32 << depth) - 1);
        assert_eq!(mse(&a, &b).unwrap().all, peak * peak);
        assert!(ssim(&a, &b).unwrap().all < 1e-3);
        assert_eq!(ssim(&b, &b).unwrap().all, 1.0);
    }
}

#[test]
fn ssim_of_one_window_by_hand() {
    // One constant window against another: only the means count.
    let (a, b) = ([100u8; 64], [110u8; 64]);
    let (sa, sb) = (6400.0, 7040.0);
    let c1 = 416.0; // 0.01² · 255² · 64, cut to a whole number
    let expected = (2.0 * sa * sb + c1) / (sa * sa + sb * sb + c1);
    let got = ssim(&grey(&a, 8, 8, 8), &grey(&b, 8, 8, 8)).unwrap().all;
    assert!((got - expected).abs() < 1e-12, "{got} {expected}");
}

#[test]
fn worst_frame_and_merge() {
    let clean = Clip::new((40, 24), 8, ChromaSampling::Cs420, 6, (0.0, 1));
    let worse = |frame| match frame {
        3 => 0.3,
        _ => 0.05,
    };
    let noisy = |f| Clip::new((40, 24), 8, ChromaSampling::Cs420, 6, (worse(f), 7));
    let (mut whole, mut parts) = (Quality::new(), [Quality::new(), Quality::new()]);
    for frame in 0..6 {
        let other = noisy(frame);
        let one = whole.add(&clean.view(frame), &other.view(frame)).unwrap();
        parts[frame / 2 % 2]
            .add(&clean.view(frame), &other.view(frame))
            .unwrap();
        assert!(one.mse.psnr() >= whole.min_psnr().unwrap());
    }
    assert_eq!(whole.worst_frame(), Some(3));
    let [first, second] = &mut parts;
    assert_eq!((first.frames(), second.frames()), (4, 2));
    first.merge(second).unwrap();
    assert_eq!((first.frames(), first.worst_frame()), (6, Some(5)));
    assert!((first.mean_psnr().unwrap() - whole.mean_psnr().unwrap()).abs() < 1e-9);
    assert!((first.mean_ssim().unwrap() - whole.mean_ssim().unwrap()).abs() < 1e-12);
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Quality>(&text).unwrap().frames(), 6);
}

#[test]
fn unequal_pictures_are_typed_errors() {
    let make = |size, depth, sampling| Clip::new(size, depth, sampling, 1, (0.0, 1));
    let base = make((32, 16), 8, ChromaSampling::Cs420);
    let what = |other: &Clip| match mse(&base.view(0), &other.view(0)) {
        Err(Error::Mismatch { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(&make((32, 18), 8, ChromaSampling::Cs420)), "size");
    assert_eq!(what(&make((32, 16), 10, ChromaSampling::Cs420)), "depth");
    assert_eq!(what(&make((32, 16), 8, ChromaSampling::Cs422)), "sampling");
    let small = make((15, 16), 8, ChromaSampling::Cs420);
    let tiny = make((14, 16), 8, ChromaSampling::Cs420);
    assert!(ssim(&small.view(0), &small.view(0)).is_ok());
    let error = ssim(&tiny.view(0), &tiny.view(0)).unwrap_err();
    assert_eq!(
        error,
        Error::TooSmall {
            plane: 1,
            width: 7,
            height: 8
        }
    );
    let mut quality = Quality::new();
    quality.add(&base.view(0), &base.view(0)).unwrap();
    let before = quality.clone();
    assert!(quality.add(&small.view(0), &small.view(0)).is_err());
    assert_eq!(quality, before);
}

#[test]
fn malformed_planes_are_typed_errors() {
    let data = [0u8; 64];
    let good = grey(&data, 8, 8, 8);
    let broken: [fn(&mut PictureView<'_>); 7] = [
        |view| view.planes[0].data = &view.planes[0].data[..63],
        |view| view.planes[0].stride = 7,
        |view| view.planes[0].stride = usize::MAX,
        |view| view.planes[0].height = 0,
        |view| view.planes[0].width = usize::MAX,
        |view| view.depth = 17,
        |view| view.planes.clear(),
    ];
    for damage in broken {
        let mut bad = good.clone();
        damage(&mut bad);
        assert!(
            matches!(mse(&good, &bad), Err(Error::Malformed { .. })),
            "{bad:?}"
        );
        assert!(
            matches!(ssim(&bad, &good), Err(Error::Malformed { .. })),
            "{bad:?}"
        );
    }
}

/// SSIM of one plane as its definition reads, window by window. Each is a
/// quotient of whole numbers, and added in the same order, so bits agree.
fn slow_ssim(a: &[u8], b: &[u8], width: usize, height: usize) -> f64 {
    let (mut total, mut count) = (0.0, 0.0);
    for top in (0..height - height % 4 - 4).step_by(4) {
        let mut row = 0.0;
        for left in (0..width - width % 4 - 4).step_by(4) {
            let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0i64, 0i64, 0i64, 0i64, 0i64);
            for y in top..top + 8 {
                for x in left..left + 8 {
                    let (p, q) = (i64::from(a[y * width + x]), i64::from(b[y * width + x]));
                    (sa, sb) = (sa + p, sb + q);
                    (saa, sbb, sab) = (saa + p * p, sbb + q * q, sab + p * q);
                }
            }
            let (var, cov) = ((saa + sbb) * 64 - sa * sa - sb * sb, sab * 64 - sa * sb);
            let top = (2 * sa * sb + 416) as f64 * (2 * cov + 235_963) as f64;
            row += top / ((sa * sa + sb * sb + 416) as f64 * (var + 235_963) as f64);
            count += 1.0;
        }
        total += row;
    }
    total / count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn fast_paths_match_the_definitions(
        width in 8usize..400, height in 8usize..24, noise in 0.0f64..1.0, seed in any::<u32>(),
    ) {
        let make = |seed| Clip::new((width, height), 8, ChromaSampling::Mono, 1, (noise, seed));
        let (a, b) = (make(seed), make(seed ^ 0x5555_5555));
        let (raw_a, raw_b) = (a.raw(), b.raw());
        let squares: i64 = raw_a.iter().zip(&raw_b)
            .map(|(&a, &b)| (i64::from(a) - i64::from(b)).pow(2)).sum();
        let expected = squares as f64 / (width * height) as f64;
        prop_assert_eq!(mse(&a.view(0), &b.view(0)).unwrap().all, expected);
        let got = ssim(&a.view(0), &b.view(0)).unwrap().planes[0];
        prop_assert_eq!(got, slow_ssim(&raw_a, &raw_b, width, height));
        // The same values as 10-bit samples: same squares, other constants.
        let widen = |raw: &[u8]| raw.iter().flat_map(|&v| [v, 0]).collect::<Vec<_>>();
        let (a, b) = (widen(&raw_a), widen(&raw_b));
        let wide = mse(&grey(&a, width, height, 10), &grey(&b, width, height, 10)).unwrap();
        prop_assert_eq!(wide.all, squares as f64 / (width * height) as f64);
    }
}

/// The numbers after `names` in the last line of FFmpeg's log that has the first.
fn parse(log: &str, names: &[&str]) -> Vec<f64> {
    let line = log
        .lines()
        .rfind(|line| line.contains(names[0]))
        .unwrap_or_default();
    let number = |name: &&str| {
        let text = line.split(*name).nth(1)?.split_whitespace().next()?;
        text.parse().ok()
    };
    names.iter().filter_map(number).collect()
}

fn ffmpeg_log(a: &Clip, b: &Clip, filter: &str, name: &str) -> String {
    let path = |side| std::env::temp_dir().join(format!("{name}-{}-{side}", std::process::id()));
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin"]);
    let size = format!("{}x{}", a.width, a.height);
    for (clip, side) in [(a, "a"), (b, "b")] {
        std::fs::write(path(side), clip.raw()).unwrap();
        command.args([
            "-f",
            "rawvideo",
            "-pix_fmt",
            &clip.pixel_format(),
            "-s",
            &size,
            "-i",
        ]);
        command.arg(path(side));
    }
    let output = command
        .args(["-lavfi", filter, "-f", "null", "-"])
        .output()
        .unwrap();
    let _ = (
        std::fs::remove_file(path("a")),
        std::fs::remove_file(path("b")),
    );
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    log
}

#[test]
fn same_numbers_as_ffmpeg() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("SKIPPED metrics::same_numbers_as_ffmpeg: no ffmpeg command");
        return;
    }
    use ChromaSampling::{Cs420, Cs422, Cs444, Mono};
    let forms = [
        ((320, 240), 8, Cs420),
        ((321, 241), 8, Cs420),
        ((161, 90), 8, Cs422),
        ((77, 51), 8, Cs444),
        ((131, 67), 8, Mono),
        ((161, 91), 10, Cs420),
        ((66, 50), 12, Cs444),
        ((66, 50), 16, Cs422),
    ];
    for (i, (size, depth, sampling)) in forms.into_iter().enumerate() {
        let a = Clip::new(size, depth, sampling, 3, (0.0, 1));
        let b = Clip::new(size, depth, sampling, 3, (0.1, 9));
        let mut quality = Quality::new();
        for (a, b) in a.views().zip(b.views()) {
            quality.add(&a, &b).unwrap();
        }
        let log = ffmpeg_log(&a, &b, "[0][1]psnr", &format!("framemill-psnr{i}"));
        let names = ["PSNR y:", " u:", " v:"];
        compare(
            &parse(&log, &names),
            |p| quality.mean_plane_psnr(p),
            0.01,
            &a,
        );
        let of_all = parse(&log, &["average:", "min:"]);
        let all = [quality.mean_psnr(), quality.min_psnr()];
        compare(&of_all, |p| all[p], 0.01, &a);
        let log = ffmpeg_log(&a, &b, "[0][1]ssim", &format!("framemill-ssim{i}"));
        compare(
            &parse(&log, &["SSIM Y:", "U:", "V:"]),
            |p| quality.mean_plane_ssim(p),
            1e-4,
            &a,
        );
        compare(&parse(&log, &["All:"]), |_| quality.mean_ssim(), 1e-4, &a);
    }
}

fn compare(theirs: &[f64], ours: impl Fn(usize) -> Option<f64>, tolerance: f64, clip: &Clip) {
    assert!(
        !theirs.is_empty(),
        "{}: nothing to compare",
        clip.pixel_format()
    );
    for (i, &theirs) in theirs.iter().enumerate() {
        let ours = ours(i).unwrap();
        let close = (ours - theirs).abs() <= tolerance;
        assert!(
            close,
            "{} value {i}: {ours}, FFmpeg {theirs}",
            clip.pixel_format()
        );
    }
}
