#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A worker that brings all its libraries along: `framemill-worker`, `framemill-task`, every shared
# library that they load, the C library and its loader included, in one folder that runs wherever
# there is a Linux kernel and /bin/sh. AWS Lambda's `provided.al2023` has an older C library than
# Debian, and no FFmpeg.
#
#   deploy/bundle.sh BINARIES FOLDER    from the folder that cargo builds into, to a new folder
#
# FOLDER/bootstrap is what Lambda starts. Needs binutils and a C compiler (`make setup`).
set -euo pipefail
die() { echo "bundle: $*" >&2; exit 1; }

[ $# = 2 ] || { sed -n '3,11s/^# \{0,1\}//p' "$0"; exit 2; }
binaries=$1 to=$2
# What AWS Lambda takes, code and layers together, unpacked.
limit=262144000
[ -x "$binaries/framemill-worker" ] && [ -x "$binaries/framemill-task" ] ||
    die "$binaries has no framemill-worker and framemill-task: cargo build --release first"
[ ! -e "$to" ] || die "$to is there already"
mkdir -p "$to/bin" "$to/lib"

for program in framemill-worker framemill-task; do
    # Most of them is line tables.
    strip -o "$to/bin/$program" "$binaries/$program"
    chmod 755 "$to/bin/$program"
done

# --- libraries -------------------------------------------------------------

loader=$(readelf -l "$binaries/framemill-task" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
[ -e "$loader" ] || die "no loader in framemill-task"
cp -L "$loader" "$to/lib/ld.so"
chmod 755 "$to/lib/ld.so"

needs() { LC_ALL=C ldd "$binaries/framemill-worker" "$binaries/framemill-task"; }
! needs | grep 'not found' || die "libraries are missing"
mapfile -t libraries < <(needs | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u)
for library in "${libraries[@]}"; do
    [ "$(readlink -f "$library")" != "$(readlink -f "$loader")" ] || continue
    cp -L "$library" "$to/lib/"
done

# Twenty megabytes of voices that only FFmpeg's speech filter (`flite`) speaks with, which
# framemill never makes: libraries of the same names and functions take their place, without
# which a zip would be too large.
for library in "$to"/lib/libflite*; do
    [ -e "$library" ] || continue
    name=$(basename "$library")
    nm -D --defined-only "$library" | awk '$2 == "T" { print "void " $3 "(void) { __builtin_trap(); }" }' |
        cc -w -shared -fPIC -nostdlib -ffreestanding -fno-builtin -x c - -Wl,-soname,"$name" -o "$library.part"
    mv "$library.part" "$library"
done
chmod 644 "$to"/lib/lib*

# --- how they are started --------------------------------------------------

# By their loader, so that no path is fixed. The worker cannot tell where it lies then, since
# the program that runs is the loader.
cat >"$to/bootstrap" <<'SH'
#!/bin/sh
# Starts framemill-worker with the libraries beside it.
here=${0%/*}
exec "$here/lib/ld.so" --library-path "$here/lib" "$here/bin/framemill-worker" \
    --task-program "$here/framemill-task" "$@"
SH
cat >"$to/framemill-task" <<'SH'
#!/bin/sh
# Starts framemill-task with the libraries beside it.
here=${0%/*}
exec "$here/lib/ld.so" --library-path "$here/lib" "$here/bin/framemill-task" "$@"
SH
chmod 755 "$to/bootstrap" "$to/framemill-task"

bytes=$(find "$to" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
[ "$bytes" -le $limit ] || die "$bytes bytes are more than the $limit that Lambda unpacks: use the image"
echo "$to: $bytes bytes in $(find "$to/lib" -type f | wc -l) libraries and two programs"
