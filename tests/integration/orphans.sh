#!/bin/bash
# SPDX-License-Identifier: MIT
# What the shell tests start dies with them, also when they are killed (SIGKILL). The unit tests' programs are in
# tests/unit/proxy/test_child.c.
#
# usage: tests/integration/orphans.sh [BUILD_FOLDER]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

build=$(realpath "${1:-$ROOT/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ROOT build work

# eventually COMMAND...: within 30 seconds
eventually() {
    for _ in {1..300}; do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# killed_test SCRIPT: runs it as a test that says in $work/started when it has started something, and then kills it
killed_test() {
    local test
    bash -euo pipefail -c "$1; touch \"\$work/started\"; sleep 600" >"$work/test.log" 2>&1 &
    test=$!
    eventually [ -e "$work/started" ] || cat "$work/test.log" >&2
    kill -KILL $test
    wait $test 2>/dev/null || true
    rm -f "$work/started"
}

# shellcheck disable=SC2016 # that the test expands it
a_kbs() {
    killed_test '. "$ROOT/tests/load/kbs.sh"; kbs_start; echo $kbs_pid >"$work/pid"'
    check "a KBS dies with the test that started it" eventually gone "$(cat "$work/pid")"
}

# shellcheck disable=SC2016
a_daemon() {
    killed_test '"$ROOT/tests/when-gone.sh" $$ touch "$work/told"; [ ! -e "$work/told" ]'
    check "what ends a daemon is run when its test is gone" eventually [ -e "$work/told" ]
}

# shellcheck disable=SC2016
a_database() {
    local name="a PostgreSQL server dies with the test that started it" status=0
    "$ROOT/tests/unit/kbs-store/with-postgres.sh" true >/dev/null 2>&1 || status=$?
    if [ $status = 77 ]; then
        skip "$name" "there is no PostgreSQL"
        return
    fi
    killed_test 'exec "$ROOT/tests/unit/kbs-store/with-postgres.sh" bash -c "
        head -n 1 \"\$SNP_VTPM_TEST_POSTGRES_DATA/postmaster.pid\" >\"$work/pid\"; touch \"$work/started\"; exec sleep 600"'
    check "$name" eventually gone "$(cat "$work/pid")"
}

# fork() alone leaves a process behind where a test is killed: by a signal, by its own alarm().
unit_tests() {
    local name="unit tests fork by child_fork()" plain
    plain=$(grep -rlE --include='*.[ch]' '\<fork\(\);' "$ROOT/tests/unit" | grep -vE '/(child\.h|test_child\.c)$' || true)
    if [ -z "$plain" ]; then pass "$name"; else fail "$name" "$plain"; fi
}

a_kbs
a_daemon
unit_tests
a_database
finish
