#!/bin/bash
# SPDX-License-Identifier: MIT
# A volume with a lease gets another key by its next VM. That VM is killed before chosen writes to the volume, and each time
# the next one begins where the KBS's record says. In the end the guest has all that it had, the KBS gives out the newer key
# alone, and a copy of the disk of before is refused.
#
# usage: tests/e2e/rekey.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/scripts/qemu.sh"

SEALED=0x81000010
# Before which write or flush of the SVSM's the VM is killed: in the state under the newer key, at its superblock, after CONFIRM
CUTS=(2 6 8)

# The version of the volume's key, of the one to change over to, and of the one that is to be destroyed
keys() { kbsctl --json volume show "$volume" | jq -r '"\(.key_version) \(.lease.next_key_version) \(.lease.last_key_version)"'; }
committed() { kbsctl --json volume lease show "$volume" | jq -r .committed; }
opens_not_with() { ! opens_with "$1"; }
opens_with() { "$BUILD_DIR/state-volume/state-volume" verify --key-file "$1" "$STATE_VOLUME" >/dev/null 2>&1; }
key_file() { (umask 077 && head -c 64 /dev/urandom >"$1"); }

# The owner ends the lease of a VM that is gone.
end_lease() { kbsctl volume lease break "$volume" >/dev/null 2>&1 || true; }

# A QEMU that is killed before the call of that number which changes the state volume, if $work/die-at has one
fragile_qemu() {
    local qemu
    qemu=$(find_qemu)
    cat >"$work/qemu" <<END
#!/bin/bash
if [ -e "$work/die-at" ]; then
    export LD_PRELOAD=$BUILD_DIR/tests/unit/kbs/libdie_at.so DIE_ON=$STATE_VOLUME DIE_AT=\$(cat "$work/die-at")
fi
exec "$qemu" "\$@"
END
    chmod +x "$work/qemu"
    echo "QEMU=$work/qemu" >>"$VM_CONF"
}

cut_rekey() {
    local cut before
    before=$(committed)
    for cut in "${CUTS[@]}"; do
        echo "$cut" >"$work/die-at"
        guest true
        expect "a VM that changes the key is killed before write or flush $cut" $EXIT_ENDED
        rm "$work/die-at"
        if [ "$(keys)" = '1 2 null' ]; then
            equal "cut $cut: the KBS has the state of before" "$(committed)" "$before"
            check "cut $cut: which opens with the older key" opens_with "$work/old.key"
        else
            equal "cut $cut: the KBS has the newer key" "$(keys)" '2 null 1'
            check "cut $cut: which opens the volume" opens_with "$work/new.key"
        fi
        end_lease
    done
}

vm_make
key_file "$work/old.key"
key_file "$work/new.key"
{
    "$ROOT/remanufacture-tpm.sh"
    "$ROOT/start-kbs.sh" --background
    "$ROOT/register-resource-in-kbs.sh" -p "$(xxd -p -c 64 "$work/old.key")"
} 2>"$work/messages" || {
    cat "$work/messages" >&2
    exit 1
}
fragile_qemu
volume=$(active_volumes)
kbsctl volume set-lease "$volume" --mode boot >/dev/null
guest "cd /tmp && tpm2_createprimary -Q -C o -c p && echo sealed | tpm2_create -Q -C p -i - -u u -r r &&
    tpm2_load -Q -C p -u u -r r -c s && tpm2_evictcontrol -Q -C o -c s $SEALED && tpm2_unseal -c $SEALED"
equal "a VM seals a secret" "$status $(cat "$work/output")" '0 sealed'
cp "$STATE_VOLUME" "$work/before"
kbsctl volume rekey "$volume" --key-file "$work/new.key" >/dev/null
equal "the owner has a key to change over to" "$(keys)" '1 2 null'
cut_rekey

guest "tpm2_unseal -c $SEALED"
equal "the guest unseals its secret as if nothing had happened" "$status $(cat "$work/output")" '0 sealed'
equal "the KBS has the newer key, and nothing else to change over to" "$(keys | cut -d ' ' -f 1,2)" '2 null'
check "the volume opens with it" opens_with "$work/new.key"
check "and no more with the older one" opens_not_with "$work/old.key"
cp "$STATE_VOLUME" "$work/today"

cp "$work/before" "$STATE_VOLUME"
guest true
expect "a copy of before is refused, by name" $EXIT_REFUSED 'the state volume does not open with this key'
check "nothing was written to it" cmp -s "$work/before" "$STATE_VOLUME"
cp "$work/today" "$STATE_VOLUME"
guest "tpm2_unseal -c $SEALED"
equal "with the right disk all is there" "$status $(cat "$work/output")" '0 sealed'
equal "the older key is gone" "$(keys)" '2 null null'
finish
