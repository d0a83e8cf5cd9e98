#!/bin/bash
# SPDX-License-Identifier: MIT
# Explores the model of leases and anchoring (leases.pml) with spin: all rules hold in every state that can be reached,
# and with any one of them taken out the model fails.
#
# usage: explore.sh [--long] [WHAT]...
#
#   WHAT      only these explorations or mutants, by name
#   --long    with larger bounds: half an hour
#   --list    the names
#   --traces  no exploration: what the KBS answered in 60 random runs, for tests/unit/kbs-lease
#
# Exit status: 0 as it should be, 1 the output says which rule does not hold or is not needed, 2 usage, 77 no spin.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../tap.sh"

# name: flags
explorations='
power cuts:           -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=3
batches:              -DVMS=1 -DBOOTS=3 -DSTATES=4 -DSEQUENCES=2 -DSAME_EPOCH
owner:                -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=1
rekey:                -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=4 -DSEQUENCES=2 -DOWNER=2 -DREKEYS
rekey, batches:       -DVMS=1 -DBOOTS=3 -DSTATES=4 -DSEQUENCES=2 -DOWNER=1 -DREKEYS -DSAME_EPOCH
lying disk, batches:  -DLYING -DVMS=1 -DBOOTS=3 -DSTATES=4 -DSEQUENCES=2 -DSAME_EPOCH
hostile:              -DHOSTILE -DBOOTS=2 -DSTATES=2 -DSEQUENCES=2
hostile, batches:     -DHOSTILE -DVMS=1 -DBOOTS=2 -DSTATES=4 -DSEQUENCES=2 -DSAME_EPOCH
hostile, owner:       -DHOSTILE -DVMS=1 -DBOOTS=3 -DSTATES=2 -DSEQUENCES=2 -DOWNER=1
restored store:       -DHOSTILE -DRESTORE -DBOOTS=2 -DSTATES=1 -DSEQUENCES=2
'
long_explorations='
power cuts:           -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=5 -DSEQUENCES=4
batches:              -DVMS=1 -DBOOTS=3 -DSTATES=5 -DSEQUENCES=4 -DSAME_EPOCH
owner:                -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=4 -DSEQUENCES=3 -DOWNER=2
hostile:              -DHOSTILE -DBOOTS=3 -DSTATES=2 -DSEQUENCES=3
'
mutants='
the request leaves before the flush:            -DM_NO_FLUSH -DVMS=1 -DBOOTS=2 -DSTATES=3 -DSEQUENCES=3
the committed state is overwritten:             -DM_OVERWRITES -DVMS=1 -DBOOTS=2 -DSTATES=3 -DSEQUENCES=3
the state that was opened is overwritten:       -DM_OVERWRITES_OPENED -DVMS=1 -DBOOTS=3 -DSTATES=5 -DSEQUENCES=3 -DSAME_EPOCH
in doubt, another state is written:             -DM_WRITES_IN_DOUBT -DVMS=1 -DBOOTS=2 -DSTATES=4 -DSEQUENCES=4
in doubt, another batch is written:             -DM_WRITES_IN_DOUBT -DVMS=1 -DBOOTS=2 -DSTATES=5 -DSEQUENCES=3 -DSAME_EPOCH
what matters is answered before the KBS has it: -DM_PROMISES_EARLY -DHOSTILE -DVMS=1 -DBOOTS=2 -DSTATES=4 -DSEQUENCES=2 -DSAME_EPOCH
the same, on a disk that lies:                  -DM_PROMISES_EARLY -DLYING -DVMS=1 -DBOOTS=2 -DSTATES=4 -DSEQUENCES=2 -DSAME_EPOCH
the guest starts before CONFIRM:                -DM_SERVE_EARLY -DVMS=1 -DBOOTS=2 -DSTATES=3 -DSEQUENCES=3
any state of the volume opens:                  -DM_NO_COMPARE_AT_BOOT -DHOSTILE -DVMS=1 -DBOOTS=2 -DSTATES=4 -DSEQUENCES=3
a blank disk gets a TPM again:                  -DM_MANUFACTURES_AGAIN -DHOSTILE -DVMS=1 -DBOOTS=2 -DSTATES=3 -DSEQUENCES=3
an earlier holder may ACQUIRE again:            -DM_REACQUIRE -DHOSTILE -DBOOTS=2 -DSTATES=2 -DSEQUENCES=2
any VM may act under any lease:                 -DM_NO_FENCE -DHOSTILE -DBOOTS=2 -DSTATES=2 -DSEQUENCES=2
requests count in any order:                    -DM_NO_SEQUENCE -DHOSTILE -DBOOTS=2 -DSTATES=1 -DSEQUENCES=4
requests count in any order, uncompared:        -DM_NO_SEQUENCE -DM_NO_COMPARE -DHOSTILE -DVMS=1 -DBOOTS=1 -DSTATES=3 -DSEQUENCES=4
the lease is timed from the reply:              -DM_COUNTS_FROM_REPLY -DHOSTILE -DBOOTS=2 -DSTATES=1 -DSEQUENCES=2
the key changes before CONFIRM:                 -DM_PROMOTE_EARLY -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=1 -DREKEYS
the key does not change with CONFIRM:           -DM_KEEPS_KEY -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=2 -DREKEYS
a rekey gives the newer key alone:              -DM_ONLY_NEWER_KEY -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=1 -DREKEYS
a state under a cancelled key is committed:     -DM_ANY_KEY -DM_CANCEL_KEEPS_LEASE -DSLOTS=2 -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=2 -DREKEYS
a broken lease may be renewed:                  -DM_BREAK_EXPIRES -DHOSTILE -DVMS=1 -DBOOTS=1 -DSTATES=2 -DSEQUENCES=3 -DOWNER=1
a lease outlives what the owner accepts:        -DM_ACCEPT_KEEPS_LEASE -DHOSTILE -DVMS=1 -DBOOTS=3 -DSTATES=2 -DSEQUENCES=3 -DOWNER=1
later states open than the owner accepted:      -DM_ACCEPT_KEEPS_EPOCH -DHOSTILE -DVMS=1 -DBOOTS=3 -DSTATES=3 -DSEQUENCES=2 -DOWNER=1 -DSAME_EPOCH
a restored store gives epochs again:            -DM_EPOCH_REPEATS -DRESTORE -DHOSTILE -DVMS=1 -DBOOTS=4 -DSTATES=5 -DSEQUENCES=2 -DSAME_EPOCH -DPROMPT
leases of a backup hold after a restore:        -DM_RESTORED_LEASES_HOLD -DRESTORE -DHOSTILE -DBOOTS=2 -DSTATES=2 -DSEQUENCES=2
'

