#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Formatting, clippy (warnings are errors), the templates in deploy/ and, where cargo-deny is,
# dependencies.
# DENY=1 builds cargo-deny into target/tools first; ADVISORIES=1 also checks the RustSec database.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
deny_version=0.20.2

for tool in fmt clippy; do
    cargo "$tool" --version >/dev/null 2>&1 && continue
    component=${tool/fmt/rustfmt}
    rustup component add "$component" >/dev/null 2>&1 </dev/null ||
        { echo "lint: cargo $tool is missing; install $component with rustup or apt-get" >&2; exit 1; }
done

cargo fmt --all --check
cargo clippy --release --workspace --all-targets -- -D warnings
scripts/templates.sh

PATH=$root/target/tools/bin:$PATH
if [ -n "${DENY:-}" ] && ! command -v cargo-deny >/dev/null; then
    CARGO_TARGET_DIR=$root/target/tools/build cargo install --quiet --locked \
        --root "$root/target/tools" --version "$deny_version" cargo-deny
    rm -rf "$root/target/tools/build"
fi
if command -v cargo-deny >/dev/null; then
    cargo deny --log-level error check bans licenses sources ${ADVISORIES:+advisories}
else
    echo "cargo-deny: skipped (not installed; DENY=1 make lint builds it)"
fi
echo "lint: clean"
