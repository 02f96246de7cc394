# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by the Makefile and the other scripts: a cargo that is new enough comes first on PATH.

HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rust_wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$root/Cargo.toml")
rust_bin=${CARGO_HOME:-$HOME/.cargo}/bin

# Whether `cargo`, as PATH and RUSTUP_TOOLCHAIN now stand, is there and new enough.
cargo_is_new_enough() {
    local have
    have=$(cargo --version 2>/dev/null | cut -d' ' -f2)
    [ -n "$have" ] && printf '%s\n%s\n' "$rust_wanted" "$have" | sort -C -V
}

# Finds such a cargo: the one on PATH, rustup's own folder, rustup's stable toolchain.
use_cargo() {
    cargo_is_new_enough && return
    [ ! -x "$rust_bin/cargo" ] || PATH=$rust_bin:$PATH
    hash -r
    cargo_is_new_enough && return
    command -v rustup >/dev/null && RUSTUP_TOOLCHAIN=stable cargo_is_new_enough || return 1
    export RUSTUP_TOOLCHAIN=stable
}

use_cargo || true
export PATH
