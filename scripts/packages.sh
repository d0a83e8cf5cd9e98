# SPDX-License-Identifier: MIT
# The packages of the host's own Debian release that building, running and testing need. To be sourced after lib.sh.
# shellcheck shell=bash disable=SC2154 # variables of lib.sh

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
TEST_PACKAGES=(chromium clang-format clang-tidy cppcheck curl gpg gpg-agent llvm mandoc mmdebstrap shellcheck spin swtpm swtpm-tools xxd)

OLDEST_DEBIAN=12
TESTED_DEBIANS="12 13"
OS_RELEASE=${OS_RELEASE:-/etc/os-release}

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
    local installed
    # dpkg-query fails when it knows nothing of one of them.
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${PACKAGES[@]}" 2>/dev/null || true)
    comm -23 <(printf '%s\n' "${PACKAGES[@]}" | sort) <(sed -n 's/^installed //p' <<<"$installed" | sort)
}

OTHER_MEANS="or install what scripts/packages.sh lists by other means, then prepare.sh --no-packages"

# check_system: that this is a system whose packages have the names and versions that are needed
check_system() {
    local ID='' VERSION_ID='' PRETTY_NAME=''
    # shellcheck source=/dev/null
    [ ! -r "$OS_RELEASE" ] || . "$OS_RELEASE"
    [ "$(uname -m)" = x86_64 ] || die "this machine is an $(uname -m): the parts are built for x86-64, and nothing else"
    if [ "$ID" != debian ]; then
        die "this is ${PRETTY_NAME:-no system that says its name in $OS_RELEASE}: the scripts are for Debian 12 and 13" \
            "use a Debian in a container or a chroot (mmdebstrap --variant=minbase --include=git,ca-certificates trixie DIR)," \
            "$OTHER_MEANS"
    elif [[ $VERSION_ID =~ ^[0-9]+$ ]] && [ "$VERSION_ID" -lt $OLDEST_DEBIAN ]; then
        die "this is $PRETTY_NAME: its libraries are too old, Debian $OLDEST_DEBIAN or newer is needed"
    elif [[ ! " $TESTED_DEBIANS " == *" $VERSION_ID "* ]]; then
        say "This is $PRETTY_NAME. The scripts are tested on Debian ${TESTED_DEBIANS// / and }: they may fail here."
    fi
}

# Installs what is missing, and nothing else.
install_packages() {
    local missing names log=$BUILD_DIR/log/apt-install.log status=0 trouble
    check_system
    names=$(missing_packages)
    [ -n "$names" ] || return 0
    mapfile -t missing <<<"$names"
    step "Installing packages: ${missing[*]}"
    as_root true
    run_beside "$BUILD_DIR/log/apt-update.log" as_root apt-get -q update
    wait_visibly "Reading the package lists" "$BUILD_DIR/log/apt-update.log" || status=$?
    if [ $status != 0 ]; then
        trouble=$(apt_trouble "$BUILD_DIR/log/apt-update.log")
        note "going on with the package lists of before: ${trouble%%$'\n'*}"
    fi
    status=0
    run_beside "$log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}"
    wait_visibly "Installing" "$log" || status=$?
    if [ $status != 0 ]; then
        tail -n 20 "$log" >&2
        [ -n "${trouble:-}" ] || trouble=$(apt_trouble "$log")
        mapfile -t trouble <<<"$trouble"
        die "packages could not be installed: ${trouble[0]}" "${trouble[@]:1}" "the whole log: $(shown "$log")"
    fi
    say "    Installing ${green}done${reset} ($waited s)"
}
