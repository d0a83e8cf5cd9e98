#!/bin/bash
# SPDX-License-Identifier: MIT
# A VM that start-cvm.sh is told to end tells its TPM: dictionary attack protection counts nothing. A power cut it counts.
#
# usage: tests/e2e/orderly_end.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

MAX_AUTH_FAIL=3

# For the guest: uses an object with dictionary attack protection, and waits
use_object="tpm2_createprimary -Q -C o -c primary.ctx && echo secret |
    tpm2_create -Q -C primary.ctx -p word -i - -u object.pub -r object.priv &&
    tpm2_load -Q -C primary.ctx -u object.pub -r object.priv -c object.ctx && tpm2_unseal -Q -c object.ctx -p word &&
    echo object used >/dev/console && sleep 10000"

# failed_authorizations: as the TPM has counted them
failed_authorizations() {
    guest 'tpm2_getcap properties-variable'
    sed -n 's/^TPM2_PT_LOCKOUT_COUNTER: *0x//p' "$work/output"
}

# used_then COMMAND...: a VM in which the object was used ends by this
used_then() {
    start "$use_object"
    await 'object used' || true
    "$@"
}

terminate() {
    kill -TERM $vm
    vm_status
}

vm_make_with_svsm
for ((i = 1; i <= MAX_AUTH_FAIL; i++)); do
    used_then terminate
    expect "SIGTERM ends the VM, number $i" 143 'Pressing the guest.s power button'
    check "and the guest powered off by itself" [ "$(grep -c 'ended hard' <<<"$output")" = 0 ]
done
equal "after $MAX_AUTH_FAIL such ends no failed authorization is counted" "$(failed_authorizations)" 0
used_then cut_power
equal "after a power cut one is" "$(failed_authorizations)" 1
finish
