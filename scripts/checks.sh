# SPDX-License-Identifier: MIT
# Looks at files before they are used, so that a wrong one gives a clear message. To be sourced after lib.sh.
# Each check is given the exit status to end with.
# shellcheck shell=bash

# check_readable STATUS WHAT FILE [ADVICE]...
check_readable() {
    local status=$1 what=$2 file=$3
    shift 3
    [ -e "$file" ] || die -"$status" "there is no $what $(shown "$file")" "$@"
    [ -f "$file" ] || die -"$status" "the $what $(shown "$file") is not a file" "$@"
    [ -r "$file" ] || die -"$status" "the $what $(shown "$file") cannot be read: permission denied" \
        "chmod u+r makes a file of yours readable"
}

# check_writable STATUS WHAT FILE: by opening it, which says why not
check_writable() {
    local reason
    reason=$(LC_ALL=C && { : >>"$3"; } 2>&1) || die -"$1" "the $2 $(shown "$3") cannot be written: ${reason##*: }" \
        "the VM keeps its state there; chmod u+w makes a file of yours writable, and a copy on another file system is" \
        "where this one is mounted read-only"
}

check_guest_image() {
    check_readable "$1" "guest image" "$2" "./prepare.sh makes one, --image names another"
    check_writable "$1" "guest image" "$2"
    [ "$(head -c 3 "$2")" = QFI ] || die -"$1" "$(shown "$2") is not a qcow2 image" \
        "qemu-img convert -O qcow2 makes one from an image of another format"
}

# u32_at FILE OFFSET
u32_at() { od -An -tu4 -j "$2" -N 4 --endian=little "$1" | tr -d ' '; }

check_igvm_file() {
    check_readable "$1" "IGVM file" "$2" \
        "${vm_name:+./register-resource-in-kbs.sh --name $vm_name makes the one of this VM; }./prepare.sh makes one, --igvm names another"
    [ "$(head -c 4 "$2" | tr -d '\0')" = IGVM ] || die -"$1" "$(shown "$2") is not an IGVM file" \
        "./prepare.sh makes one, igvm build makes others"
    local said actual
    said=$(u32_at "$2" 16)
    actual=$(stat -Lc %s "$2")
    [ "${said:-0}" = "$actual" ] || die -"$1" \
        "$(shown "$2") is damaged: it says that it has ${said:-no} bytes, and has $actual" "build or copy it anew"
}

check_state_volume() {
    local wanted
    wanted=$(bytes_of "$STATE_VOLUME_SIZE") || die -"$EXIT_USAGE" "STATE_VOLUME_SIZE=$STATE_VOLUME_SIZE is no size"
    check_readable "$1" "TPM state volume" "$2" "./remanufacture-tpm.sh${vm_name:+ --name $vm_name} makes a blank one"
    check_writable "$1" "TPM state volume" "$2"
    [ "$(stat -Lc %s "$2")" = "$wanted" ] || die -"$1" \
        "the TPM state volume $(shown "$2") has $(stat -Lc %s "$2") bytes, and should have $wanted ($STATE_VOLUME_SIZE)" \
        "restore it from a copy, or correct STATE_VOLUME_SIZE in vm.conf;" \
        "./remanufacture-tpm.sh${vm_name:+ --name $vm_name} starts over with a new TPM"
}
