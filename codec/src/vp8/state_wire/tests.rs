// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use proptest::prelude::*;

/// Numbers that look random.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next() as u8);
    }

    /// −limit to limit.
    fn levels(&mut self, limit: u64) -> [i8; 4] {
        [0; 4].map(|_| ((self.next() % (2 * limit + 1)) as i16 - limit as i16) as i8)
    }
}

/// A frame with `sample(plane, x, y)`.
fn frame(geometry: Geometry, mut sample: impl FnMut(usize, usize, usize) -> u8) -> Frame {
    let mut frame = Frame::new(geometry);
    for plane in 0..3 {
        let layout = geometry.plane(plane);
        for y in 0..layout.height {
            for x in 0..layout.width {
                frame.samples[layout.row(y) + x] = sample(plane, x, y);
            }
        }
    }
    frame.extend();
    frame
}

/// Different textures in different places, from flat to white noise: all classes of blocks.
fn textured(geometry: Geometry, noise: &mut Noise) -> Frame {
    let (slant, amplitude) = (noise.next() as usize % 5, noise.next() % 9);
    frame(geometry, |plane, x, y| {
        let strength = (amplitude + x as u64 / 24 + y as u64 / 40) % 9;
        let grain = noise.next() % (1 << strength);
        (plane * 50 + x * slant / 2 + y + grain as usize) as u8
    })
}

/// The same with a few samples changed, in places.
fn touched(frame: &Frame, noise: &mut Noise) -> Frame {
    let mut copy = Frame::new(frame.geometry);
    copy.samples.copy_from_slice(&frame.samples);
    for _ in 0..1 + noise.next() % 50 {
        let layout = frame.geometry.plane(noise.next() as usize % 3);
        let (x, y) = (noise.next() as usize, noise.next() as usize);
        let at = layout.row(y % layout.height) + x % layout.width;
        copy.samples[at] = copy.samples[at].wrapping_add(1 + noise.next() as u8 % 7);
    }
    copy.extend();
    copy
}

/// A state with every table changed. `shape`: two digits to base 4 that say of
/// golden and altref whether they are frames of their own, changed copies, or
/// equal to the frame before.
fn state(width: u16, height: u16, shape: u8, seed: u64) -> State {
    let mut noise = Noise(seed | 1);
    let geometry = Geometry::new(width, height);
    let mut state = State {
        info: StreamInfo {
            width,
            height,
            horizontal_scale: noise.next() as u8 & 3,
            vertical_scale: noise.next() as u8 & 3,
            colour_space: noise.next() & 1 != 0,
            no_clamping: noise.next() & 1 != 0,
        },
        ..State::default()
    };
    let coefficients = state.probabilities.coefficients.as_flattened_mut();
    noise.fill(coefficients.as_flattened_mut().as_flattened_mut());
    noise.fill(state.probabilities.mv.as_flattened_mut());
    noise.fill(&mut state.probabilities.luma_modes);
    noise.fill(&mut state.probabilities.chroma_modes);
    let map = (0..geometry.macroblocks()).map(|_| noise.next() as u8 & 3);
    state.segmentation = Segmentation {
        map: map.collect(),
        absolute: noise.next() & 1 != 0,
        quantizer: noise.levels(127),
        filter_level: noise.levels(63),
    };
    state.deltas = FilterDeltas {
        reference: noise.levels(63),
        mode: noise.levels(63),
    };
    let last = Arc::new(textured(geometry, &mut noise));
    let mut following = |digit: u8, before: &Arc<Frame>| match digit & 3 {
        0 => Arc::new(textured(geometry, &mut noise)),
        1 => Arc::new(touched(before, &mut noise)),
        2 => before.clone(),
        _ => last.clone(),
    };
    let golden = following(shape, &last);
    let altref = following(shape >> 2, &golden);
    state.references = Some(References {
        last,
        golden,
        altref,
    });
    state
}

/// With a digest that fits.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - SEAL);
    let seal = blake3::hash(&bytes);
    bytes.extend(seal.as_bytes());
    bytes
}

