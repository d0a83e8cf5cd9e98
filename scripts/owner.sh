# SPDX-License-Identifier: MIT
# The owner's side: the KBS with its folder, and the launch image that trusts it. To be sourced after lib.sh.
# shellcheck shell=bash

# make_kbs: the KBS's folder, with its configuration, keys and certificates
make_kbs() {
    "$BUILD_DIR/kbs/kbs" init "$KBS_DIR" --listen "127.0.0.1:$KBS_PORT" --admin-listen "127.0.0.1:$KBS_ADMIN_PORT" \
        --kds none --trust-emulated "$CHIP_DIR/ark.pem"
}

# refresh_release_key: the file with the key that the KBS signs releases with, after that was rotated
refresh_release_key() {
    "$BUILD_DIR/kbs/kbs" show-release-key --config "$KBS_DIR/kbs.conf" >"$KBS_DIR/release-key.new"
    if cmp -s "$KBS_DIR/release-key.new" "$KBS_DIR/release-key.pem"; then
        rm "$KBS_DIR/release-key.new"
    else
        mv "$KBS_DIR/release-key.new" "$KBS_DIR/release-key.pem"
    fi
}

# build_svsm_image [OPTION]...: SVSM, services and firmware, with that key pinned in it
build_svsm_image() {
    "$BUILD_DIR/igvm/igvm" build --svsm "$BUILD_DIR/svsm/svsm.elf" --firmware "$FIRMWARE" \
        --service "attest=$BUILD_DIR/services/attest/attest" --service "tpm=$BUILD_DIR/services/tpm/tpm" \
        --kbs-key "$KBS_DIR/release-key.pem" --pcr-banks "$PCR_BANKS" --output "$IGVM_FILE" "$@"
}

# kbsctl ARGUMENT...: with the owner's token, to the KBS of KBS_DIR
kbsctl() {
    "$BUILD_DIR/kbs/cli/kbsctl" --url "https://127.0.0.1:$KBS_ADMIN_PORT" --ca "$KBS_DIR/tls/ca.pem" \
        --token-file "$KBS_DIR/owner.token" "$@"
}

# image_of MEASUREMENT: the name under which it is registered and not retired, or nothing
image_of() {
    kbsctl --json image list |
        jq -r --arg measurement "$1" '.[] | select(.measurement == $measurement and .retired == null) | .name'
}

# active_volumes: a name a line
active_volumes() { kbsctl --json volume list | jq -r '.[] | select(.retired == null) | .name'; }

# volume_of [ID]: the name of that volume if it is not retired; without ID, of the one that belongs to no VM with a name
volume_of() {
    kbsctl --json volume list | jq -r --arg id "$1" '
        [.[] | select(.retired == null and if $id == "" then .name | startswith("vm-") | not else .id == $id end) | .name] | .[0] // ""'
}

# retire_volumes: destroys every key that is registered
retire_volumes() {
    local volume volumes
    volumes=$(active_volumes)
    for volume in $volumes; do
        kbsctl volume retire "$volume" >/dev/null
    done
}
