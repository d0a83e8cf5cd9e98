# SPDX-License-Identifier: MIT
# Changes the boot chain on a disk of the demo guest. To be sourced.
# shellcheck shell=bash

# extend_command_line FROM TO WORDS: a copy of a guest's disk with more words on the kernel's command line, which is
# in the unified kernel image on the EFI system partition
extend_command_line() {
    local work
    work=$(mktemp -d "$2.XXXXXX")
    local esp=$work/disk@@1M
    qemu-img convert -q -O raw "$1" "$work/disk"
    mcopy -o -i "$esp" ::/EFI/BOOT/BOOTX64.EFI "$work/kernel.efi"
    # A section ends in padding, behind which the kernel would not find the words.
    objcopy -O binary --only-section .cmdline "$work/kernel.efi" "$work/padded"
    { tr -d '\0' <"$work/padded" && printf ' %s' "$3"; } >"$work/cmdline"
    objcopy --update-section .cmdline="$work/cmdline" "$work/kernel.efi"
    mcopy -o -i "$esp" "$work/kernel.efi" ::/EFI/BOOT/BOOTX64.EFI
    qemu-img convert -q -O qcow2 "$work/disk" "$2"
    rm -r "$work"
}
