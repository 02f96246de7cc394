// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `--version` prints.

use super::console;
use framemill_codec::dsp::{Dsp, Level};
use framemill_worker::task::environment;

/// Writes the version, with `verbose` what it was built from and runs with.
pub fn print(verbose: bool, dsp: &Dsp) {
    console::say(concat!("framemill ", env!("CARGO_PKG_VERSION")));
    if verbose {
        let environment = environment();
        console::say(
            environment
                .strip_prefix("framemill ")
                .unwrap_or(environment),
        );
        console::say(&format!(
            "simd {}, this machine has {}",
            dsp.level(),
            levels()
        ));
    }
}

/// Names of the SIMD levels that this machine has.
pub fn levels() -> String {
    let here = Level::ALL.into_iter().filter(|l| l.is_available());
    here.map(Level::name).collect::<Vec<_>>().join(", ")
}
