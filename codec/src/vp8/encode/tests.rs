// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use crate::picture::PlaneView;
use crate::vp8::modes::Macroblock;
use crate::vp8::mv::{Mv, MAX_DIFFERENCE};
use crate::vp8::{Decoder, References};
use std::sync::Arc;

/// Moving shapes over texture with some noise.
fn picture(width: usize, height: usize, n: usize) -> [Vec<u8>; 3] {
    moved(width, height, n, n)
}

/// The same after `moves`, with the noise of picture `n`.
fn moved(width: usize, height: usize, moves: usize, n: usize) -> [Vec<u8>; 3] {
    let mut seed = n as u32;
    let mut plane = |w: usize, h: usize| {
        let mut samples = vec![0; w * h];
        for (i, sample) in samples.iter_mut().enumerate() {
            let (x, y) = (i % w + 3 * moves, i / w + moves);
            let wave = 60.0 * ((x as f64) / 9.0).sin() + 40.0 * ((y as f64) / 7.0).cos();
            let square = if (x / 23 + y / 19) % 2 == 0 {
                30.0
            } else {
                0.0
            };
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(seed >> 29) - 4.0;
            *sample = (128.0 + wave + square + noise) as u8;
        }
        samples
    };
    let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
    [plane(width, height), plane(cw, ch), plane(cw, ch)]
}

fn view(planes: &[Vec<u8>; 3], width: usize, height: usize) -> PictureView<'_> {
    let plane = |n: usize| {
        let (w, h) = match n {
            0 => (width, height),
            _ => (width.div_ceil(2), height.div_ceil(2)),
        };
        PlaneView {
            data: &planes[n],
            stride: w,
            width: w,
            height: h,
        }
    };
    PictureView {
        planes: (0..3).map(plane).collect(),
        depth: 8,
        sampling: ChromaSampling::Cs420,
    }
}

#[test]
fn decoders_get_the_encoders_state() {
    let dsp = Dsp::best();
    for (preset, quality) in [
        (Preset::Fast, 10),
        (Preset::Medium, 40),
        (Preset::Slow, 30),
        (Preset::Slow, 63),
        (Preset::Slow, 0),
    ] {
        for (width, height) in [(176, 144), (35, 50), (1, 1)] {
            let settings = Settings {
                preset,
                quality,
                key_interval: 5,
            };
            let mut encoder = Encoder::new(dsp, settings, width as u32, height as u32).unwrap();
            let mut decoder = Decoder::new(dsp);
            for n in 0..7 {
                let planes = picture(width, height, n);
                let packet = encoder.encode(&view(&planes, width, height)).unwrap();
                let picture = decoder.decode(&packet).unwrap().unwrap();
                assert!(!picture.is_damaged());
                assert!(
                    decoder.state() == encoder.state(),
                    "{preset:?} {quality} {width}x{height} frame {n}"
                );
            }
        }
    }
}

/// Pictures `range` of a clip.
fn sources(range: std::ops::Range<usize>) -> Sources {
    of_pictures(range.map(|n| picture(176, 144, n)))
}

/// Pictures of 176 by 144 samples.
fn of_pictures(pictures: impl Iterator<Item = [Vec<u8>; 3]>) -> Sources {
    let mut sources = Sources::new(176, 144).unwrap();
    for planes in pictures {
        sources.push(&view(&planes, 176, 144)).unwrap();
    }
    sources
}

const SETTINGS: ChunkSettings = ChunkSettings {
    preset: Preset::Medium,
    quality: 30,
    golden: true,
    hidden: false,
};

/// Of a chunk of `sources`.
fn parse(packets: &[Vec<u8>], frames: usize) -> Result<Draft> {
    Draft::parse(176, 144, packets, frames)
}

#[test]
fn a_chain_of_rebased_chunks_is_one_stream() {
    // Slow looks again at all frames, medium at the first of each chunk.
    for preset in [Preset::Medium, Preset::Slow] {
        chain(ChunkSettings { preset, ..SETTINGS });
    }
}

