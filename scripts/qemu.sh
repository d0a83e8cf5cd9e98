# SPDX-License-Identifier: MIT
# Finds a QEMU that is new enough. To be sourced after lib.sh.
# shellcheck shell=bash

# QEMU 7.2 (Debian 12) does not translate a nested guest's addresses while its paging is off.
QEMU_OLDEST=10

# qemu_major FILE: the major version of that QEMU, nothing when it does not run
qemu_major() { { "$1" --version 2>/dev/null || true; } | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p'; }

qemu_new_enough() {
    local major
    major=$(qemu_major "$1")
    [ "${major:-0}" -ge $QEMU_OLDEST ]
}

# find_qemu: prints the QEMU to use; fails when there is none.
find_qemu() {
    local candidate
    for candidate in ${QEMU:+"$QEMU"} qemu-system-x86_64 "$CACHE_DIR/qemu/current/qemu-system-x86_64"; do
        if qemu_new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
        # The one that was asked for is not passed over in silence.
        [ "$candidate" != "$QEMU" ] || return 1
    done
    return 1
}

# qemu_problem: why find_qemu failed, for a person
qemu_problem() {
    local candidate=${QEMU:-qemu-system-x86_64} major
    major=$(qemu_major "$candidate")
    if [ -n "$major" ]; then
        echo "$candidate is QEMU $major, and $QEMU_OLDEST or newer is needed"
    else
        echo "there is no QEMU: $candidate does not run"
    fi
}
