#!/bin/bash
# SPDX-License-Identifier: MIT
# Unmodified OVMF and Linux as an SEV-SNP guest with four processors at VMPL0, without an SVSM: the emulated platform
# alone. Its reports are verified by the openssl command.
#
# usage: tests/e2e/no_svsm.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/tests/e2e/evidence.sh"

vm_make
nonce=$(od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n') # 64 characters, taken as bytes

guest "$GUEST_EMIT
    cd /sys/kernel/config/tsm/report && mkdir nonce
    printf %s $nonce >nonce/inblob
    emit report <nonce/outblob
    emit certificates <nonce/auxblob
    emit provider <nonce/provider
    dmesg | emit kernel
    grep -c -e _S3_ -e _S4_ /sys/firmware/acpi/tables/DSDT | emit sleep
    ls /dev | emit devices
    nproc | emit processors
    cd /sys/devices/system/cpu
    for i in 1 2 3; do
        echo 0 >cpu\$i/online && nproc
        echo 1 >cpu\$i/online && taskset \$((1 << i)) nproc --all
    done | emit hotplug
    for i in 0 1 2 3; do
        taskset \$((1 << i)) sh -c 'n=0; while [ \$n -lt 20000 ]; do n=\$((n + 1)); done; echo \$n' &
    done | sort | uniq -c | emit work" --no-svsm --cpus 4 --timeout 300
expect "OVMF and Linux boot at VMPL0 and run a command" 0
for name in report certificates; do
    section $name >"$work/$name"
done

check "Linux says that SEV-SNP is active" \
    grep -q 'Memory Encryption Features active:.* SEV-SNP' <(section kernel)
check "Linux uses the measured CPUID table" grep -q 'Using SNP CPUID table' <(section kernel)
check "Linux says that it runs at VMPL0" grep -q 'SNP running at VMPL0' <(section kernel)
equal "Linux starts all four processors" "$(section processors)" 4
equal "each of them but the first goes offline, comes back and works" "$(section hotplug | tr '\n' ' ')" "3 4 3 4 3 4 "
equal "all four work at a time" "$(section work | tr -s ' ')" " 4 20000"
equal "the machine offers neither S3 nor S4, from which a confidential VM cannot wake" "$(section sleep)" 0
equal "there is no TPM" "$(section devices | grep -c '^tpm')" 0
equal "configfs-tsm has SEV's provider" "$(section provider)" sev_guest
check_evidence "the report" "$work/report" "$work/certificates" "$IGVM_FILE_NO_SVSM" 0
equal "the report's REPORT_DATA is what was given" "$(report_data "$work/report")" "$(printf %s "$nonce" | xxd -p -c 64)"
finish
