#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks the templates in deploy/ with cfn-lint, and their rights against deploy/iam.md. Installs
# cfn-lint into target/tools; where it cannot be had it says `skipped`, which is a failure only
# if CI=true.
set -euo pipefail
. "$(dirname "$0")/setup.sh"
# The environment is made anew when this changes.
cfn_lint=cfn-lint==1.58.0
at=$root/target/tools/cfn-lint
log=$at.log

skip() {
    echo "cfn-lint: skipped ($1)"
    [ "${CI:-}" != true ] || exit 1
    exit 0
}

have_venv() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

mkdir -p "$root/target/tools"
if [ "$(cat "$at/installed" 2>/dev/null)" != "$cfn_lint" ]; then
    : >"$log"
    # In a shell of its own: what cannot be installed is no reason to die.
    have_venv || (apt_install python3 python3-venv) || skip "no Python with venv"
    echo "lint: installing $cfn_lint"
    rm -rf "$at"
    python3 -m venv "$at" >>"$log" 2>&1 &&
        PIP_CERT=${PIP_CERT-${SSL_CERT_FILE-}} "$at/bin/pip" install --quiet --no-input --retries 1 \
            --disable-pip-version-check "$cfn_lint" >>"$log" 2>&1 </dev/null ||
        skip "cannot install $cfn_lint: $(reason) (see $log)"
    echo "$cfn_lint" >"$at/installed"
fi

# Several regions, since not all of them have everything.
"$at/bin/cfn-lint" --regions us-east-1 eu-central-1 ap-northeast-1 --include-checks I -- deploy/*.yaml
echo "cfn-lint ok"
"$at/bin/python" deploy/iam.py --self-test
"$at/bin/python" deploy/iam.py
