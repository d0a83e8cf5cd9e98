#!/bin/bash
# SPDX-License-Identifier: MIT
# Registers 500 secrets and volumes with a program that is killed (SIGKILL) at random instants and started again, and
# sees at the end that none that was acknowledged is missing, and that the audit log is whole. Beside with-postgres.sh,
# which runs it for PostgreSQL, the database's server is killed too, in every third round.
#
# usage: crash.sh REGISTER_MANY
set -euo pipefail

program=$1
count=500
here=$(dirname "$(readlink -f "$0")")
folder=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-crash-XXXXXX")
trap 'rm -rf "$folder"' EXIT
url=${SNP_VTPM_TEST_POSTGRES:-sqlite:$folder/store}
RANDOM=${SEED:=$$}
echo "SEED=$SEED"

acknowledged=0 rounds=0 crashes=0
while [ "$acknowledged" -lt $count ]; do
    rounds=$((rounds + 1))
    [ $rounds -le 200 ] || {
        echo "it gets nowhere: $acknowledged of $count after $rounds rounds"
        exit 1
    }
    : >"$folder/round" # it may be killed before it is executed
    setpriv --pdeathsig KILL "$program" "$url" register "$acknowledged" $count >"$folder/round" 2>"$folder/errors" &
    pid=$!
    # Long enough to get somewhere on a slow disk, too: longer from round to round.
    milliseconds=$((RANDOM % (100 + 20 * rounds)))
    sleep "$(printf '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000)))"
    if [ -n "${SNP_VTPM_TEST_POSTGRES-}" ] && [ $((rounds % 3)) = 0 ]; then
        "$here/with-postgres.sh" --crash
        crashes=$((crashes + 1))
    fi
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    acknowledged=$((acknowledged + $(tr -cd '\n' <"$folder/round" | wc -c)))
done
"$program" "$url" check $count
echo "$count registrations in $rounds rounds, $crashes crashes of the server: none is missing, and the log is whole"
