# SPDX-License-Identifier: MIT
# A KBS's admin API for a test in a shell; to be sourced. Makes $work, which goes away at the end.
# shellcheck shell=bash

work=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-test-XXXXXX")
passed=0 server=

stop_serving() {
    exec 9>&-
    [ -z "$server" ] || wait "$server" || true
    rm -rf "$work"
}
trap stop_serving EXIT
trap 'exit 130' INT TERM HUP

# start_serving SERVE_ADMIN WORD...: sets $port; the server ends when this shell does
start_serving() {
    local program=$1
    shift
    mkfifo "$work/stdin"
    setpriv --pdeathsig KILL "$program" "$work" "$@" <"$work/stdin" >"$work/port" 2>"$work/server.log" &
    server=$!
    exec 9>"$work/stdin"
    for _ in $(seq 100); do
        [ ! -s "$work/port" ] || break
        sleep 0.1
    done
    port=$(cat "$work/port")
    [ -n "$port" ] || { cat "$work/server.log" >&2; exit 1; }
}

# fail WHAT: ends the test
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# ok WHAT: one more that was shown
ok() {
    passed=$((passed + 1))
    echo "ok $passed - $*"
}
