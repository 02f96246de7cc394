#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The worker as a zip for AWS Lambda's runtime `provided.al2023`: what bundle.sh collects. Equal
# binaries and libraries give equal bytes, and the file's name holds their digest, so that a
# stack sees by its parameter CodeKey that there is something new.
#
#   deploy/zip.sh [BINARIES] [FOLDER]    from target/release, into target/deploy
#
# Its last line is the file's name. Needs python3 beside what bundle.sh needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binaries=${1:-$here/../target/release} to=${2:-$here/../target/deploy}

command -v python3 >/dev/null || { echo "zip: python3 is missing" >&2; exit 1; }
mkdir -p "$to"
scratch=$(mktemp -d "$to/zip.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$here/bundle.sh" "$binaries" "$scratch/worker"
python3 - "$scratch" "$to" "$(uname -m)" <<'PY'
import hashlib, os, pathlib, sys, zipfile

scratch, to, machine = sys.argv[1:]
root = pathlib.Path(scratch, "worker")
part = pathlib.Path(scratch, "worker.zip")
with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(root.rglob("*")):
        if path.is_dir():
            continue
        # The oldest date that there is, so that the bytes do not tell when they were made.
        info = zipfile.ZipInfo(path.relative_to(root).as_posix(), (1980, 1, 1, 0, 0, 0))
        info.external_attr, info.create_system = path.stat().st_mode << 16, 3
        archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
digest = hashlib.sha256(part.read_bytes()).hexdigest()
done = pathlib.Path(to, f"framemill-worker-{machine}-{digest[:16]}.zip")
os.replace(part, done)
print(f"{done.stat().st_size} bytes")
print(done)
PY
