#!/bin/bash
# SPDX-License-Identifier: MIT
# Linux under the SVSM with XSAVE as this machine's QEMU allows it, and with XSAVE hidden: it boots, shows what the hypervisor
# offers, and vector registers of its programs hold while the SVSM's services compute.
#
# usage: tests/e2e/xsave.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

vm_make_with_svsm

# Two digests of the same bytes at a time, while the TPM works: whoever loses a register gets another sum.
# shellcheck disable=SC2016 # the guest expands it
job="$GUEST_EMIT"'
    cd /tmp
    grep -m 1 ^flags /proc/cpuinfo | emit flags
    head -c 300000 /bin/busybox >bytes
    for i in 1 2; do
        (n=0; while [ $n -lt 30 ]; do n=$((n + 1)); sha256sum <bytes; done) >sums$i &
    done
    tpm-latency -n 20 GetRandom PCR_Extend | emit tpm
    wait
    sort sums1 sums2 | uniq -c | emit sums
    sha256sum <bytes | emit sum'

# offered: what the hypervisor said
offered() { sed -n 's/^XSAVE is \([a-z]*\);.*/\1/p' "$LOG_DIR/hypervisor.log"; }

# check_guest NAME
check_guest() {
    expect "Linux boots under the SVSM, $1" 0
    equal "$1: it has XSAVE if that is offered" "$(section flags | grep -cw xsave)" "$([ "$(offered)" = hidden ] && echo 0 || echo 1)"
    equal "$1: each digest is that of the bytes" "$(section sums | tr -s ' ')" " 60 $(section sum | tr -s ' ')"
    equal "$1: the TPM answers" "$(section tpm | grep -c -e ^GetRandom -e ^PCR_Extend)" 2
}

guest "$job" --timeout 300
check_guest "XSAVE as QEMU allows it"
echo "EMULATOR_OPTIONS=xsave=0" >>"$VM_CONF"
guest "$job" --timeout 300
check_guest "XSAVE hidden"
equal "with xsave=0 it is hidden" "$(offered)" hidden
finish
