#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the packages that are missing, fetches QEMU, firmware and the kernel's source, and builds everything.
# When nothing changed it takes seconds.
#
# usage: ./prepare.sh [--clean] [--refresh] [--fetch-only] [--no-packages] [--for-tests]
#
#   --clean          remove build/ first; the state in state/ stays, and so does what was fetched
#   --refresh        look for newer versions of what is fetched from other Debian suites
#   --fetch-only     install the packages, fetch the rest, and stop
#   --no-packages    do not look for missing packages
#   --for-tests      install what ./test.sh needs, too
#   -h, --help       this text
#
# What is fetched, and the guest's kernel, go to ~/.cache/snp-vtpm (XDG_CACHE_HOME is obeyed). The system's own
# packages stay as they are, but for the missing ones of its own release, which need root or sudo.
#
# Exit status: 0 done, 1 something failed (the message says what), 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/packages.sh"
. "$ROOT/scripts/debian-suites.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/owner.sh"

load_config
clean=no refresh=no with_packages=yes fetch_only=no for_tests=no
while [ $# != 0 ]; do
    case $1 in
        --clean) clean=yes ;;
        --refresh) refresh=yes ;;
        --fetch-only) fetch_only=yes ;;
        --no-packages) with_packages=no ;;
        --for-tests) for_tests=yes PACKAGES+=("${TEST_PACKAGES[@]}") ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

log_of() { echo "$BUILD_DIR/log/$1.log"; }

# wanted FILE: whether it is to be fetched
wanted() { [ $refresh = yes ] || [ ! -e "$CACHE_DIR/$1" ]; }

fetch_all() {
    if [ $refresh = yes ] || ! find_qemu >/dev/null; then
        run_logged "Fetching QEMU" "$(log_of qemu)" fetch_qemu
    fi
    ! wanted ovmf/current || run_logged "Fetching the firmware" "$(log_of firmware)" fetch_firmware
    ! wanted kernel-source/current || run_logged "Fetching the kernel's source" "$(log_of kernel-source)" fetch_kernel_source
    if [ $for_tests = yes ] && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && wanted postgresql/current; then
        run_logged "Fetching PostgreSQL" "$(log_of postgresql)" fetch_postgresql
    fi
    find_qemu >/dev/null || die "$(qemu_problem)" "unset QEMU in vm.conf to use the one that was fetched"
}

# hash_of FILE...: one short name for their contents
hash_of() { cat "$@" | sha256sum | cut -c 1-16; }

build_kernel() {
    local source=$CACHE_DIR/kernel-source/current folder
    folder=$CACHE_DIR/kernel/$(hash_of "$ROOT"/guest/{kernel.config,build-kernel.sh} "$source/version")
    kernel=$folder/bzImage
    [ -e "$kernel" ] || run_logged "Building the guest's kernel (minutes)" "$(log_of kernel)" \
        "$ROOT/guest/build-kernel.sh" "$source"/linux-source-*.tar.xz "$folder"
}

build_programs() {
    [ -e "$BUILD_DIR/build.ninja" ] ||
        run_logged "Configuring" "$(log_of meson)" meson setup "$BUILD_DIR" "$ROOT"
    run_logged "Compiling" "$(log_of compile)" ninja -C "$BUILD_DIR"
    install_firmware
}

install_firmware() {
    cmp -s "$CACHE_DIR/ovmf/current/OVMF.fd" "$FIRMWARE" || cp "$CACHE_DIR/ovmf/current/OVMF.fd" "$FIRMWARE"
}

# outdated FILE SOURCE...: whether FILE has to be made
outdated() {
    local file=$1 source
    shift
    for source; do
        [ "$file" -nt "$source" ] || return 0
    done
    return 1
}

