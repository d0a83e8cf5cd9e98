#!/bin/bash
# SPDX-License-Identifier: MIT
# Whole VMs are killed (SIGKILL) at random instants: while a TPM is made, while they boot, while they increment an NV counter,
# and while the volume's key is changed. After each kill the next VM has to find the last value that a TPM had acknowledged
# to its guest, or the next one, which was under way.
#
# usage: tests/e2e/power_cuts.sh [ROUNDS]
#
#   ROUNDS   VMs to kill; 6 if it is not given. All kinds of kills and volumes come within 12.
#
# The first half of the rounds is on a volume without leases. Then it gets leases, by turns of the mode boot and classed, and
# in every third of these rounds a key to change over to.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

NV_INDEX=0x1500016
rounds=${1:-6}
[[ $# -le 1 && $rounds =~ ^[1-9][0-9]*$ ]] || { sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
acknowledged=none # the last value that the guest told of

# For the guest: what it finds, and then ever higher values, each as soon as the TPM has acknowledged it
# shellcheck disable=SC2016
count_on='
    value() { tpm2_nvread -C o '$NV_INDEX' 2>/dev/null | od -An -v -tx1 | tr -d " "; }
    tpm2_nvreadpublic '$NV_INDEX' >/dev/null 2>&1 ||
        tpm2_nvdefine -Q -C o -a "ownerread|ownerwrite|nt=counter" '$NV_INDEX'
    found=$(value)
    echo "found ${found:-none}" >/dev/console
    [ $FOUND_IS_ENOUGH = no ] || exit 0
    while tpm2_nvincrement -Q -C o '$NV_INDEX'; do echo "counted $(value)" >/dev/console; done
    exit 7'

# said WORD: what the guest said last after that word; nothing, if it did not
said() { { grep -aoE "$1 ([0-9a-f]{16}|none)" "$LOG_DIR/console.log" 2>/dev/null || true; } | sed -n '$s/.* //p'; }

# Whether a value that was found is the one that was acknowledged last, or the one after it. A new counter begins anywhere.
nothing_lost() {
    case $1 in
        '') false ;;
        none) [ "$acknowledged" = none ] ;;
        *) [ "$acknowledged" = none ] || [ $((0x$1 - 0x$acknowledged)) = 0 ] || [ $((0x$1 - 0x$acknowledged)) = 1 ] ;;
    esac
}

# look_back ROUND: at what the guest of a VM found, if it got so far
look_back() {
    local found
    found=$(said found)
    [ -z "$found" ] || check "round $1: no acknowledged value was lost (found $found after $acknowledged)" nothing_lost "$found"
    found=$(said counted)
    [ -z "$found" ] || acknowledged=$found
}

# up_to SECONDS: a random time
up_to() { sleep "$((RANDOM % $1)).$((RANDOM % 10))"; }

# A VM that is killed within the time of a boot, from its launch on
killed_in_boot() {
    await 'SVSM' || true
    up_to 12
}

killed_in_counting() {
    check "round $1: the VM starts after a power cut, and counts" await 'counted [0-9a-f]{16}'
    up_to 3
}

# The volume's owner: what the round's volume is
prepare_round() {
    local leased=$(($1 - rounds / 2))
    [ $leased -gt 0 ] || return 0
    kbsctl volume lease break "$volume" >/dev/null 2>&1 || true
    if [ $leased = 1 ]; then
        kbsctl volume set-lease "$volume" --mode boot --first either >/dev/null
    else
        kbsctl volume set-lease "$volume" --mode "$([ $((leased % 2)) = 0 ] && echo classed || echo boot)" >/dev/null
    fi
    # One that a VM before this did not come to change over to stays.
    [ $((leased % 3)) != 2 ] || kbsctl volume rekey "$volume" >/dev/null 2>&1 || true
}

vm_make_with_svsm
volume=$(active_volumes)
for ((round = 1; round <= rounds; round++)); do
    prepare_round $round
    start "FOUND_IS_ENOUGH=no; $count_on"
    if [ $((round % 3)) = 1 ]; then killed_in_boot; else killed_in_counting $round; fi
    cut_power
    look_back $round
done
kbsctl volume lease break "$volume" >/dev/null 2>&1 || true
rm -f "$LOG_DIR/console.log"
guest "FOUND_IS_ENOUGH=yes; $count_on"
expect "after $rounds power cuts a VM starts and ends" 0
look_back last
finish
