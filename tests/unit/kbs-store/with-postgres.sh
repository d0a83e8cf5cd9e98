#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command beside a PostgreSQL server of its own, which it starts in a temporary folder and removes afterwards.
#
# usage: with-postgres.sh COMMAND [ARGUMENT]...
#        with-postgres.sh --crash                kill -9 the server of this environment, and start it again
#
# $SNP_VTPM_TEST_ISOLATION, if set, is the isolation level that transactions have there by default.
#
# The command finds in its environment
#   SNP_VTPM_TEST_POSTGRES         the URL of a database, with a query to which more can be added
#   SNP_VTPM_TEST_POSTGRES_HOST    the folder of the server's socket
#   SNP_VTPM_TEST_POSTGRES_DATA    the folder of the server's files
#
# Nothing listens on a network. The server's files begin as a copy of those that the first run makes in the cache, and are in
# memory where there is room: it flushes them as elsewhere (the KBS refuses one that does not), and no test waits for a disk.
# PostgreSQL is the system's, or the one that prepare.sh --for-tests fetched. It does not run as root: for root it runs as
# nobody. Exit status: the command's; 77 (skipped) where there is no PostgreSQL.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../../../scripts/host-memory.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/snp-vtpm
fetched=$cache/postgresql/current/root
server_programs() { { compgen -G "$1/usr/lib/postgresql/*/bin/initdb" || true; } | xargs -rn 1 dirname | sort -V | tail -n 1; }
bin=${SNP_VTPM_TEST_POSTGRES_BIN:-$(server_programs "")}
[ -n "$bin" ] || bin=$(server_programs "$fetched")
if [ -z "$bin" ]; then
    echo "skipped: there is no PostgreSQL; ./prepare.sh --for-tests fetches it" >&2
    exit 77
fi
as_server=()
[ "$(id -u)" != 0 ] || as_server=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

start() {
    (cd / && "${as_server[@]}" "$bin/pg_ctl" start --silent --wait --timeout=60 --pgdata="$data" --log="$folder/log" \
        --options="-c listen_addresses= -c unix_socket_directories=$folder")
}

if [ "${1-}" = --crash ]; then
    folder=$SNP_VTPM_TEST_POSTGRES_HOST data=$SNP_VTPM_TEST_POSTGRES_DATA
    kill -9 "$(head -n 1 "$data/postmaster.pid")"
    # Its children hold the shared memory until they notice.
    for _ in {1..50}; do
        sleep 0.1
        start 2>/dev/null && exit
    done
    tail -n 20 "$folder/log" >&2
    exit 1
fi
[ $# != 0 ] || {
    sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-pg-XXXXXX")
data=$folder/data
mkdir "$data"
[ "$(room_in /dev/shm)" -lt $((2 << 30)) ] || data=$(mktemp -d /dev/shm/snp-vtpm-pg-XXXXXX)
stop() { (cd / && "${as_server[@]}" "$bin/pg_ctl" stop --silent --mode="$1" --pgdata="$data"); }
clean() {
    stop immediate || true
    rm -rf "$folder" "$data"
}
trap clean EXIT
trap 'exit 143' TERM INT HUP
if [[ $bin == "$fetched"/* ]]; then
    # Where another user can read it.
    cp -r "$fetched" "$folder/root"
    bin=$folder/root${bin#"$fetched"}
    export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
fi
# shellcheck disable=SC2016 # that bash expands it
"$(dirname "$(readlink -f "$0")")/../../when-gone.sh" $$ bash -c '[ ! -d "$0" ] || { cd / && "${@:2}"; rm -rf "$0" "$1"; }' \
    "$folder" "$data" "${as_server[@]}" "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$data"

sql() { "$bin/psql" --quiet --host="$folder" --username=postgres --dbname=postgres --command="$1"; }
owned_by_server() { [ "$(id -u)" != 0 ] || chown -R nobody:nogroup "$data"; }

# make_files FOLDER: the files of a new server with the database, for all tests to begin with a copy
make_files() {
    owned_by_server
    (cd / && "${as_server[@]}" "$bin/initdb" --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C \
        --pgdata="$data") >"$folder/initdb" 2>&1 || {
        cat "$folder/initdb" >&2
        return 1
    }
    start
    sql 'CREATE ROLE kbs LOGIN'
    sql 'CREATE DATABASE kbs OWNER kbs'
    stop fast
    rm -rf "$1.new"
    cp -r "$data" "$1.new"
    mv "$1.new" "$1"
}

[ "$(id -u)" != 0 ] || chown nobody:nogroup "$folder"
files=$cache/postgresql-files/$("$bin/postgres" --version | tr -cs 'A-Za-z0-9.\n' _)
mkdir -p "${files%/*}"
exec {lock}>"$files.lock"
flock "$lock"
if [ -d "$files" ]; then
    cp -r "$files/." "$data/"
    chmod 700 "$data"
    owned_by_server
else
    make_files "$files"
fi
exec {lock}>&-
start
sql "ALTER ROLE kbs SET default_transaction_isolation = '${SNP_VTPM_TEST_ISOLATION:-read committed}'"

export SNP_VTPM_TEST_POSTGRES_BIN=$bin
export SNP_VTPM_TEST_POSTGRES="postgresql://kbs@/kbs?host=$folder"
export SNP_VTPM_TEST_POSTGRES_HOST=$folder
export SNP_VTPM_TEST_POSTGRES_DATA=$data
setpriv --pdeathsig TERM "$@" &
child=$!
trap 'kill $child 2>/dev/null; exit 143' TERM INT HUP
wait $child
