#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command beside a PostgreSQL server of its own, which it starts in a temporary folder and removes afterwards.
#
# usage: with-postgres.sh COMMAND [ARGUMENT]...
#        with-postgres.sh --crash                kill -9 the server of this environment, and start it again
#
# The command finds in its environment
#   SNP_VTPM_TEST_POSTGRES         the URL of a database, with a query to which more can be added
#   SNP_VTPM_TEST_POSTGRES_HOST    the folder of the server's socket
#   SNP_VTPM_TEST_POSTGRES_DATA    the folder of the server's files
#
# Nothing listens on a network. As root, the server runs as user postgres. Exit status: the command's; 77 (skipped)
# where PostgreSQL is not installed.
set -euo pipefail

bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
if [ ! -x "$bin/initdb" ] || [ ! -x "$bin/pg_ctl" ]; then
    echo "skipped: PostgreSQL's server programs are not installed (package postgresql)" >&2
    exit 77
fi
as_server=()
[ "$(id -u)" != 0 ] || as_server=(setpriv --reuid=postgres --regid=postgres --clear-groups)

start() {
    (cd / && "${as_server[@]}" "$bin/pg_ctl" start --silent --wait --timeout=60 --pgdata="$1/data" --log="$1/log" \
        --options="-c listen_addresses= -c unix_socket_directories=$1")
}

if [ "${1-}" = --crash ]; then
    folder=$SNP_VTPM_TEST_POSTGRES_HOST
    kill -9 "$(head -n 1 "$SNP_VTPM_TEST_POSTGRES_DATA/postmaster.pid")"
    # Its children hold the shared memory until they notice.
    for _ in {1..50}; do
        sleep 0.1
        start "$folder" 2>/dev/null && exit
    done
    tail -n 20 "$folder/log" >&2
    exit 1
fi
[ $# != 0 ] || {
    sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-pg-XXXXXX")
clean() {
    (cd / && "${as_server[@]}" "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$folder/data") || true
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 143' TERM INT HUP
[ "$(id -u)" != 0 ] || chown postgres: "$folder"
(cd / && "${as_server[@]}" "$bin/initdb" --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C \
    --pgdata="$folder/data") >"$folder.initdb" 2>&1 || {
    cat "$folder.initdb" >&2
    rm -f "$folder.initdb"
    exit 1
}
rm -f "$folder.initdb"
start "$folder"
"$bin/psql" --quiet --host="$folder" --username=postgres --dbname=postgres \
    --command='CREATE ROLE kbs LOGIN' --command='CREATE DATABASE kbs OWNER kbs'

export SNP_VTPM_TEST_POSTGRES="postgresql://kbs@/kbs?host=$folder"
export SNP_VTPM_TEST_POSTGRES_HOST=$folder
export SNP_VTPM_TEST_POSTGRES_DATA=$folder/data
"$@" &
child=$!
trap 'kill $child 2>/dev/null; exit 143' TERM INT HUP
wait $child
