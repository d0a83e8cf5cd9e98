#!/bin/bash
# SPDX-License-Identifier: MIT
# Each volume in volumes/, which an earlier build wrote, opens with this one, and all that was put there is found
# again: in the first start, and in the next, from what this build made of it.
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

for folder in "$here"/volumes/*-*; do
    echo "what was written with ${folder##*/} is found again"
    xz -dc "$folder/volume.xz" >volume
    start_tpm "$folder/key"
    grep -q 'is valid' tpm.log || fail "the state was not opened"
    compare "$folder" "first start"
    quietly tpm2_nvincrement 0x1500002 -C o -P $owner_auth
    tpm2_shutdown -c
    stop_tpm

    start_tpm "$folder/key"
    sed 's/^NV 0x1500002: 0000000000000003/NV 0x1500002: 0000000000000004/' "$folder/values" >values
    cp "$folder"/sealed.* .
    compare . "next start"
    stop_tpm
done
