// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `framemill` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    framemill::cli::main()
}
