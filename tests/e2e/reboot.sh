#!/bin/bash
# SPDX-License-Identifier: MIT
# A reboot in the guest is a new launch with a new attestation and a TPM reset: PCRs are as after a start, the TPM's state is
# what it was, and it was told of the end.
#
# usage: tests/e2e/reboot.sh [TIMES]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

times=${1:-2}

# The guest counts its boots in the TPM, where they are as many as the host says, and leaves a trace in a PCR.
# shellcheck disable=SC2016 # for the guest
script='
fail() { echo "boot $BOOT: $*"; exit 1; }
if [ $BOOT = 1 ]; then
    tpm2_nvdefine -Q -C o -a "ownerread|ownerwrite|nt=counter" 0x1500001 || fail define
fi
tpm2_nvincrement -Q -C o 0x1500001 || fail increment
count=$(tpm2_nvread -C o 0x1500001 | od -An -v -tx1 | tr -d " ")
[ $BOOT = 1 ] && echo $count >/root/first
printf "%d" $((0x$count - 0x$(cat /root/first) + 1)) | grep -qx $BOOT || fail "counter $count"
banks=$(tpm2_getcap pcrs | sed -n "s/^ *- \(sha[0-9]*\): \[ *\([0-9]*\).*/\1:\2/p" | tr "\n" " ")
[ "$banks" = "sha1: sha256:0 sha384: sha512: " ] || fail "PCR banks $banks"
tpm2_pcrread sha256:23 | grep -q "0x0\{64\}" || fail "PCR 23 was not reset"
tpm2_pcrextend 23:sha256=$(printf "%064d" 5) || fail extend
tpm2_getcap properties-variable | grep -q "TPM2_PT_LOCKOUT_COUNTER: 0x0" || fail "an end that the TPM was not told of"
if [ $BOOT -le '"$times"' ]; then reboot -f; sleep 1000; fi
echo $BOOT boots'

vm_make_with_svsm
guest "$script"
equal "after $times reboots the TPM has counted each boot, with the same PCR banks" "$(cat "$work/output")" "$((times + 1)) boots"
equal "its status is the command's" "$status" 0
expect "the script says so" 0 "start number $((times + 1))"
check "each start was attested anew" [ "$(grep -ac 'released by the KBS' "$LOG_DIR/console.log")" = $((times + 1)) ]
guest 'reboot -f' --no-reboot
expect "with --no-reboot it ends the VM" $EXIT_REBOOTED 'the guest rebooted'
check "nothing is left running" [ -z "$(processes_of_vm)" ]
finish
