#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs state-volume: on volumes of the TPM program's under tpm2-tools, and of swtpm's states, in both directions.
# Usage: state_volume.sh TPM_PROGRAM STATE_VOLUME_PROGRAM
set -euo pipefail

if [ $# -ne 2 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    echo "usage: $0 TPM_PROGRAM STATE_VOLUME_PROGRAM" >&2
    exit 2
fi
here=$(dirname "$(readlink -f "$0")")
state_volume=$(realpath "$2")
. "$here/../services/native_tpm.sh"

OK=0 USAGE=2 FILE=3 CHANGED=4 REFUSED=5 NEWER=6 KEY=7 NOTHING=8 EXISTS=9 UNKNOWN=10

# ends STATUS PATTERN ARGUMENT...: state-volume ends so, and says that; its output is in "output"
ends() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    "$state_volume" "$@" >output 2>&1 || status=$?
    [ $status = "$wanted" ] || fail "state-volume $* ends with $status, not $wanted: $(cat output)"
    [ -z "$pattern" ] || grep -q -- "$pattern" output || fail "state-volume $* says: $(cat output)"
}
# leaves STATUS PATTERN ARGUMENT...: likewise, and "volume" stays as it is
leaves() {
    cp volume volume.before
    ends "$@"
    cmp volume volume.before || fail "state-volume ${*:3} wrote to the volume"
}
new_key() { (umask 077 && head -c 64 /dev/urandom >"$1"); }
ek_public() { quietly tpm2_createek -G rsa -c ek.ctx -u "$1"; }

new_key key
new_key other.key

echo "a TPM that is manufactured offline has the endorsement key that was written"
ends $OK manufacturing manufacture -k key --ek ek.pub --size 1M --volume-id 00112233-4455-6677-8899-aabbccddeeff volume
[ "$(stat -c %a,%s volume)" = 600,1048576 ] || fail "the new volume is not private, or has another size"
start_tpm key
ek_public found.pub
cmp ek.pub found.pub || fail "the endorsement key is another one"
leaves $FILE 'is another TPM using it' show -k key volume
tpm2_getcap properties-variable | grep 'TPM2_PT_LOCKOUT_COUNTER: 0x0' >/dev/null || fail "there was no orderly end"
quietly tpm2_nvdefine 0x1500001 -C o -s 10 -a 'ownerread|ownerwrite'
printf '0123456789' | quietly tpm2_nvwrite 0x1500001 -C o -i -
stop_tpm
leaves $EXISTS 'is not blank' manufacture -k key volume
leaves $EXISTS 'is not blank' manufacture -k other.key volume

echo "what a volume holds is told, with its key"
leaves $OK 'is valid: state number [0-9]' verify -k key volume
leaves $OK 'volume id:   00112233-4455-6677-8899-aabbccddeeff' show --key-file key volume
grep -qx 'version:     2' output || fail "show says: $(cat output)"
grep -q '^superblocks: 3 of 3 have this state$' output || fail "show says: $(cat output)"
leaves $OK '^[0-9]* tpm2-permall$' list -k key volume

echo "without it only that it may be one"
leaves $UNKNOWN 'whether it is one, only its key tells' verify volume
leaves $UNKNOWN 'give it with --key-file' show volume
truncate -s 1M blank
ends $NOTHING 'is blank' verify blank
ends $NOTHING 'no TPM was made on it yet' verify -k key blank

echo "what does not fit is named"
leaves $KEY 'does not open with this key' verify -k other.key volume
cp volume damaged
printf damage | dd of=damaged bs=1 seek=8200 conv=notrunc status=none
printf damage | dd of=damaged bs=1 seek=12300 conv=notrunc status=none
printf damage | dd of=damaged bs=1 seek=16400 conv=notrunc status=none
printf damage | dd of=damaged bs=1 seek=20500 conv=notrunc status=none
ends $CHANGED 'was damaged or tampered with' verify -k key damaged
ends $CHANGED 'put the last good copy back' extract -k key -o nothing damaged
truncate -s 1000000 short
ends $FILE 'a multiple of 4096 bytes' verify -k key short
ends $FILE 'a multiple of 4096 bytes' verify short
ends $FILE 'cannot open the state volume missing' verify -k key missing
(umask 077 && head -c 63 key >short.key)
ends $FILE "cannot read a key of exactly 64 bytes" verify -k short.key volume
chmod 644 other.key
ends $FILE 'chmod 600' verify -k other.key volume
chmod 600 other.key
(umask 077 && for _ in 1 2; do printf '%032d' 7; done >weak.key)
leaves $FILE 'its two halves are equal' verify -k weak.key volume
ends $USAGE 'see state-volume --help' no-command
ends $USAGE 'takes one VOLUME' verify -k key
ends $USAGE '--output FILE' extract -k key volume
ends $USAGE 'at least 1M' manufacture -k key --size 4096 new
ends $USAGE 'not a size' manufacture -k key --size 1MM new
ends $USAGE 'not a UUID' manufacture -k key --volume-id 1234 new
[ ! -e new ] || fail "a volume was made"

echo "half of an earlier copy is a mixture"
cp volume mixed
for _ in 1 2; do
    start_tpm key
    stop_tpm
done
dd if=volume of=mixed bs=512K count=1 conv=notrunc status=none
ends $CHANGED 'parts of an older copy were put back' verify -k key mixed
leaves $OK 'is valid' verify -k key volume

