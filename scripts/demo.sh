#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What `make run` shows: one clip, split, encoded on every core, stitched, measured.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=target/release/framemill
source=samples/bigbuckbunny.mp4
output=target/demo/bigbuckbunny.mp4
report=target/demo/report.json

mkdir -p target/demo
"$bin" transcode "$source" -o "$output" --codec av1 --overwrite --chunk 48f --report "$report"

total() { grep -o "\"$1\": *[0-9.]*" "$report" | tail -n 1 | grep -o '[0-9.]*$'; }
echo
echo "output  $output ($(stat -c %s "$output") bytes, source $(stat -c %s "$source"))"
"$bin" measure "$source" "$output"
echo "wall    $(total wall_s) s"
echo "cpu     $(total cpu_s) s"
