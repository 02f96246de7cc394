#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Does on this machine what docs/operations.md does on AWS: makes the worker's zip, brings up the
# stack of deploy/template.yaml in ministack on 127.0.0.1, runs jobs on its function, and takes
# everything down again. It also compares each request that was made with the rights that the
# stack gives. See deploy/check.py; arguments go there.
#
#   BINARIES=FOLDER    programs of another build than target/release
set -euo pipefail
. "$(dirname "$0")/setup.sh"
. "$root/scripts/python.sh"
translator=aws-sam-translator==1.115.0
at=$root/target/tools/deploy-check
log=$at.log
binaries=${BINARIES:-$root/target/release}

[ -x "$binaries/framemill-task" ] || die "$binaries has no programs: cargo build --release --workspace --bins"
scripts/servers.sh install
mkdir -p "$root/target/tools"
: >>"$log"
environment "$at" "$translator" PyYAML || die "could not install $translator: $(reason) (see $log)"
zip=$(deploy/zip.sh "$binaries" | tail -n 1)
exec "$at/bin/python" deploy/check.py --binaries "$binaries" --zip "$zip" \
    --ministack "$root/target/servers/ministack/bin/python" "$@"
