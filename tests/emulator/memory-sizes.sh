#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the guest memory_map on the emulated platform with as much memory as a VM may have, around each size at which
# the machine's memory map changes, and prints TAP.
#
# usage: memory-sizes.sh BUILD_DIR IMAGE
set -u

here=$(dirname "$(readlink -f "$0")")
. "$here/../../scripts/emulated-memory.sh"

# The largest VM whose memory is all below 2 GiB, in MiB
low=$((EMULATED_LOW_END >> 20))
while [ "$(emulated_machine_size $((low << 20)))" -gt $EMULATED_LOW_END ]; do low=$((low - 1)); done

# Without special treatment QEMU would have memory past 2 GiB from there on, and up to 2.75 GiB less the reserve.
sizes=(256 257 512 1024 "$((low - 1))" "$low" "$((low + 1))" "$((low + 2))" 2047 2048 2049 2304 2560 2700 2719 2720 2815 2816
    3072 4095 4096 4097 6144 8192 16383 16384)
number=0 failed=0
for size in "${sizes[@]}"; do
    number=$((number + 1)) word=ok
    output=$(SNP_VTPM_GUEST_MIB=$size "$here/run-guest.sh" "$1" "$2") || word='not ok'
    case $output in '1..0 # SKIP'*) echo "$output" && exit ;; esac
    echo "$word $number - the memory map of a VM of $size MiB"
    [ "$word" = ok ] || {
        failed=1
        echo "#   ${output//$'\n'/$'\n'#   }"
    }
done
echo "1..$number"
exit $failed