fn assert_comes_back(state: &State) {
    let bytes = state.to_bytes();
    let read = State::from_bytes(&bytes).unwrap();
    assert_eq!(&read, state);
    assert_eq!(read.digest(), state.digest());
    assert_eq!(read.to_bytes(), bytes);
    let frames = |s: &State| s.references.clone().map(|r| [r.last, r.golden, r.altref]);
    for (read, written) in frames(&read).iter().zip(frames(state).iter()) {
        for (read, written) in read.iter().zip(written) {
            assert!(read.samples == written.samples, "borders");
        }
    }
}

#[test]
fn three_different_references_come_back() {
    // Large enough for a thread to each half.
    let state = state(417, 273, 0, 7);
    let references = state.references.as_ref().unwrap();
    assert_ne!(references.last, references.golden);
    assert_ne!(references.golden, references.altref);
    assert_ne!(references.altref, references.last);
    assert_comes_back(&state);
}

#[test]
fn a_state_before_the_first_key_frame_comes_back() {
    assert_comes_back(&State::default());
}

#[test]
fn equal_references_are_written_once_and_shared_again() {
    let same = |state: &State| {
        let r = state.references.clone().unwrap();
        let pairs = [
            (&r.last, &r.golden),
            (&r.last, &r.altref),
            (&r.golden, &r.altref),
        ];
        pairs.map(|(a, b)| Arc::ptr_eq(a, b))
    };
    let (two, three) = (state(96, 80, 2 << 2, 5), state(96, 80, 0, 5));
    for (shape, expected) in [
        (0b0000, [false, false, false]),
        (0b1010, [true, true, true]),
        (0b1000, [false, false, true]),
        (0b1100, [false, true, false]),
        (0b0010, [true, false, false]),
    ] {
        let state = state(96, 80, shape, 5);
        assert_eq!(same(&state), expected);
        // Equal in content, not in place.
        let mut copy = state.clone();
        if let Some(references) = &mut copy.references {
            let clone = |f: &Frame| {
                let layout = |plane| f.geometry.plane(plane);
                Arc::new(frame(f.geometry, |p, x, y| f.samples[layout(p).row(y) + x]))
            };
            references.last = clone(&references.last);
            references.altref = clone(&references.altref);
        }
        assert_eq!(copy.to_bytes(), state.to_bytes());
        assert_eq!(copy.digest(), state.digest());
        assert_eq!(
            same(&State::from_bytes(&copy.to_bytes()).unwrap()),
            expected
        );
    }
    assert!(two.to_bytes().len() + 5000 < three.to_bytes().len());
}

