#!/bin/bash
# SPDX-License-Identifier: MIT
# Registers the key of the TPM's state volume in the KBS, for the VM with the launch measurement of the IGVM
# file. The KBS releases it to nobody else. It must run: this is what its owner does, with kbsctl.
#
# usage: ./register-resource-in-kbs.sh [-p HEX] [-m HEX | -i FILE | --name NAME]
#
#   -p HEX       the key: 512 bits (AES-256-XTS) as 128 hexadecimal digits; a random one if not given
#   -m HEX       the launch measurement: 96 hexadecimal digits; computed from the IGVM file if not given
#   -i FILE      the IGVM file, if not the one that prepare.sh built
#   --name NAME  for the VM with this name (./start-cvm.sh -h): a volume of its own, and a launch image that asks for it,
#                which is built here
#   -h, --help   this text
#
# Without a name the KBS has one volume. If a volume is registered already, it moves to this measurement and gets this key:
# with another key the old TPM state cannot be opened; register the old key again to have it back.
#
# Exit status: 0 done, 1 the KBS refused, 2 usage, which includes a malformed key or measurement,
# 3 something is not built, 4 the IGVM file is missing or damaged, 5 the KBS does not run.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/checks.sh"
. "$ROOT/scripts/owner.sh"
. "$ROOT/scripts/vm-list.sh"

EXIT_NOT_BUILT=3
EXIT_IGVM=4
EXIT_NO_KBS=5

key='' key_given=no measurement='' vm_name=''
load_config
while [ $# != 0 ]; do
    case $1 in
        -p) key=$(option_value "$@"); key_given=yes; shift ;;
        -m) measurement=$(option_value "$@"); shift ;;
        -i) IGVM_FILE=$(option_value "$@"); shift ;;
        --name) use_vm "$(option_value "$@")"; shift ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

# check_hex WHAT VALUE DIGITS: the value itself is not shown, it may be the secret.
check_hex() {
    [[ $2 =~ ^[0-9a-fA-F]*$ ]] ||
        usage_error "the $1 has characters that are no hexadecimal digits; $3 hexadecimal digits are needed"
    [ ${#2} = "$3" ] || usage_error "the $1 has ${#2} hexadecimal digits, and needs exactly $3"
}

[ $key_given = no ] || check_hex key "$key" 128
[ -z "$measurement" ] || check_hex measurement "$measurement" 96
require_built "$BUILD_DIR/kbs/cli/kbsctl" $EXIT_NOT_BUILT
given=()
if [ -n "$vm_name" ]; then
    [ -z "$measurement" ] || usage_error "-m and --name do not go together: the launch image of a VM with a name is built here"
    require_built "$BUILD_DIR/igvm/igvm" $EXIT_NOT_BUILT
    mkdir -p "$vm_folder"
    [ -s "$vm_folder/volume-id" ] || cp /proc/sys/kernel/random/uuid "$vm_folder/volume-id"
    volume_id=$(cat "$vm_folder/volume-id")
    build_svsm_image --volume "$volume_id"
fi
if [ -n "$measurement" ]; then
    given=(--measurement "$measurement")
else
    require_built "$BUILD_DIR/igvm/igvm" $EXIT_NOT_BUILT
    check_igvm_file $EXIT_IGVM "$IGVM_FILE"
    measurement=$("$BUILD_DIR/igvm/igvm" measure "$IGVM_FILE" | grep -oEm 1 '\b[0-9a-f]{96}\b') ||
        die -$EXIT_IGVM "cannot compute the launch measurement of $(shown "$IGVM_FILE")" "build it anew: ./prepare.sh"
    given=(--igvm "$IGVM_FILE")
fi
measurement=${measurement,,}
port_answers "$KBS_ADMIN_PORT" ||
    die -$EXIT_NO_KBS "the KBS does not answer at port $KBS_ADMIN_PORT" "./start-kbs.sh --background starts it"
[ $key_given = yes ] || key=$(od -An -v -tx1 -N 64 /dev/urandom | tr -d ' \n')

refused() { die "the KBS did not take $1" "the message above says why"; }

# The image has a name that its measurement gives.
image=$(image_of "$measurement")
if [ -z "$image" ]; then
    image=image-${measurement:0:16}
    kbsctl image add "$image" "${given[@]}" >/dev/null || refused "the image"
fi

# printf is the shell's own: the key is on no command line of another process.
volume=$(volume_of "${volume_id:-}")
if [ -z "$volume" ]; then
    # A retired volume keeps its name.
    before=$(kbsctl --json volume list | jq length)
    printf '%s\n' "$key" | kbsctl volume create "${vm_name:+vm-}${vm_name:-tpm-state}$([ "$before" = 0 ] || echo "-$before")" --image "$image" \
        ${volume_id:+--id "$volume_id"} --key-file - >/dev/null || refused "the volume"
else
    kbsctl volume set-image "$volume" --image "$image" >/dev/null || refused "the image"
    printf '%s\n' "$key" | kbsctl volume set-key "$volume" --key-file - >/dev/null || refused "the key"
fi
say "Registered $([ $key_given = yes ] && echo 'the given' || echo 'a random') key for launch measurement"
say "    $measurement"
