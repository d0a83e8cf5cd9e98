# SPDX-License-Identifier: MIT
# What the shell tests share. A test prints "ok - NAME", "not ok - NAME" or "ok - NAME # SKIP WHY" for each
# behaviour (as in TAP), which test.sh counts. To be sourced.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for those who source this
ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
failures=0

pass() { echo "ok - $1"; }
skip() { echo "ok - $1 # SKIP $2"; }

# fail NAME [EXPLANATION]...
fail() {
    failures=$((failures + 1))
    echo "not ok - $1"
    shift
    [ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}

# run COMMAND...: its status in $status, its standard output and error together in $output
run() {
    status=0
    output=$("$@" 2>&1 </dev/null) || status=$?
}

# expect NAME STATUS [PATTERN]...: what run() left must have this status, and every one of the patterns in its output
expect() {
    local name=$1 wanted=$2 pattern
    shift 2
    if [ "$status" != "$wanted" ]; then
        fail "$name" "status $status, not $wanted; output:" "$output"
        return
    fi
    for pattern; do
        if ! grep -qE -- "$pattern" <<<"$output"; then
            fail "$name" "nothing like \"$pattern\" in the output:" "$output"
            return
        fi
    done
    pass "$name"
}

# check NAME COMMAND...: the command must succeed
check() {
    local name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name" "failed: $*"; fi
}

# equal NAME ACTUAL WANTED
equal() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "it is \"$2\"" "not   \"$3\""; fi; }

# A port of the loopback interface on which nobody listens, nor on the next one; below those that connections take for
# themselves. Each lane of test.sh's has ports of its own (scripts/side-by-side.sh).
next_port=$((RANDOM % 750))
test_port() {
    while :; do
        port=$((20000 + ${LANE:-0} % 8 * 1500 + next_port * 2))
        next_port=$(((next_port + 1) % 750))
        { (exec 3<>"/dev/tcp/127.0.0.1/$port") || (exec 3<>"/dev/tcp/127.0.0.1/$((port + 1))"); } 2>/dev/null || return 0
    done
}

finish() { [ $failures = 0 ]; }
