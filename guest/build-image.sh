#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the guest's disk image, without root privileges: a GPT disk with an EFI system partition, which holds
# one unified kernel image, and an ext4 root with BusyBox and the TPM 2.0 tools of the host's Debian.
#
# usage: guest/build-image.sh BZIMAGE IMAGE.qcow2 [PROGRAM]...
#
# Each PROGRAM, a static one, goes to /usr/bin.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"
. "$ROOT/scripts/unified-kernel.sh"
. "$ROOT/scripts/disk-image.sh"

[ $# -ge 2 ] || { show_usage; exit "$EXIT_USAGE"; }
kernel=$1 image=$2
shift 2
programs=("$@")
umask 022

# The identifiers are constants: they are measured into the TPM, which the same input should leave the same.
disk_id=5f0e4a34-7a3c-4a57-9d2b-1c1f0f6d1e00
esp_id=5f0e4a34-7a3c-4a57-9d2b-1c1f0f6d1e01
root_id=5f0e4a34-7a3c-4a57-9d2b-1c1f0f6d1e02
esp_mib=48
root_mib=192
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
libraries=/usr/lib/x86_64-linux-gnu

# Every character on an SNP guest's console is an exit to the host: the kernel keeps quiet. A panic ends the VM.
command_line="console=ttyS0 quiet loglevel=3 panic=-1 root=PARTUUID=$root_id rw"

export SOURCE_DATE_EPOCH=1767225600 # 2026-01-01
work=$(mktemp -d "${image%/*}/image.XXXXXX")
trap 'rm -rf "$work"' EXIT

unified_kernel() {
    printf '%s' "$command_line" >"$work/cmdline"
    printf 'ID=snp-vtpm-guest\nNAME="snp-vtpm demo guest"\n' >"$work/os-release"
    # The kernel is last: nothing lies behind it that it could overwrite.
    add_sections "$stub" "$work/bootx64.efi" .osrel="$work/os-release" .cmdline="$work/cmdline" .linux="$kernel"
}

system_partition() {
    esp_create "$work/esp" $esp_mib 5f0e4a34
    mcopy -i "$work/esp" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
}

# shared_libraries FILE...: the files that the dynamic loader would load for these, the loader included
shared_libraries() { ldd "$@" | grep -o '/[^ :]* (0x' | sed 's/ (0x//' | sort -u; }

root_files() {
    local root=$work/root program file
    mkdir -p "$root"/{boot,dev,proc,sys,run,tmp,root,etc,usr/{bin,sbin,lib,lib64}} "$root/$libraries"
    for file in bin sbin lib lib64; do
        ln -s usr/$file "$root/$file"
    done
    chmod 1777 "$root/tmp"
    chmod 700 "$root/root"

    cp /bin/busybox "$root/usr/bin/busybox"
    busybox --list-full | while read -r program; do
        program=${program#usr/}
        [ "$program" = bin/busybox ] || ln -sf /usr/bin/busybox "$root/usr/$program"
    done

    cp -P /usr/bin/tpm2 /usr/bin/tpm2_* /usr/bin/openssl "$root/usr/bin/"
    cp -L $libraries/libtss2-tcti-device.so.0 "$root/$libraries/"
    shared_libraries /usr/bin/tpm2 /usr/bin/openssl $libraries/libtss2-tcti-device.so.0 |
        while read -r file; do
            cp -L "$file" "$root/$(realpath -s "$(readlink -f "$(dirname "$file")")/${file##*/}")"
        done
    cp "$kernel" "$root/boot/vmlinuz" # for kexec
    [ ${#programs[@]} = 0 ] || cp "${programs[@]}" "$root/usr/bin/"
    cp -r "$ROOT/guest/rootfs/." "$root/"
    chmod -R u+rwX,go+rX "$root/etc" "$root/usr"
    chmod 600 "$root/etc/shadow"
    find "$root" -exec touch -hd @$SOURCE_DATE_EPOCH {} +
}

# fakeroot makes the files root's.
root_partition() {
    truncate -s ${root_mib}M "$work/rootfs"
    E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH fakeroot mke2fs -q -t ext4 -L root -U $root_id -m 0 -J size=4 \
        -E hash_seed=$root_id,lazy_itable_init=0 -d "$work/root" "$work/rootfs"
}

unified_kernel
system_partition
root_files
root_partition
disk_create "$work/disk.qcow2" $disk_id "$work/esp uefi $esp_id esp" "$work/rootfs linux $root_id root"
mv "$work/disk.qcow2" "$image"