echo "a state goes out and into a volume under another key"
leaves $OK '' extract -k key -o state volume
[ "$(stat -c %a state)" = 600 ] || fail "others can read the state"
ends $EXISTS 'exists already' extract -k key -o state volume
ends $OK '' import -k other.key -i state --size 2M other
cmp -s state <("$state_volume" extract -k other.key -o again other && cat again) || fail "another state comes out"
ends $EXISTS 'has a TPM already; --replace' import -k other.key -i state other
ends $OK '' import -k other.key -i state --replace other
head -c 500 state >half-state
leaves $REFUSED 'does not load this' import -k key -i half-state --replace volume
printf '\0\143\253\066\107\043\0\143' >newer-state
leaves $NEWER 'a newer libtpms' import -k key -i newer-state --replace volume
printf 'variables' >variables
ends $OK '' import -k other.key -i variables --object uefi-variables other
ends $OK '^9 uefi-variables$' list -k other.key other
ends $OK '' extract -k other.key --object uefi-variables -o variables.out other
cmp variables variables.out || fail "the other object is another one"
ends $NOTHING 'state-volume list' extract -k other.key --object nothing -o nothing other
ends $USAGE 'cannot have an object' import -k other.key -i variables --object 'Not a name' other

echo "another key opens the same TPM, and the old one nothing"
ends $OK '' rekey -k key --new-key-file other.key volume
leaves $KEY 'does not open' verify -k key volume
leaves $OK 'is valid' verify -k other.key volume
ends $OK 'has this key' rekey -k key --new-key-file other.key volume
leaves $KEY 'does not open' rekey -k key --new-key-file key volume
leaves $FILE 'its two halves are equal' rekey -k other.key --new-key-file weak.key volume
start_tpm other.key
ek_public found.pub
cmp ek.pub found.pub || fail "the endorsement key is another one"
[ "$(tpm2_nvread 0x1500001 -C o 2>>tools.log)" = 0123456789 ] || fail "the NV index has another content"
stop_tpm

echo "volumes of format version 1 are read"
for folder in "$here"/../services/volumes/*-*; do
    xz -dc "$folder/volume.xz" >volume
    (umask 077 && cp "$folder/key" old.key)
    chmod 600 old.key
    leaves $OK '^version:     1, the next write makes it 2$' show -k old.key volume
    ends $OK '' rekey -k old.key --new-key-file key volume
    leaves $OK '^version:     2$' show -k key volume
done

if ! command -v swtpm >/dev/null; then
    echo "swtpm is not installed: states of its are not tried"
    exit 0
fi

swtpm_pid=''
start_swtpm() {
    for _ in $(seq 20); do
        tpm_port=$((20000 + 2 * (RANDOM % 6000)))
        setpriv --pdeathsig KILL swtpm socket --tpm2 --tpmstate dir="$PWD/swtpm" --flags not-need-init \
            --server type=tcp,port=$tpm_port --ctrl type=tcp,port=$((tpm_port + 1)) >swtpm.log 2>&1 &
        swtpm_pid=$!
        export TPM2TOOLS_TCTI="swtpm:host=localhost,port=$tpm_port"
        for _ in $(seq 100); do
            ! tpm2_startup -c 2>/dev/null || return 0
            kill -0 $swtpm_pid 2>/dev/null || break
            sleep 0.05
        done
    done
    fail "swtpm does not start: $(cat swtpm.log)"
}
stop_swtpm() {
    tpm2_shutdown -c
    kill -TERM $swtpm_pid
    wait $swtpm_pid || true
}

echo "what swtpm keeps becomes a volume"
mkdir swtpm
start_swtpm
ek_public swtpm-ek.pub
quietly tpm2_nvdefine 0x1500001 -C o -s 10 -a 'ownerread|ownerwrite'
printf 'from swtpm' | quietly tpm2_nvwrite 0x1500001 -C o -i -
stop_swtpm
rm volume
ends $OK '' import -k key -i swtpm/tpm2-00.permall volume
start_tpm key
ek_public found.pub
cmp swtpm-ek.pub found.pub || fail "the endorsement key is another one"
[ "$(tpm2_nvread 0x1500001 -C o 2>>tools.log)" = 'from swtpm' ] || fail "the NV index has another content"
printf 'from here.' | quietly tpm2_nvwrite 0x1500001 -C o -i -
stop_tpm

echo "and swtpm goes on with what a volume keeps"
rm swtpm/tpm2-00.permall
ends $OK '' extract -k key --swtpm -o swtpm/tpm2-00.permall volume
start_swtpm
ek_public found.pub
cmp swtpm-ek.pub found.pub || fail "the endorsement key is another one"
[ "$(tpm2_nvread 0x1500001 -C o 2>>tools.log)" = 'from here.' ] || fail "the NV index has another content"
stop_swtpm

echo "a file of swtpm's that is encrypted or not whole is refused"
head -c 64 /dev/urandom | sha256sum | cut -c1-32 >swtpm.key
mkdir encrypted
swtpm_setup --tpm2 --tpmstate "$PWD/encrypted" --keyfile swtpm.key >swtpm.log 2>&1 ||
    fail "swtpm_setup does not make an encrypted state: $(cat swtpm.log)"
leaves $FILE 'is encrypted by swtpm' import -k key -i encrypted/tpm2-00.permall --replace volume
head -c 1000 swtpm/tpm2-00.permall >short-state
leaves $REFUSED 'does not load' import -k key -i short-state --replace volume
