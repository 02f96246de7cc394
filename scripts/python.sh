# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by scripts whose tools are Python programs, after setup.sh.

have_venv() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

# environment FOLDER REQUIREMENT…: a Python environment of its own, since what tools ask for may
# not agree; made anew when the requirements change. What goes wrong is in $log.
environment() {
    local at=$1
    shift
    [ "$(cat "$at/installed" 2>/dev/null)" != "$*" ] || return 0
    have_venv || apt_install python3 python3-venv
    echo "installing $*"
    rm -rf "$at"
    mkdir -p "$(dirname "$at")"
    python3 -m venv "$at" >>"$log" 2>&1 &&
        PIP_CERT=${PIP_CERT-${SSL_CERT_FILE-}} "$at/bin/pip" install --quiet --no-input --retries 3 \
            --disable-pip-version-check "$@" >>"$log" 2>&1 </dev/null || return
    echo "$*" >"$at/installed"
}