fn chain(all: ChunkSettings) {
    let dsp = Dsp::best();
    let first = first_pass(dsp, all, &sources(0..3)).unwrap();
    let (mut packets, mut state) = (first.packets, first.state);
    for chunk in 1..5 {
        // Every second one becomes the golden frame.
        let (start, golden) = (3 * chunk, chunk % 2 == 0);
        let mut before = sources([0, 0, 7, 7][chunk - 1]..start);
        let between = 1..before.len().saturating_sub(1).max(1);
        before.frames.drain(between);
        let settings = ChunkSettings { golden, ..all };
        let sources = sources(start..start + 3);
        let draft = draft_pass(dsp, settings, &before, &sources).unwrap();
        let draft = parse(&draft, 3).unwrap();
        let rebased = rebase(dsp, &state, &draft, &sources, settings, 1).unwrap();
        for threads in [2, 3, 100] {
            let parallel = rebase(dsp, &state, &draft, &sources, settings, threads).unwrap();
            assert!(parallel.packets == rebased.packets && parallel.state == rebased.state);
        }
        assert_eq!(rebased.packets.len(), 3);
        packets.extend(rebased.packets);
        let before = state.references.unwrap();
        state = rebased.state;
        let after = state.references.as_ref().unwrap();
        assert_eq!(before.golden == after.golden, !golden);
    }
    let mut decoder = Decoder::new(dsp);
    for packet in &packets {
        let picture = decoder.decode(packet).unwrap().unwrap();
        assert!(!picture.is_damaged());
    }
    assert!(decoder.state() == &state);
}

#[test]
fn onto_its_own_state_a_chunk_stays_what_it_was() {
    let dsp = Dsp::best();
    let slow = ChunkSettings {
        preset: Preset::Slow,
        ..SETTINGS
    };
    let (before, sources) = (sources(0..1), sources(1..6));
    let packets = draft_pass(dsp, slow, &before, &sources).unwrap();
    let picture = || Arc::new(before.frames[0].frame.extended());
    let references = References {
        last: picture(),
        golden: picture(),
        altref: picture(),
    };
    let state = chunk::stand_in(sources.info, references);
    let draft = parse(&packets, 5).unwrap();
    let rebased = rebase(dsp, &state, &draft, &sources, slow, 2).unwrap();
    let size = |packets: &[Vec<u8>]| packets.iter().map(Vec::len).sum::<usize>();
    let (before, after) = (size(&packets), size(&rebased.packets));
    assert!(
        after * 1000 < before * 1005,
        "{before} bytes became {after}"
    );
    let error = |packets: &[Vec<u8>]| {
        let mut decoder = Decoder::with_state(dsp, state.clone());
        let frames = packets.iter().zip(&sources.frames);
        let errors = frames.map(|(packet, source)| {
            let picture = decoder.decode(packet).unwrap().unwrap();
            let layout = source.frame.geometry.plane(0);
            let (a, b) = (&source.frame.samples, &picture.frame().samples);
            let (at, stride) = (layout.at, layout.stride);
            dsp.sse_region(a, at, stride, b, at, stride, layout.width, layout.height)
        });
        errors.sum::<u64>()
    };
    let (before, after) = (error(&packets), error(&rebased.packets));
    assert!(
        after * 1000 < before * 1005,
        "an error of {before} became {after}"
    );
}

/// A chunk's own pictures, coded ahead: their packets show nothing, are those of any number
/// of threads, and what decoders make of them is the state that the rebase gives.
#[test]
fn hidden_frames_stand_before_what_leads_up_to_them() {
    let dsp = Dsp::best();
    // Before halves of 9 and 8 frames; medium finds the first one too costly, since it has
    // no coded frame to refer to.
    let moved_ones: [(Preset, &[usize]); 2] = [(Preset::Medium, &[9]), (Preset::Slow, &[0, 10])];
    for (preset, moved_ones) in moved_ones {
        let settings = ChunkSettings {
            preset,
            hidden: true,
            ..SETTINGS
        };
        let slow =
            |range: std::ops::Range<usize>| of_pictures(range.map(|n| moved(176, 144, n / 20, n)));
        let pictures = [0..20, 20..37].map(slow);
        let first = first_pass(dsp, settings, &pictures[0]).unwrap();
        let mut before = slow(9..10);
        before.append(slow(19..20));
        let packets = draft_pass(dsp, settings, &before, &pictures[1]).unwrap();
        let draft = parse(&packets, 17).unwrap();
        let moved = |threads| {
            let moved = rebase(dsp, &first.state, &draft, &pictures[1], settings, threads);
            moved.unwrap()
        };
        let rebased = moved(1);
        let parallel = moved(3);
        assert!(parallel.packets == rebased.packets && parallel.state == rebased.state);
        let mut decoder = Decoder::new(dsp);
        let mut shown = |packets: &[Vec<u8>]| {
            let decode = |packet: &Vec<u8>| {
                let picture = decoder.decode(packet).unwrap();
                assert!(picture.as_ref().is_none_or(|p| !p.is_damaged()));
                picture.is_some()
            };
            packets.iter().map(decode).collect::<Vec<_>>()
        };
        let hidden = |shown: Vec<bool>| {
            let all = shown.into_iter().enumerate();
            all.filter(|(_, shown)| !shown)
                .map(|(n, _)| n)
                .collect::<Vec<_>>()
        };
        // Before halves of 10 frames, which begin behind the key frame.
        assert_eq!(hidden(shown(&first.packets)), [1, 11]);
        assert_eq!(hidden(shown(&rebased.packets)), moved_ones);
        assert!(decoder.state() == &rebased.state);
        let references = rebased.state.references.unwrap();
        assert!(references.altref != references.golden && references.golden != references.last);
    }
}