bounds=$explorations
chosen=()
list=no traces=no
while [ $# != 0 ]; do
    case $1 in
        --long) bounds=$long_explorations ;;
        --list) list=yes ;;
        --traces) traces=yes ;;
        -h | --help) sed -n '3,15s/^# \{0,1\}//p' "$0"; exit ;;
        -*) sed -n '3,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
        *) chosen+=("$1") ;;
    esac
    shift
done
command -v spin >/dev/null || { skip "the model" "spin is not installed"; exit 77; }

# each LINES COMMAND...: for each line "name: flags" that was chosen, COMMAND NAME FLAG...
each() {
    local line name flags
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        name=${line%%: *}
        read -r -a flags <<<"${line#*: }"
        [ ${#chosen[@]} = 0 ] || [[ " ${chosen[*]} " == *" $name "* ]] || continue
        "${@:2}" "$name" "${flags[@]}" </dev/null
    done <<<"$1"
}

name_only() { echo "$1"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-model-XXXXXX")
trap 'rm -rf "$work"' EXIT

# explore -OLEVEL FLAG...: what pan says is in $output. A run that did not see every state is a failure. gcc takes as long
# as most explorations: seconds for -O1, one for -O0, with which pan takes twice as long.
explore() {
    local level=$1 folder
    shift
    folder=$(mktemp -d "$work/XXXXXX")
    cp "$here"/*.pml "$folder"
    output=$(cd "$folder" && spin -a "$@" leases.pml 2>&1 && gcc -w "$level" -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c 2>&1 &&
        nice ./pan -m100000 -n -E 2>&1) || true
    rm -rf "$folder"
}

holds() {
    local name=$1
    explore -O1 "${@:2}"
    if grep -q 'errors: 0$' <<<"$output" && ! grep -qE 'truncated|not completed|out of memory|too small' <<<"$output"; then
        pass "$name ($(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' <<<"$output"))"
    else
        fail "$name" "$output"
    fi
}

# A mutant must fail for breaking a promise, not for breaking the model.
fails() {
    local name=$1
    explore -O0 "${@:2}"
    if grep -qE 'assertion violated' <<<"$output"; then
        pass "without this rule the model fails: $name ($(sed -n 's/^pan:1: assertion violated \(.*\) (at.*/\1/p' <<<"$output"))"
    else
        fail "without this rule the model still holds: $name" "$output"
    fi
}

# Random runs, with the owner and without.
print_traces() {
    local seed flags
    cp "$here"/*.pml "$work"
    cd "$work"
    for seed in {1..60}; do
        flags=(-DCALM -DHOSTILE -DBOOTS=7 -DSTATES=12 -DSEQUENCES=20 -DOWNER=$((seed % 3 * 2)))
        [ $((seed % 2)) = 0 ] || flags+=(-DSAME_EPOCH)
        echo "RUN $seed"
        spin -T -n"$seed" -u3000 "${flags[@]}" leases.pml | grep -E '^ *(AT|KBS|OWNER|POLICY) ' || true
    done
}

if [ $list = yes ]; then
    each "$bounds$mutants" name_only
elif [ $traces = yes ]; then
    print_traces
else
    each "$bounds" holds
    each "$mutants" fails
    exit $((failures > 0))
fi
