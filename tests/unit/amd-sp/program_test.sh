#!/bin/sh
# SPDX-License-Identifier: MIT
# The program amd-sp from outside: its certificates under the openssl command, its exit statuses.
# Usage: program_test.sh AMD_SP CHIP_DIR
set -eu

amd_sp=$1
chip=$2
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# expect STATUS COMMAND...: the command must end with this status.
expect() {
    wanted=$1
    shift
    got=0
    "$@" >"$scratch/out" 2>&1 || got=$?
    if [ "$got" -ne "$wanted" ]; then
        echo "exit status $got instead of $wanted: $*" >&2
        cat "$scratch/out" >&2
        exit 1
    fi
}

expect 0 openssl verify -CAfile "$chip/ark.pem" -untrusted "$chip/ask.pem" "$chip/vcek.pem"
expect 0 openssl verify -CAfile "$chip/cert_chain.pem" "$chip/vcek.pem"
expect 2 openssl verify -CAfile "$chip/ark.pem" "$chip/vcek.pem"
openssl x509 -in "$chip/vcek.pem" -outform DER | cmp - "$chip/vcek.der"

expect 0 "$amd_sp" --help
expect 0 "$amd_sp" --chip "$chip" --init-chip
expect 2 "$amd_sp"
expect 2 "$amd_sp" --chip "$chip"
expect 2 "$amd_sp" --chip "$chip" --ram "$scratch/ram"
expect 2 "$amd_sp" --chip "$chip" --ram "$scratch/ram" --listen-fd 3x
expect 2 "$amd_sp" --chip "$chip" --guest-socket "$scratch/guest" --measurement 00
expect 2 "$amd_sp" --chip "$chip" --init-chip --ram "$scratch/ram"
expect 3 "$amd_sp" --chip "$scratch/missing/chip" --init-chip
expect 4 "$amd_sp" --chip "$chip" --ram "$scratch/ram" --socket "$scratch/missing/socket"
expect 6 "$amd_sp" --chip "$chip" --ram "$scratch/ram" --socket "$scratch/socket" \
    --log "$scratch/missing/log"