build_launch_images() {
    local igvm=$BUILD_DIR/igvm/igvm svsm=$BUILD_DIR/svsm/svsm.elf services=$BUILD_DIR/services
    ! outdated "$IGVM_FILE" "$igvm" "$svsm" "$FIRMWARE" "$services"/{attest/attest,tpm/tpm} "$KBS_DIR/release-key.pem" ||
        run_logged "Building $(shown "$IGVM_FILE")" "$(log_of igvm)" build_svsm_image
    ! outdated "$IGVM_FILE_NO_SVSM" "$igvm" "$FIRMWARE" ||
        run_logged "Building $(shown "$IGVM_FILE_NO_SVSM")" "$(log_of igvm-no-svsm)" \
            "$igvm" build --firmware "$FIRMWARE" --output "$IGVM_FILE_NO_SVSM"
}

# The image that a VM uses is a copy, made once: what the guest stored in it is not lost to a newer build.
build_guest_image() {
    local made_of files packages latency=$BUILD_DIR/bench/tpm-latency
    mapfile -t files <<<"$(find "$ROOT/guest/rootfs" -type f | sort)"
    # libssl3 is libssl3t64 since Debian 13.
    packages=$(dpkg-query -W busybox-static libc6 'libssl3*' 'libtss2-*' openssl systemd-boot-efi tpm2-tools)
    made_of=$(hash_of "$kernel" "$latency" "$ROOT"/{guest/build-image,scripts/unified-kernel}.sh "${files[@]}" <<<"$packages" -)
    if [ "$(cat "$PRISTINE_IMAGE.made-of" 2>/dev/null)" != "$made_of" ] || [ ! -e "$PRISTINE_IMAGE" ]; then
        run_logged "Building the guest's image" "$(log_of image)" \
            "$ROOT/guest/build-image.sh" "$kernel" "$PRISTINE_IMAGE" "$latency"
        echo "$made_of" >"$PRISTINE_IMAGE.made-of"
    fi
    if [ ! -e "$GUEST_IMAGE" ]; then
        cp "$PRISTINE_IMAGE" "$GUEST_IMAGE.new"
        mv "$GUEST_IMAGE.new" "$GUEST_IMAGE"
        echo "$made_of" >"$GUEST_IMAGE.made-of"
    elif [ "$(cat "$GUEST_IMAGE.made-of" 2>/dev/null)" != "$made_of" ]; then
        say "    $(shown "$GUEST_IMAGE") was kept, with what its guest stored, though $(shown "$PRISTINE_IMAGE") is newer:"
        say "    remove it and run prepare.sh again to have the new one"
    fi
}

make_chip() {
    [ -e "$CHIP_DIR/ark.pem" ] || run_logged "Making the emulated chip's identity" "$(log_of chip)" \
        "$BUILD_DIR/emulator/amd-sp/amd-sp" --chip "$CHIP_DIR" --init-chip
}

say_versions() {
    say "QEMU      $("$(find_qemu)" --version | sed -n '1s/^QEMU emulator version //p')"
    say "firmware  ovmf-generic $(cat "$CACHE_DIR/ovmf/current/version")"
    say "kernel    linux-source $(cat "$CACHE_DIR/kernel-source/current/version")"
}

[ $with_packages = no ] || install_packages
mkdir -p "$CACHE_DIR"
exec 9>"$CACHE_DIR/lock"
flock -n 9 || {
    say "Waiting for another prepare.sh to end."
    flock 9
}
if [ $clean = yes ] && [ -e "$BUILD_DIR" ]; then
    [ -e "$BUILD_DIR/build.ninja" ] || [ -e "$BUILD_DIR/log" ] ||
        die "$(shown "$BUILD_DIR") is no build folder, so it is not removed" "correct BUILD_DIR in vm.conf"
    rm -rf "$BUILD_DIR"
fi
mkdir -p "$BUILD_DIR" "$STATE_DIR"
chmod 700 "$STATE_DIR"

step "Fetching"
fetch_all
[ $fetch_only = no ] || exit 0
step "Building"
build_programs
build_kernel
build_guest_image
make_chip
[ -e "$KBS_DIR" ] || run_logged "Making the KBS" "$(log_of kbs)" make_kbs
refresh_release_key
build_launch_images
step "Ready"
say_versions
