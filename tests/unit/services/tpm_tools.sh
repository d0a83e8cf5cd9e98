#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the native TPM program under tpm2-tools: what was sealed and stored in one start is there in
# the next, and with another key the TPM is another one and the volume stays as it is.
# Usage: tpm_tools.sh TPM_PROGRAM
set -euo pipefail

if [ $# -ne 1 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    echo "usage: $0 TPM_PROGRAM" >&2
    exit 2
fi
if ! command -v tpm2_startup >/dev/null; then
    echo "skipped: tpm2-tools is not installed" >&2
    exit 77
fi

tpm_program=$(realpath "$1")
work=$(mktemp -d)
tpm_pid=
cleanup() {
    if [ -n "$tpm_pid" ]; then kill "$tpm_pid" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

fail() {
    echo "FAILED: $1" >&2
    if [ -e tpm.log ]; then sed 's/^/    tpm: /' tpm.log >&2; fi
    exit 1
}

# start_tpm KEY_FILE: starts the program on a free pair of ports and sends TPM2_Startup.
start_tpm() {
    local port
    for _ in $(seq 20); do
        port=$((20000 + 2 * (RANDOM % 10000)))
        : >tpm.log
        setpriv --pdeathsig KILL "$tpm_program" --tcp "$port" --state volume --key-file "$1" --create 2>>tpm.log &
        tpm_pid=$!
        for _ in $(seq 100); do
            if grep -q 'TPM ready' tpm.log; then
                export TPM2TOOLS_TCTI="mssim:host=localhost,port=$port"
                tpm2_startup -c
                return
            fi
            kill -0 "$tpm_pid" 2>/dev/null || break
            sleep 0.05
        done
        grep -q 'cannot listen' tpm.log || break
    done
    fail "the TPM does not start"
}

stop_tpm() {
    kill "$tpm_pid"
    wait "$tpm_pid" || fail "the TPM ends with status $?"
    tpm_pid=
}

# There is no resource manager, and few slots for objects: every command frees its own.
quietly() {
    "$@" >>tools.log 2>&1 || fail "$* says: $(tail -n 3 tools.log)"
    tpm2_flushcontext -t
}
primary() {
    quietly tpm2_createprimary -C o -c primary.ctx
}
ek_public() {
    quietly tpm2_createek -G rsa -c ek.ctx -u "$1"
}

head -c 64 /dev/urandom >right.key
head -c 64 /dev/urandom >wrong.key
printf 'the secret' >secret

echo "a blank volume gets a new TPM"
start_tpm right.key
grep -q 'manufacturing' tpm.log || fail "no TPM was manufactured"
[ "$(tpm2_getrandom --hex 16 | wc -c)" -eq 32 ] || fail "tpm2_getrandom gives no 16 bytes"
primary
quietly tpm2_create -C primary.ctx -i secret -u sealed.pub -r sealed.priv
quietly tpm2_load -C primary.ctx -u sealed.pub -r sealed.priv -c sealed.ctx
[ "$(tpm2_unseal -c sealed.ctx)" = 'the secret' ] || fail "the secret does not unseal"
tpm2_flushcontext -t
ek_public first-ek.pub
quietly tpm2_nvdefine 0x1500001 -C o -s 10 -a 'ownerread|ownerwrite'
quietly tpm2_nvwrite 0x1500001 -C o -i secret
quietly tpm2_pcrextend "16:sha256=$(printf '%064d' 1)"
stop_tpm

echo "the next start has the same state, and the PCRs of a power-on"
start_tpm right.key
grep -q 'is valid' tpm.log || fail "the state was not opened"
ek_public second-ek.pub
cmp first-ek.pub second-ek.pub || fail "the endorsement key is another one"
[ "$(tpm2_nvread 0x1500001 -C o)" = 'the secret' ] || fail "the NV index has another content"
tpm2_pcrread sha256:16 | grep -q "0x0\{64\}" || fail "PCR 16 was not reset"
primary
quietly tpm2_load -C primary.ctx -u sealed.pub -r sealed.priv -c sealed.ctx
[ "$(tpm2_unseal -c sealed.ctx)" = 'the secret' ] || fail "the secret does not unseal"
tpm2_flushcontext -t
stop_tpm

echo "another key gives an ephemeral TPM and leaves the volume untouched"
cp volume volume.before
start_tpm wrong.key
grep -q 'ephemeral' tpm.log || fail "the wrong key was not named"
ek_public third-ek.pub
if cmp -s first-ek.pub third-ek.pub; then fail "the ephemeral TPM has the endorsement key"; fi
quietly tpm2_nvdefine 0x1500001 -C o -s 10 -a 'ownerread|ownerwrite'
primary
if tpm2_load -C primary.ctx -u sealed.pub -r sealed.priv -c sealed.ctx 2>load.log; then
    fail "the ephemeral TPM loads the sealed object"
fi
grep -qi '0x0*1df' load.log || fail "tpm2_load fails otherwise: $(cat load.log)"
stop_tpm
cmp volume volume.before || fail "the volume was written to"

echo "with the right key the state is back"
start_tpm right.key
ek_public fourth-ek.pub
cmp first-ek.pub fourth-ek.pub || fail "the endorsement key is another one"
stop_tpm

echo "a second TPM cannot use a volume in use"
start_tpm right.key
status=0
"$tpm_program" --tcp 19998 --state volume --key-file right.key 2>second.log || status=$?
[ "$status" -eq 3 ] || fail "the second TPM ends with status $status"
stop_tpm
