#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs what framemill needs to build and run, and only what is missing. Never asks.
# BROWSER=1 also installs what tests compare with: Chromium, in which they play what framemill
# writes, and libvips.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
log=target/setup.log

die() {
    echo "setup: $*" >&2
    exit 1
}

# --- what is missing, as Debian and Ubuntu name it -------------------------

have() { command -v "$1" >/dev/null; }

have_c() { have cc && have make && echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1; }

# bindgen loads libclang and needs the compiler's own headers beside it.
have_libclang() {
    local dirs=(/usr/lib/llvm-*/lib /usr/lib/*-linux-gnu /usr/lib64 /usr/local/lib /usr/lib)
    compgen -G "${LIBCLANG_PATH:-/none}/libclang*" >/dev/null && return
    local dir found=
    for dir in "${dirs[@]}"; do
        ! compgen -G "$dir/libclang[-.]*so*" >/dev/null || found=1
    done
    [ -n "$found" ] && { compgen -G '/usr/lib*/llvm-*/lib/clang/*/include/stddef.h' ||
        compgen -G '/usr/lib*/clang/*/include/stddef.h'; } >/dev/null
}

have_browser() { have chromium || have chromium-browser || have google-chrome; }

# The versions are FFmpeg 5.1's.
have_lib() { have pkg-config && pkg-config --exists "$1 >= $2"; }

missing_packages() {
    have_c || echo build-essential
    have pkg-config || echo pkg-config
    have cmake || echo cmake
    have_libclang || echo libclang-dev
    [ "$(uname -m)" != x86_64 ] || have nasm || echo nasm
    have_lib libavcodec 59.37 || echo libavcodec-dev
    have_lib libavformat 59.27 || echo libavformat-dev
    have_lib libavutil 57.28 || echo libavutil-dev
    have_lib libavfilter 8.44 || echo libavfilter-dev
    have_lib libswscale 6.7 || echo libswscale-dev
    have_lib libswresample 4.7 || echo libswresample-dev
    have ffmpeg && have ffprobe || echo ffmpeg
    have vpxenc && have vpxdec || echo vpx-tools
    have git || echo git
    [ -z "${BROWSER:-}" ] || have_browser || echo chromium
    [ -z "${BROWSER:-}" ] || have vipsthumbnail || echo libvips-tools
    [ -s "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" ] || echo ca-certificates
}

# --- installing ------------------------------------------------------------

# A password is asked for only where somebody sits at a terminal to give it.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ] && [ -z "${CI:-}" ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a LC_ALL=C.UTF-8 \
        apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1 </dev/null
}

# Why the last step failed: the log's last complaint.
reason() { grep -E '^(E:|error|ERROR|curl:|sudo:|.*[Ee]rror:)' "$log" | tail -n 1 || true; }

apt_install() {
    have apt-get || die "missing: $* (no apt-get here: install them with this system's own tool)"
    [ "$(id -u)" = 0 ] || have sudo || die "missing: $*; run as root: apt-get install -y $*"
    echo "setup: installing $*"
    # Before sudo asks for a password, whose prompt must not land in the log.
    [ "$(id -u)" = 0 ] || as_root true 2>>"$log" ||
        die "no right to install (sudo refused); run as root: apt-get install -y $*"
    [ -n "${apt_updated:-}" ] || apt_get update || echo "setup: apt-get update failed, trying without" >&2
    apt_updated=1
    apt_get install --no-install-recommends "$@" ||
        die "could not install $*: $(reason) (see $log)"
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    apt_install "${missing[@]}"
    hash -r
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -eq 0 ] ||
        die "installed, but missing or too old (FFmpeg 5.1 is the oldest that works): ${missing[*]}"
}

# The distribution's rustup, unless it would push out a cargo that the distribution installed.
rustup_from_apt() {
    have apt-get && ! dpkg-query -W cargo rustc >/dev/null 2>&1 || return 1
    [ -n "${apt_updated:-}" ] || apt_get update || true
    apt_updated=1
    LC_ALL=C apt-cache policy rustup | grep -q 'Candidate: [^(]' && apt_install rustup
}

rustup_from_its_makers() {
    have curl || apt_install curl
    local script
    script=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSfL --retry 2 -o "$script" https://sh.rustup.rs 2>>"$log" &&
        RUSTUP_INIT_SKIP_PATH_CHECK=yes sh "$script" -y --quiet --no-modify-path --profile minimal \
            --default-toolchain stable --component rustfmt --component clippy >>"$log" 2>&1 </dev/null ||
        { rm -f "$script"; return 1; }
    rm -f "$script"
}

install_rust() {
    ! use_cargo || return 0
    echo "setup: installing Rust (cargo is missing or older than $rust_wanted)"
    [ ! -d "$rust_bin" ] || PATH=$rust_bin:$PATH
    if have rustup || rustup_from_apt; then
        hash -r
        rustup toolchain install stable --profile minimal --component rustfmt --component clippy \
            --no-self-update >>"$log" 2>&1 </dev/null &&
            { rustup default >/dev/null 2>&1 || rustup default stable >>"$log" 2>&1; } ||
            die "rustup could not install Rust: $(reason) (see $log)"
    else
        rustup_from_its_makers || die "could not install Rust: $(reason) (see $log)"
    fi
    use_cargo || die "Rust is installed, but cargo is still missing or older than $rust_wanted"
}

# Sourced, it only lends its functions.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

mkdir -p target
: >"$log"
install_packages
install_rust
