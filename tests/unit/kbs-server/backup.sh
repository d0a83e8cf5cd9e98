#!/bin/bash
# SPDX-License-Identifier: MIT
# kbs backup and kbs restore, which are also killed (SIGKILL) before each of their writes: there is a whole store at any
# moment, and a backup is whole or none. In memory: that writes are flushed is not what this is about.
#
# usage: backup.sh KBS DIE_AT.SO
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../../tap.sh"
kbs=$(realpath "$1")
die_at=$(realpath "$2")
work=$(mktemp -d /dev/shm/snp-vtpm-backup-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
umask 077
# A sanitizer wants to be the first library.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0

new_store() { rm -rf d && cp -a saved d; }
kbs_on() { "$kbs" "$1" --config d/kbs.conf "${@:2}"; }
# The line that its audit log would end with, of the store in d: a backup is one itself.
lines() {
    rm -f lines.db
    kbs_on backup lines.db | sed -n 's/.* line \([0-9]*\),.*/\1/p'
}
dying() { DIE_AT=$1 LD_PRELOAD=$die_at kbs_on "${@:2}" >/dev/null 2>&1; }

"$kbs" init d --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --kds none >/dev/null
run kbs_on backup one.db
expect "a backup is made, and says up to which line of the audit log" 0 'one.db has the store.* line 2, hash [0-9a-f]{64}'
equal "it is its owner's alone" "$(stat -c %a one.db)" 600
for _ in 1 2 3; do kbs_on rotate-master-key --rewrap >/dev/null; done
cp -a d saved
new=$(lines)
new_store

run kbs_on backup one.db
expect "a file that is there is not replaced" 3 'one.db: File exists'
run kbs_on backup none/one.db
expect "a folder that is missing is named" 3 'none/one.db: No such file'
run kbs_on backup
expect "backup needs a name" 2 'backup needs FILE'

new_store
run kbs_on restore one.db
expect "it becomes the store again, and what was there is kept" 0 'the store of before is now d/kbs.db.replaced-' \
    'audit log ends with line 3'
restored=$(lines)
check "it is that of then" [ "$restored" -lt "$new" ]
mv d/kbs.db.replaced-* d/kbs.db
rm -f d/kbs.db-*
equal "what was there is whole" "$(lines)" "$new"

new_store
cp one.db d/kbs.db
run kbs_on serve --check-config
expect "a backup that is only copied there is not used" 3 'is a backup: kbs restore makes it the store'
run kbs_on restore
expect "it becomes the store where it is" 0 'the store is restored'
run kbs_on serve --check-config
expect "and is used then" 0

new_store
head -c 100000 one.db >short.db
run kbs_on restore short.db
expect "half a backup is refused" 3 'nothing was restored: the backup is damaged'
: >empty.db
run kbs_on restore empty.db
expect "an empty file is refused" 3 'is no backup'
head -c 100000 /dev/urandom >noise.db
run kbs_on restore noise.db
expect "noise is refused" 3 'nothing was restored'
run kbs_on restore d/kbs.db
expect "the store itself is refused" 3 'is the store itself'
cp one.db logged.db && touch logged.db-wal
run kbs_on restore logged.db
expect "a copy with a log beside it is refused" 3 'was not made by kbs backup'
equal "and the store is as it was" "$(lines)" "$new"
head -c 32 /dev/urandom | xxd -p -c 64 >other.key
new_store
cat other.key >d/master.key
run kbs_on restore one.db
expect "a backup of another master key is refused" 3 'wrapped under a master key that was not given'

new_store
mkfifo ready
setpriv --pdeathsig KILL "$kbs" serve --config d/kbs.conf --ready-fd 9 9>ready 2>/dev/null </dev/null &
server=$!
cat ready >/dev/null
run kbs_on backup served.db
expect "a backup is made of a store in use" 0 'served.db has the store'
run kbs_on restore one.db
expect "a store in use is not replaced" 3 'in use: stop every server'
kill $server
wait $server
check "and is not moved away" [ -e d/kbs.db ]

# Killed before that write of a restore; then it is done again.
killed_restoring() {
    local status=0 found
    new_store
    dying "$1" restore one.db || status=$?
    [ $status != 0 ] || return 1
    found=$(lines)
    [ $status = 137 ] && { [ "$found" = "$new" ] || [ "$found" = "$restored" ]; } || bad=$1
    kbs_on restore one.db >/dev/null || bad=$1
}

# Likewise of a backup: what it left is no backup, or a whole one.
killed_backing_up() {
    local status=0
    new_store
    rm -f copy.db
    dying "$1" backup copy.db || status=$?
    [ $status != 0 ] || return 1
    [ $status = 137 ] || bad=$1
    if [ -s copy.db ]; then
        kbs_on restore copy.db >/dev/null || bad=$1
    else
        rm -f copy.db
        kbs_on backup copy.db >/dev/null || bad=$1
    fi
}

# at_its_writes FUNCTION: at every fourth, or the STRIDEth; and at each of the last ten, which change names
at_its_writes() {
    local n last
    bad=0
    for ((n = 1; ; n += ${STRIDE:-4})); do "$1" $n || break; done
    last=$n
    while [ $n -gt $((last - 10)) ]; do
        n=$((n - 1))
        "$1" $n || last=$n
    done
    writes=$last
}

at_its_writes killed_restoring
equal "killed before any of its writes, restore leaves the store of before or the new one" $bad 0
check "it has some" [ "$writes" -gt 20 ]
at_its_writes killed_backing_up
equal "killed before any of its writes, backup leaves a whole one or none" $bad 0
check "it has some, too" [ "$writes" -gt 20 ]
finish
