#!/bin/bash
# SPDX-License-Identifier: MIT
# VMs of sizes at which the machine's memory map changes: the least, one of an odd number of MiB, and two whose memory
# QEMU would put past 2 GiB below 4. (tests/emulator/memory-sizes.sh tries the maps of many more, without a guest.) And one
# that cannot rely on what a page holds after it changed hands.
#
# usage: tests/e2e/memory.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

vm_make_with_svsm
for size in 256M 257M 2304M 2719M; do
    guest "[ -c /dev/tpm0 ]" --memory $size
    expect "a VM of $size boots and has a TPM" 0
done

echo EMULATOR_OPTIONS=strict=1 >>"$VM_CONF"
guest "[ -c /dev/tpm0 ]"
expect "a VM boots and has a TPM where pages that change hands hold noise" 0
finish
