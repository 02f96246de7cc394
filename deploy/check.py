# SPDX-License-Identifier: MIT OR Apache-2.0
"""Brings up the stack in ministack, runs jobs on it, and takes it down; see
scripts/deploy-check.sh.

ministack enforces no rights. So each of who takes part has keys of its own here, ministack notes
every request with them, and in the end each request is compared with what the deployed policies
of that role allow: what they do not is a failure, what was allowed and not asked for is told.
"""

import argparse
import contextlib
import fnmatch
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import boto3
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNT, REGION = "000000000000", "us-east-1"
# Keys by role; the administrator's are those that deploy. ministack gives functions the number of
# their account as a key.
KEYS = {"WorkerRole": ACCOUNT, "CoordinatorPolicy": "AKCOORDINATOR", "ThumbnailsPolicy": "AKTHUMBS"}
ADMINISTRATOR = "AKADMINISTRATOR"


def say(text):
    print(f"deploy-check: {text}", flush=True)


def expect(truth, text):
    if not truth:
        sys.exit(f"deploy-check: failed: {text}")
    say(text)


@contextlib.contextmanager
def ministack(python, folder):
    """Its URL, and the file in which it notes requests."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    notes = folder / "requests.log"
    noted = "%({authorization}i)s\t%(m)s\t%(U)s\t%(q)s\t%({x-amz-target}i)s\t%(s)s"
    config = folder / "hypercorn.toml"
    config.write_text(f'bind = "127.0.0.1:{port}"\naccesslog = "{notes}"\naccess_log_format = "{noted}"\n')
    environment = dict(os.environ, GATEWAY_PORT=str(port), LAMBDA_ACCOUNT_CONCURRENCY="1000")
    with open(folder / "ministack.log", "wb") as log:
        server = subprocess.Popen([python, "-m", "hypercorn", "ministack.app:app", "--config", str(config)],
                                  env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", notes
    finally:
        server.terminate()
        server.wait(30)


def environment(url, key):
    """Where and as whom a program reaches AWS."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    services = {f"AWS_ENDPOINT_URL_{name}": url for name in ("S3", "LAMBDA", "SQS")}
    return rest | services | {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "secret"}


