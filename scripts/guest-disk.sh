# SPDX-License-Identifier: MIT
# Changes the boot chain on a disk of the demo guest. To be sourced after lib.sh.
# shellcheck shell=bash

. "$ROOT/scripts/unified-kernel.sh"

# extend_command_line FROM TO WORDS: a copy of a guest's disk with more words on the kernel's command line, which is
# in the unified kernel image on the EFI system partition
extend_command_line() {
    local work
    work=$(mktemp -d "$2.XXXXXX")
    local esp=$work/disk@@1M
    qemu-img convert -q -O raw "$1" "$work/disk"
    mcopy -o -i "$esp" ::/EFI/BOOT/BOOTX64.EFI "$work/kernel.efi"
    read_section "$work/kernel.efi" .cmdline "$work/cmdline"
    printf ' %s' "$3" >>"$work/cmdline"
    replace_command_line "$work/kernel.efi" "$work/changed.efi" "$work/cmdline"
    mcopy -o -i "$esp" "$work/changed.efi" ::/EFI/BOOT/BOOTX64.EFI
    qemu-img convert -q -O qcow2 "$work/disk" "$2"
    rm -r "$work"
}
