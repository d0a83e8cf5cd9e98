# SPDX-License-Identifier: MIT
# How much of this machine a VM's memory can have. To be sourced after lib.sh for check_room; the others need nothing.
# shellcheck shell=bash disable=SC2154 # the caller's variables

# available_memory: what programs can have without others being swapped out, in bytes
available_memory() { echo $(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) << 10)); }

# room_in FOLDER: the bytes that files in it can still take
room_in() {
    local room
    room=$(df --output=avail -B1 "$1" 2>/dev/null | tail -n 1)
    echo "${room:-0}"
}

# check_room NEEDED ROOM WHERE [ADVICE]: ends the script if a VM's memory, both in bytes, does not fit there
check_room() {
    [ "$2" -ge "$1" ] || die -"$EXIT_MEMORY" \
        "a VM of $memory needs $((($1 + (1 << 20) - 1) >> 20))M of memory, and there are $(($2 >> 20))M $3" \
        "give it less by --memory, or end other programs${4:+, or $4}"
}