#[test]
fn every_changed_bit_is_refused() {
    let mut bytes = state(17, 16, 0b0100, 3).to_bytes();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(State::from_bytes(&bytes).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(State::from_bytes(&bytes).is_ok());
}

#[test]
fn every_truncation_and_addition_is_refused() {
    let bytes = state(16, 17, 0b0100, 4).to_bytes();
    for length in 0..bytes.len() {
        assert!(State::from_bytes(&bytes[..length]).is_err(), "{length}");
        if length >= SEAL {
            // With a digest of its own, too.
            let cut = sealed(bytes[..length].to_vec());
            assert!(State::from_bytes(&cut).is_err(), "{length}, sealed");
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(State::from_bytes(&longer).is_err());
    assert!(State::from_bytes(&sealed(longer)).is_err());
}

#[test]
fn values_out_of_range_are_refused() {
    let bytes = state(16, 16, 0b1010, 9).to_bytes();
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        State::from_bytes(&sealed(bytes))
    };
    for version in [0, 1, 3, 255] {
        let refused = with(4, &[version]).unwrap_err().to_string();
        let known = format!("version {version} where 2 is known");
        assert!(refused.contains(&known), "{refused}");
    }
    assert!(matches!(
        with(5, &[0xff, 0x3f, 0xff, 0x3f]),
        Err(Error::Limit { .. })
    ));
    assert!(matches!(with(5, &[0, 0x40]), Err(Error::Limit { .. })));
    assert!(matches!(with(5, &[0, 0]), Err(Error::Corrupt { .. })));
    assert!(matches!(with(9, &[4]), Err(Error::Limit { .. })));
    assert!(matches!(with(11, &[2]), Err(Error::Corrupt { .. })));
    let segmentation = 13 + 1056 + 38 + 4 + 3;
    assert!(matches!(
        with(segmentation, &[7]),
        Err(Error::Corrupt { .. })
    ));
    assert!(matches!(
        with(segmentation + 1, &[0x80]),
        Err(Error::Corrupt { .. })
    ));
    assert!(matches!(
        with(segmentation + 5, &[64]),
        Err(Error::Corrupt { .. })
    ));
    let references = segmentation + 9 + 1 + 8;
    for wrong in [[2, 0], [0, 2], [1, 3], [255, 255]] {
        assert!(matches!(
            with(references, &wrong),
            Err(Error::Corrupt { .. })
        ));
    }
}

#[test]
fn a_few_bytes_do_not_get_the_memory_of_a_large_frame() {
    let mut bytes = state(16, 16, 0b1010, 9).to_bytes();
    bytes[5..9].copy_from_slice(&[0, 0x20, 0, 0x20]);
    assert!(State::from_bytes(&sealed(bytes)).is_err());
}

#[test]
fn the_digest_covers_every_field() {
    let original = state(40, 24, 0, 11);
    let mut digests = vec![original.digest()];
    let mut changed = |change: &dyn Fn(&mut State)| {
        let mut state = original.clone();
        change(&mut state);
        assert_ne!(state, original);
        let digest = state.digest();
        assert!(!digests.contains(&digest));
        digests.push(digest);
        let read = State::from_bytes(&state.to_bytes());
        assert!(read.is_err() || read.unwrap() == state);
    };
    changed(&|s| s.info.width += 1);
    changed(&|s| s.info.height += 1);
    changed(&|s| s.info.horizontal_scale ^= 1);
    changed(&|s| s.info.vertical_scale ^= 1);
    changed(&|s| s.info.colour_space ^= true);
    changed(&|s| s.info.no_clamping ^= true);
    changed(&|s| s.probabilities.coefficients[3][7][2][10] ^= 1);
    changed(&|s| s.probabilities.coefficients[0][0][0][0] ^= 1);
    changed(&|s| s.probabilities.mv[1][18] ^= 1);
    changed(&|s| s.probabilities.luma_modes[3] ^= 1);
    changed(&|s| s.probabilities.chroma_modes[2] ^= 1);
    changed(&|s| s.segmentation.absolute ^= true);
    changed(&|s| s.segmentation.quantizer[3] ^= 1);
    changed(&|s| s.segmentation.filter_level[0] ^= 1);
    changed(&|s| s.segmentation.map = s.segmentation.map.iter().map(|m| m ^ 1).collect());
    changed(&|s| s.deltas.reference[3] ^= 1);
    changed(&|s| s.deltas.mode[3] ^= 1);
    changed(&|s| s.references = None);
    let with = |s: &mut State, change: &dyn Fn(&mut References)| {
        change(s.references.as_mut().unwrap());
    };
    changed(&|s| with(s, &|r| r.last = r.golden.clone()));
    changed(&|s| with(s, &|r| r.golden = r.altref.clone()));
    changed(&|s| with(s, &|r| r.altref = r.last.clone()));
    changed(&|s| with(s, &|r| std::mem::swap(&mut r.golden, &mut r.altref)));
    changed(&|s| with(s, &|r| r.last = Arc::new(touched(&r.last, &mut Noise(1)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_state_comes_back(
        width in 1u16..150,
        height in 1u16..100,
        shape in 0u8..16,
        seed in any::<u64>(),
    ) {
        assert_comes_back(&state(width, height, shape, seed));
    }

    #[test]
    fn nothing_panics_behind_a_digest_that_fits(
        width in 1u16..40,
        height in 1u16..40,
        shape in 0u8..16,
        seed in any::<u64>(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = state(width, height, shape, seed).to_bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()).max(SEAL));
        }
        if let Ok(state) = State::from_bytes(&sealed(bytes)) {
            prop_assert_eq!(State::from_bytes(&state.to_bytes()).unwrap(), state);
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        prop_assert!(State::from_bytes(&bytes).is_err());
        let mut bytes = bytes;
        bytes.splice(0..0, *b"FMV8\x02");
        bytes.extend([0; SEAL]);
        prop_assert!(State::from_bytes(&sealed(bytes)).is_err());
    }
}
