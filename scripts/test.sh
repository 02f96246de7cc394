#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every test, in the release profile, beside the servers that some of them talk to. Arguments
# pick tests by name. The runner's own summary stays last, so documentation tests go first.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

# One build with the tests' features makes the binary that end-to-end tests start.
cargo build --release --workspace --bins --tests
if ! command -v cargo-nextest >/dev/null; then
    exec scripts/servers.sh run cargo test --release --workspace --no-fail-fast -- "$@"
fi
[ $# -gt 0 ] || cargo test --quiet --release --workspace --doc
exec scripts/servers.sh run cargo nextest run --release --workspace ${CI:+--profile ci} "$@"
