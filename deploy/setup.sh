#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what signalua needs: `deploy/setup.sh run` to build and serve,
# `deploy/setup.sh test` to run every test as well. deploy/run.sh and
# tests/run.sh call it first; a machine that has everything passes in a
# fraction of a second.
#
# Debian 13 and Ubuntu 24.04 have every library as a package. Debian 12 lacks
# four of them: there the packages of its successor are unpacked, unchanged and
# checked against the machine's own Debian keyring, below build/prefix. They
# need nothing newer than Debian 12 offers, and the system stays as it was.
#
# Root rights are asked for (sudo) only when apt has something to install.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$root/build/prefix

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- what is needed ---------------------------------------------------------

needed_to_run=(
    gcc libc6-dev cmake ninja-build pkgconf ca-certificates
    libuv1-dev libluajit-5.1-dev libwslay-dev libssl-dev zlib1g-dev
    libcjose-dev libjansson-dev
)
needed_to_test=(
    libcmocka-dev luajit clang clang-tidy clang-format cppcheck liburing-dev
    lua-check lua-busted
)
# Where the distribution has them; else unpacked from the next release.
young_libraries=(
    libllhttp-dev libyyjson-dev libmsgpack-c-dev libhiredis-dev
)
unpacked=(
    "${young_libraries[@]}" libyyjson0
)

# --- which system is this ---------------------------------------------------

identify_system()
{
    [ -r /etc/os-release ] || { system=unknown; system_name=unknown; return; }
    # shellcheck source=/dev/null
    system=$(. /etc/os-release; echo "${ID:-unknown}-${VERSION_ID:-0}")
    # shellcheck source=/dev/null
    system_name=$(. /etc/os-release; echo "${PRETTY_NAME:-unknown}")
}

# Elsewhere nothing is installed, but a machine that has all of it may build.
report_unknown_system()
{
    local missing=() tool module
    for tool in gcc cmake ninja pkg-config npm; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    for module in libuv luajit libcrypto libssl yyjson msgpack-c cjose jansson; do
        pkg-config --exists "$module" 2>/dev/null || missing+=("$module")
    done
    for module in wslay/wslay.h llhttp.h; do
        echo "#include <$module>" | gcc -E - >/dev/null 2>&1 ||
            missing+=("$module")
    done
    if [ "$1" = test ]; then
        for tool in clang clang-tidy cppcheck luajit luacheck; do
            command -v "$tool" >/dev/null || missing+=("$tool")
        done
        pkg-config --exists cmocka 2>/dev/null || missing+=(cmocka)
        find_browser >/dev/null || missing+=(chromium)
    fi
    [ ${#missing[@]} -eq 0 ] && return
    die "$system_name is not one of Debian 12, Debian 13, Ubuntu 24.04, so" \
        "nothing was installed. Missing here: ${missing[*]}"
}

# --- tools that may come from anywhere --------------------------------------

have_node()
{
    local major
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge 18 ] && command -v npm >/dev/null
}

find_browser()
{
    local name
    for name in "${SIGNALUA_CHROMIUM:-}" chromium chromium-browser \
        google-chrome; do
        [ -n "$name" ] && command -v "$name" && return
    done
    return 1
}

# --- apt --------------------------------------------------------------------

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root rights (and finds no sudo) for: $*"
    fi
}

# Prints those of its arguments that are not installed.
not_installed()
{
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        awk -v all="$*" '
            $1 == "installed" { have[$2] = 1 }
            END {
                count = split(all, name, " ")
                for (i = 1; i <= count; i++)
                    if (!(name[i] in have))
                        print name[i]
            }' || true
}

apt_install()
{
    local missing
    mapfile -t missing < <(not_installed "$@")
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    # A third-party source that is away must not stop us: what counts is
    # whether the install below finds its packages.
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get update -q >/dev/null || say "apt-get update reported an error"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" \
        >/dev/null || die "apt could not install: ${missing[*]}"
}

# --- the private prefix (Debian 12) -----------------------------------------

