# SPDX-License-Identifier: MIT
# Why the firmware found nothing to start on a guest's disk: looks at what it looks at. Only called when it said so, so that no
# disk is refused that it can start. To be sourced after lib.sh and checks.sh.
#
# What is read was written by whoever made the image: qemu-img, sfdisk and mtools read it. They are there where images are
# built (scripts/packages.sh); without them nothing is said.
# shellcheck shell=bash

# No EFI system partition that is larger is looked into.
ESP_MAX=$((2 << 30))
GPT_TYPE_ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B

# disk_piece IMAGE OFFSET LENGTH FILE: that part of a guest's disk, as a sparse file
disk_piece() {
    local source
    source=$(jq -n --arg image "$(realpath "$1")" --argjson offset "$2" --argjson size "$3" \
        '{driver: "raw", offset: $offset, size: $size, file: {driver: "qcow2", file: {driver: "file", filename: $image}}}')
    qemu-img convert -q -O raw "json:$source" "$4"
}

# machine_of PE: what a program of EFI is for, nothing when it is none
machine_of() {
    local header
    [ "$(head -c 2 "$1")" = MZ ] || return 0
    header=$(u32_at "$1" 60)
    [ -n "$header" ] && [ "$header" -lt "$(stat -c %s "$1")" ] || return 0
    case $(od -An -tx2 -j $((header + 4)) -N 2 --endian=little "$1" | tr -d ' ') in
        8664) echo x86-64 ;;
        014c) echo "32-bit x86" ;;
        aa64) echo "64-bit Arm" ;;
        5064) echo "64-bit RISC-V" ;;
        *) echo "another architecture" ;;
    esac
}

# loader_problem ESP FOLDER: what is wrong with the boot loader on that EFI system partition
loader_problem() {
    local loader=$2/loader machine others
    if ! mcopy -n -i "$1" ::/EFI/BOOT/BOOTX64.EFI "$loader" >/dev/null 2>&1; then
        others=$(mdir -b -i "$1" ::/EFI/BOOT 2>/dev/null | grep -oiE 'BOOT[A-Z0-9]+\.EFI' | paste -sd ' ') || true
        if [ -n "$others" ]; then
            echo "it is for another architecture: its boot loader is EFI/BOOT/$others, and x86-64's is BOOTX64.EFI"
        else
            echo "its EFI system partition has no EFI/BOOT/BOOTX64.EFI"
        fi
        return
    fi
    machine=$(machine_of "$loader")
    case $machine in
        x86-64) echo "its EFI/BOOT/BOOTX64.EFI could not be started, or ended: its last words are above, if it had any" ;;
        '') echo "its EFI/BOOT/BOOTX64.EFI is no program of EFI" ;;
        *) echo "its EFI/BOOT/BOOTX64.EFI is a program for $machine, and this machine is x86-64" ;;
    esac
}

# boot_problem IMAGE: one line that says what is wrong with it, nothing when that cannot be told. It is a subshell: its
# folder goes with it.
boot_problem() (
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    size=$(qemu-img info --output=json "$1" 2>/dev/null | jq '."virtual-size"') || exit 0
    # The table lies at the beginning; sfdisk looks for its copy at the end.
    disk_piece "$1" 0 $((size < 1 << 20 ? size : 1 << 20)) "$work/disk" 2>/dev/null && truncate -s "$size" "$work/disk" || exit 0
    command -v sfdisk mcopy >/dev/null || exit 0
    table=$(sfdisk --json "$work/disk" 2>/dev/null | jq -r --arg esp $GPT_TYPE_ESP '.partitiontable |
        .label, (.sectorsize // 512), (first(.partitions[]? | select(.type == $esp) | "\(.start) \(.size)") // "")') || table=''
    { read -r label && read -r sector && read -r start length; } <<<"$table" || true
    if [ "${label:-}" != gpt ]; then
        echo "it has no partition table of the kind GPT"
    elif [ -z "${start:-}" ]; then
        echo "it has no EFI system partition"
    elif [ $((length * sector)) -le $ESP_MAX ] &&
        disk_piece "$1" $((start * sector)) $((length * sector)) "$work/esp" 2>/dev/null; then
        loader_problem "$work/esp" "$work"
    fi
)
