#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what the tests need and runs them: every stage, or those named.
#
#   tests/run.sh                    every stage
#   tests/run.sh asan tsan          some stages
#   tests/run.sh unit lint          tests of these labels only
#
# A stage is a preset: it is configured and built, then ctest runs what is
# registered in it (analyze and tidy are done when they have built). Stages of
# the two lanes below run beside each other, because much of what the client
# suites do is waiting. The whole output of a stage is kept in
# build/logs/<stage>.log, and shown when it fails. The last line counts every
# test of every stage, and a stage that did not build as one failure.
#
# With CI=true a skipped test, one whose tool is missing, is a failure too. The
# exception is the suite with the .NET client: without the .NET 10 SDK it is not
# registered, and the line before the last says so.

set -euo pipefail
cd "$(dirname "$0")/.."

lanes=("dev asan tsan" "release fuzz tidy analyze")
labels=" unit cluster wire fuzz lint program conformance browser "
logs=build/logs

usage()
{
    sed -n 's/^#   //p' "$0" >&2
    echo "stages: ${lanes[*]}; labels:$labels" >&2
    exit 2
}

# --- one stage --------------------------------------------------------------

build_stage()
{
    cmake --preset "$1" && cmake --build --preset "$1" -- -j "$jobs"
}

test_stage()
{
    local stage=$1 report=$PWD/$logs/$1.xml
    shift
    local run=(ctest --preset "$stage" -j "$jobs" --no-tests=ignore
        --output-junit "$report" "$@")
    # asan, tsan and release drive the program; a fourth time adds nothing.
    [ "$stage" != dev ] || [ $# -gt 0 ] ||
        run+=(-LE 'program|conformance|browser')
    # The thread sanitizer's shadow does not fit every random layout that
    # newer kernels choose.
    [ "$stage" != tsan ] || run=(setarch --addr-no-randomize "${run[@]}")
    "${run[@]}"
}

# Prints "passed failed skipped" of a stage, read from ctest's own report.
counts_of()
{
    local report=$logs/$1.xml
    [ -f "$report" ] || { echo "0 0 0"; return; }
    awk '
        /<testsuite / { inside = 1 }
        inside {
            while (match($0, /(tests|failures|disabled|skipped)="[0-9]+"/)) {
                split(substr($0, RSTART, RLENGTH), part, "\"")
                value[part[1]] = part[2]
                $0 = substr($0, RSTART + RLENGTH)
            }
        }
        inside && /<testcase|<\/testsuite/ { exit }
        END {
            failed = value["failures="] + 0
            skipped = value["skipped="] + value["disabled="]
            print value["tests="] - failed - skipped, failed, skipped
        }' "$report"
}

# Leaves "passed failed skipped" in <stage>.count.
run_stage()
{
    local stage=$1 log=$logs/$1.log outcome=ok passed failed skipped
    shift
    rm -f "$logs/$stage.xml" "$logs/$stage.count"
    SECONDS=0
    if ! build_stage "$stage" >"$log" 2>&1; then
        outcome="does not build"
        passed=0 failed=1 skipped=0
    elif [[ $stage == tidy || $stage == analyze ]]; then
        passed=1 failed=0 skipped=0
    else
        test_stage "$stage" "$@" >>"$log" 2>&1 || outcome="failed"
        read -r passed failed skipped < <(counts_of "$stage")
        # ctest may fail without naming a test: that counts as well.
        if [ "$outcome" = failed ] && [ "$failed" -eq 0 ]; then
            failed=1
        fi
    fi
    if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then
        outcome="has skipped tests"
        failed=$((failed + skipped)) skipped=0
    fi
    echo "$passed $failed $skipped" >"$logs/$stage.count"
    show_stage "$stage" "$outcome" "$SECONDS"
}

# One stage at a time writes to the terminal.
show_stage()
{
    local stage=$1 outcome=$2 seconds=$3
    {
        flock 9
        printf '\n=== %s: %s, %s s (%s)\n' "$stage" "$outcome" "$seconds" \
            "$logs/$stage.log"
        if [ "$outcome" = ok ]; then
            grep -E '^ *[0-9]+/[0-9]+ Test|tests passed|^Total Test' \
                "$logs/$stage.log" || true
        else
            cat "$logs/$stage.log"
        fi
    } 9>"$logs/lock"
}

run_lane()
{
    local stage
    for stage in "$@"; do
        run_stage "$stage"
    done
}

# --- all of it --------------------------------------------------------------

# Labels whose tests drive the program are run on the one users get.
stage_of_label()
{
    case $1 in
    program | conformance | browser) echo release ;;
    *) echo dev ;;
    esac
}

run_labels()
{
    local label stage
    for stage in dev release; do
        local wanted=()
        for label in "$@"; do
            [ "$(stage_of_label "$label")" = "$stage" ] && wanted+=("$label")
        done
        [ ${#wanted[@]} -gt 0 ] || continue
        stages+=("$stage")
        run_stage "$stage" -L "^($(IFS='|'; echo "${wanted[*]}"))\$"
    done
}

# Keeps of the lanes what was asked for.
run_lanes()
{
    local lane stage wanted=" $* " pids=() pid
    for lane in "${lanes[@]}"; do
        local mine=()
        for stage in $lane; do
            [[ $wanted == *" $stage "* ]] && mine+=("$stage")
        done
        [ ${#mine[@]} -gt 0 ] || continue
        stages+=("${mine[@]}")
        run_lane "${mine[@]}" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
}

sum_up()
{
    local stage passed=0 failed=0 skipped=0 p f s
    for stage in "${stages[@]}"; do
        # Written by every stage that came to its end.
        if ! read -r p f s <"$logs/$stage.count"; then
            p=0 f=1 s=0
        fi
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    done
    printf '\nstages: %s\n' "${stages[*]}"
    dotnet --list-sdks 2>/dev/null | grep -q '^10\.' ||
        echo "not run: conformance.dotnet (there is no .NET 10 SDK here)"
    printf '%s passed, %s failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
    printf '\n'
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

main()
{
    local asked_stages=() asked_labels=() name
    for name in "$@"; do
        if [[ " ${lanes[*]} " == *" $name "* ]]; then
            asked_stages+=("$name")
        elif [[ $labels == *" $name "* ]]; then
            asked_labels+=("$name")
        else
            usage
        fi
    done
    # `fuzz` names both; as a stage it does more.
    [ $# -gt 0 ] || read -r -a asked_stages <<<"${lanes[*]}"

    deploy/setup.sh test
    mkdir -p "$logs"
    stages=()
    jobs=$(nproc)
    [ ${#asked_labels[@]} -eq 0 ] || run_labels "${asked_labels[@]}"
    [ ${#asked_stages[@]} -eq 0 ] || run_lanes "${asked_stages[@]}"
    sum_up
}

main "$@"
