// SPDX-License-Identifier: MIT OR Apache-2.0
//! Levels and their names; what the methods refuse.

use super::{at_every_level, Dsp, Level};
use crate::dsp::{BlockSize, EdgeLimits, Width};

#[test]
fn names_read_back() {
    for level in Level::ALL {
        assert_eq!(level.name().parse(), Ok(level));
        assert_eq!(level.to_string(), level.name());
    }
    let error = "sse9".parse::<Level>().expect_err("no such level");
    assert!(error.contains("scalar, ssse3, avx2, neon"), "{error}");
}

#[test]
fn tables_are_of_their_level() {
    for level in Level::ALL {
        let dsp = Dsp::get(level);
        assert_eq!(dsp.is_some(), level.is_available());
        assert!(dsp.is_none_or(|dsp| dsp.level() == level));
    }
    assert_eq!(Dsp::best().level(), Level::best());
    assert!(Level::Scalar.is_available());
}

at_every_level! {
    kernels_of_its_own: super::has_its_own_kernels;
}

/// Every kernel of a table, by name, with its address: `Debug` shows all fields.
fn kernels(dsp: &Dsp) -> Vec<(String, String)> {
    let (table, mut name) = (format!("{dsp:#?}"), "");
    let mut kernels = Vec::new();
    for line in table.lines().map(|line| line.trim().trim_end_matches(',')) {
        let value = match line.split_once(": ") {
            Some((field, value)) => {
                name = field;
                value
            }
            None => line,
        };
        if value.starts_with("0x") {
            kernels.push((name.to_owned(), value.to_owned()));
        }
    }
    kernels
}

/// A level that borrows a kernel would pass all that kernel's tests.
fn has_its_own_kernels(dsp: &'static Dsp, oracle: &'static Dsp) {
    let (of_level, of_oracle) = (kernels(dsp), kernels(oracle));
    let named = |name: &str| of_level.iter().filter(|(n, _)| n == name).count();
    for (name, address) in &of_oracle {
        assert!(named(name) > 0, "{name} is missing");
        let borrowed = of_level.iter().find(|(_, a)| a == address);
        assert_eq!(borrowed, None, "{} has the oracle's", dsp.level());
    }
}

/// Every method of the best level, one byte out of bounds.
#[test]
fn blocks_out_of_bounds_are_refused() {
    let dsp = Dsp::best();
    let limits = EdgeLimits {
        edge: 9,
        interior: 9,
        hev: 1,
    };
    let refused = |run: &dyn Fn(&mut [u8])| {
        let run = || run(&mut [0; 16 * 16]);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
    };
    let src = [0; 21 * 21];
    for at in [0, 2, 21 * 2 + 1, 21 * 2 + 3] {
        assert!(refused(&|b| dsp.sixtap(
            Width::W16,
            &src,
            at,
            21,
            b,
            0,
            16,
            16,
            2,
            2
        )));
    }
    assert!(!refused(&|b| dsp.sixtap(
        Width::W16,
        &src,
        44,
        21,
        b,
        0,
        16,
        16,
        2,
        2
    )));
    assert!(refused(&|b| dsp.sixtap(
        Width::W16,
        &src,
        44,
        21,
        b,
        1,
        16,
        16,
        2,
        2
    )));
    assert!(refused(&|b| dsp.sixtap(
        Width::W16,
        &src,
        44,
        21,
        b,
        0,
        16,
        6,
        2,
        2
    )));
    assert!(refused(&|b| dsp.sixtap(
        Width::W4,
        &src,
        44,
        21,
        b,
        0,
        16,
        4,
        8,
        0
    )));
    assert!(refused(&|b| dsp.bilinear(
        Width::W16,
        &src,
        420,
        21,
        b,
        0,
        16,
        4,
        0,
        4
    )));
    assert!(refused(&|b| dsp.copy(
        Width::W16,
        &src,
        441,
        21,
        b,
        0,
        16,
        4
    )));
    assert!(refused(&|b| dsp.copy(
        Width::W16,
        &src,
        0,
        usize::MAX,
        b,
        0,
        16,
        4
    )));
    assert!(refused(&|b| dsp.copy(
        Width::W16,
        &src,
        usize::MAX,
        21,
        b,
        0,
        16,
        4
    )));
    assert!(refused(&|b| dsp.idct_add(&[0; 16], b, 16 * 13, 16)));
    assert!(refused(&|b| dsp.idct_add_x4(&[0; 64], b, 1, 80)));
    assert!(refused(&|b| dsp.filter_mb_left(b, 3, 16, limits)));
    assert!(refused(&|b| dsp.filter_mb_top(b, 63, 16, limits)));
    assert!(refused(&|b| dsp.filter_inner_left(b, 1, 16, limits)));
    assert!(refused(&|b| dsp.filter_mb_top_chroma(b, 64, 57, 16, limits)));
    assert!(refused(&|b| dsp.filter_mb_left_chroma(
        b,
        4,
        16 * 9,
        16,
        limits
    )));
    assert!(refused(&|b| dsp.intra_vertical(
        BlockSize::B8,
        &[0; 7],
        b,
        0,
        16
    )));
    assert!(refused(&|b| dsp.intra_fill(BlockSize::B16, 0, b, 1, 16)));
}
