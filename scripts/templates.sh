#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks the templates in deploy/ with cfn-lint, and their rights against deploy/iam.md. Installs
# cfn-lint into target/tools; where it cannot be had it says `skipped`, which is a failure only
# if CI=true.
set -euo pipefail
. "$(dirname "$0")/setup.sh"
. "$root/scripts/python.sh"
cfn_lint=cfn-lint==1.58.0
at=$root/target/tools/cfn-lint
log=$at.log

skip() {
    echo "cfn-lint, iam: skipped ($1)"
    [ "${CI:-}" != true ] || exit 1
    exit 0
}

mkdir -p "$root/target/tools"
: >>"$log"
# In a shell of its own: what cannot be installed is no reason to die.
(environment "$at" "$cfn_lint") || skip "cannot install $cfn_lint: $(reason) (see $log)"

# Several regions, since not all of them have everything.
"$at/bin/cfn-lint" --regions us-east-1 eu-central-1 ap-northeast-1 --include-checks I -- deploy/*.yaml
echo "cfn-lint ok"
"$at/bin/python" deploy/iam.py --self-test
"$at/bin/python" deploy/iam.py