# The address that this machine itself takes Debian from.
debian_mirror()
{
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

# apt with its own sources, lists and cache: reads the machine's trust and
# proxy settings, writes nothing outside of $1.
private_apt()
{
    local home=$1
    shift
    "$1" -q -c="$home/apt.conf" \
        -o Dir::Etc::SourceList="$home/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$home/lists" \
        -o Dir::State::status="$home/status" \
        -o Dir::Cache="$home/cache" \
        -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        "${@:2}"
}

# The unpacked files still name /usr. Where an archive exists the shared
# object's link goes, so that the program carries the code with it.
adapt_prefix()
{
    local tree=$1 pc lib
    for pc in "$tree"/usr/lib/*/pkgconfig/*.pc; do
        sed -i \
            -e 's|^prefix=.*|prefix=${pcfiledir}/../../..|' \
            -e 's|^exec_prefix=.*|exec_prefix=${prefix}|' \
            -e 's|^libdir=.*|libdir=${pcfiledir}/..|' \
            -e 's|^includedir=.*|includedir=${prefix}/include|' \
            -e 's|^pkgincludedir=/usr/|pkgincludedir=${prefix}/|' "$pc"
    done
    for lib in "$tree"/usr/lib/*/*.a; do
        rm -f "${lib%.a}".so*
    done
    rm -rf "$tree"/usr/lib/*/cmake "$tree/usr/share"
}

make_prefix()
{
    local want mirror home tree deb
    want=$({ declare -p system unpacked; declare -f adapt_prefix; } |
        sha256sum)
    [ "$(cat "$prefix/stamp" 2>/dev/null)" = "$want" ] && return

    say "unpacking ${unpacked[*]} below build/prefix"
    mirror=$(debian_mirror)
    if [ -z "$mirror" ]; then       # apt has no lists yet: a fresh image
        as_root apt-get update -q >/dev/null || true
        mirror=$(debian_mirror)
    fi
    [ -n "$mirror" ] || die "apt's sources name no Debian 12 mirror"

    home=$(mktemp -d "${TMPDIR:-/tmp}/signalua-setup.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$home'" EXIT
    mkdir -p "$home"/lists/partial "$home"/cache/archives/partial "$home"/debs
    : >"$home/status"
    # Hooks of the machine's own apt tidy up places that are not ours.
    printf '#clear %s;\n' APT::Update::Post-Invoke \
        APT::Update::Post-Invoke-Success >"$home/apt.conf"
    printf 'deb [signed-by=%s] %s trixie main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" \
        >"$home/sources.list"
    private_apt "$home" apt-get update >/dev/null ||
        die "cannot read suite trixie at $mirror (is package" \
            "debian-archive-keyring up to date?)"
    (cd "$home/debs" &&
        private_apt "$home" apt-get download "${unpacked[@]}" >/dev/null) ||
        die "cannot download: ${unpacked[*]}"

    # Made beside and moved: an interrupted run leaves nothing half done.
    tree=$prefix.new
    rm -rf "$tree"
    mkdir -p "$tree"
    for deb in "$home"/debs/*.deb; do
        dpkg -x "$deb" "$tree"
    done
    adapt_prefix "$tree"
    printf '%s\n' "$want" >"$tree/stamp"
    rm -rf "$prefix"
    mv "$tree" "$prefix"
}

# --- npm --------------------------------------------------------------------

# Installs a folder's npm packages exactly as its lock file says.
npm_install()
{
    local folder=$1 stamp=$1/node_modules/.package-lock.json
    [ -f "$root/$folder/package-lock.json" ] || return 0
    [ "$root/$stamp" -nt "$root/$folder/package-lock.json" ] && return
    say "npm ci in $folder"
    (cd "$root/$folder" && npm ci --ignore-scripts --no-fund --no-audit \
        >/dev/null) || die "npm ci failed in $folder"
    touch "$root/$stamp"
}

# The page of the chat example loads the official client from beside itself.
place_browser_client()
{
    local from=$root/examples/chat/node_modules/@microsoft/signalr
    local to=$root/examples/chat/www/signalr.min.js
    npm_install examples/chat
    cmp -s "$from/dist/browser/signalr.min.js" "$to" && return
    mkdir -p "${to%/*}"
    cp "$from/dist/browser/signalr.min.js" "$to"
}

install_node_packages()
{
    local lock
    place_browser_client
    [ "$1" = test ] || return 0
    for lock in "$root"/tests/*/package-lock.json; do
        [ -f "$lock" ] || continue
        lock=${lock#"$root"/}
        npm_install "${lock%/*}"
    done
}

# --- main -------------------------------------------------------------------

main()
{
    local for_what=${1:-}
    case $for_what in
    run | test) ;;
    *) die "usage: deploy/setup.sh run|test" ;;
    esac

    local packages=("${needed_to_run[@]}")
    [ "$for_what" = test ] && packages+=("${needed_to_test[@]}")

    identify_system
    case $system in
    debian-12)
        packages+=(debian-archive-keyring)
        [ "$for_what" = test ] && packages+=(libclang-rt-14-dev) ;;
    debian-13)
        packages+=("${young_libraries[@]}")
        [ "$for_what" = test ] && packages+=(libclang-rt-19-dev) ;;
    ubuntu-24.04)
        packages+=("${young_libraries[@]}")
        [ "$for_what" = test ] && packages+=(libclang-rt-18-dev) ;;
    *)
        report_unknown_system "$for_what"
        install_node_packages "$for_what"
        return ;;
    esac

    have_node || packages+=(nodejs npm)
    if [ "$for_what" = test ] && ! find_browser >/dev/null; then
        # Ubuntu's package of that name only fetches a snap.
        [ "${system%%-*}" = debian ] || die "no Chromium or Chrome found:" \
            "install one, or name it in SIGNALUA_CHROMIUM"
        packages+=(chromium)
    fi

    apt_install "${packages[@]}"
    [ "$system" != debian-12 ] || make_prefix
    install_node_packages "$for_what"
}

main "$@"
