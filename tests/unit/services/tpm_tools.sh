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
. "$(dirname "$(readlink -f "$0")")/native_tpm.sh"

primary() {
    quietly tpm2_createprimary -C o -c primary.ctx
}
ek_public() {
    quietly tpm2_createek -G rsa -c ek.ctx -u "$1"
}

(umask 077 && head -c 64 /dev/urandom >right.key && head -c 64 /dev/urandom >wrong.key)
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
tpm2_pcrread sha256:16 | grep "0x0\{64\}" >/dev/null || fail "PCR 16 was not reset"
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
# refused TEXT KEY_FILE: the program ends with status 3 and says TEXT.
refused() {
    local status=0
    timeout 20 "$tpm_program" --tcp 19998 --state volume --key-file "$2" 2>second.log || status=$?
    [ "$status" -eq 3 ] || fail "the program ends with status $status"
    grep -q "$1" second.log || fail "it says something else: $(cat second.log)"
}
refused 'is another TPM using it?' right.key
stop_tpm

echo "a key file that others may read or change is refused, a pipe is not"
for mode in 640 604 620 602 660 644; do
    chmod $mode right.key
    refused 'others than its owner may read or change it; chmod 600' right.key
done
chmod 400 right.key
start_tpm <(cat right.key)
stop_tpm

# failed_tries: what the dictionary attack protection has counted
failed_tries() { printf %d "$(tpm2_getcap properties-variable | sed -n 's/^TPM2_PT_LOCKOUT_COUNTER: //p')"; }

echo "hard ends after the use of a protected object count for the lockout, orderly ends do not"
start_tpm right.key
quietly tpm2_nvdefine 0x1500005 -C o -s 8 -p password -a 'authread|authwrite|ownerwrite'
printf '%08d' 1 | quietly tpm2_nvwrite 0x1500005 -C o -i -
for signal in TERM INT HUP; do
    tpm2_nvread 0x1500005 -C 0x1500005 -P password >/dev/null 2>>tools.log || fail "the index cannot be read"
    end_tpm $signal
    start_tpm right.key
    [ "$(failed_tries)" = 0 ] || fail "after SIG$signal $(failed_tries) tries have failed"
done
for ends in 1 2 3; do
    tpm2_nvread 0x1500005 -C 0x1500005 -P password >/dev/null 2>>tools.log || fail "the index cannot be read"
    kill_tpm
    start_tpm right.key
    [ "$(failed_tries)" = $ends ] || fail "after $ends hard ends $(failed_tries) tries have failed"
done
! tpm2_nvread 0x1500005 -C 0x1500005 -P password >/dev/null 2>locked.log || fail "three hard ends do not lock"
grep -qi '0x0*921' locked.log || fail "tpm2_nvread fails otherwise: $(cat locked.log)"
quietly tpm2_dictionarylockout -c
tpm2_nvread 0x1500005 -C 0x1500005 -P password >/dev/null 2>>tools.log || fail "the lockout was not ended"
stop_tpm

echo "a clock that was set ahead is not back after a hard end"
start_tpm right.key
tpm2_setclock 86400000
kill_tpm
start_tpm right.key
[ "$(tpm2_readclock | sed -n 's/^ *clock: //p')" -ge 86400000 ] || fail "the clock is back"
stop_tpm
