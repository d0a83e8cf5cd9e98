#!/bin/bash
# SPDX-License-Identifier: MIT
# A volume with a lease, in whole VMs: an orderly end gives the lease back, so that the next start waits for nothing; an old
# disk is refused by name, and the KBS's owner learns of it; a copy beside the running VM waits in vain; and after a forced
# takeover the first VM is fenced. With anchoring while the guest runs, no change that was answered is lost at a power cut, or
# can be taken back, though the disk is one of the same boot; and a guest goes on without its KBS.
#
# usage: tests/e2e/anchoring.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

NV_INDEX=0x1500020

# lease FILTER: of what the KBS has of the lease
lease() { kbsctl --json volume lease show "$volume" | jq -r "$1"; }
lease_is() { [ "$(lease .phase)" = "$1" ]; }
counter_of() { lease "$1" | cut -d : -f 1; }
says() { grep -aqE "$1" "$LOG_DIR/console.log"; }
never_waited() { ! says 'has the state volume, since'; }

# For the guest
# shellcheck disable=SC2016
count="tpm2_nvread -C o $NV_INDEX | od -An -v -tx1 | tr -d ' '"
increment="tpm2_nvincrement -Q -C o $NV_INDEX && $count"

orderly_ends() {
    guest "tpm2_nvdefine -Q -C o -a 'ownerread|ownerwrite|nt=counter' $NV_INDEX && $increment"
    expect "a VM on a volume with a lease runs" 0
    check "its power-off gives the lease back" lease_is released
    start "[ \$BOOT = 2 ] || reboot -f; $increment && echo counted >/dev/console && sleep 1000"
    check "the next start, and one after a reboot, wait for nothing" await counted
    check "nobody waited" never_waited
    check "the VM has the lease" lease_is active
    kill -TERM $vm
    vm_status
    expect "SIGTERM ends the VM" 143 'power button'
    check "which gives the lease back" lease_is released
    check "the SVSM says so" says 'lease of the state volume is given back'
}

old_disk() {
    local last old
    cp "$STATE_VOLUME" "$work/yesterday"
    old=$(counter_of .committed)
    guest "$increment"
    last=$(cat "$work/output")
    cp "$STATE_VOLUME" "$work/today"
    cp "$work/yesterday" "$STATE_VOLUME"
    guest "$increment"
    expect "yesterday's disk is refused, by name" $EXIT_REFUSED 'the state volume is an old copy'
    check "nothing was written to it" cmp -s "$work/yesterday" "$STATE_VOLUME"
    equal "its owner learns which state it has" "$(counter_of .complaint.state)" "$old"
    cp "$work/today" "$STATE_VOLUME"
    guest "$count"
    expect "with the right disk the VM starts" 0
    equal "and has all that it had" "$(cat "$work/output")" "$last"
    check "nobody waited for the VM that was refused" never_waited
}

# The same VM once more, from copies of both disks
copy_beside() {
    local holder
    kbsctl volume set-lease "$volume" --lease-time 30 >/dev/null
    start "while tpm2_getrandom --hex 8 >/dev/null; do echo alive >/dev/console; sleep 1; done; exit 7"
    await '^alive' || true
    holder=$(lease .holder)
    make_copy
    in_a_copy true
    expect "a copy beside the running VM waits as long as the lease lasts, and does not start" $EXIT_REFUSED \
        "the VM with report_id ${holder:0:16}... has the state volume, since [0-9]+ s ago and for [0-9]+ s more" \
        'another VM uses the volume and keeps its lease'
    expect "start-cvm.sh names the command that breaks the lease" $EXIT_REFUSED "kbsctl volume lease break $volume"
    equal "the first VM has renewed its lease" "$(lease .phase) $(lease .holder)" "active $holder"
    kbsctl volume lease break "$volume" >/dev/null
    in_a_copy "$count"
    expect "with a broken lease the copy starts" 0
    check "the first VM is fenced, and says so" await 'another VM has taken over the state volume'
    vm_status
    expect "its TPM fails each command" 7 '0x101|TPM_RC_FAILURE'
    check "it did not change the committed state" lease_is released
    cp "$work/copy/tpm-state.raw" "$STATE_VOLUME" # that is the newest state now
}

# The guest counts ever on, a step after each answer of the TPM's.
# shellcheck disable=SC2016
count_on="while $increment >/root/n; do echo counted \$(cat /root/n) >/dev/console; sleep 3; done; exit 7"
last_count() { grep -aoE 'counted [0-9a-f]{16}' "$LOG_DIR/console.log" | sed -n '$s/.* //p'; }

anchored_changes() {
    local acknowledged
    kbsctl volume set-lease "$volume" --mode classed >/dev/null
    start "$count_on"
    check "with mode classed a VM runs" await 'counted'
    cp "$STATE_VOLUME" "$work/before"
    check "and changes its TPM" await "counted $(printf '%016x' $((0x$(last_count) + 1)))"
    cut_power
    acknowledged=$(last_count)
    cp "$STATE_VOLUME" "$work/after"
    kbsctl volume lease break "$volume" >/dev/null
    cp "$work/before" "$STATE_VOLUME"
    guest "$count"
    expect "an earlier disk of the same boot is refused" $EXIT_REFUSED 'the state volume is an old copy'
    cp "$work/after" "$STATE_VOLUME"
    guest "$count"
    equal "no change that was answered is lost at a power cut" "$(($(printf '%d' "0x$(cat "$work/output")") - 0x$acknowledged <= 1))" 1
}

kbs_away() {
    start "$count_on"
    await counted || true
    kill "$(cat "$STATE_DIR/kbs.pid")"
    vm_status
    expect "without its KBS a change is not answered as done, and nothing hangs" 7 '0x0*923'
    "$ROOT/start-kbs.sh" --stop
    "$ROOT/start-kbs.sh" --background 2>/dev/null
    kbsctl volume lease break "$volume" >/dev/null
    guest "$count"
    expect "with its KBS the VM starts again" 0
}

vm_make_with_svsm
volume=$(active_volumes)
kbsctl volume set-lease "$volume" --mode boot >/dev/null
orderly_ends
old_disk
copy_beside
anchored_changes
kbs_away
finish
