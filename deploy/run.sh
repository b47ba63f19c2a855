#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# From a fresh clone to a running server: installs what is missing, builds
# build/release/signalua and serves hubs/ and the chat page on
# http://localhost:8080.
#
#   deploy/run.sh                           build and serve
#   deploy/run.sh --build-only              stop after the build
#   deploy/run.sh -- --workers 2 [...]      more settings for `signalua serve`

set -euo pipefail
cd "$(dirname "$0")/.."

usage()
{
    sed -n 's/^#   //p' "$0" >&2
    exit 2
}

serve=yes
while [ $# -gt 0 ]; do
    case $1 in
    --build-only) serve=no ;;
    --) shift; break ;;
    *) usage ;;
    esac
    shift
done

deploy/setup.sh run

mkdir -p build/logs
build()
{
    cmake --preset release &&
        cmake --build --preset release --target signalua
} >build/logs/run.log 2>&1
if ! build; then
    cat build/logs/run.log >&2
    echo "run: the build failed (build/logs/run.log)" >&2
    exit 1
fi

[ "$serve" = yes ] || exit 0
echo "run: serving hubs/ on http://localhost:8080 (Ctrl-C stops)"
exec build/release/signalua serve --hubs hubs --www examples/chat/www \
    --listen 127.0.0.1:8080 "$@"
