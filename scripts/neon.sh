#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The kernels' tests on AArch64, under emulation on x86_64, where it installs what is missing
# (Debian, Ubuntu). Fails unless NEON kernels have run. Where the tools cannot be had it says
# `skipped`, which is a failure only if CI=true.
set -euo pipefail
. "$(dirname "$0")/setup.sh"
triple=aarch64-unknown-linux-gnu
libc=/usr/aarch64-linux-gnu
out=$root/target/neon
log=$out/setup.log

skip() {
    echo "skipped: neon ($1)"
    [ "${CI:-}" != true ] || exit 1
    exit 0
}

# --- what is missing -------------------------------------------------------

emulator() { command -v qemu-aarch64-static || command -v qemu-aarch64; }

missing_tools() {
    emulator >/dev/null || echo qemu-user-static
    have aarch64-linux-gnu-gcc || echo gcc-aarch64-linux-gnu
    [ -e $libc/lib/libc.so ] || echo libc6-dev-arm64-cross
}

# In a shell of its own: what cannot be installed is no reason to die.
install() { (apt_install "$@") || skip "cannot install $*"; }

have_library() { compgen -G "$(rustc --print target-libdir --target $triple)/libstd-*.rlib" >/dev/null; }

# The standard library for AArch64: rustup's, or else Debian's beside Debian's compiler.
rust_library() {
    ! have_library || return 0
    if have rustup; then
        echo "neon: adding $triple by rustup"
        timeout 300 rustup target add $triple >>"$log" 2>&1 </dev/null || true
    fi
    have_library || debian_library
}

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q ^ii; }

# rustc-web is the newer of Debian's two compilers. Its arm64 library is unpacked beside it:
# to install that would pull in half of an arm64 system.
debian_library() {
    have dpkg-deb || skip "no Rust library for $triple"
    ! installed rustc || skip "rustc-web would push out rustc"
    installed rustc-web || install rustc-web
    export RUSTC=/usr/bin/rustc
    local version
    version=$($RUSTC --version | cut -d' ' -f2)
    printf '%s\n%s\n' "$rust_wanted" "$version" | sort -C -V || skip "rustc-web $version is too old"
    version=$(dpkg-query -W -f '${Version}' libstd-rust-web-dev)
    [ -d "$out/rust-$version" ] || unpack_library "$version"
    # cargo would take these in place of the flags that follow.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-L $out/rust-$version/usr/lib/rustlib/$triple/lib"
}

# Package lists of its own tell apt-get about arm64, so that the system's stay as they are.
unpack_library() {
    local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
        -o Dir::State::lists="$out/apt/lists" -o Dir::Cache="$out/apt/cache")
    echo "neon: unpacking Debian's Rust library for arm64"
    rm -rf "$out/apt"
    mkdir -p "$out/apt/lists/partial" "$out/apt/cache/archives/partial"
    (
        cd "$out/apt"
        "${apt[@]}" update || true
        "${apt[@]}" download "libstd-rust-web-dev=$1" && dpkg-deb -x ./*.deb unpacked
    ) >>"$log" 2>&1 </dev/null || skip "no libstd-rust-web-dev $1 for arm64: $(reason)"
    mv "$out/apt/unpacked" "$out/rust-$1"
    rm -rf "$out/apt"
}

# --- the tests -------------------------------------------------------------

mkdir -p "$out"
: >"$log"
case $(uname -m) in
    aarch64) ;;
    x86_64)
        mapfile -t missing < <(missing_tools)
        [ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
        rust_library
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$(emulator) -L $libc"
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
        ;;
    *) skip "neither AArch64 nor x86_64" ;;
esac

export CARGO_TARGET_DIR=$out FRAMEMILL_REQUIRE_LEVELS=scalar,neon
cargo test --lib --locked --manifest-path tests/neon/Cargo.toml --target $triple -- \
    --skip ::ssse3 --skip ::avx2 2>&1 | tee "$out/tests.log"
grep -q '^test .*::neon \.\.\. ok$' "$out/tests.log" || { echo "neon: no test of it has run" >&2; exit 1; }
sed -n 's/^test result: ok\. \([0-9]*\) passed.*/neon: \1 passed/p' "$out/tests.log" | head -n 1
