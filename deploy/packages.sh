#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The Debian packages of the libraries that framemill's programs name themselves, a line each;
# what those need, apt-get finds.
#
#   deploy/packages.sh BINARIES
set -euo pipefail
[ $# = 1 ] || { sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 2; }
programs=("$1/framemill" "$1/framemill-worker" "$1/framemill-task")

named() { readelf -d "${programs[@]}" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u; }
# NAME PATH of all that is loaded; the loader, which has no arrow, comes with the C library.
found() { LC_ALL=C ldd "${programs[@]}" | sed -n 's/^[[:space:]]*\(.*\) => \(\/[^ ]*\) .*/\1 \2/p' | sort -u; }

join <(named) <(found) | while read -r name path; do
    path=$(readlink -f "$path")
    # /lib is /usr/lib, and packages say the one or the other.
    owner=$(dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}") ||
        { echo "packages: no package has $name" >&2; exit 1; }
    echo "${owner%%:*}"
done | sort -u
