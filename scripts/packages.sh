# SPDX-License-Identifier: MIT
# The packages of the host's own Debian release that building, running and testing need. To be sourced after lib.sh.
# shellcheck shell=bash

PACKAGES=(
    # building
    gcc clang libc6-dev meson ninja-build make pkg-config
    libssl-dev libtpms-dev libjansson-dev libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libconfig-dev
    libsqlite3-dev libpq-dev libjose-dev libcmocka-dev libclang-rt-dev
    # the guest's kernel
    flex bison bc libelf-dev lz4 xz-utils
    # the guest's image
    binutils busybox-static dosfstools e2fsprogs fakeroot fdisk mtools openssl qemu-utils systemd-boot-efi tpm2-tools
    # scripts
    jq
)

# What ./test.sh needs besides; llvm names functions in what clang's sanitizers report
# shellcheck disable=SC2034 # for those who source this
TEST_PACKAGES=(chromium clang-format clang-tidy cppcheck curl llvm mandoc shellcheck swtpm swtpm-tools xxd)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root, and there is no sudo" "as root: $*"
    fi
}

missing_packages() {
    comm -23 <(printf '%s\n' "${PACKAGES[@]}" | sort) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${PACKAGES[@]}" 2>/dev/null |
            sed -n 's/^installed //p' | sort)
}

# Installs what is missing, and nothing else.
install_packages() {
    command -v apt-get >/dev/null || die "there is no apt-get here: the scripts are for Debian 12" \
        "install what scripts/packages.sh lists by other means, then prepare.sh --no-packages"
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} != 0 ] || return 0
    step "Installing packages: ${missing[*]}"
    as_root true
    run_logged "Reading the package lists" "$BUILD_DIR/log/apt-update.log" as_root apt-get -q update
    run_logged "Installing" "$BUILD_DIR/log/apt-install.log" \
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"
}
