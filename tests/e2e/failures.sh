#!/bin/bash
# SPDX-License-Identifier: MIT
# What must stop a VM does, with its exit status and a message that says why; it leaves no process behind and the
# TPM's state as it was.
#
# usage: tests/e2e/failures.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/scripts/guest-disk.sh"
. "$ROOT/scripts/disk-image.sh"

NV_INDEX=0x1500016
# Where the superblocks of the state volume are, and the first blocks of what they name: docs/state-volume.md
SUPERBLOCKS=(0 $((8 << 20)) $(((16 << 20) - 4096)))
CONTENTS=8192

options=() # of start-cvm.sh, for the next start

hash_of() { sha256sum <"$1"; }
left_as_it_was() { [ "$(hash_of "$STATE_VOLUME")" = "$1" ] && [ -z "$(processes_of_vm)" ]; }

# stops NAME STATUS PATTERN...: the VM does not get to run its guest's command
stops() {
    local name=$1 volume
    volume=$(hash_of "$STATE_VOLUME")
    guest 'echo the guest runs' "${options[@]}"
    options=()
    expect "$@"
    check "$name: nothing is left running, and the TPM's state is as it was" left_as_it_was "$volume"
    equal "$name: the guest's command did not run" "$(cat "$work/output")" ''
}

# false_proxy SOCKET [FILE]...: one that answers with these files
false_proxy() {
    rm -f "$1"
    setpriv --pdeathsig KILL "$BUILD_DIR/tests/e2e/false-proxy" "$@" &
    until grep -qF " $1" /proc/net/unix; do sleep 0.05; done
}

# The SVSM loses patience with a silent proxy after a minute: that VM waits beside the other tests.
silent_proxy_begin() {
    local conf=$VM_CONF
    vm_configure silent
    "$ROOT/remanufacture-tpm.sh" 2>/dev/null
    false_proxy "$PROXY_SOCKET"
    setpriv --pdeathsig TERM "$ROOT/start-cvm.sh" --run true >"$work/silent-messages" 2>&1 </dev/null &
    silent=$!
    export VM_CONF=$conf
    load_config
}

silent_proxy_end() {
    status=0
    wait $silent || status=$?
    output=$(cat "$work/silent-messages")
    expect "a proxy that never answers stops the VM" $EXIT_REFUSED 'the proxy does not answer'
}

first_boot_and_a_second_vm() {
    start "tpm2_nvdefine -Q -C o -s 8 $NV_INDEX && printf 10000000 | tpm2_nvwrite -C o -i - $NV_INDEX && echo stored"
    await 'SVSM' || true
    cp "$GUEST_IMAGE" "$work/other.qcow2"
    run "$ROOT/start-cvm.sh" --run true --image "$work/other.qcow2"
    expect "a second VM on the same state volume is refused" $EXIT_IN_USE 'in use by another VM'
    run "$ROOT/remanufacture-tpm.sh" --yes
    expect "a TPM in use is not replaced" 3 'in use by a running VM'
    vm_status
    expect "the first VM runs on, undisturbed" 0 '^stored$'
}

state_volumes() {
    cp "$STATE_VOLUME" "$work/volume"
    head -c 128K /dev/urandom | dd of="$STATE_VOLUME" bs=$CONTENTS seek=1 conv=notrunc status=none
    stops "a state volume with changed contents" $EXIT_REFUSED 'the state volume is damaged; it was not changed'
    cp "$work/volume" "$STATE_VOLUME"
    for at in "${SUPERBLOCKS[@]}"; do flip "$STATE_VOLUME" $((at + 50)); done
    stops "a state volume without a superblock that is intact" $EXIT_REFUSED \
        'the state volume is damaged; it was not changed'
    truncate -s 15M "$STATE_VOLUME"
    stops "a truncated state volume" $EXIT_STATE 'has 15728640 bytes, and should have 16777216'
    cp "$work/volume" "$STATE_VOLUME"
    guest "tpm2_nvread -C o -s 8 $NV_INDEX"
    equal "with the intact volume again the TPM has its state" "$(cat "$work/output")" 10000000
    rm "$STATE_VOLUME"
    guest true
    expect "a missing state volume is named" $EXIT_STATE 'there is no TPM state volume' 'remanufacture-tpm.sh'
    check "and none is made" [ ! -e "$STATE_VOLUME" ]
    cp "$work/volume" "$STATE_VOLUME"
}