/// Where all moves on, a hidden frame would be one of intra macroblocks, and is left out.
#[test]
fn there_are_no_hidden_frames_where_they_do_not_pay() {
    let settings = ChunkSettings {
        hidden: true,
        ..SETTINGS
    };
    // It moves too far for any search.
    let changing = sources(0..16);
    let dsp = Dsp::best();
    let with = first_pass(dsp, settings, &changing).unwrap();
    let without = first_pass(dsp, SETTINGS, &changing).unwrap();
    assert!(with.packets == without.packets && with.state == without.state);
}

/// Where one vector reaches so far that another one's change could leave no way to
/// code it, none is looked at again; up to there all are.
#[test]
fn far_vectors_stay_as_drafted() {
    let dsp = Dsp::best();
    let first = first_pass(dsp, SETTINGS, &sources(0..3)).unwrap();
    // Drafted with a picture that is not what comes before.
    let pictures = sources(3..5);
    let packets = draft_pass(dsp, SETTINGS, &sources(0..1), &pictures).unwrap();
    let kept = |farthest: i16| {
        let mut draft = parse(&packets, 2).unwrap();
        let mv = Mv {
            row: 0,
            col: farthest,
        };
        let (block, parts) = Macroblock::by_vector(1, mv);
        draft.frames[0].field.set((0, 0), block, &parts);
        let rebased = rebase(dsp, &first.state, &draft, &pictures, SETTINGS, 1).unwrap();
        let mut decoder = Decoder::with_state(dsp, first.state.clone());
        for packet in &rebased.packets {
            assert!(!decoder.decode(packet).unwrap().unwrap().is_damaged());
        }
        assert!(decoder.state() == &rebased.state);
        let mut state = first.state.clone();
        let moved = draft::frame(&rebased.packets[0], &mut state).unwrap();
        let all = (0..9).flat_map(|y| (0..11).map(move |x| (x, y)));
        all.filter(|&(x, y)| {
            let [old, new] = [&draft.frames[0], &moved].map(|f| f.field.block(x, y));
            (old.0.reference, old.1.mvs) == (new.0.reference, new.1.mvs)
        })
        .count()
    };
    let farthest = MAX_DIFFERENCE as i16 / 2;
    assert!(kept(farthest) < 99, "nothing was looked at again");
    assert_eq!(kept(farthest + 1), 99);
}

#[test]
fn what_does_not_fit_is_refused() {
    let dsp = Dsp::best();
    let chunk = first_pass(dsp, SETTINGS, &sources(0..3)).unwrap();
    let draft = parse(&chunk.packets, 2).unwrap();
    let refused = |state: &State, sources: &Sources| {
        let error = rebase(dsp, state, &draft, sources, SETTINGS, 1).unwrap_err();
        error.to_string()
    };
    let none = refused(&State::default(), &sources(0..2));
    assert_eq!(none, "vp8: a chunk of 176x144 after a state of 0x0");
    let fewer = refused(&chunk.state, &sources(0..1));
    assert_eq!(fewer, "vp8: 1 pictures for 2 frames");
    let unread = |packets: &[Vec<u8>], frames| parse(packets, frames).unwrap_err().to_string();
    assert_eq!(
        unread(&chunk.packets, 3),
        "vp8: a chunk that begins with a key frame of its own"
    );
    assert_eq!(unread(&chunk.packets, 4), "vp8: 3 frames where 4 are due");
    let twice = [chunk.packets[0].clone(), chunk.packets[0].clone()];
    assert_eq!(
        unread(&twice, 1),
        "vp8: packet 1 of a chunk: a misplaced key frame"
    );
    let empty = [Vec::new()];
    assert_eq!(
        unread(&empty, 1),
        "vp8: packet 0 of a chunk: a packet of 0 bytes"
    );
    let larger = Draft::parse(192, 144, &chunk.packets, 2).unwrap_err();
    assert_eq!(larger.to_string(), "vp8: a chunk of 176x144");
    let none = Sources::new(176, 144).unwrap();
    let alone = draft_pass(dsp, SETTINGS, &none, &sources(0..2)).unwrap_err();
    assert_eq!(
        alone.to_string(),
        "vp8: a draft without a picture before it"
    );
    let (mut other, one) = (Sources::new(16, 16).unwrap(), picture(16, 16, 0));
    other.push(&view(&one, 16, 16)).unwrap();
    let two = draft_pass(dsp, SETTINGS, &other, &sources(0..2)).unwrap_err();
    assert_eq!(two.to_string(), "vp8: a draft of two sizes of pictures");
}
