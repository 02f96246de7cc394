#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Proves the README's two commands on a machine that has nothing: a bare Debian root made by
# debootstrap, this checkout copied into it, `make run` and `make test` inside. Needs root.
#
#   --suite NAME       Debian suite (bookworm)
#   --host-toolchain   lend this machine's rustup and cargo folders, where no toolchain can be fetched
#   --run 'COMMAND'    run this instead of the two commands
#   --keep             leave the root in place
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm host_toolchain= keep= command='time make run && time make test'

while [ $# -gt 0 ]; do
    case $1 in
        --suite) suite=$2; shift ;;
        --run) command=$2; shift ;;
        --host-toolchain) host_toolchain=1 ;;
        --keep) keep=1 ;;
        *) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || { echo "fresh-root: run as root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "fresh-root: apt-get install debootstrap first" >&2; exit 1; }

base=$(mktemp -d "${TMPDIR:-/tmp}/fresh-root.XXXXXX")
fresh=$base/root
mounts=()
clean_up() {
    local i
    for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do umount "${mounts[i]}" || umount -l "${mounts[i]}" || true; done
    # Never delete through a mount that would not go.
    if [ -n "$keep" ] || grep -q " $base/" /proc/mounts; then
        echo "fresh-root: left in $base" >&2
    else
        rm -rf --one-file-system "$base"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# lend HOST GUEST [ro]: HOST's folder is seen as GUEST inside.
lend() {
    mkdir -p "$fresh$2"
    mount --bind "$1" "$fresh$2"
    mounts+=("$fresh$2")
    [ "${3:-}" != ro ] || mount -o remount,ro,bind "$fresh$2"
}

# The mirror that this machine's apt uses for its main archive.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
echo "fresh-root: debootstrap $suite"
debootstrap --variant=minbase "$suite" "$fresh" ${mirror:+"$mirror"} >"$base/debootstrap.log" 2>&1 ||
    { tail -n 5 "$base/debootstrap.log" >&2; exit 1; }

cp -L /etc/resolv.conf "$fresh/etc/resolv.conf"
mkdir -p "$fresh/proc" "$fresh/sys" "$fresh/dev"
mount -t proc proc "$fresh/proc" && mounts+=("$fresh/proc")
lend /sys /sys ro
lend /dev /dev
lend /dev/pts /dev/pts

# The checkout as git would hand it out, ignored files left behind; the clips beside it, read only.
mkdir -p "$fresh/src/framemill"
git -C "$project" -c safe.directory='*' ls-files -co --exclude-standard -z |
    tar -C "$project" --null --ignore-failed-read -T - -c 2>/dev/null | tar -C "$fresh/src/framemill" -x
inside=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}")
if [ -d "$project/../shared" ]; then
    lend "$(cd "$project/../shared" && pwd)" /src/shared ro
    inside+=(FRAMEMILL_SHARED=/src/shared)
fi

# A proxy and its certificates, where this machine's way out needs them.
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || inside+=("$name=${!name}")
done
if [ -s "${SSL_CERT_FILE:-}" ]; then
    cp -L "$SSL_CERT_FILE" "$fresh/etc/host-certificates.crt"
    for name in SSL_CERT_FILE CARGO_HTTP_CAINFO CURL_CA_BUNDLE GIT_SSL_CAINFO; do
        inside+=("$name=/etc/host-certificates.crt")
    done
fi

if [ -n "$host_toolchain" ]; then
    lend "${RUSTUP_HOME:-$HOME/.rustup}" /root/.rustup ro
    mkdir -p "$fresh/root/.cargo/registry"
    cp -a "${CARGO_HOME:-$HOME/.cargo}/bin" "$fresh/root/.cargo/"
    cp -a "${CARGO_HOME:-$HOME/.cargo}/registry/"{index,cache} "$fresh/root/.cargo/registry/"
fi

enter() { env -i "${inside[@]}" chroot "$fresh" bash -c "$1"; }
# Whoever has the checkout and types `make` has these two; the rest is `make setup`'s work.
enter 'export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update && apt-get -qq -y install --no-install-recommends git make >/dev/null 2>&1'
echo "fresh-root: $command"
enter "set -e; cd /src/framemill; $command"
echo "fresh-root: passed"
