#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# From an upload's message to the start of its job, at a steady rate, and what a coordinator takes
# that has nothing to do: `scripts/events-bench.sh [RATE] [SECONDS]`, 50 a second for 20 s unless
# said. Small pictures lie in SeaweedFS, messages in ministack's queue, jobs in a folder; all on
# this machine, whose cores they share.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${FRAMEMILL_TEST_MINISTACK:-}" ]; then
    exec scripts/servers.sh run scripts/events-bench.sh "$@"
fi
exec target/servers/ministack/bin/python - "${1:-50}" "${2:-20}" <<'PY'
import json, os, re, subprocess, sys, tempfile, threading, time, urllib.request
import botocore.session
from botocore.config import Config

rate, seconds = float(sys.argv[1]), float(sys.argv[2])
key, secret = os.environ["FRAMEMILL_TEST_ACCESS_KEY"], os.environ["FRAMEMILL_TEST_SECRET_KEY"]

def client(service, url):
    return botocore.session.get_session().create_client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, config=Config(s3={"addressing_style": "path"}))

ministack, seaweedfs = os.environ["FRAMEMILL_TEST_MINISTACK"], os.environ["FRAMEMILL_TEST_SEAWEEDFS"]
folder = tempfile.mkdtemp()
queue = client("sqs", ministack).create_queue(QueueName="events-bench")["QueueUrl"]
with open(f"{folder}/small.toml", "w") as f:
    f.write("[[image]]\nextension='jpg'\noptions='w:16'\n")
with open(f"{folder}/rules.toml", "w") as f:
    f.write("[[rule]]\nname='all'\nbucket='framemill-in'\nprefix='bench/'\nprofile='small.toml'\n"
            "output='s3://framemill-out/bench/'\n")
environment = dict(os.environ, AWS_ENDPOINT_URL_S3=seaweedfs, AWS_ENDPOINT_URL_SQS=ministack,
                   AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
service = subprocess.Popen(
    ["target/release/framemill", "serve", "events", "--rules", f"{folder}/rules.toml", "--queue",
     queue, "--work-dir", f"{folder}/work", "--jobs", "64", "--listen", "127.0.0.1:0"],
    env=environment, stdout=subprocess.PIPE, text=True)
try:
    service.stdout.readline()
    at = service.stdout.readline().split()[-1]
    metrics = lambda: urllib.request.urlopen(f"{at}/metrics").read().decode()
    number = lambda name: float(re.search(rf"^{re.escape(name)} (\S+)$", metrics(), re.M).group(1))

    def used():
        with open(f"/proc/{service.pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(5)
    before = used()
    time.sleep(30)
    with open(f"/proc/{service.pid}/status") as f, open(f"/proc/{service.pid}/smaps_rollup") as g:
        text = f.read() + g.read()
    of = {n: int(re.search(rf"^{n}:\s+(\d+)", text, re.M).group(1)) / 1024
          for n in ("RssAnon", "Pss", "VmRSS")}
    print(f"idle: {of['RssAnon']:.1f} MiB of its own, {of['Pss']:.1f} with its share of libraries (PSS), "
          f"{of['VmRSS']:.1f} resident; {(used() - before) / 30 * 100:.2f} % of a core")

    picture = open("samples/test.jpg", "rb").read()
    total, done, lock = int(rate * seconds), [0], threading.Lock()
    begin = time.time()

    def send():
        s3, sqs = client("s3", seaweedfs), client("sqs", ministack)
        while True:
            with lock:
                n = done[0]
                done[0] += 1
            if n >= total:
                return
            time.sleep(max(0, begin + n / rate - time.time()))
            s3.put_object(Bucket="framemill-in", Key=f"bench/{n}.jpg", Body=picture)
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [{
                "eventName": "ObjectCreated:Put", "eventTime": "2020-01-01T00:00:00Z",
                "s3": {"bucket": {"name": "framemill-in"}, "object": {"key": f"bench/{n}.jpg"}}}]}))

    threads = [threading.Thread(target=send) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    sent = time.time() - begin
    end = time.time() + 120
    while number('framemill_jobs_total{status="done"}') < total and time.time() < end:
        time.sleep(0.2)
    made = number('framemill_jobs_total{status="done"}')
    print(f"{total} uploads in {sent:.1f} s ({total / sent:.1f} a second), {made:.0f} jobs done in "
          f"{time.time() - begin:.1f} s, {used() - before:.1f} s of CPU")
    name = "framemill_event_to_start_seconds"
    count = number(f"{name}_count")
    for le in ("0.1", "0.25", "0.5", "1", "2.5"):
        share = number(name + '_bucket{le="' + le + '"}') / count * 100
        print(f"started within {le} s of the message: {share:.1f} %")
finally:
    service.terminate()
    service.wait()
PY
