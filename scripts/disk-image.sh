# SPDX-License-Identifier: MIT
# Puts a guest's disk together, without root privileges and without a loop device. To be sourced after lib.sh.
# shellcheck shell=bash

# esp_create FILE MIB SERIAL: an EFI system partition with its folder for boot loaders. The serial number is eight hex digits.
esp_create() {
    truncate -s "$2M" "$1"
    mkfs.vfat -F 32 -s 1 -i "$3" -n ESP --invariant "$1" >/dev/null
    mmd -i "$1" ::/EFI ::/EFI/BOOT
}

# disk_create IMAGE.qcow2 DISK_ID PARTITION...: a GPT disk of partitions, each "FILE TYPE UUID NAME"; the sizes are whole
# mebibytes. The raw disk lies beside the image meanwhile.
disk_create() {
    local image=$1 id=$2 partition file type uuid name mib at=1 table
    shift 2
    table="label: gpt"$'\n'"label-id: $id"$'\n'
    for partition; do
        read -r file type uuid name <<<"$partition"
        mib=$(($(stat -c %s "$file") >> 20))
        table+="start=${at}MiB, size=${mib}MiB, type=$type, uuid=$uuid, name=$name"$'\n'
        at=$((at + mib))
    done
    truncate -s $((at + 1))M "$image.raw"
    sfdisk --quiet "$image.raw" <<<"$table"
    at=1
    for partition; do
        read -r file _ <<<"$partition"
        dd if="$file" of="$image.raw" bs=1M seek=$at conv=notrunc,sparse status=none
        at=$((at + ($(stat -c %s "$file") >> 20)))
    done
    qemu-img convert -q -f raw -O qcow2 "$image.raw" "$image"
    rm "$image.raw"
}
