#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the reference, the ASP.NET Core server that offers the contract:
#
#   serve.sh COMMAND...     builds and starts it alone, runs COMMAND with REFERENCE_URL set, stops it; ends with COMMAND's status
#
#   serve.sh sh -c 'node tests/conformance/run.mjs --url $REFERENCE_URL'
#
# Needs the dotnet 10 SDK. It takes a free port; what it builds lies in REFERENCE_BUILD (default: build/reference).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${REFERENCE_BUILD:-$here/../../../build/reference}
[ $# -gt 0 ] || { sed -n 's/^#   //p' "$0" >&2; exit 2; }

mkdir -p "$build"
cp "$here"/*.cs "$here"/*.csproj "$here"/packages.lock.json "$build"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet build -c Release -v q -nologo -nodeReuse:false -p:UseSharedCompilation=false -p:RestoreLockedMode=true "$build" \
    >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; exit 1; }

dotnet "$build/bin/Release/net10.0/reference.dll" --urls http://127.0.0.1:0 --server-name one --stateful --disconnect-timeout 5000 \
    --cors http://app.example --log Information >"$build/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT

tries=0
until REFERENCE_URL=$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$build/server.log" | head -n 1) && [ -n "$REFERENCE_URL" ]; do
    tries=$((tries + 1))
    [ $tries -lt 150 ] && kill -0 $server 2>/dev/null || { cat "$build/server.log" >&2; exit 1; }
    sleep 0.1
done
export REFERENCE_URL
status=0
"$@" || status=$?
exit $status
