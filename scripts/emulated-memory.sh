# SPDX-License-Identifier: MIT
# The memory of the machine below the emulated platform, in bytes: the guest's, and above it the hypervisor's part,
# the reserve. To be sourced; tests/emulator/run-guest.sh uses it, too.
# shellcheck shell=bash

# QEMU has no memory between here and 4 GiB (-machine max-ram-below-4g): OVMF under an SVSM takes the memory below the
# SVSM's region for all that is below 4 GiB, and puts the PCI windows at 2 GiB.
# shellcheck disable=SC2034 # for those who source this
EMULATED_LOW_END=$((2 << 30))

# emulated_reserve GUEST: 96 MiB for programs, launch image and firmware; the tables (RMP, nested pages of up to five
# views) take at most 7/512 of the guest's memory.
emulated_reserve() { echo $(((96 << 20) + ($1 / 64 + (1 << 20) - 1 >> 20 << 20))); }

emulated_machine_size() { echo $(($1 + $(emulated_reserve "$1"))); }

# emulated_reserve_start GUEST: the reserve is the top of the memory below 4 GiB.
emulated_reserve_start() {
    local low
    low=$(emulated_machine_size "$1")
    [ "$low" -lt $EMULATED_LOW_END ] || low=$EMULATED_LOW_END
    echo $((low - $(emulated_reserve "$1")))
}
