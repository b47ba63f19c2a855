#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the suite, unless it is built already, and prints the path of its
# program for `dotnet`. Everything lies in DOTNET_BUILD (default: build/dotnet
# of the project); several may call this at once. Needs the .NET 10 SDK: ends
# with 77 where there is none.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${DOTNET_BUILD:-$here/../../../build/dotnet}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=0

if ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
    echo "the .NET 10 SDK is not here" >&2
    exit 77
fi
mkdir -p "$build"
build=$(cd "$build" && pwd)
exec 9>"$build/lock"
flock 9
program=$build/out/conformance.dll
if [ ! -f "$program" ] ||
    [ -n "$(find "$here" -type f -newer "$program" | head -n 1)" ]; then
    # No server of the compiler may outlive the build.
    if ! dotnet build "$here/dotnet.csproj" -c Release -o "$build/out" \
        -p:BaseIntermediateOutputPath="$build/obj/" \
        -p:RestoreLockedMode=true -p:UseSharedCompilation=false \
        -nodeReuse:false -v quiet >"$build/build.log" 2>&1 9>&-; then
        cat "$build/build.log" >&2
        exit 1
    fi
    touch "$program"
fi
echo "$program"
