#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's kernel that starts another one, at will (kexec) and after a panic (kdump), under the SVSM: the second kernel
# reaches the SVSM by the calling area that the first had left, and the TPM goes on as it was.
#
# usage: tests/e2e/kexec.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/scripts/guest-disk.sh"

# For the guest. The job's script runs once under each kernel; the first extends a PCR that only a reset clears, and
# what starts the second is put behind.
first_kernel="tpm2_pcrextend 15:sha256=$(printf '5a%.0s' {1..32}) && cat /sys/class/tpm/tpm0/pcr-sha256/15 >/root/pcr && sync"
# shellcheck disable=SC2016 # for the guest
second_kernel='
    cmp -s /root/pcr /sys/class/tpm/tpm0/pcr-sha256/15 && echo "the PCR is as it was"
    tpm2_getrandom --hex 8 | grep -Eq "^[0-9a-f]{16}$" && echo "the TPM answers"
    mkdir /sys/kernel/config/tsm/report/r && cd /sys/kernel/config/tsm/report/r
    head -c 64 /dev/zero >inblob && echo 2 >privlevel
    [ "$(wc -c <outblob)" -gt 1000 ] && echo "the AMD-SP answers"
    head -c 4 /proc/vmcore 2>/dev/null | grep -q ELF && echo "the memory of the first is there"
    exit 0'

# under_two_kernels STARTER [OPTION]...: runs the first script under the VM's kernel, and the second under the one that
# STARTER starts
under_two_kernels() {
    local starter=$1
    shift
    guest "if grep -q second-kernel /proc/cmdline; then $second_kernel; else $first_kernel && $starter; fi" "$@"
}

# second_kernel_says WHAT SENTENCE...
second_kernel_says() {
    local what=$1 sentence
    shift
    expect "$what leads to another kernel" 0
    for sentence; do
        check "after $what: $sentence" grep -q "^$sentence" "$work/output"
    done
}

vm_make_with_svsm
under_two_kernels 'kexec -a second-kernel /boot/vmlinuz'
second_kernel_says kexec "the PCR is as it was" "the TPM answers" "the AMD-SP answers"

extend_command_line "$GUEST_IMAGE" "$work/kdump.qcow2" "crashkernel=256M"
under_two_kernels 'kexec -p -a second-kernel /boot/vmlinuz && echo c >/proc/sysrq-trigger' \
    --image "$work/kdump.qcow2" --memory 1G
second_kernel_says "a panic" "the PCR is as it was" "the TPM answers" "the AMD-SP answers" \
    "the memory of the first is there"
finish
