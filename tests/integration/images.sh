#!/bin/bash
# SPDX-License-Identifier: MIT
# Guest images without a VM: what is wrong with one that the firmware found nothing to start on, and what
# guest/build-debian.sh is told wrong.
#
# usage: tests/integration/images.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/scripts/lib.sh"
. "$ROOT/scripts/checks.sh"
. "$ROOT/scripts/boot-problem.sh"
. "$ROOT/scripts/disk-image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

guid() { echo "5f0e4a34-7a3c-4a57-9d2b-1c1f0f6d1e0$1"; }

# disk TYPE: a disk with the partition $work/esp, of that type
disk() { disk_create "$work/disk.qcow2" "$(guid 0)" "$work/esp $1 $(guid 1) esp"; }

# program MACHINE: the beginning of a program of EFI for that machine, two bytes in hex
program() {
    { printf MZ && head -c 58 /dev/zero && printf '\x80\0\0\0' && head -c 64 /dev/zero && printf 'PE\0\0'; } >"$work/program"
    xxd -r -p <<<"$1" >>"$work/program"
}

# names NAME PATTERN: what is wrong with the disk
names() {
    run boot_problem "$work/disk.qcow2"
    expect "$1" 0 "$2"
}

boot_problems() {
    qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
    names "a disk without a GPT is named" 'no partition table of the kind GPT'
    qemu-img create -q -f qcow2 "$work/disk.qcow2" 512
    names "so is one of a single sector" 'no partition table of the kind GPT'
    esp_create "$work/esp" 40 5f0e4a34
    disk linux
    names "a disk without an EFI system partition is named" 'it has no EFI system partition'
    disk uefi
    names "a partition without a boot loader is named" 'has no EFI/BOOT/BOOTX64.EFI'
    program 64aa
    mcopy -i "$work/esp" "$work/program" ::/EFI/BOOT/BOOTAA64.EFI
    disk uefi
    names "a boot loader for another architecture is named" 'for another architecture: its boot loader is EFI/BOOT/BOOTAA64.EFI'
    mcopy -i "$work/esp" "$work/program" ::/EFI/BOOT/BOOTX64.EFI
    disk uefi
    names "a program for another architecture in x86-64's place is named" 'a program for 64-bit Arm, and this machine is x86-64'
    program 6486
    mcopy -o -i "$work/esp" "$work/program" ::/EFI/BOOT/BOOTX64.EFI
    disk uefi
    names "a program that the firmware did not start is named" 'could not be started'
    head -c 1000 /dev/urandom >"$work/program"
    mcopy -o -i "$work/esp" "$work/program" ::/EFI/BOOT/BOOTX64.EFI
    disk uefi
    names "a file that is no program is named" 'no program of EFI'
    printf 'MZ%058d\xff\xff\xff\xff' 0 >"$work/program"
    mcopy -o -i "$work/esp" "$work/program" ::/EFI/BOOT/BOOTX64.EFI
    disk uefi
    names "so is one whose header lies outside of it" 'no program of EFI'
    head -c $((40 << 20)) /dev/urandom >"$work/esp"
    disk uefi
    names "a partition that is no file system is one without a boot loader" 'has no EFI/BOOT/BOOTX64.EFI'
    head -c 4096 /dev/urandom >"$work/disk.qcow2"
    run boot_problem "$work/disk.qcow2"
    expect "of what is no disk nothing is said" 0 '^$'
}

# wrong NAME PATTERN ARGUMENT...
wrong() {
    local name=$1 pattern=$2
    shift 2
    run "$ROOT/guest/build-debian.sh" "$@"
    expect "build-debian.sh: $name" 2 "$pattern"
}

usage_of_build_debian() {
    run "$ROOT/guest/build-debian.sh" -h
    expect "build-debian.sh shows an example first" 0 '--authorized-keys ~/.ssh'
    wrong "no image" 'no image is named' --open
    wrong "two images" 'two images' --open "$work/a" "$work/b"
    wrong "a missing folder is named" 'no folder' --open "$work/nowhere/a"
    wrong "an image that nobody could log in to" 'nobody could log in' "$work/a"
    echo none >"$work/keys"
    wrong "keys that are none" 'no file of public keys' --authorized-keys "$work/keys" "$work/a"
    wrong "another boot loader" 'there are uki and grub' --open --boot-loader lilo "$work/a"
    wrong "a key for PCR 11 that is none" 'no RSA private key' --open --pcr-key "$work/keys" "$work/a"
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/key" 2>/dev/null
    wrong "a signature with GRUB" 'GRUB measures nothing into PCR 11' --open --boot-loader grub --pcr-key "$work/key" "$work/a"
    wrong "what is no package" 'no name of a package' --open --include 'less,more packages' "$work/a"
    wrong "a size that is none" 'no size' --open --data much "$work/a"
    wrong "a size of no whole mebibytes" 'no multiple of 1M' --open --data 5K "$work/a"
    wrong "an unknown option" 'unknown option' --closed "$work/a"
    check "nothing was made" [ ! -e "$work/a" ]
}

boot_problems
usage_of_build_debian
finish
