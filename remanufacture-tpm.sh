#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes a new, blank state volume: the next start manufactures a new TPM on it, and what was sealed to the old
# TPM cannot be unsealed any more. A volume that holds a TPM is kept once, with .bak added to its name.
#
# usage: ./remanufacture-tpm.sh [--yes] [--name NAME] [--key-file FILE [--ek FILE]]
#
#   -y, --yes            do not ask before replacing a volume that holds a TPM
#       --name NAME      the volume of the VM with this name (./start-cvm.sh -h)
#   -k, --key-file FILE  manufacture the TPM now, on this machine, under the key in FILE (64 bytes that nobody else may
#                        read): register the same key then
#       --ek FILE        with it: write the public part of its endorsement key into FILE
#   -h, --help           this text
#
# Exit status: 0 done, 1 other trouble, 2 usage, 3 a VM uses the volume, 4 nobody agreed to the replacement.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/vm-list.sh"

EXIT_IN_USE=3
EXIT_DECLINED=4

load_config
agreed=no
key_file=
ek=()
while [ $# != 0 ]; do
    case $1 in
        -y | --yes) agreed=yes ;;
        -k | --key-file | --ek)
            file=$(option_value "$@")
            if [ "$1" = --ek ]; then ek=(--ek "$file"); else key_file=$file; fi
            shift
            ;;
        --name) use_vm "$(option_value "$@")"; shift ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done
[ ${#ek[@]} = 0 ] || [ -n "$key_file" ] || usage_error "--ek needs --key-file"
size=$(bytes_of "$STATE_VOLUME_SIZE") || die -$EXIT_USAGE "STATE_VOLUME_SIZE=$STATE_VOLUME_SIZE in vm.conf is no size"
umask 077
mkdir -p "$(dirname "$STATE_VOLUME")"

is_blank() { cmp -s -n "$(stat -Lc %s "$1")" "$1" /dev/zero; }

confirm() {
    [ $agreed = no ] || return 0
    [ -t 0 ] || die -$EXIT_DECLINED "$(shown "$STATE_VOLUME") holds a TPM, which would be replaced" \
        "say --yes if that is wanted"
    local answer
    read -r -p "$(shown "$STATE_VOLUME") holds a TPM. What is sealed to it will be lost. Replace it? [y/N] " answer
    [[ $answer =~ ^[yY]([eE][sS])?$ ]] || die -$EXIT_DECLINED "nothing was changed"
}

keep=no
if [ -e "$STATE_VOLUME" ]; then
    lock_file 9 "$STATE_VOLUME" ||
        die -$EXIT_IN_USE "$(shown "$STATE_VOLUME") is in use by a running VM" "power that VM off first"
    if ! is_blank "$STATE_VOLUME"; then
        confirm
        keep=yes
    fi
fi
new=$(mktemp "$STATE_VOLUME.XXXXXX")
trap 'rm -f "$new"' EXIT
truncate -s "$size" "$new"
what="is blank: the next start manufactures a new TPM"
if [ -n "$key_file" ]; then
    "$BUILD_DIR/state-volume/state-volume" manufacture --key-file "$key_file" "${ek[@]}" "$new" ||
        die "no TPM was manufactured; nothing was changed"
    what="holds a new TPM, under the key in $key_file"
fi
if [ $keep = yes ]; then
    mv "$STATE_VOLUME" "$STATE_VOLUME.bak"
    say "The old volume is kept as $(shown "$STATE_VOLUME.bak")."
fi
mv "$new" "$STATE_VOLUME"
say "$(shown "$STATE_VOLUME") $what."
