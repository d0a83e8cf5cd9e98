# SPDX-License-Identifier: MIT
# Builds everything, what is out of date: programs, the guest's kernel and image, the chip, the KBS, launch images. To be
# sourced by prepare.sh after components.sh and owner.sh.
# shellcheck shell=bash disable=SC2154 # variables of lib.sh

log_of() { echo "$BUILD_DIR/log/$1.log"; }

# hash_of FILE...: one short name for their contents
hash_of() { cat "$@" | sha256sum | cut -c 1-16; }

# The guest's kernel, $kernel. A source that it cannot be built from is not used, if there is another.
build_kernel() {
    local source folder log status
    log=$(log_of kernel)
    while :; do
        source=$CACHE_DIR/kernel-source/current
        folder=$CACHE_DIR/kernel/$(hash_of "$ROOT"/guest/{kernel.config,build-kernel.sh} "$source/version")
        kernel=$folder/bzImage
        [ ! -e "$kernel" ] || return 0
        status=0
        run_beside "$log" "$ROOT/guest/build-kernel.sh" "$source"/linux-source-*.tar.xz "$folder"
        wait_visibly "Building the guest's kernel (minutes)" "$log" || status=$?
        [ $status != 0 ] || break
        tail -n 20 "$log" >&2
        is_new kernel-source || die "failed: Building the guest's kernel" "the whole log: $(shown "$log")"
        run_logged "Fetching another version of ${TITLE[kernel-source]}" "$(log_of another-kernel-source)" \
            fall_back kernel-source "the guest's kernel cannot be built from it"
    done
    say "    Building the guest's kernel ${green}done${reset} ($waited s)"
}

# What prepare.sh builds, a path a line: all but what only unit tests, fuzzing and test guests need, which is half. Fails without
# a word where the source cannot be configured: building says it then.
programs() {
    ninja -C "$BUILD_DIR" build.ninja >"$(log_of meson)" || return 1 # what is there may be of an older source
    # shellcheck disable=SC2016 # for jq
    meson introspect --targets "$BUILD_DIR" | jq -r --arg root "$ROOT/" --arg dir "$BUILD_DIR/" '
        .[] | select(.build_by_default)
        | select((.defined_in | ltrimstr($root) | test("^tests/(unit|fuzz|emulator)/") | not) or .type == "shared library")
        | .filename[] | ltrimstr($dir)'
}

build_programs() {
    local library options wanted
    library=$(libtpms_folder)
    options=(-Dwerror=false "-Dlibtpms=$library")
    if [ ! -e "$BUILD_DIR/build.ninja" ]; then
        run_logged "Configuring" "$(log_of meson)" meson setup "$BUILD_DIR" "$ROOT" "${options[@]}"
    elif [ "$(cat "$BUILD_DIR/configured-as" 2>/dev/null)" != "${options[*]}" ]; then
        run_logged "Configuring" "$(log_of meson)" meson setup --reconfigure "$BUILD_DIR" "$ROOT" "${options[@]}"
    fi
    echo "${options[*]}" >"$BUILD_DIR/configured-as"
    mapfile -t wanted < <(programs)
    run_logged "Compiling" "$(log_of compile)" ninja -C "$BUILD_DIR" "${wanted[@]}"
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

# svsm_image_is_current IGVM_PROGRAM
svsm_image_is_current() {
    ! outdated "$IGVM_FILE" "$1" "$BUILD_DIR/svsm/svsm.elf" "$FIRMWARE" "$BUILD_DIR"/services/{attest/attest,tpm/tpm} \
        "$KBS_DIR/release-key.pem" &&
        [ "$(cat "$IGVM_FILE.banks" 2>/dev/null)" = "$PCR_BANKS" ]
}

build_launch_images() {
    local igvm=$BUILD_DIR/igvm/igvm
    if ! svsm_image_is_current "$igvm"; then
        run_logged "Building $(shown "$IGVM_FILE")" "$(log_of igvm)" build_svsm_image
        echo "$PCR_BANKS" >"$IGVM_FILE.banks"
    fi
    ! outdated "$IGVM_FILE_NO_SVSM" "$igvm" "$FIRMWARE" ||
        run_logged "Building $(shown "$IGVM_FILE_NO_SVSM")" "$(log_of igvm-no-svsm)" \
            "$igvm" build --firmware "$FIRMWARE" --output "$IGVM_FILE_NO_SVSM"
}

# The image that a VM uses is a copy, made once: what the guest stored in it is not lost to a newer build.
build_guest_image() {
    local made_of files packages programs=("$BUILD_DIR"/{bench/tpm-latency,guest/kexec})
    mapfile -t files <<<"$(find "$ROOT/guest/rootfs" -type f | sort)"
    # libssl3 is libssl3t64 since Debian 13.
    packages=$(dpkg-query -W busybox-static libc6 'libssl3*' 'libtss2-*' openssl systemd-boot-efi tpm2-tools)
    made_of=$(hash_of "$kernel" "${programs[@]}" "$ROOT"/{guest/build-image,scripts/unified-kernel,scripts/disk-image}.sh "${files[@]}" <<<"$packages" -)
    if [ "$(cat "$PRISTINE_IMAGE.made-of" 2>/dev/null)" != "$made_of" ] || [ ! -e "$PRISTINE_IMAGE" ]; then
        run_logged "Building the guest's image" "$(log_of image)" \
            "$ROOT/guest/build-image.sh" "$kernel" "$PRISTINE_IMAGE" "${programs[@]}"
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

build_all() {
    build_programs
    build_kernel
    build_guest_image
    make_chip
    [ -e "$KBS_DIR" ] || run_logged "Making the KBS" "$(log_of kbs)" make_kbs
    refresh_release_key
    build_launch_images
}
