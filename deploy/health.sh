#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Whether the server in this container is well: GET /health on 127.0.0.1 answers 200. The port is
# the argument or FRAMEMILL_HEALTH_PORT; without either no server runs here, and all is well.
# bash alone, since the image has no HTTP client.
port=${1:-${FRAMEMILL_HEALTH_PORT:-}}
[ -n "$port" ] || exit 0
exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
