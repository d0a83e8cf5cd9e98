# SPDX-License-Identifier: MIT
# Changes the boot chain on a disk of the demo guest. To be sourced.
# shellcheck shell=bash

COMMAND_LINE_ADDRESS=0x30000 # as in guest/build-image.sh

# extend_command_line FROM TO WORDS: a copy of a guest's disk with more words on the kernel's command line, which is
# in the unified kernel image on the EFI system partition
extend_command_line() {
    local work
    work=$(mktemp -d "$2.XXXXXX")
    local esp=$work/disk@@1M
    qemu-img convert -q -O raw "$1" "$work/disk"
    mcopy -o -i "$esp" ::/EFI/BOOT/BOOTX64.EFI "$work/kernel.efi"
    objcopy -O binary --only-section .cmdline "$work/kernel.efi" "$work/cmdline"
    printf ' %s' "$3" >>"$work/cmdline"
    # Not by --update-section, which keeps the section's size and so drops the words.
    objcopy --remove-section .cmdline --add-section .cmdline="$work/cmdline" \
        --change-section-vma .cmdline=$COMMAND_LINE_ADDRESS "$work/kernel.efi"
    mcopy -o -i "$esp" "$work/kernel.efi" ::/EFI/BOOT/BOOTX64.EFI
    qemu-img convert -q -O qcow2 "$work/disk" "$2"
    rm -r "$work"
}
