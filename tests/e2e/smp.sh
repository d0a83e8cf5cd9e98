#!/bin/bash
# SPDX-License-Identifier: MIT
# VMs with several vCPUs under the SVSM: all come up, call the TPM at once, and go offline and online again.
#
# usage: tests/e2e/smp.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

# For the guest: commands from each processor at once; each is one that changes nothing.
# shellcheck disable=SC2016
ALL_AT_ONCE='all_at_once() {
    local cpu pids=
    for cpu in $(seq 0 $(($(nproc) - 1))); do
        taskset -c "$cpu" sh -c "for i in 1 2 3 4 5; do tpm2_getrandom 8 --hex >/dev/null || exit 1; done" &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || return 1; done
}'

vm_make_with_svsm
for cpus in 2 4; do
    guest "$ALL_AT_ONCE
        set -e
        [ \$(nproc) = $cpus ]
        ! dmesg | grep -F 'do_boot_cpu failed'
        all_at_once" --cpus $cpus
    expect "a VM of $cpus vCPUs has them all, and its TPM answers all of them at once" 0
done

# Once each: Linux 7.3 leaves a GHCB in use each time that a processor of an SEV-SNP guest goes offline, has two, and
# panics when the second is gone, with and without an SVSM. (A hundred times: tests/unit/svsm/test_vcpus.c.)
# shellcheck disable=SC2016
guest "$ALL_AT_ONCE"'
    set -e
    for cpu in 1 2 3; do echo 0 >/sys/devices/system/cpu/cpu$cpu/online; done
    [ $(nproc) = 1 ]
    for cpu in 3 1 2; do echo 1 >/sys/devices/system/cpu/cpu$cpu/online; done
    [ $(nproc) = 4 ]
    all_at_once
    ! dmesg | grep -E "clear VMSA page failed|SNP AP .* error"' --cpus 4
expect "vCPUs go offline and online again, and call the TPM" 0

# vCPU 1 is in the SVSM for as long as the TPM makes an RSA key, and vCPU 0 reads the time meanwhile. Were it held up, too, the
# longest time between two readings would be most of the command's.
# shellcheck disable=SC2016
guest '
    now() { cut -d" " -f1 /proc/uptime; }
    taskset -c 1 sh -c "cut -d\" \" -f1 /proc/uptime >/tmp/began; tpm2_createprimary -Q -G rsa2048 -c /tmp/key; touch /tmp/done" &
    pid=$!
    taskset -c 0 sh -c "until [ -e /tmp/done ]; do read time rest </proc/uptime; echo \$time; done >/tmp/readings"
    wait $pid && [ -e /tmp/key ] || exit 1
    awk -v began="$(cat /tmp/began)" -v ended="$(now)" "
        NR > 1 && \$1 - last > longest { longest = \$1 - last }
        { last = \$1 }
        END { print NR, \"readings in\", ended - began, \"s, the longest without one\", longest
              exit !(NR > 100 && 2 * longest < ended - began) }" /tmp/readings' --cpus 2
expect "a long TPM command of one vCPU does not hold up another" 0

# The guest's own: a report with the nonce, on a vCPU that Linux started
guest 'set -e
    mkdir /sys/kernel/config/tsm/report/r
    cd /sys/kernel/config/tsm/report/r
    head -c 64 /dev/urandom >inblob
    echo svsm >service_provider
    taskset -c 1 cat outblob | wc -c | grep -qx 1184' --cpus 2
expect "another vCPU than the first gets an attestation report from the SVSM" 0
finish
