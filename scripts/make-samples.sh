#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the synthetic part of samples/ again. The same FFmpeg build gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../samples"

# make OUTPUT ARGUMENTS…: no dates, no random ids, no versions, one thread.
make() {
    local output=$1
    shift
    ffmpeg -hide_banner -loglevel error -nostdin -y "$@" \
        -threads 1 -bitexact "$output"
    echo "$output $(stat -c %s "$output")"
}

x264=(-c:v libx264 -preset medium -pix_fmt yuv420p)
aac=(-c:a aac -b:a 64k)

# Variable frame rate: 60, then 15, then 30 frames a second, on one timeline.
make vfr.mp4 -f lavfi -i testsrc2=size=320x180:rate=60:duration=4 \
    -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 \
    -vf "select='if(lt(t,1),1,if(lt(t,2.5),not(mod(n,4)),not(mod(n,2))))'" -fps_mode vfr \
    "${x264[@]}" -crf 28 -g 48 "${aac[@]}"

# Interlaced broadcast: top field first, 4:3 through non-square pixels.
make interlaced.ts -f lavfi -i testsrc2=size=720x576:rate=50:duration=1 \
    -f lavfi -i sine=frequency=440:sample_rate=48000:duration=1 \
    -vf tinterlace=interleave_top,setfield=tff,setsar=16/15 \
    -c:v mpeg2video -flags +ildct+ilme -g 12 -bf 2 -b:v 1100k -maxrate 1500k -bufsize 1500k \
    -c:a mp2 -b:a 96k

# HDR10: BT.2020 primaries, PQ, ten bits, mastering display and content light levels.
make hdr10.mp4 -f lavfi -i testsrc2=size=480x270:rate=24:duration=2 \
    -vf format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv \
    -c:v libx265 -preset medium -crf 26 -tag:v hvc1 -x265-params "$(printf '%s:' \
        log-level=none info=0 pools=none frame-threads=1 keyint=24 open-gop=0 hdr10=1 repeat-headers=0 \
        colorprim=bt2020 transfer=smpte2084 colormatrix=bt2020nc range=limited \
        'master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)')max-cll=1000,400"

# Two languages of sound, subtitles, chapters, odd picture size.
subtitles=$(mktemp) chapters=$(mktemp)
trap 'rm -f "$subtitles" "$chapters"' EXIT
printf '1\n00:00:00,500 --> 00:00:01,500\nThe first line.\n\n2\n00:00:02,000 --> 00:00:03,000\nThe second.\n' >"$subtitles"
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=%s\nEND=%s\ntitle=%s\n' 0 2 One >"$chapters"
printf '[CHAPTER]\nTIMEBASE=1/1\nSTART=%s\nEND=%s\ntitle=%s\n' 2 4 Two >>"$chapters"
make tracks.mkv -f lavfi -i testsrc2=size=322x242:rate=25:duration=4,crop=321:241:0:0:exact=1 \
    -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 \
    -f lavfi -i sine=frequency=660:sample_rate=48000:duration=4 \
    -f srt -i "$subtitles" -f ffmetadata -i "$chapters" \
    -map 0:v -map 1:a -map 2:a -map 3:s -map_chapters 4 \
    -metadata:s:a:0 language=eng -metadata:s:a:0 title=Original \
    -metadata:s:a:1 language=fra -metadata:s:a:1 title=Doublage -metadata:s:s:0 language=eng \
    -disposition:a:0 default -disposition:a:1 0 \
    -c:v libvpx-vp9 -crf 40 -b:v 0 -deadline good -cpu-used 4 -g 50 -pix_fmt yuv420p -c:a libopus -b:a 48k -c:s srt

make test.png -f lavfi -i testsrc2=size=320x240 -frames:v 1 -pix_fmt rgb24
make gradient.png -f lavfi -i "color=red:size=160x120,format=rgba,geq=r='X*255/W':g='Y*255/H':b=128:a='255-X'" -frames:v 1
make test.jpg -f lavfi -i testsrc2=size=320x240 -frames:v 1 -pix_fmt yuvj420p -q:v 3