class Stack:
    """The stack, its outputs, and clients of the administrator's."""

    def __init__(self, url, zip_file):
        session = boto3.Session(ADMINISTRATOR, "secret", region_name=REGION)
        for name in ("s3", "sqs", "iam", "cloudformation"):
            setattr(self, name, session.client(name, endpoint_url=url))
        self.function = session.client("lambda", endpoint_url=url)
        self.s3.create_bucket(Bucket="framemill-code")
        self.s3.upload_file(str(zip_file), "framemill-code", zip_file.name)
        # AWS does this itself where the template says so.
        os.environ["AWS_DEFAULT_REGION"] = REGION
        policies = type("NoPolicies", (), {"load": staticmethod(dict)})()
        template = transform(yaml_parse((ROOT / "deploy/template.yaml").read_text()), {}, policies)
        parameters = {"CodeBucket": "framemill-code", "CodeKey": zip_file.name, "Removals": "yes"}
        self.cloudformation.create_stack(
            StackName="framemill", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()])
        self.cloudformation.get_waiter("stack_create_complete").wait(StackName="framemill", WaiterConfig={"Delay": 1})
        stack = self.cloudformation.describe_stacks(StackName="framemill")["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        resources = self.cloudformation.describe_stack_resources(StackName="framemill")["StackResources"]
        self.names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        # On AWS a function finds S3 where it is.
        self.function.update_function_configuration(
            FunctionName=self.outputs["Function"], Environment={"Variables": {"AWS_ENDPOINT_URL_S3": url}})

    def keys(self, bucket, prefix=""):
        """Names in a bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.outputs[bucket], Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def rights(self, who):
        """[(action, ARN)] of a role or policy, as deployed."""
        name = self.names[who]
        if who == "WorkerRole":
            document = self.iam.get_role_policy(RoleName=name, PolicyName="worker")["PolicyDocument"]
        else:
            document = self.iam.get_policy_version(PolicyArn=name, VersionId="v1")["PolicyVersion"]["Document"]
        many = lambda v: v if isinstance(v, list) else [v]
        return [(a, r) for s in document["Statement"] for a in many(s["Action"]) for r in many(s["Resource"])]

    def delete(self):
        self.cloudformation.delete_stack(StackName="framemill")
        self.cloudformation.get_waiter("stack_delete_complete").wait(StackName="framemill", WaiterConfig={"Delay": 1})


def needs(method, path, query, target):
    """The right that a request takes, as (action, ARN)."""
    if target.startswith("AmazonSQS."):
        return f"sqs:{target.split('.')[1]}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:framemill-events"
    invoked = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", path)
    if invoked:
        return "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{invoked[1]}"
    bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
    asked = urllib.parse.parse_qs(query, keep_blank_values=True)
    if not key:
        return ("s3:ListBucket" if method == "GET" else f"?{method}"), f"arn:aws:s3:::{bucket}"
    in_parts = "uploadId" in asked
    action = {
        "GET": "s3:ListMultipartUploadParts" if in_parts else "s3:GetObject",
        "HEAD": "s3:GetObject",
        "PUT": "s3:PutObject",
        "POST": "s3:PutObject" if in_parts or "uploads" in asked else "?POST",
        "DELETE": "s3:AbortMultipartUpload" if in_parts else "s3:DeleteObject",
    }[method]
    return action, f"arn:aws:s3:::{bucket}/{key}"


def compare(stack, notes):
    """Compares the requests of each role with its rights."""
    asked = {who: set() for who in KEYS}
    for line in notes.read_text().splitlines():
        fields = line.split("\t")
        key = re.search(r"Credential=([^/]+)/", fields[0])
        for who in KEYS:
            if key and len(fields) == 6 and key[1] == KEYS[who]:
                asked[who].add(needs(*fields[1:5]))
    for who, requests in asked.items():
        rights = stack.rights(who)
        covers = lambda right, request: right[0] == request[0] and fnmatch.fnmatchcase(request[1], right[1])
        denied = [r for r in sorted(requests) if not any(covers(right, r) for right in rights)]
        expect(requests and not denied, f"{who}: {len(requests)} different requests, none beyond its rights"
               if not denied else f"{who} asks for what it may not: {denied[:5]}")
        for action, resource in rights:
            if not any(covers((action, resource), request) for request in requests):
                say(f"  not asked for: {action} on {resource}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--binaries", "--zip", "--ministack"):
        arguments.add_argument(name, required=True, type=pathlib.Path)
    said = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder, \
            ministack(said.ministack, pathlib.Path(folder)) as (url, notes):
        check(pathlib.Path(folder), url, notes, said)


def check(folder, url, notes, said):
    stack = Stack(url, said.zip)
    at = stack.outputs
    say(f"the stack is up: {len(stack.names)} resources")

    clip, picture = ROOT / "samples/bigbuckbunny.mp4", ROOT / "samples/test.jpg"
    for key, file in ("in/films/big buck.mp4", clip), ("elsewhere/bunny.mp4", clip), ("in/pictures/test.jpg", picture):
        stack.s3.upload_file(str(file), at["UploadsBucket"], key)
    stack.s3.put_object(Bucket=at["UploadsBucket"], Key="in/films/broken.mp4", Body=b"no film at all" * 100)

    def framemill(*args):
        done = subprocess.run([said.binaries / "framemill", *args], env=environment(url, KEYS["CoordinatorPolicy"]),
                              cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"deploy-check: framemill {' '.join(args)}: {done.stderr}")
        return done.stdout

    engine = at["Flags"].split() + ["--workers", "4"]
    jobs = {
        # One chunk, and an output, of more than 8 MiB go in parts.
        "large.mp4": "--codec h264 --preset fast --crf 3 --chunk auto",
        "small.mp4": "--codec h264 --preset fast --chunk 24f",
        "rebase.webm": "--codec vp8 --seam rebase --preset fast --size 320x-1 --chunk 6f --batch 10",
    }
    source = f"s3://{at['UploadsBucket']}/in/films/big buck.mp4"
    for name, flags in jobs.items():
        framemill("transcode", source, "-o", f"s3://{at['OutputsBucket']}/jobs/{name}", "--quiet", *flags.split(), *engine)
        framemill("transcode", str(clip), "-o", name, "--quiet", *flags.split())
        stack.s3.download_file(at["OutputsBucket"], f"jobs/{name}", str(folder / f"lambda-{name}"))
        same = (folder / f"lambda-{name}").read_bytes() == (folder / name).read_bytes()
        expect(same, f"{name}: the function gives the bytes of a local run, {(folder / name).stat().st_size} of them")
    framemill("thumb", f"s3://{at['UploadsBucket']}/in/pictures/test.jpg", "--size", "160",
              "-o", f"s3://{at['OutputsBucket']}/jobs/test.webp", *engine)
    expect("jobs/test.webp" in stack.keys("OutputsBucket"), "a thumbnail is made by the function")

    # These have a place of their own.
    del engine[engine.index("--work-dir"):engine.index("--work-dir") + 2]
    events(stack, url, folder, said.binaries, engine)
    work = ["--work-dir", f"{at['JobsDir']}/batch"]
    framemill("batch", f"s3://{at['UploadsBucket']}/in/pictures/", "--profile", "preview",
              "-o", f"s3://{at['OutputsBucket']}/batch/", *work, *engine)
    listed = framemill("jobs", "list", *work)
    expect("done" in listed and stack.keys("OutputsBucket", "batch/"), "a batch is done and remembered")
    framemill("jobs", "gc", "--older-than", "0", *work)
    expect(not framemill("jobs", "list", *work), "and forgotten")
    thumbnails(stack, url, said.binaries)
    compare(stack, notes)

    for key in stack.keys("WorkBucket"):
        stack.s3.delete_object(Bucket=at["WorkBucket"], Key=key)
    stack.delete()
    left = {b["Name"] for b in stack.s3.list_buckets()["Buckets"]} - {"framemill-code"}
    expect(left == {at["UploadsBucket"], at["OutputsBucket"]}, "taken down; uploads and outputs are left")


@contextlib.contextmanager
def serving(command, who, url, pattern):
    """A server, and the address that it names."""
    server = subprocess.Popen(command, env=environment(url, KEYS[who]), stdout=subprocess.PIPE, text=True)
    try:
        found = next(filter(None, (re.search(pattern, line) for line in server.stdout)), None)
        expect(found, f"{' '.join(map(str, command[1:3]))} listens")
        yield server, found[1]
    finally:
        server.terminate()
        server.wait(120)


def until(done, text):
    """Waits for what is to happen."""
    limit = time.monotonic() + 180
    while not done() and time.monotonic() < limit:
        time.sleep(0.5)
    expect(done(), text)


def events(stack, url, folder, binaries, engine):
    """Uploads come out, broken ones are set aside, outputs go with their source."""
    at = stack.outputs
    rules = "".join(
        f"""[[rule]]
name = "{kind}"
bucket = "{at['UploadsBucket']}"
prefix = "in/{kind}/"
profile = "preview"
output = "s3://{at['OutputsBucket']}/{kind}/"
on-delete = "remove"
""" for kind in ("films", "pictures"))
    (folder / "rules.toml").write_text(rules)
    command = [binaries / "framemill", "serve", "events", "--rules", folder / "rules.toml", "--queue", at["QueueUrl"],
               "--work-dir", f"{at['JobsDir']}/events", "--dead-letter", at["DeadLetterPlace"],
               "--listen", "127.0.0.1:0", *engine]
    with serving(command, "CoordinatorPolicy", url, r"metrics on http://(\S+)") as (server, address):
        until(lambda: len(stack.keys("OutputsBucket", "films/")) == 2 and stack.keys("OutputsBucket", "pictures/"),
              "uploads come out")
        until(lambda: stack.keys("WorkBucket", "dead/"), "a broken upload is set aside")
        with urllib.request.urlopen(f"http://{address}/metrics") as answer:
            told = answer.read().decode()
        expect("framemill_events_dead_letters_total 1" in told, "metrics tell of one dead letter")
        made = stack.keys("OutputsBucket", "films/")
        expect(all(key.startswith("films/big buck") for key in made), f"outputs: {', '.join(made)}")
        stack.s3.delete_object(Bucket=at["UploadsBucket"], Key="in/films/big buck.mp4")
        until(lambda: not stack.keys("OutputsBucket", "films/"), "outputs go with their source")
        server.terminate()
        expect(server.wait(60) == 0, "SIGTERM ends it well")


def thumbnails(stack, url, binaries):
    """A thumbnail server with sources and cache in the stack's buckets answers, from its cache too."""
    at = stack.outputs
    cache = f"cache=s3://{at['WorkBucket']}/thumbs"
    command = [binaries / "framemill", "serve", "thumbs", "--set", "listen=127.0.0.1:0", "--set", "s3=true",
               "--set", cache]
    for wanted in ("made", "store"):
        with serving(command, "ThumbnailsPolicy", url, r"listening on (\S+)") as (_, address):
            path = f"/-/rs:fit:100:100/plain/s3://{at['UploadsBucket']}/in/pictures/test.jpg@webp"
            with urllib.request.urlopen(f"http://{address}{path}") as answer:
                got = answer.headers["X-Framemill-Cache"]
            expect(got == wanted, f"a thumbnail from S3: {got}")
            # What it has made is stored behind the answer.
            until(lambda: stack.keys("WorkBucket", "thumbs/"), "it lies in the cache")


main()
