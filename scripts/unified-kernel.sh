# SPDX-License-Identifier: MIT
# A unified kernel image: systemd's stub with sections added to it by objcopy. To be sourced after lib.sh.
#
# objcopy ends with status 0 when it cannot place a section (it only warns), so what it made is read back and compared.
# shellcheck shell=bash

# Each section begins at a multiple of this, so that the command line can grow by as much.
UKI_STEP=0x10000

# sections_of EFI: a line "NAME SIZE ADDRESS" for each
sections_of() { objdump -h "$1" | sed -nE 's/^ *[0-9]+ ([^ ]+) +([0-9a-f]+) +([0-9a-f]+) .*/\1 0x\2 0x\3/p'; }

# add_sections FROM TO NAME=FILE...: a copy of an EFI program with these sections behind its own, in this order. Addresses
# include the program's base: Debian 12's stub has 0, 13's another.
add_sections() {
    local from=$1 to=$2 sections size address end=0 section arguments=()
    shift 2
    sections=$(sections_of "$from")
    while read -r _ size address; do
        [ $((address + size)) -le $end ] || end=$((address + size))
    done <<<"$sections"
    [ $end != 0 ] || die "$from is no EFI program: it has no sections"
    for section; do
        end=$(((end + UKI_STEP - 1) / UKI_STEP * UKI_STEP))
        arguments+=(--add-section "$section" --change-section-vma "${section%%=*}=$(printf '0x%x' $end)")
        end=$((end + $(stat -Lc %s "${section#*=}")))
    done
    objcopy "${arguments[@]}" "$from" "$to"
    for section; do
        check_section "$to" "${section%%=*}" "${section#*=}"
    done
}

# check_section EFI NAME FILE: that the section has the file's contents
check_section() {
    read_section "$1" "$2" "$1.section"
    cmp -n "$(stat -Lc %s "$3")" "$1.section" "$3" ||
        die "objcopy did not put the section $2 into $1" "its messages are above"
    rm "$1.section"
}

# read_section EFI NAME FILE: its contents
read_section() {
    local sections
    sections=$(sections_of "$1")
    [[ $'\n'$sections == *$'\n'"$2 "* ]] || die "objcopy left no section $2 in $1" "its messages are above"
    objcopy -O binary --only-section "$2" "$1" "$3"
}

# replace_command_line FROM TO FILE: a copy of the image with this command line, where the old one was
replace_command_line() {
    local sections address
    sections=$(sections_of "$1")
    address=$(sed -n 's/^\.cmdline [^ ]* //p' <<<"$sections")
    [ -n "$address" ] || die "$1 has no command line in it"
    [ "$(stat -Lc %s "$3")" -lt $((UKI_STEP)) ] || die "the command line is longer than there is room for in $1"
    # Not by --update-section, which keeps the section's size and so drops the words.
    objcopy --remove-section .cmdline --add-section .cmdline="$3" --change-section-vma .cmdline="$address" "$1" "$2"
    check_section "$2" .cmdline "$3"
}
