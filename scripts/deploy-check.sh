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
# The environment is made anew when this changes.
translator=aws-sam-translator==1.115.0
at=$root/target/tools/deploy-check
log=$at.log
binaries=${BINARIES:-$root/target/release}

[ -x "$binaries/framemill-task" ] || die "$binaries has no programs: cargo build --release --workspace --bins"
scripts/servers.sh install
mkdir -p "$root/target/tools"
if [ "$(cat "$at/installed" 2>/dev/null)" != "$translator" ]; then
    : >"$log"
    echo "deploy-check: installing $translator"
    rm -rf "$at"
    python3 -m venv "$at" >>"$log" 2>&1 &&
        PIP_CERT=${PIP_CERT-${SSL_CERT_FILE-}} "$at/bin/pip" install --quiet --no-input --retries 3 \
            --disable-pip-version-check "$translator" PyYAML >>"$log" 2>&1 </dev/null ||
        die "could not install $translator: $(reason) (see $log)"
    echo "$translator" >"$at/installed"
fi
zip=$(deploy/zip.sh "$binaries" | tail -n 1)
exec "$at/bin/python" deploy/check.py --binaries "$binaries" --zip "$zip" \
    --ministack "$root/target/servers/ministack/bin/python" "$@"
