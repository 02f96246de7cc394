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

/// Whether a method of the best level panics over 16 rows of 16 bytes.
fn refused(run: impl Fn(&Dsp, &mut [u8])) -> bool {
    let run = || run(Dsp::best(), &mut [0; 16 * 16]);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
}

// The following are blocks that reach one byte out of bounds, or nearly so.

#[test]
fn prediction_out_of_bounds_is_refused() {
    let (src, w16) = ([0; 21 * 21], Width::W16);
    let sixtap = |at: usize, to: usize, rows: usize| {
        refused(|dsp, b| dsp.sixtap(w16, &src, at, 21, b, to, 16, rows, 2, 2))
    };
    assert!(!sixtap(44, 0, 16));
    assert!(sixtap(44, 1, 16) && sixtap(44, 0, 6));
    assert!([0, 2, 43, 45].into_iter().all(|at| sixtap(at, 0, 16)));
    let eighths = |mx| refused(|dsp, b| dsp.sixtap(Width::W4, &src, 44, 21, b, 0, 16, 4, mx, 0));
    assert!(eighths(8) && !eighths(7));

    let bilinear = |at| refused(|dsp, b| dsp.bilinear(w16, &src, at, 21, b, 0, 16, 4, 0, 4));
    assert!(bilinear(420) && !bilinear(0));
    let copy = |at, stride| refused(|dsp, b| dsp.copy(w16, &src, at, stride, b, 0, 16, 4));
    assert!(!copy(0, 21) && copy(441, 21) && copy(0, usize::MAX) && copy(usize::MAX, 21));
}

#[test]
fn residual_out_of_bounds_is_refused() {
    assert!(refused(|dsp, b| dsp.idct_add(&[0; 16], b, 16 * 13, 16)));
    assert!(refused(|dsp, b| dsp.idct_add_x4(&[0; 64], b, 1, 80)));
}

#[test]
fn edges_out_of_bounds_are_refused() {
    let limits = EdgeLimits {
        edge: 9,
        interior: 9,
        hev: 1,
    };
    assert!(refused(|dsp, b| dsp.filter_mb_left(b, 3, 16, limits)));
    assert!(refused(|dsp, b| dsp.filter_mb_top(b, 63, 16, limits)));
    assert!(refused(|dsp, b| dsp.filter_inner_left(b, 1, 16, limits)));
    let top = |u, v| refused(|dsp, b| dsp.filter_mb_top_chroma(b, u, v, 16, limits));
    assert!(top(64, 57) && !top(64, 72));
    let left = |u, v| refused(|dsp, b| dsp.filter_mb_left_chroma(b, u, v, 16, limits));
    assert!(left(4, 16 * 9) && !left(4, 16 * 8 + 4));
}

#[test]
fn intra_out_of_bounds_is_refused() {
    let vertical =
        |above: &[u8]| refused(|dsp, b| dsp.intra_vertical(BlockSize::B8, above, b, 0, 16));
    assert!(vertical(&[0; 7]) && !vertical(&[0; 8]));
    let fill = |at| refused(|dsp, b| dsp.intra_fill(BlockSize::B16, 0, b, at, 16));
    assert!(fill(1) && !fill(0));
}
