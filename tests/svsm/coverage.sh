#!/bin/bash
# SPDX-License-Identifier: MIT
# How many lines of the kernel's library the host tests run, by gcov.
#
# usage: tests/svsm/coverage.sh
#
# Prints each file with less than nine lines of ten, and the whole. Exit status: 0 nine of ten or more, 1 less.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

LEAST=90

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
CC=gcc meson setup "$work/build" "$ROOT" -Db_coverage=true >"$work/log"
mapfile -t programs < <(ninja -C "$work/build" -t targets all | sed -n 's|^\(tests/unit/svsm/test_svsm_[a-z_]*\): .*|\1|p')
ninja -C "$work/build" "${programs[@]}" >"$work/log" || { cat "$work/log"; exit 1; }
for program in "${programs[@]}"; do
    "$work/build/$program" >"$work/log" 2>&1 || fail "$(basename "$program")" "$(tail -n 20 "$work/log")"
done

# Lines "LINES PERCENT FILE" of the library's own sources.
lines() {
    find "$work/build/tests/unit/svsm/libsvsm_host.a.p" -name '*.gcda' -execdir gcov -n {} + 2>/dev/null |
        awk -F '[:% ]+' '
            /^File / { file = $0; gsub(/^File |\x27/, "", file) }
            /^Lines executed/ && file ~ /svsm\/[a-z]+\/[a-z_]+\.c$/ { print $5, $3, file }
            /^Lines executed/ { file = "" }'
}
lines | awk -v least=$LEAST '
    { all += $1; run += $1 * $2 / 100 }
    $2 < least { print "#   " $2 " % of " $3 }
    END {
        share = all ? 100 * run / all : 0
        printf "%s - %.1f %% of the %d lines of the SVSM above its seam are run by host tests\n",
            share < least ? "not ok" : "ok", share, all
        exit share < least
    }' || failures=1
finish
