#!/bin/bash
# SPDX-License-Identifier: MIT
# Each volume in volumes/, which another build wrote, opens with this one, and all that was put there is found again:
# in the first start, and in the next, from what this build made of it. One that a newer libtpms wrote is named as that.
# Usage: old_volumes.sh TPM_PROGRAM
set -euo pipefail

if [ $# -ne 1 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    echo "usage: $0 TPM_PROGRAM" >&2
    exit 2
fi
here=$(dirname "$(readlink -f "$0")")
. "$here/native_tpm.sh"
. "$here/volume_contents.sh"

# compare FOLDER WHEN
compare() {
    look_at "$1" >found
    diff "$1/values" found >differences || fail "$2: what was there and what is found differs: $(cat differences)"
    [ "$(tpm2_readclock | sed -n 's/^ *clock: //p')" -ge "$clock" ] || fail "$2: the clock went back"
}

# is_found_again FOLDER
is_found_again() {
    start_tpm key
    grep -q 'is valid' tpm.log || fail "the state was not opened"
    compare "$1" "first start"
    quietly tpm2_nvincrement 0x1500002 -C o -P $owner_auth
    tpm2_shutdown -c
    stop_tpm

    start_tpm key
    sed 's/^NV 0x1500002: 0000000000000003/NV 0x1500002: 0000000000000004/' "$1/values" >values
    cp "$1"/sealed.* .
    compare . "next start"
    stop_tpm
}

is_named_as_too_new() {
    local status=0
    cp volume before
    timeout 20 "$tpm_program" --tcp 19998 --state volume --key-file key 2>tpm.log || status=$?
    [ $status -eq 6 ] || fail "the program ends with status $status"
    grep -q 'a newer libtpms wrote' tpm.log || fail "it is not named as too new"
    cmp volume before || fail "the volume was written to"
}

# The library of this build, as its log names it
head -c 64 /dev/urandom >key
chmod 600 key
power_on key
library=$(sed -n 's/.*libtpms \([0-9.]*\).*/\1/p' tpm.log)
[ -n "$library" ] || fail "the log does not name libtpms"
stop_tpm

for folder in "$here"/volumes/*-*; do
    writer=${folder##*/libtpms-}
    xz -dc "$folder/volume.xz" >volume
    cp "$folder/key" key
    if [ "$(printf '%s\n' "$writer" "$library" | sort -V | tail -n 1)" = "$library" ]; then
        echo "what was written with libtpms $writer is found again with $library"
        is_found_again "$folder"
    else
        echo "what was written with libtpms $writer is too new for $library, and named as that"
        is_named_as_too_new
    fi
done
