#!/bin/bash
# SPDX-License-Identifier: MIT
# What the firmware takes from the host besides the launch image: variables in the file \NvVars on the first FAT file
# system, which is on the host's disk. The host can choose the kernel's command line so, although a unified kernel
# image has its own: PCR 1 shows it, and PCRs 0, 2, 3, 4 and 7 do not. It can have a script run in the firmware's
# shell before the kernel, which PCR 4 shows.
#
# usage: tests/e2e/nv_vars.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

WORDS=chosen-by-the-host
PCRS=0,1,2,3,4,5,6,7
MORE_PATIENCE=300 # of the shell, which waits five seconds for a key; longer on a busy machine

# All bytes are in hexadecimal.

# le SIZE NUMBER: little-endian
le() {
    local i
    for ((i = 0; i < $1; i++)); do printf '%02x' $(($2 >> 8 * i & 0xff)); done
}

# guid TEXT: its first three fields are little-endian
guid() {
    local g=${1,,}
    g=${g//-/}
    printf '%s' "${g:6:2}${g:4:2}${g:2:2}${g:0:2}${g:10:2}${g:8:2}${g:14:2}${g:12:2}${g:16}"
}

# utf16 TEXT: with its end
utf16() { printf '%s\0' "$1" | xxd -p | tr -d '\n' | sed 's/../&00/g'; }

# Device paths and load options (UEFI specification, 10.3 and 3.1.3)

node() { printf '%s' "$1" "$(le 2 $((4 + ${#2} / 2)))" "$2"; }
PATH_END=$(node 7fff '')

# load_option PATH DATA: an active one for a boot
load_option() { printf '%s' "$(le 4 1)" "$(le 2 $((${#1} / 2)))" "$(utf16 'by the host')" "$1" "$2"; }

# of_partition DISK FILE: the path of a file on its EFI system partition
of_partition() {
    local start size uuid
    read -r start size uuid < <(sfdisk --dump "$1" |
        sed -nE 's/.*start= *([0-9]+), size= *([0-9]+), type=C12A7328.*uuid=([^,]+).*/\1 \2 \3/p')
    node 0401 "$(le 4 1)$(le 8 "$start")$(le 8 "$size")$(guid "$uuid")0202"
    node 0404 "$(utf16 "$2")"
    printf '%s' "$PATH_END"
}

# The shell, in the firmware's volume
of_shell() {
    node 0407 "$(guid 7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)"
    node 0406 "$(guid 7c04a583-9e3e-4f1c-ad65-e05268d0b4d1)"
    printf '%s' "$PATH_END"
}

# variable NAME CONTENTS: one of UEFI's own, as \NvVars has them, one after the other: size of the name in bytes, name,
# GUID, attributes (non-volatile, for boot and run time), size, contents (EDK2, OvmfPkg/Library/SerializeVariablesLib)
variable() {
    local name
    name=$(utf16 "$1")
    printf '%s' "$(le 4 $((${#name} / 2)))" "$name" "$(guid 8be4df61-93ca-11d2-aa0d-00e098032b8c)" "$(le 4 7)" \
        "$(le 4 $((${#2} / 2)))" "$2"
}

# Disks

disk=  # the guest's, raw
alter= # the one that the VM gets

# put NAME: standard input as a file of the disk's EFI system partition
put() { mcopy -o -i "$disk@@1M" - "::/$1"; }

# got NAME: the file as the VM left it
got() {
    qemu-img convert -q -O raw "$alter" "$work/after"
    mtype -i "$work/after@@1M" "::/$1" 2>/dev/null | tr -d '\0'
}

# keeps NAME: whether there is such a variable of UEFI's own in \NvVars now
keeps() { got NvVars | xxd -p | tr -d '\n' | grep "$(printf %s "$1" | xxd -p)61dfe48b" >/dev/null; }
lacks() { ! keeps "$1"; }

# guest_with VARIABLES [OPTION]...: boots a fresh copy of the guest with these in \NvVars
guest_with() {
    xxd -r -p <<<"$1" | put NvVars
    shift
    qemu-img convert -q -O qcow2 "$disk" "$alter"
    guest "tpm2_pcrread -Q -o pcrs sha256:$PCRS && xxd -p -c 32 pcrs; cat /proc/cmdline" --image "$alter" "$@"
}

# pcr N: of the last boot
pcr() { sed -n "$(($1 + 1))p" "$work/output"; }
pcrs() {
    local n
    for n; do pcr "$n"; done
}

vm_make_with_svsm
disk=$work/disk alter=$work/alter.qcow2
qemu-img convert -q -O raw "$GUEST_IMAGE" "$disk"

guest_with ''
expect "the guest boots" 0
equal "it shows eight PCRs" "$(pcrs 0 1 2 3 4 5 6 7 | grep -cE '^[0-9a-f]{64}$')" 8
command_line=$(tail -n 1 "$work/output")
first_1=$(pcr 1) first_4=$(pcr 4) others=$(pcrs 0 2 3 5 6 7)
check "the firmware keeps its variables on the disk" keeps BootOrder

guest_with "$(
    variable Boot0010 "$(load_option "$(of_partition "$disk" '\EFI\BOOT\BOOTX64.EFI')" "$(utf16 "$command_line $WORDS")")"
    variable BootOrder 1000
)"
expect "the guest boots with a boot option of the host's" 0
equal "its kernel has the command line that the host chose" "$(tail -n 1 "$work/output")" "$command_line $WORDS"
check "PCR 1 shows it" [ "$(pcr 1)" != "$first_1" ]
equal "PCRs 0, 2, 3, 5, 6 and 7 do not" "$(pcrs 0 2 3 5 6 7)" "$others"
equal "PCR 4 does not either: the kernel's image is the same" "$(pcr 4)" "$first_4"

printf 'echo %s > fs0:\\ran.txt\r\nexit\r\n' $WORDS | put startup.nsh
guest_with "$(
    variable SysPrep0000 "$(load_option "$(of_shell)" '')"
    variable SysPrepOrder 0000
    variable PK 00
)" --timeout $MORE_PATIENCE
expect "the guest boots after the firmware's shell" 0
check "the shell ran the host's script" grep -qa $WORDS <(got ran.txt)
check "PCR 4 shows the shell" [ "$(pcr 4)" != "$first_4" ]
equal "PCR 1 does not: the boot options are the same" "$(pcr 1)" "$first_1"
equal "PCRs 0, 2, 3, 5, 6 and 7 do not" "$(pcrs 0 2 3 5 6 7)" "$others"
equal "the kernel's command line is its own" "$(tail -n 1 "$work/output")" "$command_line"
check "the firmware takes no key of Secure Boot from the file" lacks PK
finish