launch_images() {
    local image=$work/changed.igvm at
    head -c 1000000 "$IGVM_FILE" >"$image"
    options=(--igvm "$image")
    stops "a truncated IGVM file" $EXIT_IGVM 'is damaged'
    cp "$BUILD_DIR/svsm/svsm.elf" "$image"
    options=(--igvm "$image")
    stops "a file that is no IGVM file" $EXIT_IGVM 'is not an IGVM file'
    cp "$IGVM_FILE" "$image"
    at=$(grep -abo -m 1 'manufacturing a TPM' "$image" | sed -n '1s/:.*//p')
    flip "$image" "$at"
    options=(--igvm "$image")
    stops "a launch image with one byte changed" $EXIT_REFUSED 'the KBS refused'
    options=(--memory 128M)
    stops "too little memory" 2 'is too little: 256M at least'
}

# frame TEXT: as the attestation protocol frames it
frame() {
    printf '%016x' ${#1} | fold -w 2 | tac | tr -d '\n' | xxd -r -p
    printf %s "$1"
}

# stops_lied_to NAME STATUS PATTERN [FILE]...: with a proxy that answers with these files
stops_lied_to() {
    local name=$1 status_wanted=$2 pattern=$3
    shift 3
    false_proxy "$work/false.sock" "$@"
    VM_CONF=$work/false.conf stops "$name" "$status_wanted" "$pattern"
}

lying_proxies() {
    local challenge advert
    challenge=$(head -c 64 /dev/urandom | base64 -w 0)
    # That of a KBS which signs: magic, version, capability, key and nonce
    advert=$({ printf 'SVSMKBS1\0\1' && head -c 48 /dev/urandom; } | base64 -w 0)
    { cat "$VM_CONF" && echo "PROXY_SOCKET=$work/false.sock"; } >"$work/false.conf"
    head -c 4096 /dev/urandom >"$work/noise"
    head -c 8 /dev/zero >"$work/empty"
    frame '{"challenge": "' >"$work/no-json"
    frame "{\"challenge\": \"$challenge\", \"params\": [\"Challenge\"]}" >"$work/other-recipe"
    frame "{\"challenge\": \"$challenge\", \"params\": [\"EcPublicKeyBytes\", \"Challenge\"]}" >"$work/unsigned"
    frame "{\"challenge\": \"$advert\", \"params\": [\"EcPublicKeyBytes\", \"Challenge\"]}" >"$work/negotiation"
    frame '{"success": true, "secret": "AAAA", "decryption": {}}' >"$work/no-secret"

    stops_lied_to "noise from the proxy" $EXIT_REFUSED 'larger than 65536 bytes' "$work/noise"
    stops_lied_to "an empty frame from the proxy" $EXIT_REFUSED 'a frame that is empty' "$work/empty"
    stops_lied_to "a frame without valid JSON" $EXIT_REFUSED 'not valid JSON' "$work/no-json"
    stops_lied_to "another recipe for REPORT_DATA" $EXIT_REFUSED 'no report was made' "$work/other-recipe"
    stops_lied_to "the challenge of a KBS that signs nothing" $EXIT_REFUSED 'signs no release.*no report was made' \
        "$work/unsigned"
    stops_lied_to "a success without a secret" $EXIT_REFUSED 'AttestationResponse is malformed' \
        "$work/negotiation" "$work/no-secret"
    options=(--timeout 5)
    stops_lied_to "a VM that does not get on in its time" $EXIT_TIMEOUT 'did not get on for 5 seconds.*the stage was attestation'
}

sessions_opened() {
    curl -s --cacert "$KBS_DIR/tls/ca.pem" -K - "https://127.0.0.1:$KBS_ADMIN_PORT/metrics" \
        <<<"header = \"Authorization: Bearer $(cat "$KBS_DIR/owner.token")\"" | sed -n 's/^kbs_sessions_opened_total //p'
}

# The host runs a KBS of its own, registers the image with it, and brings the VM there.
another_kbs() {
    local conf=$VM_CONF measured log other
    measured=$("$BUILD_DIR/igvm/igvm" measure "$IGVM_FILE")
    vm_configure other
    "$ROOT/start-kbs.sh" --background 2>/dev/null
    "$ROOT/register-resource-in-kbs.sh" -m "$measured" 2>/dev/null
    { cat "$conf" && echo "PROXY_SOCKET=$PROXY_SOCKET"; } >"$work/other-proxy.conf"
    other=$VM_CONF log=$LOG_DIR/kbs.log
    export VM_CONF=$conf
    load_config
    VM_CONF=$work/other-proxy.conf stops "a KBS that the image does not trust" $EXIT_REFUSED 'the KBS refused'
    check "it was asked to sign with the key that the image trusts" grep -q 'release-key-unknown' "$log"
    VM_CONF=$other "$ROOT/start-kbs.sh" --stop 2>/dev/null
}

# The KBS is killed when it has given its challenge, while the SVSM makes its report.
kbs_dies() {
    local sessions
    sessions=$(sessions_opened)
    {
        until [ "$(sessions_opened)" != "$sessions" ]; do sleep 0.02; done
        kill -KILL "$(cat "$STATE_DIR/kbs.pid")"
    } &
    stops "a KBS that dies in the middle" $EXIT_REFUSED 'the proxy could not reach the KBS'
    "$ROOT/start-kbs.sh" --stop 2>/dev/null
    "$ROOT/start-kbs.sh" --background 2>/dev/null
}

# wait_for_lock FILE: until a program holds QEMU's lock on it
wait_for_lock() {
    while qemu-img info "$1" >/dev/null 2>&1; do sleep 0.05; done
}

# no_boot NAME STATUS PATTERN...: no guest starts from $work/image.qcow2
no_boot() {
    guest true --image "$work/image.qcow2"
    expect "$@"
    equal "$1: no process is left" "$(pgrep -f -- "file=$work/image.qcow2" || true)" ''
}

# A program of EFI's, as far as its header goes, for 64-bit Arm
arm_program() {
    printf 'MZ'
    head -c 58 /dev/zero
    printf '\x80\0\0\0'
    head -c 64 /dev/zero
    printf 'PE\0\0\x64\xaa'
}

# disk_with PROGRAM: $work/image.qcow2, with that in the boot loader's place
disk_with() {
    mcopy -o -i "$work/esp" "$1" ::/EFI/BOOT/BOOTX64.EFI
    disk_create "$work/image.qcow2" "$(</proc/sys/kernel/random/uuid)" "$work/esp uefi $(</proc/sys/kernel/random/uuid) esp"
}

guest_images() {
    local image=$work/image.qcow2
    cp "$PRISTINE_IMAGE" "$image"
    mkfifo "$work/hold"
    setpriv --pdeathsig KILL qemu-io "$image" <"$work/hold" >/dev/null &
    exec 5>"$work/hold"
    wait_for_lock "$image"
    options=(--image "$image")
    stops "an image that another program has open" $EXIT_IN_USE "image.qcow2 is in use by another program"
    exec 5>&-
    wait $!
    printf '\xff\xff\xff\xff' | dd of="$image" bs=4 seek=1 conv=notrunc status=none
    options=(--image "$image")
    stops "an image of a kind of qcow2 that there is not" $EXIT_IMAGE 'image.qcow2 cannot be used: Unsupported qcow2 version'
    esp_create "$work/esp" 40 5f0e4a34
    arm_program >"$work/program"
    disk_with "$work/program"
    no_boot "an image for another architecture" $EXIT_IMAGE 'found nothing to start on .*: its EFI/BOOT/BOOTX64.EFI is a program for 64-bit Arm'
    gcc -c -o "$work/no_snp.o" "$ROOT/tests/e2e/no_snp.S"
    objcopy -O binary "$work/no_snp.o" "$work/program"
    disk_with "$work/program"
    no_boot "a kernel that knows no SEV-SNP" $EXIT_TRIPLE_FAULT 'triple fault' 'knows no SEV-SNP'
}

guest_crashes() {
    extend_command_line "$GUEST_IMAGE" "$work/panic.qcow2" init=/nowhere
    guest true --image "$work/panic.qcow2"
    expect "a panic of the guest's kernel ends the VM" $EXIT_PANIC "the guest's kernel panicked"
    check "its message is on the console" grep -aq 'Kernel panic - not syncing' "$LOG_DIR/console.log"
    extend_command_line "$GUEST_IMAGE" "$work/fault.qcow2" reboot=triple
    guest 'reboot -f; sleep 1000' --image "$work/fault.qcow2"
    expect "a triple fault of the guest ends the VM" $EXIT_TRIPLE_FAULT 'triple fault' 'VMPL2: shutdown at rip'
    equal "and no process is left" "$(processes_of_vm)" ''
}

interrupted() {
    local run_dir
    start 'sleep 100'
    await SVSM || true
    run_dir=$(pgrep -af -- "file=$STATE_VOLUME" | sed -n 's|.*mem-path=\([^,]*\)/ram,.*|\1|p' | sort -u)
    kill -INT $vm
    vm_status
    equal "SIGINT ends start-cvm.sh" "$status" 130
    check "the VM had a folder for its memory" [ -n "$run_dir" ]
    check "the folder is gone" [ ! -e "$run_dir" ]
    equal "and so are QEMU and the secure processor" "$(pgrep -f -- "$run_dir" || true)" ''
}

vm_make_with_svsm
silent_proxy_begin
first_boot_and_a_second_vm
state_volumes
launch_images
lying_proxies
kbs_dies
another_kbs
guest_images
guest_crashes
interrupted
silent_proxy_end
finish
